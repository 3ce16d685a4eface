"""A number in a table of few rows: where it stands in its leaf is told by a linear score and a smooth residual.

Trees of some seventy rows have three leaves, in which a row that is far out in all columns stands beside nineteen that
are not. If positions in a leaf were drawn by chance, tilted a little by a score of ranks, such a row would be far out
in one column and ordinary in the next, and relations that rest on it would be lost. Here a place is drawn instead: the
score of the new record, from a ridge regression on the columns before it, and a residual from a kernel density of the
records' residuals. Places are put to numbers by quantiles: the share of places below an end of an interval of the
leaf's curve is that interval's own. So a leaf has the distribution of its records whatever the shape of the relation
(a monotone link, learnt by matching quantiles), and a record whose score is far out is far out. What is held of
residuals is quantiles of their density, and of numbers intervals that end between records.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy import linalg, special

from bayessynth.trees.leaves import MIDDLE, Leaves

# Prior precision of a score's coefficients: three records' worth. With less, a fit of few rows leaves too little
# residual; a level of one record would have that record's number for its coefficient.
PRECISION = 3.0
# Quantiles of the density of residuals that are kept, and that leaves' places are worked out from.
CELLS, PLACES = 65, 31
# Records' worth of the residuals of all leaves in a leaf's own spread.
POOLED = 5.0
# Share of its records' that an entry has where residuals do not reach its place, of which rules may leave no other.
FAINT = 1e-9
# Where the kernel ends, in its standard deviations, places in one at which the density is computed, and in all.
REACH, FINE, MOST_STEPS = 3.0, 4, 2000
# Slope of a number on its score below which the score tells nothing.
LEAST = 1e-3
# Most leverage that leaving a record out allows for.
_MOST = 0.95


def better(design: np.ndarray, goals: tuple[np.ndarray, ...], weights: np.ndarray) -> np.ndarray:
    """Return the one of some scales of a number that a linear score tells best of records that are left out.

    Compared are shares of explained variance of leave-one-out residuals (PRESS; Allen 1974): a number that grows with
    another has its own scale, one whose tails are not those of what tells of it that of its ranks.

    Parameters
    ----------
    design : ndarray of shape (n, q)
    goals : tuple of ndarray of shape (n,)
        The number on each scale.
    weights : ndarray of shape (n,)

    Examples
    --------
    >>> x = np.array([[-1.0], [0.0], [0.0], [1.0], [6.0]])
    >>> ranks, numbers = np.array([-1.2, -0.5, 0.0, 0.5, 1.2]), np.array([-1.0, 0.0, 0.1, 1.0, 6.0])
    >>> bool((better(np.tile(x, (4, 1)), (np.tile(ranks, 4), np.tile(numbers, 4)), np.ones(20)) == 6).any())
    True
    """
    total = weights.sum()
    x = design - weights @ design / total
    weighted = x * weights[:, None]
    gram = weighted.T @ x + PRECISION * np.eye(x.shape[1])
    hat = linalg.solve(gram, weighted.T, assume_a="pos")
    leverage = np.minimum(np.einsum("ij,ji->i", x, hat) + weights / total, _MOST)
    told = []
    for goal in goals:
        y = goal - weights @ goal / total
        left = (y - x @ (hat @ y)) / (1 - leverage)
        told.append(float(weights @ left**2) / max(float(weights @ y**2), 1e-12))
    return goals[int(np.argmin(told))]


def leaning(
    leaves: Leaves, leaf: np.ndarray, scores: np.ndarray, goal: np.ndarray, weights: np.ndarray,
    rng: np.random.Generator,
) -> Leaves:  # fmt: skip
    """Return leaves whose entries are drawn by their place: the score and a residual.

    Parameters
    ----------
    leaves : Leaves
        Of numbers, without scores.
    leaf : ndarray of int, shape (trees, n)
        The leaf of every record in each tree.
    scores, goal : ndarray of shape (n,)
        The linear score, and the number on the score's scale.
    weights : ndarray of shape (n,)
    rng : Generator

    Returns
    -------
    Leaves
        With ``noise``: ``pull`` is the place up to which an entry reaches, ``middle`` where the leaf's first begins,
        ``spread`` what the residual is multiplied by.
    """
    left = _left(goal, scores.astype(float), weights)
    count = len(leaves.start) - 1
    spread = _spreads(left, leaf, weights, count)
    noise = _quantiles(left / spread[leaf].mean(axis=0), weights)
    some = _at(noise, (np.arange(PLACES) + 0.5) / PLACES)
    order = np.argsort(leaf.ravel(), kind="stable")
    runs = np.searchsorted(leaf.ravel()[order], np.arange(count + 1)).astype(np.int64)
    first, upto = np.empty(count), np.empty(len(leaves.upto))
    # From where a leaf's outermost places end, its outermost record's score could be worked out.
    beyond = rng.uniform(*MIDDLE, size=(count, 2))
    _places(leaves.start, leaves.upto, order % len(goal), runs, scores.astype(float), weights, spread, some, beyond,
            first, upto)  # fmt: skip
    return leaves._replace(pull=upto.astype(np.float32)[:, None], middle=first.astype(np.float32)[:, None],
                           spread=spread.astype(np.float32)[:, None], noise=noise.astype(np.float32))  # fmt: skip


def _left(goal: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return what the score leaves of the number, in the units of the score.

    The prior has drawn the score towards its mean. Places are put to numbers by quantiles, so that only the ratio of
    score and residual counts, which is that of the score's least squares line.
    """
    share = weights / weights.sum()
    told, own = scores - share @ scores, goal - share @ goal
    slope = float(share @ (told * own)) / max(float(share @ told**2), 1e-12)
    found: np.ndarray = own / slope - told if slope > LEAST else own
    return found


