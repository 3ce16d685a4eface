"""Detection of rules that a table obeys on every row."""

from bayessynth.rules.detection.detect import detect
from bayessynth.rules.detection.finding import Finding
from bayessynth.rules.detection.running import running_sum
from bayessynth.rules.detection.table import Table, prepare

__all__ = ["Finding", "Table", "detect", "prepare", "running_sum"]
