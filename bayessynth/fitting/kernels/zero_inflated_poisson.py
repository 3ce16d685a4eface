"""Rows of the zero-inflated poisson family, without -log y!."""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.counts import poisson, zero_inflated
from bayessynth.fitting.kernels.links import LOGIT, canonical, chain, log_share
from bayessynth.fitting.kernels.special import inlined


@inlined
def _fill(same, y, eta, logp, grad, curvature):
    """Fill the results; ``same`` says that all rows have one share of counts."""
    share = log_share(LOGIT, eta[1, 0])
    for i in range(y.shape[0]):
        if not same:
            share = log_share(LOGIT, eta[1, i])
        found = zero_inflated(y[i], poisson(y[i], eta[0, i]), poisson(0.0, eta[0, i]), share)
        logp[i], grad[0, i], curvature[i], grad[1, i] = found[0], found[1], -found[2], found[4]


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    same, own = canonical(links, constant, eta)
    if same:
        _fill(True, y, own, logp, grad, curvature)
    else:
        _fill(False, y, own, logp, grad, curvature)
    chain(links, constant, eta, grad, curvature)
