"""Trees on weighted records, as arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from bayessynth.trees.cuts import (
    BINS,
    Cut,
    Room,
    cut_by_bins,
    cut_labels,
    cut_numbers,
    gather_labels,
    gather_numbers,
    in_order,
    room_for,
)
from bayessynth.trees.ranks import Ranked

# With more levels than this, a tree parts their coordinates on a few axes instead of counting each in every node.
COUNTED = 64
# Share of the features that each cut of several trees chooses from.
SHARE = 1 / 2
# A node whose targets vary less is not parted.
PURE = float(np.finfo(float).eps)
# Cuts whose gains differ by a smaller share are equally good: sums of the same numbers in another order.
ALIKE = 1e-10


class Nodes(NamedTuple):
    """The nodes of a column's trees, tree by tree, each node before those below it, the left side first.

    Attributes
    ----------
    feature : ndarray of int32
        -1 at a leaf.
    threshold : ndarray of float64
        A record goes left where its feature, as a 32-bit number, is not above it.
    left, right, parent : ndarray of int32
    first, last : ndarray of int32
        The leaves below a node: first and one past the last.
    size : ndarray of float32
        Records in the node.
    upto : ndarray of float64, shape (leaves + 1,)
        Weight of all leaves before each.
    roots : ndarray of int64, shape (trees,)
        Where each tree begins.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    parent: np.ndarray
    first: np.ndarray
    last: np.ndarray
    size: np.ndarray
    upto: np.ndarray
    roots: np.ndarray


