"""What stands in the leaves: distributions, not records.

A leaf holds, for levels and for numbers that many records share, the value and its probability; for other numbers
intervals, which end between neighbouring records, and the grid on which such numbers lie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bayessynth.trees.calibrate import calibrated
from bayessynth.trees.support import EVERYWHERE, Support

# Steps of the grids on which written numbers are rounded, in units of the column's last decimal.
GRIDS = np.array([1, 5, 10, 50, 100, 500, 1000, 5000, 10_000, 50_000, 100_000, 500_000, 1_000_000], dtype=float)


# Least that proportional fitting begins with, as a share of an entry's weight.
NARROWEST = 1e-3
# Where between two neighbours an interval may end, as shares of their distance.
MIDDLE = (0.25, 0.75)


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
    spread : ndarray of float32, shape (leaves, scores)
        Standard deviation of the scores in each leaf.
    noise : ndarray of float32, shape (cells + 1,)
        Quantiles of the residuals that are added to scores where entries are drawn by their place; empty where they are
        drawn by their probability. See :mod:`bayessynth.trees.line`.
    """

    start: np.ndarray
    upto: np.ndarray
    low: np.ndarray
    high: np.ndarray
    grid: np.ndarray
    pull: np.ndarray
    middle: np.ndarray
    spread: np.ndarray
    noise: np.ndarray = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True)
class Records:
    """The records that trees were grown on.

    Attributes
    ----------
    leaf : ndarray of int, shape (trees, n)
        The leaf of every record in each tree.
    weights : ndarray of shape (n,)
    scores, pull : ndarray of shape (n, scores)
        Linear scores, and growth of the log probability of the record's value with each.
    leaves : int
    variance : float or None
        Of a number about its linear score.
    """

    leaf: np.ndarray
    weights: np.ndarray
    scores: np.ndarray
    pull: np.ndarray
    leaves: int
    variance: float | None = None


def of_values(records: Records, values: np.ndarray) -> Leaves:
    """Return leaves that hold each value with its share of the leaf's weight.

    Examples
    --------
    >>> none = np.zeros((3, 0))
    >>> of_values(Records(np.array([[0, 0, 0]]), np.ones(3), none, none, 1), np.array([2.0, 1.0, 2.0])).low.tolist()
    [1.0, 2.0]
    """
    found, code = np.unique(values, return_inverse=True)
    entry = (records.leaf * len(found) + code).ravel()
    order = np.argsort(entry, kind="stable")
    own = values[order % len(values)]
    return _leaves(records, order, entry[order], own, own, np.zeros(len(own)))


def of_numbers(
    records: Records, values: np.ndarray, heaps: np.ndarray, interval: int, grid: np.ndarray,
    rng: np.random.Generator, support: Support = EVERYWHERE,
) -> Leaves:  # fmt: skip
    """Return leaves of numbers: heaped ones as they are, the others in intervals.

    Intervals end at random places between neighbouring records, so that no record can be worked out from them.

    Parameters
    ----------
    records : Records
    values : ndarray of shape (n,)
        None is missing.
    heaps : ndarray
        Sorted numbers that many records share.
    interval : int
        Records that share one interval, at least.
    grid : ndarray of shape (n,)
        The step on which each number lies, as :func:`grids` returns it; 0 for none.
    rng : Generator
    support : Support
        Where the column's numbers can lie.

    Examples
    --------
    >>> records = Records(np.zeros((1, 4), int), np.ones(4), np.zeros((4, 0)), np.zeros((4, 0)), 1)
    >>> heaps, rng = np.array([4.0]), np.random.default_rng(1)
    >>> found = of_numbers(records, np.array([1.0, 2.0, 4.0, 4.0]), heaps, 2, np.zeros(4), rng)
    >>> found.low.round(2).tolist(), found.high.round(2).tolist()
    ([-0.09, 4.0], [2.64, 4.0])
    """
    found, rank = np.unique(values, return_inverse=True)
    order = np.argsort((records.leaf * len(found) + rank).ravel(), kind="stable")
    leaf, row = records.leaf.ravel()[order], order % len(values)
    ordered, heaped = values[row], np.isin(found, heaps)[rank][row]
    below, above = _cuts(leaf, ordered, rng)
    begins = _begins(leaf, ordered, heaped, interval)
    run, first = np.cumsum(begins) - 1, np.flatnonzero(begins)
    last = np.append(first[1:], len(run)) - 1
    low, high = np.where(heaped, ordered, below[first][run]), np.where(heaped, ordered, above[last][run])
    grid = np.where(heaped, 0.0, grid[row])
    low, high = np.where(heaped, low, support.lowest(low, grid)), np.where(heaped, high, support.highest(high, grid))
    steps, step = np.unique(grid, return_inverse=True)
    entry = run * len(steps) + step
    within = np.argsort(entry, kind="stable")
    return _leaves(records, order[within], entry[within], low[within], high[within], grid[within])


