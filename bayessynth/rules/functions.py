"""The closed set of functions and operators of derived columns."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

# Every operator that an expression may use, by the name of its node in Python's syntax tree.
OPERATORS: dict[str, Callable[..., np.ndarray]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mult": np.multiply,
    "Div": np.divide,
    "FloorDiv": np.floor_divide,
    "Mod": np.mod,
    "Pow": np.float_power,
    "USub": np.negative,
    "UAdd": np.positive,
}

# Functions of numbers, with how many arguments they take.
FUNCTIONS: dict[str, tuple[Callable[..., np.ndarray], int]] = {
    "abs": (np.abs, 1),
    "ceil": (np.ceil, 1),
    "exp": (np.exp, 1),
    "floor": (np.floor, 1),
    "log": (np.log, 1),
    "log10": (np.log10, 1),
    "log1p": (np.log1p, 1),
    "log2": (np.log2, 1),
    "max": (np.maximum, 2),
    "min": (np.minimum, 2),
    "round": (np.round, 1),
    "sqrt": (np.sqrt, 1),
}

# Functions of times without a zone, as their clocks show them; missing times are left to the caller.
CLOCKS: dict[str, Callable[[pd.Series], pd.Series]] = {
    "day": lambda times: times.dt.day,
    "days": lambda times: (times.dt.normalize() - pd.Timestamp("1970-01-01")).dt.days,
    "hour": lambda times: times.dt.hour,
    "month": lambda times: times.dt.month,
    "weekday": lambda times: times.dt.day_of_week,
    "year": lambda times: times.dt.year,
}
