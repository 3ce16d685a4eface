"""Rows of the poisson family: y log mu - mu, without -log y!."""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.counts import poisson
from bayessynth.fitting.kernels.links import canonical, chain


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    log_mu = canonical(links, constant, eta)[1][0]
    for i in range(y.shape[0]):
        logp[i], grad[0, i], bend, _ = poisson(y[i], log_mu[i])
        curvature[i] = -bend
    chain(links, constant, eta, grad, curvature)
