"""Columns cut into a few classes each, so that any two of them can be tabulated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayessynth.schema import Column, Columns

# Most classes of a number, of levels; and of all columns together, since every two classes are counted.
BINS, LEVELS, ALL = 10, 20, 8000
# Records that two columns leave in a cell of their table, if all cells are alike.
FILLED = 5


@dataclass(frozen=True)
class Classes:
    """Every column as a few classes; missing cells are a class of their own.

    Attributes
    ----------
    names : tuple of str
    codes : ndarray of int16, shape (columns, rows)
    counts : ndarray of int64, shape (columns,)
        Number of classes of each column.
    """

    names: tuple[str, ...]
    codes: np.ndarray
    counts: np.ndarray


def classify(columns: Columns, schema: Mapping[str, Column]) -> Classes:
    """Cut every column into classes.

    Numbers are cut at quantiles, but a number that many records share is a class of its own; levels beyond the most
    frequent share one. Small tables, and tables of many columns, have fewer classes.

    Parameters
    ----------
    columns : Columns
    schema : mapping of str to Column

    Returns
    -------
    Classes

    Examples
    --------
    >>> import pandas as pd
    >>> from bayessynth.schema import Schema
    >>> table = pd.DataFrame({"smoker": ["no", "yes", None, "no"], "cost": [0.0, 12.5, 3.0, 0.0]})
    >>> schema = Schema.detect(table)
    >>> found = classify(schema.encode(table, missing="keep"), schema)
    >>> found.codes.tolist(), found.counts.tolist()
    ([[1, 2, 0, 1], [0, 1, 1, 0]], [3, 2])
    """
    allowed = max(2, min(int(np.sqrt(columns.n / FILLED)), ALL // max(len(columns.names), 1)))
    codes = np.empty((len(columns.names), columns.n), dtype=np.int16)
    for j, name in enumerate(columns.names):
        values, gap = columns[name], columns.missing(name)
        leveled = name in columns.levels or schema[name].kind == "constant"
        cut = _levels(values, min(allowed, LEVELS)) if leveled else _number(values, min(allowed, BINS))
        codes[j] = np.unique(np.where(gap, -1, cut), return_inverse=True)[1]
    counts = codes.max(axis=1, initial=-1).astype(np.int64) + 1
    return Classes(columns.names, codes, counts)


def _levels(codes: np.ndarray, most: int) -> np.ndarray:
    """Return classes of levels: the most frequent, and one for all others."""
    present = np.where(np.isfinite(codes), codes, -1).astype(np.int64)
    frequency = np.bincount(present[present >= 0])
    if np.count_nonzero(frequency) <= most:
        return present
    usual = np.argsort(-frequency, kind="stable")[: most - 1]
    place = np.full(len(frequency), most - 1)
    place[usual] = np.arange(most - 1)
    return place[present]


def _number(values: np.ndarray, most: int) -> np.ndarray:
    """Return classes of numbers: those that many records share, and intervals between quantiles of the others."""
    present = values[np.isfinite(values)]
    found, times = np.unique(present, return_counts=True)
    if len(found) <= most:
        return np.searchsorted(found, values)
    shared = found[times * most >= len(present)]
    others = present[~np.isin(present, shared)]
    edges = np.quantile(others, np.linspace(0, 1, max(1, most - len(shared)) + 1)[1:-1]) if len(others) else found[:0]
    cut = len(shared) + np.searchsorted(np.unique(edges), values, side="right")
    return np.where(np.isin(values, shared), np.searchsorted(shared, values), cut)
