"""Engines: a component to its posterior; one file each."""
