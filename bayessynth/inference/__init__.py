"""Valid inference from copies: combining rules, pooled analyses, comparison with the original's estimate."""

import importlib
import pkgutil

from bayessynth.inference import analyses
from bayessynth.inference.combining import RULES, Rule
from bayessynth.inference.comparison import Comparison, compare
from bayessynth.inference.estimate import Estimate
from bayessynth.inference.pooled import Pooled
from bayessynth.inference.pooling import pool
from bayessynth.inference.registry import Analysis, names, register

__all__ = [
    "RULES",
    "Analysis",
    "Comparison",
    "Estimate",
    "Pooled",
    "Rule",
    "compare",
    "names",
    "pool",
    "register",
]

for _module in pkgutil.iter_modules(analyses.__path__):
    importlib.import_module(f"{analyses.__name__}.{_module.name}")
