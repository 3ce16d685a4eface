"""What stands in the leaves: distributions, not records.

A leaf holds, for levels and for numbers that many records share, the value and its probability; for other numbers
intervals, each between two midpoints of neighbouring records, and the grid on which such numbers lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# Steps of the grids on which written numbers are rounded, in units of the column's last decimal.
GRIDS = np.array([1, 5, 10, 50, 100, 500, 1000, 5000, 10_000, 50_000, 100_000, 500_000, 1_000_000], dtype=float)


class Leaves(NamedTuple):
    """The entries of all leaves, leaf by leaf.

    Attributes
    ----------
    start : ndarray of int64, shape (leaves + 1,)
        Where the entries of each leaf begin.
    upto : ndarray of float32, shape (entries,)
        Probability of the leaf's entries up to this one, itself included.
    low, high : ndarray of shape (entries,)
        The interval, drawn from uniformly; equal for a single value. NaN is a missing cell.
    grid : ndarray of float32, shape (entries,)
        The step that values of the interval are rounded to; 0 for none.
    pull : ndarray of float32, shape (entries, scores)
        Growth of an entry's log probability with each linear score of the target.
    middle : ndarray of float32, shape (leaves, scores)
        Mean of the scores in each leaf, where the probabilities hold as they are.
    least, most : ndarray of float32, shape (leaves, scores)
        Range of the scores in each leaf, beyond which its probabilities change no further.
    """

    start: np.ndarray
    upto: np.ndarray
    low: np.ndarray
    high: np.ndarray
    grid: np.ndarray
    pull: np.ndarray
    middle: np.ndarray
    least: np.ndarray
    most: np.ndarray


@dataclass(frozen=True)
class Records:
    """The records that a tree was grown on.

    Attributes
    ----------
    leaf : ndarray of int, shape (n,)
        The leaf of every record.
    weights : ndarray of shape (n,)
    scores, pull : ndarray of shape (n, scores)
        Linear scores, and growth of the log probability of the record's value with each.
    leaves : int
    """

    leaf: np.ndarray
    weights: np.ndarray
    scores: np.ndarray
    pull: np.ndarray
    leaves: int


def of_values(records: Records, values: np.ndarray) -> Leaves:
    """Return leaves that hold each value with its share of the leaf's weight.

    Examples
    --------
    >>> none = np.zeros((3, 0))
    >>> of_values(Records(np.array([0, 0, 0]), np.ones(3), none, none, 1), np.array([2.0, 1.0, 2.0])).low.tolist()
    [1.0, 2.0]
    """
    return _entries(records, values, values, np.zeros(len(values)))


def of_numbers(records: Records, values: np.ndarray, heaps: np.ndarray, interval: int, decimals: int | None) -> Leaves:
    """Return leaves of numbers: heaped ones as they are, the others in intervals between neighbours' midpoints.

    Parameters
    ----------
    records : Records
    values : ndarray of shape (n,)
        None is missing.
    heaps : ndarray
        Sorted numbers that many records share.
    interval : int
        Records that share one interval.
    decimals : int or None
        Of the column.

    Examples
    --------
    >>> records = Records(np.zeros(4, int), np.ones(4), np.zeros((4, 0)), np.zeros((4, 0)), 1)
    >>> found = of_numbers(records, np.array([1.0, 2.0, 4.0, 4.0]), np.array([4.0]), 1, None)
    >>> found.low.tolist(), found.high.tolist()
    ([0.5, 1.5, 4.0], [1.5, 3.0, 4.0])
    """
    order = np.lexsort((values, records.leaf))
    leaf, ordered = records.leaf[order], values[order]
    heaped = np.isin(ordered, heaps)
    below, above = _between(leaf, ordered)
    run = _runs(leaf, heaped, interval)
    first, last = np.unique(run, return_index=True)[1], len(run) - 1 - np.unique(run[::-1], return_index=True)[1]
    low, high = np.empty(len(values)), np.empty(len(values))
    low[order] = np.where(heaped, ordered, below[first][run])
    high[order] = np.where(heaped, ordered, above[last][run])
    grid = np.where(low == high, 0.0, grids(values, decimals))
    return _entries(records, low, high, grid)


def _between(leaf: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the midpoints to both neighbours in the same leaf; at an end, as far out as the other is."""
    half = np.diff(values) / 2
    inside = leaf[1:] == leaf[:-1]
    below = np.concatenate([[np.nan], np.where(inside, half, np.nan)])
    above = np.concatenate([np.where(inside, half, np.nan), [np.nan]])
    below, above = np.where(np.isnan(below), above, below), np.where(np.isnan(above), below, above)
    return values - np.nan_to_num(below), values + np.nan_to_num(above)


def _runs(leaf: np.ndarray, heaped: np.ndarray, interval: int) -> np.ndarray:
    """Return the interval of every record: so many that follow one another in a leaf with no heap between."""
    fresh = np.ones(len(leaf), dtype=bool)
    fresh[1:] = (leaf[1:] != leaf[:-1]) | heaped[1:] | heaped[:-1]
    begin = np.maximum.accumulate(np.where(fresh, np.arange(len(leaf)), 0))
    fresh |= (np.arange(len(leaf)) - begin) % interval == 0
    return np.cumsum(fresh) - 1


def grids(values: np.ndarray, decimals: int | None) -> np.ndarray:
    """Return the coarsest of the usual steps on which each number lies; 0 where the column has no last decimal.

    >>> grids(np.array([1200.0, 1205.0, 1207.0]), 0).tolist()
    [100.0, 5.0, 1.0]
    """
    if decimals is None:
        return np.zeros(len(values))
    units = np.round(values * 10.0**decimals)
    found = np.ones(len(values))
    for step in GRIDS:
        found = np.where((units % step == 0) & (np.abs(units) >= step), step, found)
    return found * 10.0**-decimals


def _entries(records: Records, low: np.ndarray, high: np.ndarray, grid: np.ndarray) -> Leaves:
    """Return the entries of records, equal ones of a leaf as one."""
    order = np.lexsort((grid, high, low, records.leaf))
    key = np.column_stack([records.leaf, np.nan_to_num(low, nan=np.inf), np.nan_to_num(high, nan=np.inf), grid])[order]
    begin = np.flatnonzero(np.concatenate([[True], (key[1:] != key[:-1]).any(axis=1)]))
    weights = records.weights[order]
    weight = np.add.reduceat(weights, begin)
    start = np.searchsorted(key[begin, 0], np.arange(records.leaves + 1))
    total = np.add.reduceat(weight, start[:-1])
    before = np.concatenate([[0.0], np.cumsum(weight)])[start[:-1]]
    upto = (np.cumsum(weight) - np.repeat(before, np.diff(start))) / np.repeat(total, np.diff(start))
    upto[start[1:] - 1] = 1.0
    pull = np.add.reduceat(records.pull[order] * weights[:, None], begin) / weight[:, None]
    middle = np.add.reduceat((records.scores[order] * weights[:, None]), begin[start[:-1]]) / total[:, None]
    ordered, runs = records.scores[order].astype(np.float32), begin[start[:-1]]
    least, most = np.minimum.reduceat(ordered, runs), np.maximum.reduceat(ordered, runs)
    first = order[begin]
    return Leaves(start.astype(np.int64), upto.astype(np.float32), low[first], high[first],
                  grid[first].astype(np.float32), pull.astype(np.float32), middle.astype(np.float32),
                  least, most)  # fmt: skip
