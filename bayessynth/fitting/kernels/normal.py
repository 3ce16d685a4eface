"""Rows of the normal family: -z² / 2 - log sigma with z = (y - mu) / sigma."""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.links import mean
from bayessynth.fitting.kernels.special import exp


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, trials, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    inverse = exp(-eta[1, 0])
    for i in range(y.shape[0]):
        log_sigma = eta[1, 0] if constant[1] else eta[1, i]
        if not constant[1]:
            inverse = exp(-log_sigma)
        mu, first, second = mean(links[0], eta[0, i])
        z = (y[i] - mu) * inverse
        logp[i] = -0.5 * z * z - log_sigma
        if order > 0:
            grad[0, i] = z * inverse * first
            grad[1, i] = z * z - 1.0
            curvature[i] = inverse * inverse * first * first - z * inverse * second
