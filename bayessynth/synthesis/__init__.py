"""Draws to rows: proper copies, new groups, given columns, the prior predictive."""

from bayessynth.synthesis.data import SyntheticData
from bayessynth.synthesis.forward import synthesize_pymc
from bayessynth.synthesis.synthesize import synthesize, synthesize_prior

__all__ = ["SyntheticData", "synthesize", "synthesize_prior", "synthesize_pymc"]
