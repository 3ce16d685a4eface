"""Rows of the binomial family: y log p + (n - y) log(1 - p), without the binomial coefficient."""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.links import log_share


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, trials, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    for i in range(y.shape[0]):
        log_p, log_q, p_slope, q_slope, p_second, q_second = log_share(links[0], eta[0, i])
        failures = trials[i] - y[i]
        # 0 · -inf is nothing.
        logp[i] = (y[i] * log_p if y[i] > 0.0 else 0.0) + (failures * log_q if failures > 0.0 else 0.0)
        grad[0, i] = y[i] * p_slope + failures * q_slope
        curvature[i] = -(y[i] * p_second + failures * q_second)
