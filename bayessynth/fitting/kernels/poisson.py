"""Rows of the poisson family: y log mu - mu, without -log y!."""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.counts import poisson
from bayessynth.fitting.kernels.links import LOG, log_mean
from bayessynth.fitting.kernels.special import exp


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, trials, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    if links[0] == LOG:
        for i in range(y.shape[0]):
            mu = exp(eta[0, i])
            logp[i] = y[i] * eta[0, i] - mu
            grad[0, i] = y[i] - mu
            curvature[i] = mu
        return
    for i in range(y.shape[0]):
        log_mu, first, second = log_mean(links[0], eta[0, i])
        value, slope, bend = poisson(y[i], log_mu)
        logp[i] = value
        grad[0, i] = slope * first
        curvature[i] = -(bend * first * first + slope * second)
