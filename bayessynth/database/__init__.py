"""Several tables tied by keys: found, fitted from the roots down, drawn with their keys intact."""

from bayessynth.database.check import OrphanWarning
from bayessynth.database.copies import SyntheticDatabase
from bayessynth.database.database import Database
from bayessynth.database.fitted import FittedDatabase
from bayessynth.database.key import Key
from bayessynth.database.storage import load

__all__ = ["Database", "FittedDatabase", "Key", "OrphanWarning", "SyntheticDatabase", "load"]
