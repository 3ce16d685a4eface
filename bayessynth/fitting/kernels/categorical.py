"""Rows of the categorical family: the predictor of the level that came, less the log of the sum of all exponentials.

``eta`` has a row for each level after the first, whose predictor is zero. Curvature stays zero: there is no first
predictor before the others.
"""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.special import exp, log


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density and gradient of every row (:mod:`bayessynth.fitting.kernels`)."""
    n, levels = y.shape[0], eta.shape[0]
    # Level by level along the rows: such loops compile to vector instructions.
    for i in range(n):
        curvature[i] = 0.0
    for k in range(levels):
        for i in range(n):
            curvature[i] = max(curvature[i], eta[k, i])
    for i in range(n):
        logp[i] = exp(-curvature[i])
    for k in range(levels):
        for i in range(n):
            grad[k, i] = exp(eta[k, i] - curvature[i])
            logp[i] += grad[k, i]
    for i in range(n):
        total = logp[i]
        logp[i] = -curvature[i] - log(total)
        curvature[i] = 1.0 / total
    for k in range(levels):
        for i in range(n):
            here = y[i] == k + 1
            logp[i] += eta[k, i] if here else 0.0
            grad[k, i] = (1.0 if here else 0.0) - grad[k, i] * curvature[i]
    curvature[:] = 0.0
