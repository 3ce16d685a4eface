"""Measures of how tables hang together, one a file; a new file registers itself."""