def _cuts(leaf: np.ndarray, values: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return places below and above each number: between it and the next in its leaf; at the ends, beyond it."""
    fresh = _changes(leaf) | _changes(values)
    leaf, values = leaf[fresh], values[fresh]
    first = np.flatnonzero(_changes(leaf))
    last = np.append(first[1:], len(leaf)) - 1
    # Beyond the outermost numbers lies part of the leaf's mean gap: the last gap of a tail would lengthen the tail. A
    # number that stands alone in its leaf is hidden in a tenth of its size.
    gap = (values[last] - values[first]) / np.maximum(last - first, 1)
    beyond = np.where(last > first, gap, np.maximum(np.abs(values[first]) / 10, 1))
    part, outer = rng.uniform(*MIDDLE, size=len(values)), rng.uniform(*MIDDLE, size=(2, len(first)))
    below = np.diff(values, prepend=values[:1]) * (1 - part)
    above = np.diff(values, append=values[-1:]) * np.append(part[1:], part[:1])
    below[first], above[last] = beyond * outer[0], beyond * outer[1]
    back = np.cumsum(fresh) - 1
    return (values - below)[back], (values + above)[back]


def _changes(values: np.ndarray) -> np.ndarray:
    return np.concatenate([np.ones(min(len(values), 1), dtype=bool), values[1:] != values[:-1]])


def _begins(leaf: np.ndarray, values: np.ndarray, heaped: np.ndarray, interval: int) -> np.ndarray:
    """Tell where intervals begin: so many records that follow one another in a leaf, or one heaped number."""
    changes = _changes(values)
    fresh = _changes(leaf) | (heaped & changes)
    fresh[1:] |= heaped[:-1] & ~heaped[1:]
    begin = np.maximum.accumulate(np.where(fresh, np.arange(len(leaf)), 0))
    # Equal numbers are never parted: an interval would end at a record's value.
    return fresh | ((np.arange(len(leaf)) - begin) % interval == 0) & changes


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


def _leaves(
    records: Records, order: np.ndarray, entry: np.ndarray, low: np.ndarray, high: np.ndarray, grid: np.ndarray
) -> Leaves:
    """Return leaves with their entries.

    Parameters
    ----------
    records : Records
    order : ndarray of shape (trees * n,)
        Places of records in all trees, tree by tree, in the order of leaves and entries.
    entry, low, high, grid : ndarray of shape (trees * n,)
        Number of the entry, and what it is, in this order.
    """
    begin, leaf, row = np.flatnonzero(_changes(entry)), records.leaf.ravel()[order], order % len(records.weights)
    weights = records.weights[row]
    weight = np.add.reduceat(weights, begin)
    start = np.searchsorted(leaf[begin], np.arange(records.leaves + 1))
    size, runs = np.diff(start), begin[start[:-1]]
    total = np.add.reduceat(weight, start[:-1])
    pull = np.add.reduceat((records.pull * records.weights[:, None])[row], begin) / weight[:, None]
    weighted = records.scores.astype(float) * records.weights[:, None]
    middle = np.add.reduceat(weighted[row], runs) / total[:, None]
    squares = np.add.reduceat((records.scores * weighted)[row], runs)
    spread = np.sqrt(np.maximum(squares / total[:, None] - middle**2, 0))
    if records.scores.shape[1]:
        first = weight
        if records.variance is not None:
            narrow = np.maximum(_narrowing(pull, weight, start, spread, records.variance), NARROWEST)
            first = weight * narrow / np.repeat(np.add.reduceat(weight * narrow, start[:-1]) / total, size)
        weight = calibrated(first, weight, start, pull.astype(np.float32), middle.astype(np.float32),
                            spread.astype(np.float32), row, np.append(runs, len(row)), records.weights,
                            records.scores.astype(np.float32, copy=False))  # fmt: skip
    total = np.add.reduceat(weight, start[:-1])
    before = np.concatenate([[0.0], np.cumsum(weight)])[start[:-1]]
    upto = (np.cumsum(weight) - np.repeat(before, size)) / np.repeat(total, size)
    upto[start[1:] - 1] = 1.0
    return Leaves(start.astype(np.int64), upto.astype(np.float32), low[begin], high[begin],
                  grid[begin].astype(np.float32), pull.astype(np.float32), middle.astype(np.float32),
                  spread.astype(np.float32))  # fmt: skip


def _narrowing(
    pull: np.ndarray, weight: np.ndarray, start: np.ndarray, spread: np.ndarray, variance: float
) -> np.ndarray:
    """Return what a leaf's density is multiplied by to be that of numbers with one score, its middle.

    The numbers of a leaf vary by their variance about the score and by that of their scores, of which a draw at a
    known score must have the former only. The ratio of two normal densities; linear scores then tilt the result.
    """
    own = pull[:, 0] * variance
    size, first = np.diff(start), start[:-1]
    mean = np.add.reduceat(own * weight, first) / np.add.reduceat(weight, first)
    excess = 1 / variance - 1 / (variance + spread[:, 0] ** 2)
    return np.exp(-0.5 * np.repeat(excess, size) * (own - np.repeat(mean, size)) ** 2)
