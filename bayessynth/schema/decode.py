"""Encoded columns back to a frame, in the original's dtypes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import PrecisionWarning, SchemaError, warn
from bayessynth.errors import where as where_rows
from bayessynth.schema.column import CODES, TICKS, Column
from bayessynth.schema.dtypes import dtype_named
from bayessynth.schema.times import stamps

_GAPS = {None: None, "None": None, "nan": np.nan, "NA": pd.NA, "NaT": pd.NaT}


def decode(values: np.ndarray, column: Column, labels: Sequence[Any] | None = None) -> Any:
    """Decode one column to an array that a frame takes as it is.

    Parameters
    ----------
    values : ndarray
        Floats (NaN: missing) or codes (-1: missing).
    column : Column
    labels : sequence, optional
        Values behind the codes of a group column.

    Raises
    ------
    SchemaError
        If a code has no level, or a group column has no labels.

    Examples
    --------
    >>> decode(np.array([0, 1, -1]), Column("arm", "binary", "Int8", levels=(1, 2)))
    <IntegerArray>
    [1, 2, <NA>]
    Length: 3, dtype: Int8
    """
    if column.format is not None:
        return _written(pd.Series(decode(values, column.unwritten, labels), copy=False), column)
    if column.kind in CODES:
        if labels is None and column.kind == "group":
            raise SchemaError(f"Column {column.name!r} is a group: decoding needs labels={{{column.name!r}: …}}.")
        return _levels(np.asarray(values), column, list(column.levels if labels is None else labels))
    if column.kind == "constant":
        missing = np.isnan(np.asarray(values, dtype=float)) | (column.value is None)
        levels = column.levels if column.value is None else (column.value,)
        return _levels(np.where(missing, -1, 0), column, list(levels))
    numbers = np.asarray(values)
    if column.kind == "datetime":
        return stamps(_held(numbers, column), column)
    if _holds_numbers(column):
        return _objects(numbers, column)
    if column.kind == "identifier" and not pd.api.types.is_numeric_dtype(dtype_named(column.dtype)):
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


def limits(column: Column) -> tuple[float, float]:
    """Return the least and the greatest number that a column's dtype can hold.

    >>> limits(Column("x", "count", "Int8"))
    (-128.0, 127.0)
    """
    column = column.unwritten
    if column.kind == "datetime":
        # Days that 64 bits count in nanoseconds; else the years 1 to 9999, the ones that calendars know, less a day
        # at either end where a zone's clocks may show the next.
        low, high = (-106_751.991167, 106_751.991167) if "[ns" in column.dtype else (-719_162.0, 2_932_897 - 1e-9)
        low, high = (low + 1, high - 1) if "," in column.dtype else (low, high)
        tick = TICKS[column.unit or "us"] / TICKS["D"]
        return float(np.ceil(low / tick) * tick), float(np.floor(high / tick) * tick)
    dtype = dtype_named((column.categories if _holds_numbers(column) else None) or column.dtype)
    dtype = np.dtype(getattr(dtype, "numpy_dtype", dtype))
    if dtype.kind == "f":
        return float(np.finfo(dtype).min), float(np.finfo(dtype).max)
    if dtype.kind not in "iu":
        return -np.inf, np.inf
    ends = np.iinfo(dtype)
    # The largest 64-bit integer is no float: the one below it is the end there.
    return float(ends.min), float(ends.max) if dtype.itemsize < 8 else float(np.nextafter(float(ends.max), 0))


def _held(values: np.ndarray, column: Column) -> np.ndarray:
    """Hold numbers, which a heavy tail may have thrown far, within what their dtype can say; warn of it."""
    low, high = limits(column)
    outside = (values < low) | (values > high)
    if not outside.any():
        return values
    warn(
        f"Beyond what {column.dtype} can hold: {where_rows(column.name, outside, values)}. They are set to its limit; "
        "give the original column a wider dtype, or its equation a family with a lighter tail.",
        PrecisionWarning,
    )
    return np.clip(values, low, high)


def _numbers(values: np.ndarray, column: Column) -> Any:
    dtype = dtype_named(column.dtype)
    values = _held(released(values, column), column)
    if not pd.api.types.is_integer_dtype(dtype):
        return values.astype(dtype) if isinstance(dtype, np.dtype) else pd.array(values.astype(float), dtype=dtype)
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=bool)
    if missing.any():
        values = np.where(missing, 0, values)
    whole = values.astype(np.dtype(getattr(dtype, "numpy_dtype", dtype)))
    if isinstance(dtype, pd.api.extensions.ExtensionDtype):
        return pd.arrays.IntegerArray(whole, missing).astype(dtype, copy=False)
    return whole if not missing.any() else pd.arrays.IntegerArray(whole, missing)


def _holds_numbers(column: Column) -> bool:
    return column.dtype == "object" and column.categories is not None


def _objects(values: np.ndarray, column: Column) -> pd.Series:
    """Decode numbers that stood as objects."""
    values = _held(released(values, column), column)
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=bool)
    cells = np.full(len(values), _GAPS[column.gap], dtype=object)
    cells[~missing] = values[~missing].astype(column.categories)
    return pd.Series(cells, dtype=object, copy=False)


def _written(plain: pd.Series, column: Column) -> Any:
    """Write plain values as the original's cells were."""
    assert column.format is not None
    if column.kind == "datetime" and column.dtype != "object" and len(plain):
        # Days recur: each is written once.
        codes, distinct = pd.factorize(plain, use_na_sentinel=False)
        if len(distinct) < len(plain) / 2:
            return _written(pd.Series(distinct), column).take(codes)
    cells = column.format.write(plain)
    if column.dtype == "object":
        cells = pd.Series(cells, dtype=object, copy=False)
        return cells.where(cells.notna(), _GAPS[column.gap])
    if isinstance(cells, pd.api.extensions.ExtensionArray):
        return cells
    return pd.array(cells, dtype=dtype_named(column.dtype))


