"""Compiled: probabilities of a leaf's entries that are right on average once linear scores tilt them.

A tilt is no linear change: a rare entry gains more from records whose scores favour it than it loses from the others,
so that a leaf's own shares, tilted, give too many of it (Jensen's inequality), and more so in each column that follows.
What is tilted is therefore found from the records themselves: probabilities at the middle of the scores under which the
leaf's records, each at its own scores, expect as many of every entry as there are. That is what maximum likelihood asks
of the intercepts of a multinomial logistic regression, solved by proportional fitting (Darroch & Ratcliff 1972).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from bayessynth.trees.tilt import distances, factor

# Rounds of proportional fitting at most, and the largest error, as a share of the leaf, at which it ends.
ROUNDS, CLOSE = 6, 2e-3
# Records' tilts, by entry, that are held at once.
ROOM = 1 << 14


@njit(cache=True, nogil=True)
def calibrated(
    first: np.ndarray, weight: np.ndarray, start: np.ndarray, pull: np.ndarray, middle: np.ndarray, spread: np.ndarray,
    rows: np.ndarray, runs: np.ndarray, weights: np.ndarray, scores: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return weights of the entries of all leaves, each leaf's of the same sum, that are right once they are tilted.

    Parameters
    ----------
    first : ndarray of shape (entries,)
        Where proportional fitting begins.
    weight : ndarray of shape (entries,)
        Of the records of each entry.
    start : ndarray of int64, shape (leaves + 1,)
        Where the entries of each leaf begin.
    pull : ndarray of float32, shape (entries, scores)
    middle, spread : ndarray of float32, shape (leaves, scores)
    rows : ndarray of int64
        Records, leaf by leaf.
    runs : ndarray of int64, shape (leaves + 1,)
        Where those of each leaf begin.
    weights : ndarray of shape (n,)
        Of each record.
    scores : ndarray of float32, shape (n, scores)

    Examples
    --------
    One record in ten of an entry that its score tells: without tilting as many, with it a smaller share at the middle.

    >>> score = np.array([[-1.0], [1.0]] * 5, dtype=np.float32)
    >>> pull = np.array([[0.0], [3.0]], dtype=np.float32)
    >>> runs, one = np.array([0, 10]), np.ones((1, 1), dtype=np.float32)
    >>> weight, start = np.array([9.0, 1.0]), np.array([0, 2])
    >>> found = calibrated(weight, weight, start, pull, 0 * one, one, np.arange(10), runs, np.ones(10), score)
    >>> bool(found[1] < 0.2)
    True
    """
    found = first.copy()
    expected, tilts = np.empty(np.max(np.diff(start))), np.empty(max(ROOM, np.max(np.diff(start))))
    for leaf in range(len(start) - 1):
        low, high = start[leaf], start[leaf + 1]
        if high - low == 1 or not spread[leaf].any():
            continue
        total, own = weight[low:high].sum(), rows[runs[leaf] : runs[leaf + 1]]
        block = max(len(tilts) // (high - low), 1)
        for turn in range(ROUNDS):
            expected[: high - low] = 0.0
            for begin in range(0, len(own), block):
                some = own[begin : begin + block]
                if turn == 0 or len(own) > block:
                    _tilts(some, scores, middle[leaf], spread[leaf], pull[low:high], tilts)
                _add_expected(some, weights, found[low:high], tilts, expected)
            error = 0.0
            for e in range(low, high):
                error = max(error, abs(expected[e - low] - weight[e]) / total)
                found[e] *= weight[e] / expected[e - low]
            if error < CLOSE:
                break
        found[low:high] *= total / found[low:high].sum()
    return found


@njit(cache=True, nogil=True)
def _tilts(
    rows: np.ndarray, scores: np.ndarray, middle: np.ndarray, spread: np.ndarray, pull: np.ndarray, out: np.ndarray
) -> None:
    """Write down by what factor the scores of some records change the probability of every entry of their leaf."""
    away, place = np.empty(scores.shape[1], dtype=np.float32), 0
    for row in rows:
        away[:] = scores[row]
        distances(away, middle, spread)
        for e in range(len(pull)):
            out[place] = factor(pull[e], away)
            place += 1


@njit(cache=True, nogil=True)
def _add_expected(
    rows: np.ndarray, weights: np.ndarray, found: np.ndarray, tilts: np.ndarray, expected: np.ndarray
) -> None:
    """Add what some records of a leaf expect of every entry."""
    place, entries = 0, len(found)
    for row in rows:
        norm = 0.0
        for e in range(entries):
            norm += found[e] * tilts[place + e]
        share = weights[row] / norm
        for e in range(entries):
            expected[e] += share * found[e] * tilts[place + e]
        place += entries
