"""Rows of the bernoulli family: y log p + (1 - y) log(1 - p)."""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.links import CLOGLOG, LOGIT, PROBIT, log_share
from bayessynth.fitting.kernels.special import exp, inlined, log1p_unit


@inlined
def successes(link, y, failures, eta):
    """Return y log p + failures · log(1 - p), its derivative in the predictor, and minus the second one."""
    log_p, log_q, p_slope, q_slope, p_second, q_second = log_share(link, eta)
    return y * log_p + failures * log_q, y * p_slope + failures * q_slope, -(y * p_second + failures * q_second)


@inlined
def _fill(link, y, eta, logp, grad, curvature):
    for i in range(y.shape[0]):
        logp[i], grad[0, i], curvature[i] = successes(link, y[i], 1.0 - y[i], eta[0, i])


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    if links[0] == LOGIT:
        for i in range(y.shape[0]):
            x = eta[0, i]
            e = exp(-abs(x))
            p = 1.0 / (1.0 + e)
            logp[i] = y[i] * x - max(x, 0.0) - log1p_unit(e)
            grad[0, i] = y[i] - (p if x >= 0.0 else e * p)
            curvature[i] = e * p * p
    elif links[0] == PROBIT:
        _fill(PROBIT, y, eta, logp, grad, curvature)
    else:
        _fill(CLOGLOG, y, eta, logp, grad, curvature)
