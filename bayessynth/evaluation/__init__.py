"""What copies are worth: posterior checks, utility, disclosure, each measure beside its reference.

One file a measure, in ``utility/``, ``disclosure/`` and ``checks/``; a new file registers itself.
"""

from bayessynth.evaluation import checks, disclosure, utility
from bayessynth.evaluation.calibration import Calibration, calibrate
from bayessynth.evaluation.evaluation import Evaluation
from bayessynth.evaluation.judge import evaluate
from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import load

__all__ = ["Calibration", "Evaluation", "Measure", "calibrate", "evaluate"]

for _room in (checks, utility, disclosure):
    load(_room)
