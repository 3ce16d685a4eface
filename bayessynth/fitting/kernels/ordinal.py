"""Rows of the ordinal family: log(F(upper - eta) - F(lower - eta)), F logistic or normal.

``options[0]`` is the code of the latent distribution's link, ``vector`` holds the thresholds.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.links import LOGIT, PROBIT
from bayessynth.fitting.kernels.special import inlined, log1mexp, log_normal_cdf, logistic

# Stands for the threshold below the first level, and above the last: no F has anything left beyond it.
_FAR = 1e9


@inlined
def _logistic(lower, upper):
    """Return the log probability, its derivatives in upper and lower, and minus the second one in the predictor.

    F(u) - F(l) = F(u) F(-l) (1 - exp(l - u)): nothing cancels.
    """
    log_p, _, p, q = logistic(upper)
    _, log_r, s, r = logistic(lower)
    inside, odds = log1mexp(lower - upper)
    return log_p + log_r + inside, q + odds, -s - odds, p * q + s * r


@inlined
def _normal(lower, upper):
    """Return what :func:`_logistic` returns, for a normal latent distribution.

    An interval above zero is taken for its mirror image below, which has digits left.
    """
    mirrored = lower > 0.0
    high, high_ratio = log_normal_cdf(-lower if mirrored else upper)
    low, low_ratio = log_normal_cdf(-upper if mirrored else lower)
    inside, odds = log1mexp(low - high)
    # Densities over the probability of the interval.
    near, far = high_ratio * (1.0 + odds), low_ratio * odds
    a, b = (far, near) if mirrored else (near, far)
    return high + inside, a, -b, upper * a - lower * b + (a - b) * (a - b)


@inlined
def _fill(link, eta, logp, grad, curvature, by_upper):
    """Fill the results; ``logp`` and ``by_upper`` hold the thresholds around each row's level."""
    for i in range(logp.shape[0]):
        lower, upper = logp[i] - eta[0, i], by_upper[i] - eta[0, i]
        found = _logistic(lower, upper) if link == LOGIT else _normal(lower, upper)
        logp[i], by_upper[i], curvature[i] = found[0], found[1], found[3]
        grad[0, i] = -found[1] - found[2]


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    n, k = y.shape[0], vector.shape[0]
    cuts, by_upper = np.empty(k + 2), np.empty(n)
    cuts[0], cuts[k + 1] = -_FAR, _FAR
    for j in range(k):
        cuts[j + 1] = vector[j]
    # Looked up in a loop of its own, which keeps the other free of addresses that depend on data.
    for i in range(n):
        logp[i], by_upper[i] = cuts[int(y[i])], cuts[int(y[i]) + 1]
    if options[0] == LOGIT:
        _fill(LOGIT, eta, logp, grad, curvature, by_upper)
    else:
        _fill(PROBIT, eta, logp, grad, curvature, by_upper)
    if order > 0:
        by_cut = np.zeros(k + 2)
        for i in range(n):
            code, counted = int(y[i]), weight[i] if weight.shape[0] else 1.0
            by_cut[code + 1] += counted * by_upper[i]
            by_cut[code] -= counted * (grad[0, i] + by_upper[i])
        for j in range(k):
            grad_vector[j] = by_cut[j + 1]
