"""Engines: a component to its posterior."""

from bayessynth.fitting.engines.nuts import Settings, sample

__all__ = ["Settings", "sample"]
