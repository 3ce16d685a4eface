"""One tree on weighted records, as arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

# With more levels than this, a tree parts their coordinates on a few axes instead of counting each in every node.
COUNTED = 64


class Nodes(NamedTuple):
    """The nodes of a tree, each before those below it, the left side first.

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


def grow(matrix: np.ndarray, target: np.ndarray, weights: np.ndarray, leaf: int, seed: int) -> tuple[Nodes, np.ndarray]:
    """Grow a tree.

    Parameters
    ----------
    matrix : ndarray of float32, shape (n, features)
    target : ndarray
        Codes of levels (integers) of shape (n,), or numbers of shape (n,) or (n, axes).
    weights : ndarray of shape (n,)
    leaf : int
        Fewest records in a leaf.
    seed : int
        Decides between equally good cuts.

    Returns
    -------
    tuple of Nodes and ndarray of int
        The tree, and the leaf of every record.
    """
    if matrix.shape[1] == 0 or len(matrix) < 2 * leaf:
        return _stump(weights), np.zeros(len(weights), dtype=np.int64)
    kind = DecisionTreeClassifier if target.dtype.kind in "iu" else DecisionTreeRegressor
    fitted = kind(min_samples_leaf=leaf, random_state=seed).fit(matrix, target, sample_weight=weights, check_input=True)
    tree = fitted.tree_
    return _nodes(tree.children_left, tree.children_right, tree.feature, tree.threshold, tree.n_node_samples,
                  tree.apply(matrix), weights)  # fmt: skip


def _stump(weights: np.ndarray) -> Nodes:
    one, none = np.zeros(1, dtype=np.int32), np.full(1, -1, dtype=np.int32)
    return Nodes(none, np.zeros(1), none, none, none, one, one + 1, np.full(1, len(weights), dtype=np.float32),
                 np.array([0.0, weights.sum()]))  # fmt: skip


def _nodes(
    left: np.ndarray, right: np.ndarray, feature: np.ndarray, threshold: np.ndarray, size: np.ndarray,
    at: np.ndarray, weights: np.ndarray,
) -> tuple[Nodes, np.ndarray]:  # fmt: skip
    is_leaf = left < 0
    inner = np.flatnonzero(~is_leaf)
    parent = np.full(len(left), -1, dtype=np.int32)
    parent[left[inner]] = parent[right[inner]] = inner
    rank = np.cumsum(is_leaf) - is_leaf
    # Nodes are numbered depth first: the leaves below a node follow one another.
    last = rank + 1
    for node in inner[::-1]:
        last[node] = last[right[node]]
    leaf_of = rank[at]
    upto = np.concatenate([[0.0], np.cumsum(np.bincount(leaf_of, weights=weights, minlength=int(is_leaf.sum())))])
    nodes = Nodes(
        np.where(is_leaf, -1, feature).astype(np.int32), threshold, left.astype(np.int32), right.astype(np.int32),
        parent, rank.astype(np.int32), last.astype(np.int32), size.astype(np.float32), upto,
    )  # fmt: skip
    return nodes, leaf_of
