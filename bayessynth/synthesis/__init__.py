"""Draws to rows: proper copies, new groups, given columns, the prior predictive."""

from bayessynth.synthesis.automatic import synthesize
from bayessynth.synthesis.data import SyntheticData
from bayessynth.synthesis.forward import synthesize_pymc
from bayessynth.synthesis.from_fit import synthesize_fit, synthesize_prior

__all__ = ["SyntheticData", "synthesize", "synthesize_fit", "synthesize_prior", "synthesize_pymc"]
