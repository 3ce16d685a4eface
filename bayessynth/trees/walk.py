"""Compiled: records down a tree, and a value out of the leaf that each reaches."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from bayessynth.trees.features import Features
from bayessynth.trees.grow import Nodes
from bayessynth.trees.known import BLOCK, features_of, room_for, scores_of
from bayessynth.trees.laid import Laid
from bayessynth.trees.line import FAINT, chance_of_place, place_in
from bayessynth.trees.tilt import distances, exponential

# How much of a leaf rules leave.
NOTHING, SOME, ALL = 0, 1, 2


class Limits(NamedTuple):
    """What rules leave of one record's draw.

    Attributes
    ----------
    lower, upper : float
    allowed : ndarray of bool, shape (levels,)
        Empty for numbers.
    present : bool
        Whether the cell must not be missing.
    """

    lower: float
    upper: float
    allowed: np.ndarray
    present: bool


@njit(cache=True, nogil=True)
def draw(
    table: np.ndarray, rows: np.ndarray, features: Features, nodes: Nodes, leaves: Laid,
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
    room, trees, leans = room_for(features), len(nodes.roots), leaves.noise.shape[1] > 0
    order, own = by_tree(uniforms[0], trees), np.empty(features.slopes.shape[1], dtype=np.float32)
    for begin in range(0, len(rows), BLOCK):
        some = order[begin : begin + BLOCK]
        features_of(table, rows[some], features, room)
        for k in range(len(some)):
            i = some[k]
            u = uniforms[0, i] * trees
            node = node_of(room.known, k, nodes, nodes.roots[int(u)])
            scores_of(room, k, own)
            if leans:
                out[rows[i]] = _placed(nodes.first[node], leaves, own[0], uniforms[1, i], uniforms[2, i])
                continue
            leaf = moved_from(node, nodes, smoothing, u - int(u))
            entry = _entry(leaf, leaves, own, uniforms[1, i], chances)
            out[rows[i]] = _value(entry, leaves, uniforms[2, i])


@njit(cache=True, nogil=True)
def draw_copies(
    table: np.ndarray, rows: np.ndarray, parts: np.ndarray, begin: int, end: int, features: Features, nodes: Nodes,
    leaves: Laid, trees: int, smoothing: float, uniforms: np.ndarray, room: np.ndarray, free: bool,
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
        these = Laid(leaves.head, leaves.curve, leaves.span, leaves.grid, leaves.noise[copy : copy + 1])
        if free:
            draw(table, rows[first:last], own, some, these, smoothing, u, room, out)
        else:
            draw_within(table, rows[first:last], own, some, these, smoothing, u, room, lower, upper, allowed, absent,
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
def node_of(known: np.ndarray, k: int, nodes: Nodes, root: int) -> int:
    """Return the leaf that record k of those that are known reaches, by its node."""
    node = root
    while nodes.feature[node] >= 0:
        node = nodes.left[node] if known[nodes.feature[node], k] <= nodes.threshold[node] else nodes.right[node]
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
def _entry(leaf: int, leaves: Laid, scores: np.ndarray, u: float, chances: np.ndarray) -> int:
    """Return an entry of a leaf, drawn by its probability at the record's scores; ``chances`` is room to work in."""
    low, high = int(leaves.head[leaf, 0]), int(leaves.head[leaf + 1, 0])
    if high - low == 1:
        return low
    # Arrays at hand and plain loops: this is where most of the time of a draw goes.
    curve = leaves.curve
    if not _away_from(leaf, leaves, scores):
        wanted, entry = float(np.float32(u)), low
        while entry < high - 1 and curve[entry, 0] <= wanted:
            entry += 1
        return entry
    chances[: high - low] = 1.0
    _tilt(low, high, leaves, scores, chances, 0)
    total, before = 0.0, 0.0
    for e in range(low, high):
        total += (curve[e, 0] - before) * chances[e - low]
        before = curve[e, 0]
        chances[e - low] = total
    return low + _found(chances, high - low, u * total)