def _spreads(left: np.ndarray, leaf: np.ndarray, weights: np.ndarray, count: int) -> np.ndarray:
    """Return how wide each leaf's residuals are, in units of all, drawn towards one."""
    mean = float(weights @ left**2 / weights.sum())
    if mean == 0:
        return np.ones(count)
    flat, times = leaf.ravel(), len(leaf)
    squares = np.bincount(flat, np.tile(weights * left**2 / mean, times), count)
    return np.sqrt((squares + POOLED) / (np.bincount(flat, np.tile(weights, times), count) + POOLED))


def _quantiles(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return quantiles of a normal kernel density of Silverman's width; the first and the last are its ends."""
    share = weights / weights.sum()
    order = np.argsort(values, kind="stable")
    middle = np.cumsum(share[order]) - share[order] / 2
    quarter, three = np.interp([0.25, 0.75], middle, values[order])
    deviation = np.sqrt(share @ (values - share @ values) ** 2)
    robust = (three - quarter) / 1.349
    width = max(0.9 * (min(deviation, robust) if robust > 0 else deviation) * float(share @ share) ** 0.2, 1e-9)
    steps = int(np.clip((values.max() - values.min()) / width * FINE, 8 * FINE, MOST_STEPS))
    at = np.linspace(values.min() - REACH * width, values.max() + REACH * width, steps)
    below = special.ndtr((at[:, None] - values) / width) @ share
    wanted = np.linspace(0, 1, CELLS)
    return np.interp(wanted, (below - below[0]) / (below[-1] - below[0]), at)


def _at(noise: np.ndarray, shares: np.ndarray) -> np.ndarray:
    return np.interp(shares, np.linspace(0, 1, len(noise)), noise)


@njit(cache=True, nogil=True)
def _places(
    start: np.ndarray, shares: np.ndarray, rows: np.ndarray, runs: np.ndarray, scores: np.ndarray, weights: np.ndarray,
    spread: np.ndarray, some: np.ndarray, beyond: np.ndarray, first: np.ndarray, upto: np.ndarray,
) -> None:  # fmt: skip
    """Write down where entries end: quantiles of the scores of a leaf's records, each with all residuals."""
    for leaf in range(len(start) - 1):
        own = rows[runs[leaf] : runs[leaf + 1]]
        places, weight = np.empty(len(own) * len(some)), np.empty(len(own) * len(some))
        for i in range(len(own)):
            for k in range(len(some)):
                places[i * len(some) + k] = scores[own[i]] + spread[leaf] * some[k]
                weight[i * len(some) + k] = weights[own[i]]
        order = np.argsort(places)
        places, weight = places[order], weight[order]
        middle = np.cumsum(weight) - weight / 2
        middle /= weight.sum()
        first[leaf] = places[0] - beyond[leaf, 0] * spread[leaf] * (some[1] - some[0])
        ends = np.interp(shares[start[leaf] : start[leaf + 1]].astype(np.float64), middle, places)
        for e in range(start[leaf], start[leaf + 1]):
            upto[e] = ends[e - start[leaf]]
        upto[start[leaf + 1] - 1] = places[-1] + beyond[leaf, 1] * spread[leaf] * (some[-1] - some[-2])


@njit(cache=True, nogil=True)
def residual(noise: np.ndarray, u: float) -> float:
    """Return a residual by its share of the density.

    Parameters
    ----------
    noise : ndarray of shape (cells + 1,)
        Quantiles.
    u : float

    Examples
    --------
    >>> float(residual(np.array([-2.0, 0.0, 1.0]), 0.75))
    0.5
    """
    at = u * (len(noise) - 1)
    cell = min(int(at), len(noise) - 2)
    return noise[cell] + (at - cell) * (noise[cell + 1] - noise[cell])


@njit(cache=True, nogil=True)
def share_below(noise: np.ndarray, value: float) -> float:
    """Return the share of the density below a residual.

    Examples
    --------
    >>> share_below(np.array([-2.0, 0.0, 1.0]), 0.5), share_below(np.array([-2.0, 0.0, 1.0]), 9.0)
    (0.75, 1.0)
    """
    if value <= noise[0]:
        return 0.0
    if value >= noise[-1]:
        return 1.0
    cell = np.searchsorted(noise, value) - 1
    return (cell + (value - noise[cell]) / (noise[cell + 1] - noise[cell])) / (len(noise) - 1)


@njit(cache=True, nogil=True)
def chance_of_place(noise: np.ndarray, low: float, high: float) -> float:
    """Return the probability of residuals between two ends.

    Examples
    --------
    >>> chance_of_place(np.array([-2.0, 0.0, 1.0]), -1.0, 0.5)
    0.5
    """
    return share_below(noise, high) - share_below(noise, low)


@njit(cache=True, nogil=True)
def place_in(
    leaf: int, head: np.ndarray, curve: np.ndarray, noise: np.ndarray, score: float, u: float
) -> tuple[int, float]:
    """Return the entry of a leaf in which a place lies, and how far up in it; -1 where it is beyond the ends.

    Parameters
    ----------
    leaf : int
    head, curve : ndarray
        See :class:`~bayessynth.trees.laid.Laid`.
    noise : ndarray of shape (cells + 1,)
    score : float
        Of the record.
    u : float
        Which residual is added.

    Examples
    --------
    >>> head, curve = np.array([[0.0, -1.0, 1.0], [2.0, 0.0, 0.0]]), np.array([[0.5, 0.0], [1.0, 4.0]])
    >>> noise = np.array([-1.0, 0.0, 1.0])
    >>> place_in(0, head, curve, noise, 2.0, 0.5), place_in(0, head, curve, noise, 9.0, 0.5)
    ((1, 0.5), (1, -1.0))
    """
    low, high = int(head[leaf, 0]), int(head[leaf + 1, 0]) - 1
    place, before = score + head[leaf, 2] * residual(noise, u), float(head[leaf, 1])
    if place < before:
        return low, -1.0
    if place >= curve[high, 1]:
        return high, -1.0
    while curve[low, 1] <= place:
        before = float(curve[low, 1])
        low += 1
    return low, (place - before) / (curve[low, 1] - before)
