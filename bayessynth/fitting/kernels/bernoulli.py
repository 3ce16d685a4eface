"""Rows of the bernoulli family: y log p + (1 - y) log(1 - p)."""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.links import LOGIT, log_share
from bayessynth.fitting.kernels.special import exp, log1p_unit


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, trials, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    if links[0] == LOGIT:
        for i in range(y.shape[0]):
            x = eta[0, i]
            e = exp(-abs(x))
            logp[i] = y[i] * x - max(x, 0.0) - log1p_unit(e)
            if order > 0:
                p = 1.0 / (1.0 + e)
                positive = 1.0 if x >= 0.0 else 0.0
                grad[0, i] = y[i] - (positive * p + (1.0 - positive) * e * p)
                curvature[i] = e * p * p
        return
    for i in range(y.shape[0]):
        log_p, log_q, p_slope, q_slope, p_second, q_second = log_share(links[0], eta[0, i])
        logp[i] = log_p if y[i] == 1.0 else log_q
        grad[0, i] = p_slope if y[i] == 1.0 else q_slope
        curvature[i] = -p_second if y[i] == 1.0 else -q_second
