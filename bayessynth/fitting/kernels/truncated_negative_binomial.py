"""Rows of the negative binomial family within ends, without terms of y alone.

See :mod:`bayessynth.fitting.kernels.points` and :mod:`bayessynth.fitting.kernels.counts`.
"""

from __future__ import annotations

import math

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.counts import negative_binomial, rising
from bayessynth.fitting.kernels.links import canonical, chain, positive
from bayessynth.fitting.kernels.points import NEGATIVE_BINOMIAL, POISSON, around, held
from bayessynth.fitting.kernels.special import logistic

# As bayessynth.fitting.kernels.counts has it: above it the family is its Poisson limit.
_MAX_SHAPE = 1e10


@njit(cache=True, nogil=True, error_model="numpy")
def _row(y, lower, upper, log_mu, log_alpha):
    """Return the log probability, its derivatives in log mean and log shape, and minus the second one in log mean."""
    alpha, mu = positive(log_alpha), positive(log_mu)
    raised, raised_slope = rising(y, alpha, log_alpha)
    if lower <= 0.0 and upper == math.inf:
        value, slope, bend, by_shape = negative_binomial(y, log_mu, alpha, log_alpha, raised, raised_slope)
        return value, slope, by_shape, -bend
    if alpha > _MAX_SHAPE:
        middle = held(mu, lower, upper)
        total, mean, variance, _ = around(POISSON, middle, lower, upper, mu, 0.0)
        return (y - middle) * log_mu + math.lgamma(middle + 1.0) - total, (y - middle) - mean, 0.0, variance
    _, log_q, p, q = logistic(log_mu - log_alpha)
    middle = held(mu * (1.0 - 1.0 / alpha) if alpha > 1.0 else 0.0, lower, upper)
    total, mean, variance, moved = around(NEGATIVE_BINOMIAL, middle, lower, upper, alpha, p)
    other, other_slope = rising(middle, alpha, log_alpha)
    away, beyond = y - middle, (y - middle) - mean
    value = raised - other + away * (log_mu + log_q) + math.lgamma(middle + 1.0) - total
    by_shape = raised_slope - other_slope - (moved - mean) + beyond * p
    return value, beyond * q, by_shape, q * (q * variance + beyond * p)


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    same, own = canonical(links, constant, eta)
    for i in range(y.shape[0]):
        lower = max(beside[i, 0], 0.0)
        found = _row(y[i], lower, beside[i, 1], own[0, i], own[1, 0 if same else i])
        logp[i], grad[0, i], grad[1, i], curvature[i] = found
    chain(links, constant, eta, grad, curvature)
