"""The version, read by the build and written into what is saved."""

__version__ = "0.1.0"
