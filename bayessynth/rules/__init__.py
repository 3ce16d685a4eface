"""Rules: what holds on every row of every copy, by the way in which the rows are drawn; one file a rule.

To add one, add a file with a class that :func:`register` takes up; it is found by itself.

>>> get("range")("age", 0, 110)
Range('age', 0, 110)
"""

import importlib
import pkgutil

from bayessynth.rules.aggregate import Aggregate
from bayessynth.rules.close import after, checked, closed, determined
from bayessynth.rules.combinations import Combinations
from bayessynth.rules.constant import Constant
from bayessynth.rules.derived import Derived
from bayessynth.rules.detection import Finding, detect
from bayessynth.rules.ends import Ends
from bayessynth.rules.floor import Floor
from bayessynth.rules.inequality import Inequality
from bayessynth.rules.narrow import Narrowed, narrowed
from bayessynth.rules.numbered import Numbered
from bayessynth.rules.ordered import Ordered
from bayessynth.rules.range import Range
from bayessynth.rules.recode import Recode
from bayessynth.rules.registry import from_json, get, names, register
from bayessynth.rules.rule import Rule
from bayessynth.rules.running import Running
from bayessynth.rules.skip import Skip
from bayessynth.rules.unique import Unique

__all__ = [
    "Aggregate",
    "Combinations",
    "Constant",
    "Derived",
    "Ends",
    "Finding",
    "Floor",
    "Inequality",
    "Narrowed",
    "Numbered",
    "Ordered",
    "Range",
    "Recode",
    "Rule",
    "Running",
    "Skip",
    "Unique",
    "after",
    "checked",
    "closed",
    "detect",
    "determined",
    "from_json",
    "get",
    "names",
    "narrowed",
    "register",
]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
