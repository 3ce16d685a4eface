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

from bayessynth.trees.tilt import distances, exponential

# Rounds of proportional fitting at most, and the largest error, as a share of the leaf, at which it ends.
ROUNDS, CLOSE = 6, 2e-3
# Tilts of a leaf's records, by entry, that are held at once; of so many records at least.
ROOM, AT_LEAST = 1 << 16, 16


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
    most = np.max(np.diff(start))
    found, room = first.copy(), max(ROOM, AT_LEAST * most)
    tilts, expected, away = np.empty(room), np.empty(most), np.empty((scores.shape[1], room))
    norms = np.empty(room)
    for leaf in range(len(start) - 1):
        low, high = start[leaf], start[leaf + 1]
        if high - low == 1 or not spread[leaf].any():
            continue
        total, own = weight[low:high].sum(), rows[runs[leaf] : runs[leaf + 1]]
        block = room // (high - low)
        for turn in range(ROUNDS):
            expected[: high - low] = 0.0
            for begin in range(0, len(own), block):
                some = own[begin : begin + block]
                if turn == 0 or len(own) > block:
                    _tilts(some, scores, middle[leaf], spread[leaf], pull[low:high], away, tilts)
                _add_expected(some, weights, found[low:high], tilts, norms, expected)
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
    rows: np.ndarray, scores: np.ndarray, middle: np.ndarray, spread: np.ndarray, pull: np.ndarray, away: np.ndarray,
    out: np.ndarray,
) -> None:  # fmt: skip
    """Write down by what factor the scores of some records change the probability of every entry of their leaf.

    Records stand side by side, entry after entry: a leaf has many of them, and a processor takes several at once.
    """
    size, own = len(rows), np.empty(scores.shape[1], dtype=np.float32)
    for i in range(size):
        own[:] = scores[rows[i]]
        distances(own, middle, spread)
        for s in range(len(own)):
            away[s, i] = own[s]
    for e in range(len(pull)):
        place = out[e * size : (e + 1) * size]
        for i in range(size):
            place[i] = pull[e, 0] * away[0, i]
        for s in range(1, len(own)):
            for i in range(size):
                place[i] += pull[e, s] * away[s, i]
        for i in range(size):
            place[i] = exponential(place[i])


@njit(cache=True, nogil=True, fastmath={"reassoc"})
def _add_expected(
    rows: np.ndarray, weights: np.ndarray, found: np.ndarray, tilts: np.ndarray, norms: np.ndarray, expected: np.ndarray
) -> None:
    """Add what some records of a leaf expect of every entry."""
    size = len(rows)
    norms[:size] = 0.0
    for e in range(len(found)):
        place = tilts[e * size : (e + 1) * size]
        for i in range(size):
            norms[i] += found[e] * place[i]
    for i in range(size):
        norms[i] = weights[rows[i]] / norms[i]
    for e in range(len(found)):
        place, total = tilts[e * size : (e + 1) * size], 0.0
        for i in range(size):
            total += norms[i] * place[i]
        expected[e] += found[e] * total
