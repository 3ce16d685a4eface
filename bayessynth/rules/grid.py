"""The values that a column can be released with, and the ones next to them.

A rule limits encoded values before they are rounded. Its limits lie on the grid of the released values, so
that rounding to the nearest of them never leads outside.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from bayessynth.schema import Column
from bayessynth.schema.column import CODES, TICKS
from bayessynth.schema.decode import limits, released
from bayessynth.schema.detect import EXACT
from bayessynth.schema.dtypes import dtype_named
from bayessynth.schema.times import stamps


def decimals(column: Column) -> int | None:
    """Return the decimals that a column of numbers is released with, or None for as many as its dtype holds.

    >>> decimals(Column("visits", "count", "Int64")), decimals(Column("x", "continuous", "float64"))
    (0, None)
    """
    if column.kind == "count" or (column.decimals is None and _dtype(column).kind in "iub"):
        return 0
    return column.decimals


def half_step(column: Column) -> float:
    """Return half of the step between numbers that a column is released with; 0 for as many decimals as there are.

    >>> half_step(Column("x", "continuous", "float64", decimals=1))
    0.05
    """
    if column.kind == "datetime":
        return 0.5 * TICKS[column.unit or "us"] / TICKS["D"]
    digits = 0 if column.kind in CODES else decimals(column)
    return 0.0 if digits is None else 0.5 * 10.0**-digits


def nearest(values: np.ndarray, column: Column) -> np.ndarray:
    """Return encoded numbers as they are after release: on the column's grid.

    >>> nearest(np.array([0.126]), Column("x", "continuous", "float64", decimals=2))
    array([0.13])
    """
    if column.kind == "datetime":
        missing = ~np.isfinite(values)
        times = pd.Series(stamps(np.where(missing, 0.0, values), column))
        utc = times if times.dt.tz is None else times.dt.tz_convert("UTC").dt.tz_localize(None)
        days = utc.to_numpy().astype("datetime64[us]").astype(np.int64) / TICKS["D"]
        return np.where(missing, values, days)
    digits, dtype = decimals(column), _dtype(column)
    rounded = values if digits is None else released(np.round(values, digits), column)
    return rounded.astype(dtype).astype(float) if dtype.kind == "f" and dtype.itemsize < 8 else rounded


def above(values: np.ndarray, column: Column) -> np.ndarray:
    """Return the next larger number on the column's grid, of numbers that stand on it.

    >>> above(np.array([0.13]), Column("x", "continuous", "float64", decimals=2))
    array([0.14])
    """
    return _step(values, column, 1)


def below(values: np.ndarray, column: Column) -> np.ndarray:
    """Return the next smaller number on the column's grid, of numbers that stand on it.

    >>> below(np.array([3.0]), Column("visits", "count", "int64"))
    array([2.])
    """
    return _step(values, column, -1)


def at_least(values: np.ndarray, column: Column, strict: bool = False) -> np.ndarray:
    """Return the smallest number on the grid that is at least (strictly: greater than) each value.

    NaN and infinite values stay.

    Examples
    --------
    >>> column = Column("x", "continuous", "float64", decimals=1)
    >>> at_least(np.array([0.24, 0.3]), column), at_least(np.array([0.24, 0.3]), column, strict=True)
    (array([0.3, 0.3]), array([0.3, 0.4]))
    """
    grid = nearest(values, column)
    short = (grid <= values) if strict else (grid < values)
    short &= np.isfinite(values)
    return np.where(short, above(grid, column), grid) if short.any() else grid


def at_most(values: np.ndarray, column: Column, strict: bool = False) -> np.ndarray:
    """Return the greatest number on the grid that is at most (strictly: less than) each value.

    >>> at_most(np.array([2.5, 3.0]), Column("visits", "count", "int64"), strict=True)
    array([2., 2.])
    """
    grid = nearest(values, column)
    beyond = (grid >= values) if strict else (grid > values)
    beyond &= np.isfinite(values)
    return np.where(beyond, below(grid, column), grid) if beyond.any() else grid


def natural(column: Column) -> tuple[float, float]:
    """Return the least and the greatest number that a column's kind, dtype and declared bounds admit.

    Ends beyond the years that calendars know, or so far away that floats are no longer exact, count as infinite.

    Examples
    --------
    >>> natural(Column("p", "proportion", "float64", decimals=2))
    (0.01, 0.99)
    """
    low, high = (-math.inf, math.inf) if column.kind == "datetime" else limits(column.unwritten)
    low, high = (low if low > -EXACT else -math.inf), (high if high < EXACT else math.inf)
    grain = 0.0 if column.kind == "datetime" else float(above(np.zeros(1), column)[0])
    if column.kind == "count" or (column.kind == "positive" and column.zeros):
        low = max(low, 0.0)
    if column.kind == "proportion" or (column.kind == "positive" and not column.zeros):
        low = max(low, grain)
    if column.kind == "proportion":
        high = min(high, float(below(np.ones(1), column)[0]))
    if column.declared and column.bounds is not None:
        ends = np.array(column.bounds, dtype=float)
        low = max(low, float(at_least(ends[:1], column)[0]))
        high = min(high, float(at_most(ends[1:], column)[0]))
    return low, high


def _step(values: np.ndarray, column: Column, sign: int) -> np.ndarray:
    if column.kind == "datetime":
        return nearest(values + sign * TICKS[column.unit or "us"] / TICKS["D"], column)
    digits = decimals(column)
    if digits is not None:
        return nearest(values + sign * 10.0**-digits, column)
    dtype = _dtype(column) if _dtype(column).kind == "f" else np.dtype(float)
    return np.nextafter(values.astype(dtype), dtype.type(sign * math.inf)).astype(float)


def _dtype(column: Column) -> np.dtype:
    """Return the NumPy dtype that holds a column's numbers."""
    plain = column.unwritten
    objects = plain.dtype == "object" and plain.categories is not None
    dtype = dtype_named(plain.categories if objects and plain.categories else plain.dtype)
    dtype = getattr(dtype, "numpy_dtype", dtype)
    return dtype if isinstance(dtype, np.dtype) and dtype.kind in "biuf" else np.dtype(float)
