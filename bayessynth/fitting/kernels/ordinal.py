"""Rows of the ordinal family: log(F(upper - eta) - F(lower - eta)), F logistic or normal.

``options[0]`` is the code of the latent distribution's link, ``vector`` holds the thresholds.
"""

from __future__ import annotations

import math

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.links import LOGIT
from bayessynth.fitting.kernels.special import expit, log_normal_cdf, softplus

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


@njit(cache=True, nogil=True, error_model="numpy")
def _logistic(lower, upper, first, last):
    """Return the log probability, its derivatives in upper and lower, and minus the second one in the predictor.

    F(u) - F(l) = F(u) F(-l) (1 - exp(l - u)): nothing cancels.
    """
    value, by_upper, by_lower, bend = 0.0, 0.0, 0.0, 0.0
    if not last:
        value -= softplus(-upper)
        by_upper += expit(-upper)
        bend += expit(upper) * expit(-upper)
    if not first:
        value -= softplus(lower)
        by_lower -= expit(lower)
        bend += expit(lower) * expit(-lower)
    if not (first or last):
        value += math.log(-math.expm1(lower - upper))
        gap = 1.0 / math.expm1(upper - lower)
        by_upper += gap
        by_lower -= gap
    return value, by_upper, by_lower, bend


@njit(cache=True, nogil=True, error_model="numpy")
def _normal(lower, upper, first, last):
    """Return what :func:`_logistic` returns, for a normal latent distribution.

    An interval above zero is taken for its mirror image below, which has digits left.
    """
    if first:
        value, ratio = log_normal_cdf(upper)
        return value, ratio, 0.0, ratio * (upper + ratio)
    if last:
        value, ratio = log_normal_cdf(-lower)
        return value, 0.0, -ratio, ratio * (ratio - lower)
    if lower > 0.0:
        high, low = log_normal_cdf(-lower)[0], log_normal_cdf(-upper)[0]
    else:
        high, low = log_normal_cdf(upper)[0], log_normal_cdf(lower)[0]
    value = high + math.log(-math.expm1(low - high))
    a = math.exp(-0.5 * upper * upper - _HALF_LOG_2PI - value)
    b = math.exp(-0.5 * lower * lower - _HALF_LOG_2PI - value)
    return value, a, -b, upper * a - lower * b + (a - b) * (a - b)


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, trials, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    cuts = vector.shape[0]
    grad_vector[:] = 0.0
    for i in range(y.shape[0]):
        code = int(y[i])
        first, last = code == 0, code == cuts
        upper = 0.0 if last else vector[code] - eta[0, i]
        lower = 0.0 if first else vector[code - 1] - eta[0, i]
        if options[0] == LOGIT:
            value, by_upper, by_lower, bend = _logistic(lower, upper, first, last)
        else:
            value, by_upper, by_lower, bend = _normal(lower, upper, first, last)
        logp[i] = value
        grad[0, i] = -by_upper - by_lower
        curvature[i] = bend
        counted = weight[i] if weight.shape[0] else 1.0
        if not last:
            grad_vector[code] += counted * by_upper
        if not first:
            grad_vector[code - 1] += counted * by_lower