def _levels(codes: np.ndarray, column: Column, levels: list[Any]) -> Any:
    _check_codes(codes, column, len(levels))
    dtype = dtype_named(column.dtype)
    if isinstance(dtype, pd.CategoricalDtype):
        known = None if column.kind == "group" else column.categories
        return pd.Categorical.from_codes(codes, categories=pd.Index(levels, dtype=known), ordered=column.ordered)
    if dtype == np.dtype(object):
        # As a series, because a frame would make text of an array of objects that are text.
        table = np.empty(len(levels) + 1, dtype=object)
        table[:] = [*levels, _GAPS[column.gap]]
        return pd.Series(table[codes], dtype=object, copy=False)
    dtype = _holding(levels, dtype)
    missing = codes < 0
    if isinstance(dtype, np.dtype) and dtype.kind in "biuf":
        if not levels:
            return np.full(len(codes), np.nan, dtype=dtype)
        taken = np.asarray(levels, dtype=dtype)[np.where(missing, 0, codes)]
        if not missing.any():
            return taken
        if dtype.kind == "f":
            taken[missing] = np.nan
            return taken
        cells = taken.astype(object)
        cells[missing] = None
        return pd.array(cells)
    if not levels:
        return pd.array([None] * len(codes), dtype=dtype)
    values = pd.array(levels, dtype=dtype)
    return pd.api.extensions.take(values, codes, allow_fill=True) if missing.any() else values.take(codes)


def _check_codes(codes: np.ndarray, column: Column, count: int) -> None:
    wrong = (codes < -1) | (codes >= count)
    if wrong.any():
        raise SchemaError(
            f"Codes run from 0 to {count - 1} for {count} levels, -1 for a missing cell: "
            f"{where_rows(column.name, wrong, codes)}."
        )


def _holding(levels: list[Any], dtype: Any) -> Any:
    """Return a dtype that holds levels: their column's, or else (labels of new groups) the one that they have."""
    # Any text is true to NumPy, and so is any number but zero.
    fits = not pd.api.types.is_bool_dtype(dtype) or all(level in (False, True) for level in levels)
    if fits:
        try:
            pd.array(levels, dtype=dtype)
        except (ValueError, TypeError, OverflowError):
            fits = False
    own = pd.Series(levels).dtype if isinstance(dtype, np.dtype) else pd.array(levels).dtype
    return dtype if fits else own
