"""Synthetic tables from hierarchical Bayesian models.

The public names load when they are first used, so ``import bayessynth`` stays quick.

Examples
--------
>>> import bayessynth as bs
>>> df = bs.datasets.load("rand_hie")
>>> len(df)
3459
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from bayessynth._version import __version__ as __version__

if TYPE_CHECKING:
    from bayessynth import datasets
    from bayessynth.database import Database, FittedDatabase, Key, SyntheticDatabase, load
    from bayessynth.evaluation import Calibration, Evaluation, Measure, calibrate, evaluate
    from bayessynth.families import Prior
    from bayessynth.fitting import Fitted, from_pymc
    from bayessynth.inference import Comparison, Pooled, compare, pool
    from bayessynth.privacy import DP, Bounds, Domain, Ledger, Levels, Released, Unit
    from bayessynth.report import plot_fit
    from bayessynth.rules import (
        Aggregate,
        Combinations,
        Derived,
        Ends,
        Floor,
        Inequality,
        Numbered,
        Ordered,
        Range,
        Recode,
        Running,
        Skip,
        Unique,
    )
    from bayessynth.schema import (
        Binary,
        Categorical,
        Constant,
        Continuous,
        Count,
        Datetime,
        Group,
        Identifier,
        Ordinal,
        Positive,
        Proportion,
        Schema,
    )
    from bayessynth.spec import Equation, Spec, Survival
    from bayessynth.suffstats import SufficientStatistics
    from bayessynth.synthesis import SyntheticData, synthesize
    from bayessynth.trees import TreeSettings


__all__ = [
    "DP",
    "Aggregate",
    "Binary",
    "Bounds",
    "Calibration",
    "Categorical",
    "Combinations",
    "Comparison",
    "Constant",
    "Continuous",
    "Count",
    "Database",
    "Datetime",
    "Derived",
    "Domain",
    "Ends",
    "Equation",
    "Evaluation",
    "Fitted",
    "FittedDatabase",
    "Floor",
    "Group",
    "Identifier",
    "Inequality",
    "Key",
    "Ledger",
    "Levels",
    "Measure",
    "Numbered",
    "Ordered",
    "Ordinal",
    "Pooled",
    "Positive",
    "Prior",
    "Proportion",
    "Range",
    "Recode",
    "Released",
    "Running",
    "Schema",
    "Skip",
    "Spec",
    "SufficientStatistics",
    "Survival",
    "SyntheticData",
    "SyntheticDatabase",
    "TreeSettings",
    "Unique",
    "Unit",
    "calibrate",
    "compare",
    "datasets",
    "evaluate",
    "from_pymc",
    "load",
    "plot_fit",
    "pool",
    "synthesize",
]

_ROOMS = {
    "database": ("Database", "FittedDatabase", "Key", "SyntheticDatabase", "load"),
    "datasets": ("datasets",),
    "evaluation": ("Calibration", "Evaluation", "Measure", "calibrate", "evaluate"),
    "families": ("Prior",),
    "fitting": ("Fitted", "from_pymc"),
    "inference": ("Comparison", "Pooled", "compare", "pool"),
    "privacy": ("DP", "Bounds", "Domain", "Ledger", "Levels", "Released", "Unit"),
    "report": ("plot_fit",),
    "rules": (
        "Aggregate",
        "Combinations",
        "Derived",
        "Ends",
        "Floor",
        "Inequality",
        "Numbered",
        "Ordered",
        "Range",
        "Recode",
        "Running",
        "Skip",
        "Unique",
    ),
    "schema": (
        "Binary",
        "Categorical",
        "Constant",
        "Continuous",
        "Count",
        "Datetime",
        "Group",
        "Identifier",
        "Ordinal",
        "Positive",
        "Proportion",
        "Schema",
    ),
    "spec": ("Equation", "Spec", "Survival"),
    "suffstats": ("SufficientStatistics",),
    "synthesis": ("SyntheticData", "synthesize"),
    "trees": ("TreeSettings",),
}
_ROOM_OF = {name: room for room, public in _ROOMS.items() for name in public}


def __getattr__(name: str) -> Any:
    room = _ROOM_OF.get(name)
    if room is None:
        hint = ""
        if not name.startswith("_"):
            from bayessynth.errors import suggest

            hint = suggest(name, __all__)
        raise AttributeError(f"module 'bayessynth' has no attribute {name!r}.{hint}")
    module = import_module(f"bayessynth.{room}")
    value = module if name == room else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
