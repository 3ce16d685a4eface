"""Detection of rules that a table obeys on every row."""

from bayessynth.rules.detection.detect import detect
from bayessynth.rules.detection.finding import Finding

__all__ = ["Finding", "detect"]
