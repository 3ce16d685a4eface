"""A component to its posterior: engines, the fit, diagnosis, storage."""

from bayessynth.fitting.diagnose import Diagnosis
from bayessynth.fitting.fit import fit, read, to_pymc
from bayessynth.fitting.fitted import Fitted
from bayessynth.fitting.storage import load

__all__ = ["Diagnosis", "Fitted", "fit", "load", "read", "to_pymc"]
