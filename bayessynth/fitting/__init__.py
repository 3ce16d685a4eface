"""A component to its posterior: engines, the fit, diagnosis, storage."""

from bayessynth.fitting.diagnose import Diagnosis
from bayessynth.fitting.fit import fit, read, to_pymc
from bayessynth.fitting.fitted import Fitted
from bayessynth.fitting.pymc_fitted import FittedPyMC
from bayessynth.fitting.pymc_model import PyMCSpec, from_pymc
from bayessynth.fitting.storage import load

__all__ = ["Diagnosis", "Fitted", "FittedPyMC", "PyMCSpec", "fit", "from_pymc", "load", "read", "to_pymc"]
