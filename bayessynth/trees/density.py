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
from bayessynth.trees.line import FAINT, chance_of_place
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
                # Draws by places are not moved.
                moves = nodes.parent[node] >= 0 and len(leaves.noise) == 0
                up = smoothing / (nodes.size[node] + smoothing) if moves else 0.0
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
    if len(leaves.noise) > 0 and (free or _all_left(leaf, leaves, limits, row)):
        lower, upper = (-np.inf, np.inf) if free else (limits.lower[row], limits.upper[row])
        return _placed(leaf, scores[0], leaves, cells, unit, lower, upper)
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
    away, leans = scores.copy(), len(leaves.noise) > 0
    if not leans:
        distances(away, leaves.middle[leaf], leaves.spread[leaf])
    allowed = limits.allowed[row] if len(limits.allowed) > 0 else np.zeros(0, dtype=np.bool_)
    for e in range(leaves.start[leaf], leaves.start[leaf + 1]):
        if leans:
            low, high = _places(e, leaf, leaves, scores[0])
            chance = chance_of_place(leaves.noise, low, high) + FAINT * (leaves.upto[e] - before)
        else:
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
def _all_left(leaf: int, leaves: Leaves, limits: Limits, row: int) -> bool:
    none = np.zeros(0, dtype=np.bool_)
    for e in range(leaves.start[leaf], leaves.start[leaf + 1]):
        if share_left(leaves.low[e], leaves.high[e], limits.lower[row], limits.upper[row], none, True) < 1:
            return False
    return True


@njit(cache=True, nogil=True)
def _places(entry: int, leaf: int, leaves: Leaves, score: float) -> tuple[float, float]:
    """Return the residuals between which an entry is drawn by its place; an outermost one beyond its end too."""
    spread, first, last = leaves.spread[leaf, 0], leaves.start[leaf], leaves.start[leaf + 1] - 1
    low = -np.inf if entry == first else (leaves.pull[entry - 1, 0] - score) / spread
    return low, np.inf if entry == last else (leaves.pull[entry, 0] - score) / spread


@njit(cache=True, nogil=True)
def _placed(leaf: int, score: float, leaves: Leaves, cells: Cells, unit: int, lower: float, upper: float) -> float:
    """Return the probability of the value in a leaf whose numbers are drawn by their place, all of them allowed."""
    spread, found = leaves.spread[leaf, 0], 0.0
    for e in range(leaves.start[leaf], leaves.start[leaf + 1]):
        below, above = leaves.low[e], leaves.high[e]
        if not below < above:
            low, high = _places(e, leaf, leaves, score)
            found += chance_of_place(leaves.noise, low, high) * _part(e, leaves, cells, unit, lower, upper)
            continue
        begin, end = _reach(e, leaves, cells, unit, lower, upper)
        if not begin < end:
            continue
        before = leaves.middle[leaf, 0] if e == leaves.start[leaf] else leaves.pull[e - 1, 0]
        steep = (leaves.pull[e, 0] - before) / (above - below)
        first, last = before + (begin - below) * steep, before + (end - below) * steep
        found += chance_of_place(leaves.noise, (first - score) / spread, (last - score) / spread)
        # Places beyond the ends are drawn evenly in the outermost entries.
        beyond = 0.0
        if e == leaves.start[leaf]:
            beyond += chance_of_place(leaves.noise, -np.inf, (before - score) / spread)
        if e == leaves.start[leaf + 1] - 1:
            beyond += chance_of_place(leaves.noise, (leaves.pull[e, 0] - score) / spread, np.inf)
        found += beyond * (end - begin) / (above - below)
    return found


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
    below, above, value = leaves.low[entry], leaves.high[entry], cells.value[unit]
    if cells.missing[unit]:
        return 1.0 if np.isnan(below) or (below == -1.0 == above and value == -1.0) else 0.0
    if np.isinf(below) or np.isinf(value):
        return 1.0 if below == value else 0.0
    if not below < above:
        return 1.0 if cells.low[unit] <= below <= cells.high[unit] else 0.0
    begin, end = _reach(entry, leaves, cells, unit, lower, upper)
    return max(end - begin, 0.0) / (above - below)


@njit(cache=True, nogil=True)
def _reach(entry: int, leaves: Leaves, cells: Cells, unit: int, lower: float, upper: float) -> tuple[float, float]:
    """Return between which numbers an interval is released as the value, none where the second is not above the first.

    A value of a column without a last decimal has a narrow cell about it.
    """
    below, above, grid = leaves.low[entry], leaves.high[entry], leaves.grid[entry]
    value, low, high = cells.value[unit], cells.low[unit], cells.high[unit]
    if cells.missing[unit] or np.isinf(value) or low > upper or high < lower:
        return 0.0, 0.0
    begin, end = max(below, lower), min(above, upper)
    if grid == 0:
        if low < high:
            return max(begin, low), min(end, high)
        if not begin <= value <= end:
            return 0.0, 0.0
        return value - cells.width / 2, value + cells.width / 2
    # Numbers that are rounded beyond a limit are set to it.
    first = last = np.round(value / grid) * grid
    if low <= upper <= high:
        first, last = (np.ceil(low / grid) * grid), np.inf
    if low <= lower <= high:
        first, last = -np.inf, last if last == np.inf else np.floor(high / grid) * grid
    if last < first or (first == last and not low <= first <= high):
        return 0.0, 0.0
    return max(begin, first - grid / 2), min(end, last + grid / 2)
