"""Cells as numbers, levels and names of people: each cell by itself, whatever stands in the others.

A table's dtypes depend on all of its cells: one odd cell makes a column of numbers one of text. So that a single
record cannot change how others are read, every function here gives each cell the value that it has alone, and raises
and warns for none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

_NUMBERS = (int, float, str, Decimal, np.integer, np.floating, np.bool_)


def numbers(series: pd.Series) -> np.ndarray:
    """Return cells as numbers, NaN where a cell is none; text counts if it is a number as Python writes it.

    Parameters
    ----------
    series : Series

    Returns
    -------
    ndarray of float, shape (n,)

    Examples
    --------
    >>> numbers(pd.Series([1, "2.5", "1,5", None, [3]], dtype=object)).tolist()
    [1.0, 2.5, nan, nan, nan]
    """
    if _is_plain(series):
        with np.errstate(all="ignore"):
            return series.to_numpy(dtype=float, na_value=np.nan)
    return np.array([_number(cell) for cell in series.to_numpy(dtype=object)], dtype=float)


def codes(series: pd.Series, levels: Sequence[Any]) -> np.ndarray:
    """Return the place of each cell's level, -1 where a cell is none of them.

    A level is found by its value or by how it is spelled, so that ``1``, ``1.0`` and ``"1"`` are one.

    Parameters
    ----------
    series : Series
    levels : sequence

    Returns
    -------
    ndarray of int, shape (n,)

    Examples
    --------
    >>> codes(pd.Series(["1", 2.0, "3", None], dtype=object), (1, 2)).tolist()
    [0, 1, -1, -1]
    """
    values = {level: i for i, level in enumerate(levels)}
    spellings = [spelled(level) for level in levels]
    known = {spelling: i for i, spelling in enumerate(spellings) if spellings.count(spelling) == 1}
    return np.array([_code(cell, values, known) for cell in series.to_numpy(dtype=object)], dtype=np.int64)


def names(series: pd.Series) -> np.ndarray:
    """Return a number for each distinct name, -1 where a cell is missing.

    >>> names(pd.Series(["b", 1, None, "1"], dtype=object)).tolist()
    [0, 1, -1, 1]
    """
    return pd.factorize(np.array([spelled(cell) for cell in series.to_numpy(dtype=object)], dtype=object))[0]


def spelled(cell: Any) -> str | None:
    """Return a cell as text: numbers alike if they are equal, None if it is missing.

    >>> spelled(2.0), spelled(" 2"), spelled("02a"), spelled(True), spelled(None)
    ('2', '2', '02a', 'True', None)
    """
    if isinstance(cell, bool | np.bool_):
        return str(bool(cell))
    number = _number(cell)
    if number == number:
        return str(int(number)) if number.is_integer() else repr(number)
    if isinstance(cell, str):
        return cell.strip() or None
    if cell is None or cell is pd.NA or cell is pd.NaT or isinstance(cell, float | np.floating):
        return None
    try:
        return str(cell)
    except Exception:  # whatever stands there, one record's cell must not stop a release
        return type(cell).__name__


def _is_plain(series: pd.Series) -> bool:
    """Return whether a column's dtype holds real numbers or truth values, which read as they do one by one."""
    kinds = pd.api.types
    return (kinds.is_numeric_dtype(series.dtype) and not kinds.is_complex_dtype(series.dtype)) or kinds.is_bool_dtype(
        series.dtype
    )


def _number(cell: Any) -> float:
    if not isinstance(cell, _NUMBERS):
        return np.nan
    try:
        return float(cell)
    except (ValueError, OverflowError, ArithmeticError):
        return np.nan


def _code(cell: Any, values: Mapping[Any, int], known: Mapping[str | None, int]) -> int:
    try:
        exact = values.get(cell)
    except Exception:  # a list, a dictionary, or what cannot be compared
        return -1
    if exact is not None:
        return exact
    return known.get(spelled(cell), -1)
