"""Rows of the binomial family within ends, without terms of y alone (:mod:`bayessynth.fitting.kernels.points`)."""

from __future__ import annotations

import math

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.links import CLOGLOG, LOGIT, PROBIT, log_share
from bayessynth.fitting.kernels.points import BINOMIAL, around, held
from bayessynth.fitting.kernels.special import exp, inlined


@inlined
def _fill(link, y, beside, eta, logp, grad, curvature):
    for i in range(y.shape[0]):
        trials, lower = beside[i, 0], max(beside[i, 1], 0.0)
        upper = min(beside[i, 2], trials)
        log_p, log_q, p_slope, q_slope, p_second, q_second = log_share(link, eta[0, i])
        odds, slope, second = log_p - log_q, p_slope - q_slope, p_second - q_second
        middle = held((trials + 1.0) * exp(log_p), lower, upper)
        total, mean, variance, _ = around(BINOMIAL, middle, lower, upper, trials, exp(odds))
        ways = math.lgamma(trials + 1.0) - math.lgamma(middle + 1.0) - math.lgamma(trials - middle + 1.0)
        beyond = (y[i] - middle) - mean
        logp[i] = (y[i] - middle) * odds - ways - total
        grad[0, i] = beyond * slope
        curvature[i] = variance * slope * slope - beyond * second


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    if links[0] == LOGIT:
        _fill(LOGIT, y, beside, eta, logp, grad, curvature)
    elif links[0] == PROBIT:
        _fill(PROBIT, y, beside, eta, logp, grad, curvature)
    else:
        _fill(CLOGLOG, y, beside, eta, logp, grad, curvature)
