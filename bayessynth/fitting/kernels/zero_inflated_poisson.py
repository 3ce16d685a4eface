"""Rows of the zero-inflated poisson family, without -log y!."""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.counts import poisson, zero_inflated
from bayessynth.fitting.kernels.links import log_mean, log_share


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, trials, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    share = log_share(links[1], eta[1, 0])
    for i in range(y.shape[0]):
        if not constant[1]:
            share = log_share(links[1], eta[1, i])
        log_mu, first, second = log_mean(links[0], eta[0, i])
        value, slope, bend = poisson(y[i], log_mu)
        none, none_slope, none_bend = poisson(0.0, log_mu)
        found = zero_inflated(y[i], (value, slope, bend, 0.0), (none, none_slope, none_bend, 0.0), share)
        logp[i] = found[0]
        grad[0, i] = found[1] * first
        grad[1, i] = found[4]
        curvature[i] = -(found[2] * first * first + found[1] * second)
