"""A column drawn from its trees, given the columns before it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayessynth.trees import walk
from bayessynth.trees.conditional import ORDINARY, Tree


def draw(
    trees: Sequence[Tree], predictors: Sequence[np.ndarray], n: int, smoothing: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw a column.

    Parameters
    ----------
    trees : sequence of Tree
        Of one copy.
    predictors : sequence of ndarray of shape (n,)
        Encoded columns that the trees read, in their order.
    n : int
    smoothing : float
    rng : Generator

    Returns
    -------
    ndarray of shape (n,)
        Encoded as floats, codes of levels too.
    """
    table = np.array(predictors, dtype=float) if predictors else np.empty((0, n))
    drawn, rows = np.empty(n), np.arange(n)
    for tree in trees:
        walk.draw(table, rows, tree.features, tree.nodes, tree.leaves, smoothing, rng.random((3, len(rows))), drawn)
        rows = np.flatnonzero(drawn == ORDINARY)
    return drawn
