"""Sums over the points of an interval of counts, outwards from its likeliest point, by ratios of neighbours.

P(k + 1) / P(k) is mu / (k + 1) of a Poisson, (k + α) / (k + 1) · p of a negative binomial with p = mu / (mu + α), and
(n - k) / (k + 1) · odds of a binomial. Sums of ratios to the likeliest point have no tail in which they underflow, and
end where nothing is added. With E and V the mean and variance of the counts that are left, the derivative of the
truncated log probability in the canonical parameter is y - E, and minus the second one V.
"""

from __future__ import annotations

import math

from numba import njit

from bayessynth.fitting.kernels.special import inlined

POISSON, NEGATIVE_BINOMIAL, BINOMIAL = range(3)
# A term below this share of the sum, times the square of its distance, ends it.
_NOTHING = 1e-20
# Points on either side at most: a predictor that has run away must not hold up the sampler.
_MOST = 200_000


@inlined
def _ratio(kind, k, a, b):
    """Return P(k + 1) / P(k); a and b are mu and nothing, α and p, or n and the odds."""
    if kind == POISSON:
        return a / (k + 1.0)
    if kind == NEGATIVE_BINOMIAL:
        return (k + a) / (k + 1.0) * b
    return (a - k) / (k + 1.0) * b


@njit(cache=True, nogil=True, error_model="numpy")
def around(kind, middle, lower, upper, a, b):
    """Return log Σ P(k) / P(middle), mean and variance of k - middle, and of a negative binomial the mean of a sum.

    That is α (ψ(k + α) - ψ(middle + α)), by which the derivative in log α goes on from the middle's.
    """
    total, first, second, slope = 1.0, 0.0, 0.0, 0.0
    for up in (True, False):
        k, term, own = middle, 1.0, 0.0
        for _ in range(_MOST):
            if (k >= upper) if up else (k <= lower):
                break
            if up:
                term *= _ratio(kind, k, a, b)
                own += a / (k + a) if kind == NEGATIVE_BINOMIAL else 0.0
                k += 1.0
            else:
                k -= 1.0
                term /= _ratio(kind, k, a, b)
                own -= a / (k + a) if kind == NEGATIVE_BINOMIAL else 0.0
            away = k - middle
            total += term
            first += term * away
            second += term * away * away
            slope += term * own
            if term * (1.0 + away * away) < _NOTHING * total:
                break
    mean = first / total
    return math.log(total), mean, max(second / total - mean * mean, 0.0), slope / total


@inlined
def held(value, lower, upper):
    """Return the whole number at or below a value, within ends."""
    return min(max(math.floor(value), lower), upper)
