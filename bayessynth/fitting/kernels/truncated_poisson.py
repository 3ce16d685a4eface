"""Rows of the poisson family within ends, without terms of y alone (:mod:`bayessynth.fitting.kernels.points`)."""

from __future__ import annotations

import math

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.counts import poisson
from bayessynth.fitting.kernels.links import canonical, chain, positive
from bayessynth.fitting.kernels.points import POISSON, around, held


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    log_mu = canonical(links, constant, eta)[1][0]
    for i in range(y.shape[0]):
        lower, upper = max(beside[i, 0], 0.0), beside[i, 1]
        if lower <= 0.0 and upper == math.inf:
            logp[i], grad[0, i], bend, _ = poisson(y[i], log_mu[i])
            curvature[i] = -bend
            continue
        mu = positive(log_mu[i])
        middle = held(mu, lower, upper)
        total, mean, variance, _ = around(POISSON, middle, lower, upper, mu, 0.0)
        logp[i] = (y[i] - middle) * log_mu[i] + math.lgamma(middle + 1.0) - total
        grad[0, i] = (y[i] - middle) - mean
        curvature[i] = variance
    chain(links, constant, eta, grad, curvature)
