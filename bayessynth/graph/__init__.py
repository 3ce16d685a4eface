"""Components as PyMC models; what a component means is what its graph says."""

from bayessynth.graph.build import build
from bayessynth.graph.joint import build_joint

__all__ = ["build", "build_joint"]
