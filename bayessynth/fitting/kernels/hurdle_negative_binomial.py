"""Rows of the hurdle negative binomial family, without -log y!."""

from __future__ import annotations

import math

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.counts import hurdle, negative_binomial, rising
from bayessynth.fitting.kernels.links import log_mean, log_share


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, trials, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    share, alpha = log_share(links[1], eta[1, 0]), math.exp(eta[2, 0])
    for i in range(y.shape[0]):
        if not constant[1]:
            share = log_share(links[1], eta[1, i])
        if not constant[2]:
            alpha = math.exp(eta[2, i])
        log_mu, first, second = log_mean(links[0], eta[0, i])
        log_rising, slope = rising(y[i], alpha)
        count = negative_binomial(y[i], log_mu, alpha, log_rising, slope)
        zero = negative_binomial(0.0, log_mu, alpha, 0.0, 0.0)
        found = hurdle(y[i], count, zero, share)
        logp[i] = found[0]
        grad[0, i] = found[1] * first
        grad[1, i] = found[4]
        grad[2, i] = alpha * found[3]
        curvature[i] = -(found[2] * first * first + found[1] * second)
