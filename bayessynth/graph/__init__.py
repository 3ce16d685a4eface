"""Components as PyMC models; what a component means is what its graph says."""

from bayessynth.graph.build import build

__all__ = ["build"]
