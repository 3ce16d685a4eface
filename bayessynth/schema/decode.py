"""Encoded columns back to a frame, in the original's dtypes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.schema.column import CODES, Column

_TICKS = {"D": 86_400_000_000, "h": 3_600_000_000, "min": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}


def decode(values: np.ndarray, column: Column, labels: Sequence[Any] | None = None) -> Any:
    """Decode one column to an array that a frame takes as it is.

    Parameters
    ----------
    values : ndarray
        Floats (NaN: missing) or codes (-1: missing).
    column : Column
    labels : sequence, optional
        Values behind the codes of a group column.
    """
    if column.kind in CODES:
        return _levels(np.asarray(values), column, list(column.levels if labels is None else labels))
    if column.kind == "constant":
        missing = np.isnan(np.asarray(values, dtype=float))
        return _levels(np.where(missing, -1, 0), column, [column.value])
    numbers = np.asarray(values)
    if column.kind == "datetime":
        return _times(numbers, column)
    if column.kind == "identifier" and not pd.api.types.is_numeric_dtype(pd.api.types.pandas_dtype(column.dtype)):
        return pd.array([f"{column.name}_{number:.0f}" for number in numbers], dtype=column.dtype)
    return _numbers(numbers, column)


def released(values: np.ndarray, column: Column) -> np.ndarray:
    """Round numbers to the decimals that their column has, staying inside the kind.

    A positive number stays above zero, and a proportion strictly between zero and one: where rounding would leave
    the kind, the nearest number with these decimals inside it is taken.

    >>> released(np.array([0.004, 0.126]), Column("x", "positive", "float64", decimals=2))
    array([0.01, 0.13])
    """
    if column.decimals is None or values.dtype.kind != "f":
        return values
    rounded: np.ndarray = np.round(values, column.decimals)
    grain = 10.0**-column.decimals
    if column.kind == "proportion" or (column.kind == "positive" and not column.zeros):
        rounded = np.where((rounded == 0) & (values > 0), grain, rounded)
    if column.kind == "proportion" and column.decimals > 0:
        rounded = np.where((rounded == 1) & (values < 1), np.round(1 - grain, column.decimals), rounded)
    return rounded


def _numbers(values: np.ndarray, column: Column) -> Any:
    dtype = pd.api.types.pandas_dtype(column.dtype)
    values = released(values, column)
    if not pd.api.types.is_integer_dtype(dtype):
        return values.astype(dtype) if isinstance(dtype, np.dtype) else pd.array(values.astype(float), dtype=dtype)
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=bool)
    numpy_dtype = np.dtype(getattr(dtype, "numpy_dtype", dtype))
    limits = np.iinfo(numpy_dtype)
    if missing.any():
        values = np.where(missing, 0, values)
    # A heavy tail may leave a small integer's range; it is held at the end of what the dtype can say.
    # The largest 64-bit integer is no float: the one below it is the end there.
    highest = float(limits.max) if numpy_dtype.itemsize < 8 else np.nextafter(float(limits.max), 0)
    whole = np.clip(values, float(limits.min), highest).astype(numpy_dtype)
    if isinstance(dtype, pd.api.extensions.ExtensionDtype):
        return pd.arrays.IntegerArray(whole, missing).astype(dtype, copy=False)
    return whole if not missing.any() else pd.arrays.IntegerArray(whole, missing)


def _times(days: np.ndarray, column: Column) -> Any:
    tick = _TICKS[column.unit or "us"]
    missing = np.isnan(days)
    steps = np.round(np.where(missing, 0.0, days) * (86_400_000_000 / tick)).astype(np.int64)
    stamps = (steps * tick).astype("datetime64[us]")
    stamps[missing] = np.datetime64("NaT", "us")
    dtype = pd.api.types.pandas_dtype(column.dtype)
    if isinstance(dtype, pd.DatetimeTZDtype):
        # Wall-clock times that a change of clocks leaves out or repeats are moved on or read as the first.
        local = pd.Series(stamps).dt.tz_localize(
            dtype.tz, nonexistent="shift_forward", ambiguous=np.ones(len(stamps), bool)
        )
        return local.astype(dtype).array
    return stamps.astype(dtype) if isinstance(dtype, np.dtype) else pd.array(stamps).astype(dtype)


def _levels(codes: np.ndarray, column: Column, levels: list[Any]) -> Any:
    dtype = pd.api.types.pandas_dtype(column.dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        known = None if column.kind == "group" else column.categories
        return pd.Categorical.from_codes(codes, categories=pd.Index(levels, dtype=known), ordered=column.ordered)
    missing = codes < 0
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        table = np.asarray(levels, dtype=object if _beyond(levels, dtype) else dtype)
        taken = table[np.where(missing, 0, codes)]
        if not missing.any():
            return taken
        if dtype.kind == "f":
            taken[missing] = np.nan
            return taken
        cells = taken.astype(object)
        cells[missing] = None
        return pd.array(cells)
    if dtype == np.dtype(object):
        # As a series, because a frame would make text of an array of objects that are text.
        table = np.asarray([*levels, None], dtype=object)
        return pd.Series(table[codes], dtype=object, copy=False)
    values = pd.array(levels, dtype=dtype)
    return pd.api.extensions.take(values, codes, allow_fill=True) if missing.any() else values.take(codes)


def _beyond(levels: list[Any], dtype: np.dtype) -> bool:
    """Tell whether new integer labels do not fit a small dtype."""
    return dtype.kind in "iu" and bool(levels) and isinstance(levels[0], int) and max(levels) > np.iinfo(dtype).max