@njit(cache=True, nogil=True)
def _placed(leaf: int, leaves: Laid, score: float, u: float, within: float) -> float:
    """Return the number at the place that a score and a residual tell; evenly in an end of the leaf that they pass."""
    entry, at = place_in(leaf, leaves.head, leaves.curve, leaves.noise[0], score, u)
    return _value(entry, leaves, at if at >= 0 else within)


@njit(cache=True, nogil=True)
def _tilt(low: int, high: int, leaves: Laid, away: np.ndarray, chances: np.ndarray, at: int) -> None:
    """Multiply some chances by the factors by which scores change them: in a loop without sums of entries."""
    curve = leaves.curve
    if len(away) == 1:
        for e in range(low, high):
            chances[e - low + at] *= exponential(float(curve[e, 1] * away[0]))
        return
    for e in range(low, high):
        power = 0.0
        for s in range(len(away)):
            power += curve[e, 1 + s] * away[s]
        chances[e - low + at] *= exponential(power)


@njit(cache=True, nogil=True)
def _found(upto: np.ndarray, size: int, u: float) -> int:
    """Return the first of so many places whose sum is above a number; the last one if none is."""
    place = 0
    while place < size - 1 and upto[place] <= u:
        place += 1
    return place


@njit(cache=True, nogil=True)
def _value(entry: int, leaves: Laid, within: float) -> float:
    below, above = leaves.span[entry, 0], leaves.span[entry, 1]
    if not below < above:
        return below
    grid = leaves.grid[entry]
    value = below + within * (above - below)
    return value if grid == 0 else np.round(value / grid) * grid


