"""Compiled: records down a tree, and a value out of the leaf that each reaches."""

from __future__ import annotations

import numpy as np
from numba import njit

from bayessynth.trees.calendar import part_of
from bayessynth.trees.design import REACH
from bayessynth.trees.features import EFFECT, Features
from bayessynth.trees.grow import Nodes
from bayessynth.trees.leaves import Leaves
from bayessynth.trees.tilt import distances, exponential, factor


@njit(cache=True, nogil=True)
def draw(
    table: np.ndarray, rows: np.ndarray, features: Features, nodes: Nodes, leaves: Leaves,
    smoothing: float, uniforms: np.ndarray, chances: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Draw the target of some rows.

    Parameters
    ----------
    table : ndarray of shape (n, p)
        Encoded predictors as floats.
    rows : ndarray of int64
    features, nodes, leaves
    smoothing : float
    uniforms : ndarray of shape (3, len(rows))
    chances : ndarray of shape (entries,)
        Room to work in.
    out : ndarray of shape (n,)
        Where the values go.
    """
    predictors, scores = features.slopes.shape
    known = np.empty(predictors + 2 * scores, dtype=np.float32)
    trees = len(nodes.roots)
    order, inverse = by_tree(uniforms[0], trees), 1 / features.scale
    for k in range(len(rows)):
        i = order[k]
        row = rows[i]
        features_at(table, row, features, inverse, known)
        u = uniforms[0, i] * trees
        node = node_of(known, nodes, nodes.roots[int(u)])
        leaf = moved_from(node, nodes, smoothing, u - int(u))
        entry = _entry(leaf, leaves, known[predictors + scores :], uniforms[1, i], chances)
        out[row] = _value(entry, leaves, uniforms[2, i])


@njit(cache=True, nogil=True)
def draw_copies(
    table: np.ndarray, rows: np.ndarray, parts: np.ndarray, begin: int, end: int, features: Features, nodes: Nodes,
    leaves: Leaves, trees: int, smoothing: float, uniforms: np.ndarray, room: np.ndarray, free: bool,
    lower: np.ndarray, upper: np.ndarray, allowed: np.ndarray, absent: np.ndarray, present: np.ndarray,
    out: np.ndarray,
) -> None:  # fmt: skip
    """Draw the target of the rows of some copies, whose trees are stacked; see :func:`draw` and :func:`draw_within`.

    Parameters
    ----------
    rows : ndarray of int64
        Those of a copy side by side.
    parts : ndarray of int64
        Where the rows of each copy begin, and those of the last one end.
    begin, end : int
        The first copy that is drawn, and one past the last.
    features : Features
        With a first axis for the copies.
    trees : int
        Of each copy.
    uniforms : ndarray of shape (3 * len(rows),)
    room : ndarray
        At least as long as a copy has entries.
    free : bool
        Whether rules leave all, so that limits are not read.
    """
    for copy in range(begin, end):
        first, last = parts[copy], parts[copy + 1]
        if first == last:
            continue
        own = Features(features.fill[copy], features.first[copy], features.order, features.effects,
                       features.center[copy], features.scale[copy], features.slopes[copy],
                       features.gaps[copy], features.source[copy])  # fmt: skip
        some = Nodes(nodes.feature, nodes.threshold, nodes.left, nodes.right, nodes.parent, nodes.first, nodes.last,
                     nodes.size, nodes.upto, nodes.roots[copy * trees : (copy + 1) * trees])  # fmt: skip
        u = uniforms[3 * first : 3 * last].reshape((3, last - first))
        if free:
            draw(table, rows[first:last], own, some, leaves, smoothing, u, room, out)
        else:
            draw_within(table, rows[first:last], own, some, leaves, smoothing, u, room, lower, upper, allowed, absent,
                        present, out)  # fmt: skip


@njit(cache=True, nogil=True)
def by_tree(uniforms: np.ndarray, trees: int) -> np.ndarray:
    """Return an order of records in which those of one tree stand together, so that its nodes stay at hand."""
    ends = np.zeros(trees + 1, dtype=np.int64)
    for u in uniforms:
        ends[int(u * trees) + 1] += 1
    ends = np.cumsum(ends)
    order = np.empty(len(uniforms), dtype=np.int64)
    for i in range(len(uniforms)):
        tree = int(uniforms[i] * trees)
        order[ends[tree]] = i
        ends[tree] += 1
    return order


@njit(cache=True, nogil=True)
def features_at(table: np.ndarray, row: int, features: Features, inverse: np.ndarray, known: np.ndarray) -> None:
    """Write down what trees read of a row, its predictors and linear scores, and the scores with effects of groups.

    ``inverse`` is one by the scale.
    """
    predictors, scores = features.slopes.shape
    for s in range(2 * scores):
        known[predictors + s] = 0.0
    column = 0
    for j in range(predictors):
        first = features.first[j]
        if first < EFFECT:
            known[j] = part_of(table[row, features.source[j]], first)
            continue
        value = table[row, column]
        column += 1
        if first >= 0:
            code = first + int(value) + 1
            known[j] = features.order[code]
            for s in range(scores):
                known[predictors + s] += np.float32(features.effects[code, s])
        elif first == EFFECT:
            for s in range(scores):
                known[predictors + scores + s] += np.float32(features.slopes[j, s] * value)
        elif np.isnan(value):
            known[j] = features.fill[j]
            for s in range(scores):
                known[predictors + s] += np.float32(features.gaps[j, s])
        else:
            known[j] = value
            standard = min(max((value - features.center[j]) * inverse[j], -REACH), REACH)
            for s in range(scores):
                known[predictors + s] += np.float32(features.slopes[j, s] * standard)
    for s in range(scores):
        known[predictors + scores + s] += known[predictors + s]


@njit(cache=True, nogil=True)
def node_of(known: np.ndarray, nodes: Nodes, root: int) -> int:
    """Return the leaf that a record reaches, by its node."""
    node = root
    while nodes.feature[node] >= 0:
        node = nodes.left[node] if known[nodes.feature[node]] <= nodes.threshold[node] else nodes.right[node]
    return node


@njit(cache=True, nogil=True)
def moved_from(node: int, nodes: Nodes, smoothing: float, u: float) -> int:
    """Return a leaf: the node's own, or now and then another below the node above it, and so on upwards."""
    start = node
    while nodes.parent[node] >= 0:
        up = smoothing / (nodes.size[node] + smoothing)
        if u >= up:
            u = (u - up) / (1 - up)
            break
        u /= up
        node = nodes.parent[node]
    if node == start:
        return nodes.first[node]
    low, high = nodes.first[node], nodes.last[node]
    wanted = nodes.upto[low] + u * (nodes.upto[high] - nodes.upto[low])
    while high - low > 1:
        middle = (low + high) // 2
        if nodes.upto[middle] <= wanted:
            low = middle
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _entry(leaf: int, leaves: Leaves, scores: np.ndarray, u: float, chances: np.ndarray) -> int:
    """Return an entry of a leaf, drawn by its probability at the record's scores; ``chances`` is room to work in."""
    low, high = leaves.start[leaf], leaves.start[leaf + 1]
    if high - low == 1:
        return low
    # Arrays at hand and plain loops: this is where most of the time of a draw goes.
    upto, pull = leaves.upto, leaves.pull
    if not away_from(leaf, leaves, scores):
        return _found(upto, low, high, float(np.float32(u)))
    # First without sums, so that several entries are worked out at a time.
    for e in range(low, high):
        power = 0.0
        for s in range(len(scores)):
            power += pull[e, s] * scores[s]
        chances[e - low] = exponential(power)
    total, before = 0.0, 0.0
    for e in range(low, high):
        total += (upto[e] - before) * chances[e - low]
        before = upto[e]
        chances[e - low] = total
    return low + _found(chances, 0, high - low, u * total)


@njit(cache=True, nogil=True)
def _found(upto: np.ndarray, low: int, high: int, u: float) -> int:
    """Return the first of some places whose sum is above a number; the last one if none is."""
    place = low
    while place < high - 1 and upto[place] <= u:
        place += 1
    return place


@njit(cache=True, nogil=True)
def _value(entry: int, leaves: Leaves, within: float) -> float:
    below, above, grid = leaves.low[entry], leaves.high[entry], leaves.grid[entry]
    if not below < above:
        return below
    value = below + within * (above - below)
    return value if grid == 0 else np.round(value / grid) * grid


@njit(cache=True, nogil=True)
def draw_within(
    table: np.ndarray, rows: np.ndarray, features: Features, nodes: Nodes, leaves: Leaves, smoothing: float,
    uniforms: np.ndarray, weight: np.ndarray, lower: np.ndarray, upper: np.ndarray, allowed: np.ndarray,
    absent: np.ndarray, present: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Draw the target of some rows from what rules leave of each leaf; see :func:`draw`.

    Where nothing is left in a leaf, the node above it is drawn from, and so on upwards; where nothing is left at all,
    the value is drawn evenly between its limits, or among the levels that are allowed. Where a number must be one that
    the leaf does not have, it is that one at once.

    Parameters
    ----------
    lower, upper : ndarray of shape (n,)
    allowed : ndarray of bool, shape (n, levels), or (0, 0) for numbers
    absent, present : ndarray of bool, shape (n,)
        Where a cell must, and must not, be missing.
    """
    predictors, scores = features.slopes.shape
    known = np.empty(predictors + 2 * scores, dtype=np.float32)
    away, inverse = np.empty(scores, dtype=np.float32), 1 / features.scale
    for i in range(len(rows)):
        row = rows[i]
        features_at(table, row, features, inverse, known)
        u = uniforms[0, i] * len(nodes.roots)
        root = nodes.roots[int(u)]
        node = node_of(known, nodes, root)
        first = moved_from(node, nodes, smoothing, u - int(u))
        if _untouched(first, leaves, row, lower, upper, allowed, absent, present):
            entry = _entry(first, leaves, known[predictors + scores :], uniforms[1, i], weight)
            out[row] = _value_within(entry, leaves, uniforms[2, i], lower[row], upper[row])
            continue
        last = first + 1
        if not _some_left(first, last, leaves, row, lower, upper, allowed, absent, present):
            if lower[row] == upper[row] and not absent[row]:
                out[row] = upper[row]
                continue
            while not (first == nodes.first[root] and last == nodes.last[root]):
                node = max(nodes.parent[node], root)
                first, last = nodes.first[node], nodes.last[node]
                if _some_left(first, last, leaves, row, lower, upper, allowed, absent, present):
                    break
        begin, total = leaves.start[first], 0.0
        for leaf in range(first, last):
            share, before = nodes.upto[leaf + 1] - nodes.upto[leaf], 0.0
            away[:] = known[predictors + scores :]
            away_from(leaf, leaves, away)
            for e in range(leaves.start[leaf], leaves.start[leaf + 1]):
                left = share_left(e, leaves, row, lower, upper, allowed, absent, present)
                if left > 0:
                    total += (leaves.upto[e] - before) * share * tilted(e, leaves, away) * left
                before = leaves.upto[e]
                weight[e - begin] = total
        if total > 0:
            entries = leaves.start[last] - begin
            entry = begin + min(np.searchsorted(weight[:entries], uniforms[1, i] * total, side="right"), entries - 1)
            out[row] = _value_within(entry, leaves, uniforms[2, i], lower[row], upper[row])
        else:
            out[row] = _forced(row, uniforms[2, i], lower, upper, allowed, absent)


@njit(cache=True, nogil=True)
def _some_left(
    first: int, last: int, leaves: Leaves, row: int, lower: np.ndarray, upper: np.ndarray, allowed: np.ndarray,
    absent: np.ndarray, present: np.ndarray,
) -> bool:  # fmt: skip
    """Tell whether rules leave anything of some leaves."""
    for e in range(leaves.start[first], leaves.start[last]):
        if share_left(e, leaves, row, lower, upper, allowed, absent, present) > 0:
            return True
    return False


@njit(cache=True, nogil=True)
def _untouched(
    leaf: int, leaves: Leaves, row: int, lower: np.ndarray, upper: np.ndarray, allowed: np.ndarray,
    absent: np.ndarray, present: np.ndarray,
) -> bool:  # fmt: skip
    """Tell whether rules leave all of a leaf, so that it is drawn from as without them."""
    if absent[row]:
        return False
    for e in range(leaves.start[leaf], leaves.start[leaf + 1]):
        low, high = leaves.low[e], leaves.high[e]
        if np.isnan(low) or (len(allowed) > 0 and low < 0):
            if present[row]:
                return False
        elif len(allowed) > 0:
            if not allowed[row, int(low)]:
                return False
        elif low < np.inf and not (lower[row] <= low and high <= upper[row]):
            return False
    return True


@njit(cache=True, nogil=True)
def away_from(leaf: int, leaves: Leaves, scores: np.ndarray) -> bool:
    """Make scores distances from the middle of a leaf's, as far as they count, and return whether there are any."""
    return distances(scores, leaves.middle[leaf], leaves.spread[leaf])


@njit(cache=True, nogil=True)
def tilted(entry: int, leaves: Leaves, away: np.ndarray) -> float:
    """Return by what factor scores, so far from the middle of the entry's leaf, change its probability."""
    return factor(leaves.pull[entry], away)


@njit(cache=True, nogil=True)
def share_left(
    entry: int, leaves: Leaves, row: int, lower: np.ndarray, upper: np.ndarray, allowed: np.ndarray,
    absent: np.ndarray, present: np.ndarray,
) -> float:  # fmt: skip
    """Return the share of an entry that rules leave."""
    low, high = leaves.low[entry], leaves.high[entry]
    missing = np.isnan(low) or (len(allowed) > 0 and low < 0)
    if missing or absent[row]:
        return 1.0 if missing and not present[row] else 0.0
    if low == np.inf:
        return 1.0
    if len(allowed) > 0:
        return 1.0 if allowed[row, int(low)] else 0.0
    if not low < high:
        return 1.0 if lower[row] <= low <= upper[row] else 0.0
    return max(min(high, upper[row]) - max(low, lower[row]), 0.0) / (high - low)


@njit(cache=True, nogil=True)
def _value_within(entry: int, leaves: Leaves, within: float, lower: float, upper: float) -> float:
    below, above, grid = leaves.low[entry], leaves.high[entry], leaves.grid[entry]
    if not below < above:
        return below
    below, above = max(below, lower), min(above, upper)
    value = below + within * (above - below)
    value = value if grid == 0 else np.round(value / grid) * grid
    return min(max(value, lower), upper)


@njit(cache=True, nogil=True)
def _forced(row: int, u: float, lower: np.ndarray, upper: np.ndarray, allowed: np.ndarray, absent: np.ndarray) -> float:
    if len(allowed) > 0:
        if absent[row]:
            return -1.0
        left = np.flatnonzero(allowed[row])
        return float(left[int(u * len(left))])
    if absent[row]:
        return np.nan
    if np.isinf(lower[row]):
        return upper[row]
    return lower[row] if np.isinf(upper[row]) else lower[row] + u * (upper[row] - lower[row])
