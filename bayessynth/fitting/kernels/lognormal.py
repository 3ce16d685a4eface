"""Rows of the lognormal family: -z² / 2 - log sigma with z = (log y - mu) / sigma, without -log y.

As times until an event, seen or censored: :mod:`bayessynth.fitting.kernels.lifetimes`.
"""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.lifetimes import NORMAL, fill
from bayessynth.fitting.kernels.special import exp, inlined, log


@inlined
def _fill(same, y, eta, logp, grad, curvature):
    """Fill the results; ``same`` says that all rows have one sigma."""
    inverse = exp(-eta[1, 0])
    for i in range(y.shape[0]):
        log_sigma = eta[1, 0 if same else i]
        if not same:
            inverse = exp(-log_sigma)
        z = (log(y[i]) - eta[0, i]) * inverse
        logp[i] = -0.5 * z * z - log_sigma
        grad[0, i] = z * inverse
        grad[1, i] = z * z - 1.0
        curvature[i] = inverse * inverse


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    if beside.shape[1]:
        fill(NORMAL, -1.0, constant[1], y, beside, eta, logp, grad, curvature)
    elif constant[1]:
        _fill(True, y, eta, logp, grad, curvature)
    else:
        _fill(False, y, eta, logp, grad, curvature)
