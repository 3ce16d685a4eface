"""Trees on weighted records, as arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

# With more levels than this, a tree parts their coordinates on a few axes instead of counting each in every node.
COUNTED = 64
# Cuts of a score are looked for on a grid of this many steps a standard deviation. Within a leaf scores still tilt
# probabilities; more places to cut would only be paid for.
STEPS = 16
# Share of the features that each cut of several trees chooses from.
MAX_FEATURES = 1 / 2


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
    matrix: np.ndarray, target: np.ndarray, weights: np.ndarray, leaf: int, trees: int, seed: int,
    scores: int = 0,
) -> tuple[Nodes, np.ndarray]:  # fmt: skip
    """Grow trees that differ in the features that each cut may choose from (Ho 1998; Breiman 2001).

    Parameters
    ----------
    matrix : ndarray of float32, shape (n, features)
    target : ndarray
        Codes of levels (integers) of shape (n,), or numbers of shape (n,) or (n, axes).
    weights : ndarray of shape (n,)
    leaf : int
        Fewest records in a leaf.
    trees : int
        A single one chooses from all features.
    seed : int
        Decides which features a cut may choose from, and between equally good cuts.
    scores : int
        How many of the last features are linear scores.

    Returns
    -------
    tuple of Nodes and ndarray of int, shape (trees, n)
        The trees, and the leaf of every record in each.
    """
    if matrix.shape[1] == 0 or len(matrix) < 2 * leaf:
        return _stump(weights), np.zeros((1, len(weights)), dtype=np.int64)
    kind = DecisionTreeClassifier if target.dtype.kind in "iu" else DecisionTreeRegressor
    share = MAX_FEATURES if trees > 1 else None
    coarse, made = _coarse(matrix, scores), []
    for number in range(trees):
        fitted = kind(min_samples_leaf=leaf, max_features=share, random_state=seed + number)
        tree = fitted.fit(coarse, target, sample_weight=weights).tree_
        made.append(_nodes(tree.children_left, tree.children_right, tree.feature, tree.threshold, tree.n_node_samples,
                           tree.apply(matrix), weights))  # fmt: skip
    return _together(made)


def _coarse(matrix: np.ndarray, scores: int) -> np.ndarray:
    """Return features whose last ones lie on a grid. Cuts fall midway between its points, where rounding parts too."""
    if not scores:
        return matrix
    found, at = matrix.copy(), matrix.shape[1] - scores
    step = matrix[:, at:].std(axis=0) / STEPS
    step = np.where((step > 0) & np.isfinite(step), step, 1).astype(np.float32)
    found[:, at:] = np.round(matrix[:, at:] / step) * step
    return found


def _together(made: list[tuple[Nodes, np.ndarray]]) -> tuple[Nodes, np.ndarray]:
    """Return trees as one set of arrays."""
    begin = np.cumsum([0, *(len(own.feature) for own, _ in made)])
    leaves = np.cumsum([0, *(len(own.upto) - 1 for own, _ in made)]).astype(np.int32)
    weight = np.cumsum([0.0, *(own.upto[-1] for own, _ in made)])
    moved = [
        own._replace(
            **{name: np.where(at < 0, -1, at + node).astype(np.int32)
               for name in ("left", "right", "parent") for at in (getattr(own, name),)},
            first=own.first + leaf, last=own.last + leaf, upto=own.upto[:-1] + before, roots=own.roots + node,
        )
        for (own, _), node, leaf, before in zip(made, begin, leaves, weight, strict=False)
    ]  # fmt: skip
    every = Nodes(*map(np.concatenate, zip(*moved, strict=True)))
    at = np.stack([own + leaf for (_, own), leaf in zip(made, leaves, strict=False)])
    return every._replace(upto=np.append(every.upto, weight[-1])), at


def _stump(weights: np.ndarray) -> Nodes:
    one, none = np.zeros(1, dtype=np.int32), np.full(1, -1, dtype=np.int32)
    return Nodes(none, np.zeros(1), none, none, none, one, one + 1, np.full(1, len(weights), dtype=np.float32),
                 np.array([0.0, weights.sum()]), np.zeros(1, dtype=np.int64))  # fmt: skip


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
        np.zeros(1, dtype=np.int64),
    )  # fmt: skip
    return nodes, leaf_of