def grow(
    features: Ranked, target: np.ndarray, weights: np.ndarray, leaf: int, trees: int, seed: int
) -> tuple[Nodes, np.ndarray]:
    """Grow trees that differ in the features that each cut may choose from (Ho 1998; Breiman 2001).

    Nodes are parted until a side would have too few records, or all have the same target. Of equally good cuts the one
    that is looked at first is taken, features in a random order.

    Parameters
    ----------
    features : Ranked
        Of n records.
    target : ndarray
        Codes of levels (integers from 0 up) of shape (n,), or numbers of shape (n,) or (n, axes).
    weights : ndarray of shape (n,)
        Above 0.
    leaf : int
        Fewest records in a leaf.
    trees : int
        A single one chooses from all features.
    seed : int
        Decides which features a cut may choose from, and in which order.

    Returns
    -------
    tuple of Nodes and ndarray of int, shape (trees, n)
        The trees, and the leaf of every record in each.

    Examples
    --------
    >>> from bayessynth.trees.ranks import ranked, ranks_of
    >>> x, y = ranks_of(np.array([1.0, 2.0, 4.0, 5.0])), np.array([0.0, 0.0, 1.0, 1.0])
    >>> nodes, at = grow(ranked([x], 4), y, np.ones(4), leaf=1, trees=1, seed=1)
    >>> nodes.threshold[0].item(), at.tolist()
    (3.0, [[0, 0, 1, 1]])
    """
    count, n = features.codes.shape
    if count == 0 or n < 2 * leaf:
        return _stump(weights), np.zeros((1, n), dtype=np.int64)
    most = max(1, int(count * SHARE)) if trees > 1 else count
    goal, leaves = _goal(target, weights), trees * (n // leaf)
    room = room_for(n, goal.numbers.shape[1], goal.levels)
    # Of this room only what is used is ever touched.
    made = _Made(np.empty((2 * leaves, 7), dtype=np.int32), np.empty(2 * leaves), np.empty(leaves),
                 np.empty((trees, n), dtype=np.int64), np.empty((leaves // trees + 1, 3), dtype=np.int64),
                 np.empty((leaves // trees + 1, count), dtype=np.bool_), np.empty((2, n), dtype=np.int32),
                 np.empty(count, dtype=np.int64), np.empty(1, dtype=np.uint64),
                 np.empty(trees + 1, dtype=np.int64))  # fmt: skip
    _grow(features, goal, leaf, most, seed, made, room)
    return _nodes(made), made.at


def _nodes(made: _Made) -> Nodes:
    """Return the nodes that were made, as arrays of their own."""
    size = int(made.roots[-1])
    feature, left, right, parent, first, last, records = made.links[:size].T.copy()
    upto = np.concatenate([[0.0], np.cumsum(made.weight[: int(last[made.roots[-2]])])])
    return Nodes(feature, made.threshold[:size].copy(), left, right, parent, first, last, records.astype(np.float32),
                 upto, made.roots[:-1])  # fmt: skip


def _stump(weights: np.ndarray) -> Nodes:
    one, none = np.zeros(1, dtype=np.int32), np.full(1, -1, dtype=np.int32)
    return Nodes(none, np.zeros(1), none, none, none, one, one + 1, np.full(1, len(weights), dtype=np.float32),
                 np.array([0.0, weights.sum()]), np.zeros(1, dtype=np.int64))  # fmt: skip


class _Goal(NamedTuple):
    """What trees part: ``numbers`` of shape (n, axes), or ``labels`` of shape (n,), of so many ``levels``."""

    numbers: np.ndarray
    labels: np.ndarray
    levels: int
    weights: np.ndarray


def _goal(target: np.ndarray, weights: np.ndarray) -> _Goal:
    """Return what trees part. One of two levels is a number as well: squares of both are those of one, twice."""
    levels = int(target.max()) + 1 if target.dtype.kind in "iu" else 0
    if levels > 2:
        return _Goal(np.empty((len(target), 0)), target.astype(np.int32), levels, weights)
    numbers = np.ascontiguousarray(target.reshape(len(target), -1), dtype=float)
    return _Goal(numbers, np.empty(0, dtype=np.int32), 0, weights)


class _Made(NamedTuple):
    """Nodes that are made, and those yet to be made.

    ``links`` of a node are its feature, the nodes left and right below it and above it, first and last leaf, and size;
    ``weight`` is that of a leaf, ``at`` the leaf of every record in each tree. The ``stack`` has the records' begin and
    end, and the node above with its side, of nodes yet to be made; ``constant`` tells which features have one rank only
    in them. ``rows`` are records, node by node, and room for more; ``order`` is one of features.
    """

    links: np.ndarray
    threshold: np.ndarray
    weight: np.ndarray
    at: np.ndarray
    stack: np.ndarray
    constant: np.ndarray
    rows: np.ndarray
    order: np.ndarray
    state: np.ndarray
    roots: np.ndarray


# Places of a node's links.
FEATURE, LEFT, RIGHT, PARENT, FIRST, LAST, SIZE = range(7)


@njit(cache=True, nogil=True)
def _grow(features: Ranked, goal: _Goal, leaf: int, most: int, seed: int, made: _Made, room: Room) -> None:
    """Grow trees one after the other: every node, then all below it on the left, then those on the right."""
    links, stack, rows, node, leaves = made.links, made.stack, made.rows[0], 0, 0
    for tree in range(len(made.at)):
        for i in range(len(rows)):
            rows[i] = i
        for k in range(len(made.order)):
            made.order[k], made.constant[0, k] = k, False
        made.state[0], made.roots[tree], top = np.uint64(seed + tree), node, 0
        stack[0, 0], stack[0, 1], stack[0, 2] = 0, len(rows), -1
        while top >= 0:
            begin, end, above = stack[top, 0], stack[top, 1], stack[top, 2]
            own = rows[begin:end]
            feature, low, high = _best(features, goal, own, leaf, most, made.constant[top], made, room)
            if above >= 0:
                links[above, LEFT if node == above + 1 else RIGHT] = node
            links[node, FEATURE], links[node, LEFT], links[node, RIGHT], links[node, PARENT] = feature, -1, -1, above
            links[node, FIRST], links[node, LAST], links[node, SIZE] = leaves, leaves + 1, end - begin
            made.threshold[node] = 0.0
            if feature >= 0:
                first = features.first[feature]
                made.threshold[node] = _between(features.values[first + low], features.values[first + high])
                middle = begin + _part(features.codes[feature], low, own, made.rows[1])
                for k in range(len(made.order)):
                    made.constant[top + 1, k] = made.constant[top, k]
                stack[top, 0], stack[top, 1], stack[top, 2] = middle, end, node
                top += 1
                stack[top, 0], stack[top, 1], stack[top, 2] = begin, middle, node
            else:
                made.weight[leaves] = _settle(own, goal.weights, leaves, made.at[tree])
                leaves, top = leaves + 1, top - 1
            node += 1
        for k in range(node - 1, made.roots[tree] - 1, -1):
            if links[k, FEATURE] >= 0:
                links[k, LAST] = links[links[k, RIGHT], LAST]
    made.roots[-1] = node


@njit(cache=True, nogil=True)
def _settle(rows: np.ndarray, weights: np.ndarray, leaf: int, at: np.ndarray) -> float:
    """Write down the leaf of some records, and return their weight."""
    total = 0.0
    for i in range(len(rows)):
        at[rows[i]] = leaf
        total += weights[rows[i]]
    return total


@njit(cache=True, nogil=True)
def _between(low: float, high: float) -> float:
    """Return a place midway between two numbers; the lower one where that is infinite."""
    middle = low / 2 + high / 2
    return middle if np.isfinite(middle) else low


@njit(cache=True, nogil=True)
def _best(
    features: Ranked, goal: _Goal, rows: np.ndarray, leaf: int, most: int, constant: np.ndarray, made: _Made, room: Room
) -> tuple[int, int, int]:
    """Return feature and ranks of the best cut among so many features, drawn at random; -1 where there is none.

    More are drawn while all of those were constant in the node.
    """
    found, count, drawn, some = (-1, -1, -1), len(made.order), 0, False
    if len(rows) < 2 * leaf or _impurity(goal, rows, room) <= PURE:
        return found
    best = -np.inf
    while drawn < count and (drawn < most or not some):
        place = drawn + _below(count - drawn, made.state)
        own = made.order[place]
        made.order[place], made.order[drawn] = made.order[drawn], own
        drawn += 1
        if constant[own]:
            continue
        ranks = features.first[own + 1] - features.first[own]
        cut = _cut(features.codes[own], ranks, goal, rows, leaf, room)
        constant[own], some = cut.constant, some or not cut.constant
        if cut.gain - best > ALIKE * abs(cut.gain):
            best, found = cut.gain, (own, cut.low, cut.high)
    return found


@njit(cache=True, nogil=True)
def _impurity(goal: _Goal, rows: np.ndarray, room: Room) -> float:
    if goal.levels:
        return gather_labels(goal.labels, goal.weights, rows, room.weight, room.label, room.shares)
    return gather_numbers(goal.numbers, goal.weights, rows, room.weight, room.pull)


@njit(cache=True, nogil=True)
def _cut(codes: np.ndarray, ranks: int, goal: _Goal, rows: np.ndarray, leaf: int, room: Room) -> Cut:
    if room.pull.shape[1] == 1 and ranks <= min(len(rows), BINS):
        return cut_by_bins(codes, ranks, rows, leaf, room.weight, room.pull, room.bins)
    if not in_order(codes, ranks, rows, room.places, room.spare, room.counts):
        return Cut(-np.inf, -1, -1, True)
    if goal.levels:
        return cut_labels(len(rows), leaf, room.places, room.weight, room.label, room.shares, room.left)
    return cut_numbers(len(rows), leaf, room.places, room.weight, room.pull, room.left)


@njit(cache=True, nogil=True)
def _below(bound: int, state: np.ndarray) -> int:
    """Return a random number below a bound, by SplitMix64 (Steele, Lea & Flood 2014)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return int(((z >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@njit(cache=True, nogil=True)
def _part(codes: np.ndarray, low: int, rows: np.ndarray, spare: np.ndarray) -> int:
    """Put the records whose rank is not above one before all others, and return how many they are."""
    left = right = 0
    for i in range(len(rows)):
        row = rows[i]
        if codes[row] <= low:
            rows[left] = row
            left += 1
        else:
            spare[right] = row
            right += 1
    for i in range(right):
        rows[left + i] = spare[i]
    return left
