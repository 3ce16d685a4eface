"""Leaves laid out for compiled draws: what is read together stands together.

Draws jump from leaf to leaf of trees that are larger than what a core keeps at hand. Each array that a draw reads is
then one more place in memory that it has to wait for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bayessynth.trees.leaves import Leaves


class Laid(NamedTuple):
    """The entries of all leaves, leaf by leaf; see :class:`~bayessynth.trees.leaves.Leaves`.

    Attributes
    ----------
    head : ndarray of float64, shape (leaves + 1, 1 + 2 * scores)
        Where the entries of each leaf begin, and mean and standard deviation of its scores.
    curve : ndarray of float32, shape (entries, 1 + scores)
        Probability of the leaf's entries up to this one, and growth of its log probability with each score.
    span : ndarray of float64, shape (entries, 2)
        Ends of the interval.
    grid : ndarray of float32, shape (entries,)
    noise : ndarray of float32, shape (ensembles, cells + 1)
    """

    head: np.ndarray
    curve: np.ndarray
    span: np.ndarray
    grid: np.ndarray
    noise: np.ndarray = np.zeros((1, 0), dtype=np.float32)


def laid(every: Sequence[Leaves]) -> Laid:
    """Lay out the leaves of one or more ensembles, one after the other.

    Examples
    --------
    >>> from bayessynth.trees.leaves import Records, of_values
    >>> none = np.zeros((2, 0))
    >>> leaves = of_values(Records(np.array([[0, 0]]), np.ones(2), none, none, 1), np.array([2.0, 1.0]))
    >>> laid([leaves, leaves]).head[:, 0].tolist(), laid([leaves, leaves]).span[:, 0].tolist()
    ([0.0, 2.0, 4.0], [1.0, 2.0, 1.0, 2.0])
    """
    leaves, entries = sum(len(own.middle) for own in every), sum(len(own.upto) for own in every)
    scores = every[0].pull.shape[1]
    head, curve = np.zeros((leaves + 1, 1 + 2 * scores)), np.empty((entries, 1 + scores), dtype=np.float32)
    span, grid = np.empty((entries, 2)), np.empty(entries, dtype=np.float32)
    leaf = entry = 0
    for own in every:
        at, rows = slice(leaf, leaf + len(own.middle)), slice(entry, entry + len(own.upto))
        head[at, 0] = own.start[:-1] + entry
        head[at, 1 : 1 + scores], head[at, 1 + scores :] = own.middle, own.spread
        curve[rows, 0], curve[rows, 1:], grid[rows] = own.upto, own.pull, own.grid
        span[rows, 0], span[rows, 1] = own.low, own.high
        leaf, entry = at.stop, rows.stop
    head[leaves, 0] = entries
    return Laid(head, curve, span, grid, np.stack([own.noise for own in every]))
