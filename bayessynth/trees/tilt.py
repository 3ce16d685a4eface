"""Compiled: how linear scores tilt the probabilities of a leaf."""

from __future__ import annotations

import numpy as np
from numba import njit

# Standard deviations from the middle of a leaf's scores beyond which its probabilities change no further.
SEEN = 2.0
# Most by which scores change the log of a leaf's probabilities.
FURTHEST = 5.0


@njit(cache=True, nogil=True)
def distances(scores: np.ndarray, middle: np.ndarray, spread: np.ndarray) -> bool:
    """Make scores distances from the middle of a leaf's, as far as they count, and return whether there are any.

    Parameters
    ----------
    scores : ndarray of shape (scores,)
        Overwritten.
    middle, spread : ndarray of shape (scores,)
        Mean and standard deviation of the scores in the leaf.

    Examples
    --------
    >>> scores = np.array([3.0, 9.0], dtype=np.float32)
    >>> distances(scores, np.ones(2, dtype=np.float32), np.array([1.5, 0.5], dtype=np.float32)), scores.tolist()
    (True, [2.0, 1.0])
    """
    some = False
    for s in range(len(scores)):
        far = SEEN * spread[s]
        scores[s] = min(max(scores[s] - middle[s], -far), far)
        some |= scores[s] != 0
    return some


@njit(cache=True, nogil=True)
def factor(pull: np.ndarray, away: np.ndarray) -> float:
    """Return by what factor scores, so far from the middle of a leaf, change the probability of one of its entries.

    Parameters
    ----------
    pull : ndarray of shape (scores,)
        Growth of the entry's log probability with each score.
    away : ndarray of shape (scores,)
        As :func:`distances` leaves them.

    Examples
    --------
    >>> round(factor(np.array([2.0]), np.array([0.5])), 3)
    2.718
    """
    power = 0.0
    for s in range(len(away)):
        power += pull[s] * away[s]
    return exponential(power)


@njit(cache=True, nogil=True)
def exponential(power: float) -> float:
    """Return e to some power, held between -5 and 5, to within a millionth of it, in a third of the time.

    >>> round(exponential(1.0), 4), round(exponential(9.0), 1)
    (2.7183, 148.4)
    """
    z = min(max(power, -FURTHEST), FURTHEST) / 32
    root = 1 + z * (1 + z * (1 / 2 + z * (1 / 6 + z * (1 / 24 + z / 120))))
    for _ in range(5):
        root *= root
    return root
