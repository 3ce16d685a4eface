"""What copies are good for: one file a measure."""
