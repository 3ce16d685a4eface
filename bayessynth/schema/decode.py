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
    return _numbers(numbers, column)


def _numbers(values: np.ndarray, column: Column) -> Any:
    dtype = pd.api.types.pandas_dtype(column.dtype)
    if column.decimals is not None and values.dtype.kind == "f":
        values = np.round(values, column.decimals)
    if not pd.api.types.is_integer_dtype(dtype):
        plain = values.astype(float)
        return plain if dtype == np.dtype(float) else pd.array(plain, dtype=dtype)
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=bool)
    numpy_dtype = np.dtype(str(dtype).lower()) if isinstance(dtype, pd.api.extensions.ExtensionDtype) else dtype
    limits = np.iinfo(numpy_dtype)
    if missing.any():
        values = np.where(missing, 0, values)
    # A heavy tail may leave a small integer's range; it is held at the end of what the dtype can say.
    whole = np.clip(values, float(limits.min), np.nextafter(float(limits.max), 0)).astype(numpy_dtype)
    if isinstance(dtype, pd.api.extensions.ExtensionDtype):
        return pd.arrays.IntegerArray(whole, missing)
    return whole if not missing.any() else pd.arrays.IntegerArray(whole, missing)


def _times(days: np.ndarray, column: Column) -> Any:
    tick = _TICKS[column.unit or "us"]
    missing = np.isnan(days)
    steps = np.round(np.where(missing, 0.0, days) * (86_400_000_000 / tick)).astype(np.int64)
    stamps = (steps * tick).astype("datetime64[us]")
    stamps[missing] = np.datetime64("NaT")
    dtype = pd.api.types.pandas_dtype(column.dtype)
    if isinstance(dtype, pd.DatetimeTZDtype):
        # Wall-clock times that a change of clocks leaves out or repeats are moved on or read as the first.
        local = pd.Series(stamps).dt.tz_localize(
            dtype.tz, nonexistent="shift_forward", ambiguous=np.ones(len(stamps), bool)
        )
        return local.astype(dtype).array
    return stamps.astype(dtype)


def _levels(codes: np.ndarray, column: Column, levels: list[Any]) -> Any:
    dtype = pd.api.types.pandas_dtype(column.dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        return pd.Categorical.from_codes(codes, categories=levels, ordered=column.ordered)
    missing = codes < 0
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        table = np.asarray(levels, dtype=object if _beyond(levels, dtype) else dtype)
        taken = table[np.where(missing, 0, codes)]
        return taken if not missing.any() else pd.array(np.where(missing, None, taken.astype(object)))
    values = pd.array(levels, dtype=dtype) if dtype != np.dtype(object) else np.asarray(levels, dtype=object)
    if missing.any():
        return pd.api.extensions.take(values, codes, allow_fill=True)
    return values.take(codes)


def _beyond(levels: list[Any], dtype: np.dtype) -> bool:
    """Tell whether new integer labels do not fit a small dtype."""
    return dtype.kind in "iu" and bool(levels) and isinstance(levels[0], int) and max(levels) > np.iinfo(dtype).max
