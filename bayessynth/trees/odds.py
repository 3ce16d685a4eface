"""Group effects on the log odds of two levels: what groups have in common beyond what trees tell of their records.

Records of a level that is nearly certain, or rare, say little one by one: working residuals of such records run away.
The likelihood of the records does not.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy import special

# Fewest records of either level.
EVENTS = 50
# Standard deviations between groups that are tried, and records on which they are, at most.
SPREADS = np.array([0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 0.95, 1.25, 1.6, 2.1, 2.7, 3.5, 4.5])
RECORDS = 12_000
# Points between these among which one is drawn.
POINTS = 400
# Quantiles of an effect's posterior come from so many values of it, over so many standard deviations.
VALUES, REACH = 41, 4.0
# Log odds beyond which a record is certain.
CERTAIN = 15.0
_NODES, _WEIGHTS = special.roots_hermitenorm(9)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()


def odds_effects(
    y: np.ndarray, chance: np.ndarray, codes: np.ndarray, groups: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw the effect of every group on the log odds of a level.

    Effects are normal. Their standard deviation is drawn from its posterior under a uniform prior, the effects are
    integrated out by Gauss-Hermite quadrature; then each effect is drawn from its own.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Whether each record has the level.
    chance : ndarray of shape (n,)
        Of it, over all groups.
    codes : ndarray of int, shape (n,)
    groups : int
    rng : Generator

    Returns
    -------
    ndarray of shape (groups,)
        Zeros if a level has too few records to tell.

    References
    ----------
    Naylor JC, Smith AFM (1982). Applications of a method for the efficient computation of posterior distributions.
    Applied Statistics 31, 214-225.

    Examples
    --------
    >>> codes = np.repeat(np.arange(40), 50)
    >>> y = np.repeat([0.2, 0.8], 1000) > np.tile((np.arange(50) + 0.5) / 50, 40)
    >>> drawn = odds_effects(y, np.full(2000, 0.5), codes, 40, np.random.default_rng(1))
    >>> bool(abs(drawn[:20].mean() + 1.39) < 0.3), bool(abs(drawn[20:].mean() - 1.39) < 0.3)
    (True, True)
    """
    if min(y.sum(), len(y) - y.sum()) < EVENTS:
        return np.zeros(groups)
    sign = np.where(y > 0, 1.0, -1.0)
    log_odds = np.clip(special.logit(np.clip(chance, 0, 1)), -CERTAIN, CERTAIN)
    spread = _spread(sign, log_odds, codes, groups, rng)
    if spread == 0:
        return np.zeros(groups)
    values = np.linspace(-REACH, REACH, VALUES)
    centre = _centre(sign, log_odds, spread)
    power = _likelihoods(sign, log_odds, codes, groups, centre + spread * values) - values**2 / 2
    chances = np.cumsum(np.exp(power - power.max(axis=1, keepdims=True)), axis=1)
    place = (chances < rng.random((groups, 1)) * chances[:, -1:]).sum(axis=1)
    step = values[1] - values[0]
    return spread * (values[np.minimum(place, VALUES - 1)] + step * rng.uniform(-0.5, 0.5, groups))


def _spread(sign: np.ndarray, log_odds: np.ndarray, codes: np.ndarray, groups: int, rng: np.random.Generator) -> float:
    """Draw the standard deviation between groups, by the records of some of them where they are many."""
    some = rng.permutation(groups)
    upto = np.cumsum(np.bincount(codes, minlength=groups)[some])
    taken = np.zeros(groups, dtype=bool)
    taken[some[: max(int(np.searchsorted(upto, RECORDS, side="right")), 2)]] = True
    rows, repeat = taken[codes], groups / taken.sum()
    sign, log_odds, codes = sign[rows], log_odds[rows], codes[rows]
    told = np.empty(len(SPREADS))
    for i, spread in enumerate(SPREADS):
        centre = _centre(sign, log_odds, spread)
        found = _likelihoods(sign, log_odds, codes, groups, centre + spread * _NODES)[taken]
        told[i] = repeat * float(special.logsumexp(found, axis=1, b=_WEIGHTS).sum())
        # What is far from the best need not be followed further.
        if told[i] < told[: i + 1].max() - 30:
            told[i:] = told[i]
            break
    points = np.linspace(0, SPREADS[-1], POINTS)
    chances = np.interp(points, SPREADS, told)
    return float(points[rng.choice(POINTS, p=special.softmax(chances))])


def _centre(sign: np.ndarray, log_odds: np.ndarray, spread: float) -> float:
    """Return the mean effect with which as many records as there are have the level."""
    if spread == 0:
        return 0.0
    centre, wanted = 0.0, float((sign > 0).sum())
    for _ in range(4):
        expected, slope = _expected(log_odds, centre + spread * _NODES, _WEIGHTS)
        centre += float(np.clip((wanted - expected) / max(slope, 1e-9), -1, 1))
    return centre


@njit(cache=True, nogil=True)
def _expected(log_odds: np.ndarray, values: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Return how many records are expected to have the level, and how fast that grows with all log odds."""
    total, slope = 0.0, 0.0
    for eta in log_odds:
        for k in range(len(values)):
            p = 1 / (1 + np.exp(-(eta + values[k])))
            total += weights[k] * p
            slope += weights[k] * p * (1 - p)
    return total, slope


@njit(cache=True, nogil=True)
def _likelihoods(
    sign: np.ndarray, log_odds: np.ndarray, codes: np.ndarray, groups: int, values: np.ndarray
) -> np.ndarray:
    """Return the log likelihood of every group's records at some values of its effect, shape (groups, values)."""
    found = np.zeros((groups, len(values)))
    for i in range(len(sign)):
        for k in range(len(values)):
            found[codes[i], k] -= np.log1p(np.exp(-sign[i] * (log_odds[i] + values[k])))
    return found
