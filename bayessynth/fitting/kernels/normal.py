"""Rows of the normal family: -z² / 2 - log sigma with z = (y - mu) / sigma."""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.links import IDENTITY, LOG, mean
from bayessynth.fitting.kernels.special import exp, inlined


@inlined
def _fill(link, same, y, eta, logp, grad, curvature):
    """Fill the results; ``same`` says that all rows have one sigma."""
    inverse = exp(-eta[1, 0])
    for i in range(y.shape[0]):
        log_sigma = eta[1, 0 if same else i]
        if not same:
            inverse = exp(-log_sigma)
        mu, first = mean(link, eta[0, i])
        z = (y[i] - mu) * inverse
        steep = inverse * first
        logp[i] = -0.5 * z * z - log_sigma
        grad[0, i] = z * steep
        grad[1, i] = z * z - 1.0
        curvature[i] = steep * (steep if link == IDENTITY else steep - z)


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    if links[0] == IDENTITY:
        if constant[1]:
            _fill(IDENTITY, True, y, eta, logp, grad, curvature)
        else:
            _fill(IDENTITY, False, y, eta, logp, grad, curvature)
    elif constant[1]:
        _fill(LOG, True, y, eta, logp, grad, curvature)
    else:
        _fill(LOG, False, y, eta, logp, grad, curvature)
