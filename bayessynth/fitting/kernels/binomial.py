"""Rows of the binomial family: y log p + (n - y) log(1 - p), without the binomial coefficient."""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.bernoulli import successes
from bayessynth.fitting.kernels.links import CLOGLOG, LOGIT, PROBIT
from bayessynth.fitting.kernels.special import inlined


@inlined
def _fill(link, y, beside, eta, logp, grad, curvature):
    for i in range(y.shape[0]):
        logp[i], grad[0, i], curvature[i] = successes(link, y[i], beside[i, 0] - y[i], eta[0, i])


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    if links[0] == LOGIT:
        _fill(LOGIT, y, beside, eta, logp, grad, curvature)
    elif links[0] == PROBIT:
        _fill(PROBIT, y, beside, eta, logp, grad, curvature)
    else:
        _fill(CLOGLOG, y, beside, eta, logp, grad, curvature)
