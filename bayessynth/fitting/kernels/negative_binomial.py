"""Rows of the negative binomial family, without -log y! (:mod:`bayessynth.fitting.kernels.counts`)."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.counts import negative_binomial, rising
from bayessynth.fitting.kernels.links import log_mean


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, trials, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    n, highest = y.shape[0], int(y.max())
    alpha = math.exp(eta[1, 0])
    # With one alpha for all rows, what depends on it and a count alone is summed up once.
    tabled = constant[1] and highest < n
    table, slopes = np.zeros(highest + 2 if tabled else 1), np.zeros(highest + 2 if tabled else 1)
    if tabled:
        for k in range(highest):
            table[k + 1] = table[k] + math.log(alpha + k)
            slopes[k + 1] = slopes[k] + 1.0 / (alpha + k)
    for i in range(n):
        if not constant[1]:
            alpha = math.exp(eta[1, i])
        count = int(y[i])
        log_rising, slope = (table[count], slopes[count]) if tabled else rising(y[i], alpha)
        log_mu, first, second = log_mean(links[0], eta[0, i])
        value, by_mean, bend, by_alpha = negative_binomial(y[i], log_mu, alpha, log_rising, slope)
        logp[i] = value
        grad[0, i] = by_mean * first
        grad[1, i] = alpha * by_alpha
        curvature[i] = -(bend * first * first + by_mean * second)
