"""How probable values are under a column's trees, as these draw them: smoothing, scores and rules included.

Of the leaves to which smoothing moves a draw now and then, one is drawn: probabilities are exact on average over the
uniform numbers that choose it, which is what importance weights need (Andrieu & Roberts 2009).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from bayessynth.trees.features import Features
from bayessynth.trees.grow import Nodes
from bayessynth.trees.known import BLOCK, features_of, room_for, scores_of
from bayessynth.trees.leaves import Leaves
from bayessynth.trees.tilt import distances, factor
from bayessynth.trees.walk import moved_from, node_of, share_left

# Of a column without a last decimal: the width in which a number is looked for, in units of the leaves' whole range.
NARROW = 1e-9


class Cells(NamedTuple):
    """Values whose probability is wanted, one a unit.

    Attributes
    ----------
    value : ndarray of shape (units,)
        Encoded; NaN, or -1 of levels, is a missing cell.
    low, high : ndarray of shape (units,)
        The numbers that are released as the value.
    missing : ndarray of bool, shape (units,)
    width : float
        Where ``low`` equals ``high``: the width that stands for that of a cell.
    """

    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    missing: np.ndarray
    width: float


class Limits(NamedTuple):
    """What rules leave of each row; see :class:`bayessynth.rules.Narrowed`."""

    lower: np.ndarray
    upper: np.ndarray
    allowed: np.ndarray
    absent: np.ndarray
    present: np.ndarray


def cells_of(values: np.ndarray, half: float, levels: int, leaves: Leaves) -> Cells:
    """Return values as cells of rounding.

    Parameters
    ----------
    values : ndarray of shape (units,)
    half : float
        Half of the last decimal's step; 0 for as many decimals as there are.
    levels : int
        Number of the column's levels, 0 for numbers.
    leaves : Leaves
        Of the tree that they are looked for in.

    Examples
    --------
    >>> from bayessynth.trees.leaves import Records, of_values
    >>> none = np.zeros((2, 0))
    >>> leaves = of_values(Records(np.array([[0, 0]]), np.ones(2), none, none, 1), np.array([2.0, 1.0]))
    >>> cells_of(np.array([1.0, np.nan]), 0.5, 0, leaves).high.tolist()
    [1.5, nan]
    """
    values = values.astype(float)
    ends = np.concatenate([leaves.low, leaves.high])
    ends = ends[np.isfinite(ends)]
    width = NARROW * float(np.ptp(ends)) if len(ends) else 0.0
    missing = np.isnan(values) | ((values < 0) if levels else np.zeros(len(values), dtype=bool))
    with np.errstate(invalid="ignore"):
        return Cells(values, values - half, values + half, missing, width or NARROW)


@njit(cache=True, nogil=True)
def probabilities(
    table: np.ndarray, features: Features, nodes: Nodes, leaves: Leaves, smoothing: float, cells: Cells,
    limits: Limits, free: bool, each: int, uniforms: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Compute the probability that trees draw given values.

    Parameters
    ----------
    table : ndarray of shape (p, units * each)
        Encoded predictors as floats, the rows of a unit one after the other.
    features, nodes, leaves
    smoothing : float
    cells : Cells
        What is looked for, by unit.
    limits : Limits
        By row; not read if free.
    free : bool
        Whether no rule narrows the draw.
    each : int
        Rows of a unit.
    uniforms : ndarray of shape (units * each,)
        Choose the leaves to which draws are moved.
    out : ndarray of shape (units * each,)
    """
    room, scores = room_for(features), np.empty(features.slopes.shape[1], dtype=np.float32)
    for begin in range(0, len(out), BLOCK):
        rows = np.arange(begin, min(begin + BLOCK, len(out)))
        features_of(table, rows, features, room)
        for k in range(len(rows)):
            row = begin + k
            scores_of(room, k, scores)
            out[row] = 0.0
            u = uniforms[row] * len(nodes.roots)
            for tree, root in enumerate(nodes.roots):
                node = node_of(room.known, k, nodes, root)
                up = smoothing / (nodes.size[node] + smoothing) if nodes.parent[node] >= 0 else 0.0
                share, leaf = (1.0 - up) / len(nodes.roots), nodes.first[node]
                out[row] += share * _in_leaf(leaf, node, scores, nodes, leaves, cells, row // each, limits, row, free)
                if up > 0 and tree == int(u):
                    # A number below up is one that moves the draw; its tree stands for all.
                    leaf = moved_from(node, nodes, smoothing, (u - tree) * up)
                    out[row] += up * _in_leaf(leaf, node, scores, nodes, leaves, cells, row // each, limits, row, free)


@njit(cache=True, nogil=True)
def _in_leaf(
    leaf: int, node: int, scores: np.ndarray, nodes: Nodes, leaves: Leaves, cells: Cells, unit: int, limits: Limits,
    row: int, free: bool,
) -> float:  # fmt: skip
    """Return the probability in a leaf, or above the record's own node where rules leave nothing of the leaf."""
    if not free and limits.absent[row]:
        return 1.0 if cells.missing[unit] else 0.0
    wanted, total = _sums(leaf, scores, leaves, cells, unit, limits, row, free)
    return wanted / total if total > 0 else _above(node, scores, nodes, leaves, cells, unit, limits, row)


@njit(cache=True, nogil=True)
def _sums(
    leaf: int, scores: np.ndarray, leaves: Leaves, cells: Cells, unit: int, limits: Limits, row: int, free: bool
) -> tuple[float, float]:
    """Return the weight of a leaf's entries that give the value, and of all that rules leave of them."""
    wanted, total, before = 0.0, 0.0, 0.0
    if free:
        none = True
        for e in range(leaves.start[leaf], leaves.start[leaf + 1]):
            none = none and _part(e, leaves, cells, unit, -np.inf, np.inf) == 0
        if none:
            return 0.0, 1.0
    away = scores.copy()
    distances(away, leaves.middle[leaf], leaves.spread[leaf])
    allowed = limits.allowed[row] if len(limits.allowed) > 0 else np.zeros(0, dtype=np.bool_)
    for e in range(leaves.start[leaf], leaves.start[leaf + 1]):
        chance = (leaves.upto[e] - before) * factor(leaves.pull[e], away)
        before = leaves.upto[e]
        if free:
            total += chance
            wanted += chance * _part(e, leaves, cells, unit, -np.inf, np.inf)
            continue
        left = share_left(leaves.low[e], leaves.high[e], limits.lower[row], limits.upper[row], allowed,
                          limits.present[row])  # fmt: skip
        total += chance * left
        if left > 0:
            wanted += chance * _part(e, leaves, cells, unit, limits.lower[row], limits.upper[row])
    return wanted, total


@njit(cache=True, nogil=True)
def _above(
    node: int, scores: np.ndarray, nodes: Nodes, leaves: Leaves, cells: Cells, unit: int, limits: Limits, row: int
) -> float:
    """Return the probability where a leaf has nothing left and the nodes above are drawn from instead."""
    if limits.lower[row] == limits.upper[row] and not limits.absent[row]:
        return _forced(cells, unit, limits, row)
    while nodes.parent[node] >= 0:
        node = nodes.parent[node]
        wanted, total = 0.0, 0.0
        for leaf in range(nodes.first[node], nodes.last[node]):
            share = nodes.upto[leaf + 1] - nodes.upto[leaf]
            own, every = _sums(leaf, scores, leaves, cells, unit, limits, row, False)
            wanted += share * own
            total += share * every
        if total > 0:
            return wanted / total
    return _forced(cells, unit, limits, row)


@njit(cache=True, nogil=True)
def _forced(cells: Cells, unit: int, limits: Limits, row: int) -> float:
    """Return the probability where no leaf has anything left, and the value is drawn evenly from what is allowed."""
    if limits.absent[row] or cells.missing[unit]:
        return 1.0 if limits.absent[row] and cells.missing[unit] else 0.0
    value, lower, upper = cells.value[unit], limits.lower[row], limits.upper[row]
    if len(limits.allowed) > 0:
        return limits.allowed[row, int(value)] / limits.allowed[row].sum()
    if np.isinf(lower) or np.isinf(upper) or not lower < upper:
        only = upper if np.isinf(lower) else lower
        return 1.0 if cells.low[unit] <= only <= cells.high[unit] else 0.0
    if not cells.low[unit] < cells.high[unit]:
        return cells.width / (upper - lower) if lower <= value <= upper else 0.0
    return max(min(upper, cells.high[unit]) - max(lower, cells.low[unit]), 0.0) / (upper - lower)


@njit(cache=True, nogil=True)
def _part(entry: int, leaves: Leaves, cells: Cells, unit: int, lower: float, upper: float) -> float:
    """Return the share of an entry, in units of its whole length, that is released as the value."""
    below, above, grid = leaves.low[entry], leaves.high[entry], leaves.grid[entry]
    value, low, high = cells.value[unit], cells.low[unit], cells.high[unit]
    if cells.missing[unit]:
        return 1.0 if np.isnan(below) or (below == -1.0 == above and value == -1.0) else 0.0
    if np.isinf(below) or np.isinf(value):
        return 1.0 if below == value else 0.0
    if not below < above:
        return 1.0 if low <= below <= high else 0.0
    if low > upper or high < lower:
        return 0.0
    begin, end = max(below, lower), min(above, upper)
    if grid == 0:
        if low < high:
            return max(min(end, high) - max(begin, low), 0.0) / (above - below)
        return cells.width / (above - below) if begin <= value <= end else 0.0
    # Numbers that are rounded beyond a limit are set to it.
    first = last = np.round(value / grid) * grid
    if low <= upper <= high:
        first, last = (np.ceil(low / grid) * grid), np.inf
    if low <= lower <= high:
        first, last = -np.inf, last if last == np.inf else np.floor(high / grid) * grid
    if last < first or (first == last and not low <= first <= high):
        return 0.0
    return max(min(end, last + grid / 2) - max(begin, first - grid / 2), 0.0) / (above - below)