@njit(cache=True, nogil=True)
def draw_within(
    table: np.ndarray, rows: np.ndarray, features: Features, nodes: Nodes, leaves: Laid, smoothing: float,
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
    room, own = room_for(features), np.empty(features.slopes.shape[1], dtype=np.float32)
    away, every, leans = own.copy(), np.zeros(0, dtype=np.bool_), leaves.noise.shape[1] > 0
    for begin in range(0, len(rows), BLOCK):
        features_of(table, rows[begin : begin + BLOCK], features, room)
        for k in range(min(len(rows) - begin, BLOCK)):
            i = begin + k
            row = rows[i]
            if absent[row]:
                out[row] = -1.0 if len(allowed) > 0 else np.nan
                continue
            limits = Limits(lower[row], upper[row], allowed[row] if len(allowed) > 0 else every, present[row])
            u = uniforms[0, i] * len(nodes.roots)
            node = node_of(room.known, k, nodes, nodes.roots[int(u)])
            first = nodes.first[node] if leans else moved_from(node, nodes, smoothing, u - int(u))
            scores_of(room, k, own)
            out[row] = _value_left(node, first, nodes, leaves, own, away, uniforms[1, i], uniforms[2, i],
                                   weight, limits)  # fmt: skip


@njit(cache=True, nogil=True)
def _value_left(
    node: int, leaf: int, nodes: Nodes, leaves: Laid, scores: np.ndarray, away: np.ndarray, u: float, within: float,
    weight: np.ndarray, limits: Limits,
) -> float:  # fmt: skip
    """Return a value drawn from what rules leave of a leaf, or of those below a node above the record's."""
    left, last = _shares(leaf, leaf + 1, leaves, limits, weight), leaf + 1
    if left == ALL and leaves.noise.shape[1] > 0:
        return min(max(_placed(leaf, leaves, scores[0], u, within), limits.lower), limits.upper)
    if left == ALL:
        return _value_within(_entry(leaf, leaves, scores, u, weight), leaves, within, limits)
    if left == NOTHING:
        if limits.lower == limits.upper:
            return limits.upper
        while left == NOTHING and nodes.parent[node] >= 0:
            node = nodes.parent[node]
            leaf, last = nodes.first[node], nodes.last[node]
            left = _shares(leaf, last, leaves, limits, weight)
        if left == NOTHING:
            return _forced(within, limits)
    entry = _entry_left(leaf, last, nodes, leaves, scores, away, u, weight)
    return _value_within(entry, leaves, within, limits)


@njit(cache=True, nogil=True)
def _shares(first: int, last: int, leaves: Laid, limits: Limits, shares: np.ndarray) -> int:
    """Write down the share of each entry of some leaves that rules leave, and tell how much of all that is."""
    begin, end, span = int(leaves.head[first, 0]), int(leaves.head[last, 0]), leaves.span
    lower, upper, allowed, present = limits
    every = some = 0
    for e in range(begin, end):
        part = share_left(span[e, 0], span[e, 1], lower, upper, allowed, present)
        shares[e - begin] = part
        every += part >= 1
        some += part > 0
    return ALL if every == end - begin else SOME if some > 0 else NOTHING


@njit(cache=True, nogil=True)
def _entry_left(
    first: int, last: int, nodes: Nodes, leaves: Laid, scores: np.ndarray, away: np.ndarray, u: float,
    shares: np.ndarray,
) -> int:  # fmt: skip
    """Return an entry of some leaves, drawn from the shares of each that rules leave, which are overwritten."""
    head, curve, begin, total = leaves.head, leaves.curve, int(leaves.head[first, 0]), 0.0
    for leaf in range(first, last):
        low, high = int(head[leaf, 0]), int(head[leaf + 1, 0])
        size, before = nodes.upto[leaf + 1] - nodes.upto[leaf], 0.0
        if leaves.noise.shape[1] > 0:
            for e in range(low, high):
                at = head[leaf, 1] if e == low else float(curve[e - 1, 1])
                at, own = (at - scores[0]) / head[leaf, 2], (curve[e, 1] - scores[0]) / head[leaf, 2]
                chance = chance_of_place(leaves.noise[0], -np.inf if e == low else at, np.inf if e == high - 1 else own)
                total += size * shares[e - begin] * (chance + FAINT * (curve[e, 0] - before))
                before = curve[e, 0]
                shares[e - begin] = total
            continue
        for s in range(len(scores)):
            away[s] = scores[s]
        _away_from(leaf, leaves, away)
        _tilt(low, high, leaves, away, shares, low - begin)
        for e in range(low, high):
            total += (curve[e, 0] - before) * size * shares[e - begin]
            before = curve[e, 0]
            shares[e - begin] = total
    return begin + _found(shares, int(head[last, 0]) - begin, u * total)


@njit(cache=True, nogil=True)
def _away_from(leaf: int, leaves: Laid, scores: np.ndarray) -> bool:
    """Make scores distances from the middle of a leaf's, as far as they count, and return whether there are any."""
    first = 1 + len(scores)
    return distances(scores, leaves.head[leaf, 1:first], leaves.head[leaf, first:])


@njit(cache=True, nogil=True)
def share_left(low: float, high: float, lower: float, upper: float, allowed: np.ndarray, present: bool) -> float:
    """Return the share of an entry from low to high that rules leave; see :class:`Limits`."""
    if len(allowed) > 0:
        return 1.0 if (allowed[int(low)] if low >= 0 else not present) else 0.0
    if np.isnan(low):
        return 0.0 if present else 1.0
    if low == np.inf or (lower <= low and high <= upper):
        return 1.0
    return max(min(high, upper) - max(low, lower), 0.0) / (high - low) if low < high else 0.0


@njit(cache=True, nogil=True)
def _value_within(entry: int, leaves: Laid, within: float, limits: Limits) -> float:
    below, above = leaves.span[entry, 0], leaves.span[entry, 1]
    if not below < above:
        return below
    below, above = max(below, limits.lower), min(above, limits.upper)
    grid = leaves.grid[entry]
    value = below + within * (above - below)
    value = value if grid == 0 else np.round(value / grid) * grid
    return min(max(value, limits.lower), limits.upper)


@njit(cache=True, nogil=True)
def _forced(u: float, limits: Limits) -> float:
    if len(limits.allowed) > 0:
        left = np.flatnonzero(limits.allowed)
        return float(left[int(u * len(left))])
    if np.isinf(limits.lower):
        return limits.upper
    return limits.lower if np.isinf(limits.upper) else limits.lower + u * (limits.upper - limits.lower)
