"""Compiled: records down a tree, and a value out of the leaf that each reaches."""

from __future__ import annotations

import numpy as np
from numba import njit

from bayessynth.trees.design import REACH
from bayessynth.trees.features import Features
from bayessynth.trees.grow import Nodes
from bayessynth.trees.leaves import Leaves

# Most by which scores change the log of a leaf's probabilities.
FURTHEST = 12.0


@njit(cache=True, nogil=True)
def draw(
    table: np.ndarray, rows: np.ndarray, features: Features, nodes: Nodes, leaves: Leaves,
    smoothing: float, uniforms: np.ndarray, out: np.ndarray,
) -> None:  # fmt: skip
    """Draw the target of some rows.

    Parameters
    ----------
    table : ndarray of shape (p, n)
        Encoded predictors as floats.
    rows : ndarray of int64
    features, nodes, leaves
    smoothing : float
    uniforms : ndarray of shape (3, len(rows))
    out : ndarray of shape (n,)
        Where the values go.
    """
    predictors, scores = features.slopes.shape
    known = np.empty(predictors + scores, dtype=np.float32)
    for i in range(len(rows)):
        row = rows[i]
        _features(table, row, features, known)
        node = 0
        while nodes.feature[node] >= 0:
            node = nodes.left[node] if known[nodes.feature[node]] <= nodes.threshold[node] else nodes.right[node]
        leaf = _moved(node, nodes, smoothing, uniforms[0, i])
        entry = _entry(leaf, leaves, known[predictors:], uniforms[1, i])
        out[row] = _value(entry, leaves, uniforms[2, i])


@njit(cache=True, nogil=True)
def _features(table: np.ndarray, row: int, features: Features, known: np.ndarray) -> None:
    predictors, scores = features.slopes.shape
    for s in range(scores):
        known[predictors + s] = 0.0
    for j in range(predictors):
        value = table[j, row]
        first = features.first[j]
        if first >= 0:
            code = first + int(value) + 1
            known[j] = features.order[code]
            for s in range(scores):
                known[predictors + s] += np.float32(features.effects[code, s])
        elif np.isnan(value):
            known[j] = features.fill[j]
            for s in range(scores):
                known[predictors + s] += np.float32(features.gaps[j, s])
        else:
            known[j] = value
            standard = min(max((value - features.center[j]) / features.scale[j], -REACH), REACH)
            for s in range(scores):
                known[predictors + s] += np.float32(features.slopes[j, s] * standard)


@njit(cache=True, nogil=True)
def _moved(node: int, nodes: Nodes, smoothing: float, u: float) -> int:
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
def _entry(leaf: int, leaves: Leaves, scores: np.ndarray, u: float) -> int:
    """Return an entry of a leaf, drawn by its probability at the record's scores."""
    low, high = leaves.start[leaf], leaves.start[leaf + 1]
    if high - low == 1:
        return low
    if len(scores) == 0:
        return low + np.searchsorted(leaves.upto[low : high - 1], np.float32(u), side="right")
    total, before = 0.0, 0.0
    weight = np.empty(high - low)
    for e in range(low, high):
        power = 0.0
        for s in range(len(scores)):
            power += leaves.pull[e, s] * (scores[s] - leaves.middle[leaf, s])
        total += (leaves.upto[e] - before) * np.exp(min(max(power, -FURTHEST), FURTHEST))
        before = leaves.upto[e]
        weight[e - low] = total
    return min(low + np.searchsorted(weight, u * total, side="right"), high - 1)


@njit(cache=True, nogil=True)
def _value(entry: int, leaves: Leaves, within: float) -> float:
    below, above, grid = leaves.low[entry], leaves.high[entry], leaves.grid[entry]
    if not below < above:
        return below
    value = below + within * (above - below)
    return value if grid == 0 else np.round(value / grid) * grid
