"""Rows of the gamma family: α (x - e^x + 1) + S(α) with x = log(y / mu), without -log y.

S(α) is α log α - α - log Γ(α): nothing cancels where α is large.
"""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.links import canonical, chain, positive
from bayessynth.fitting.kernels.special import exp, inlined, log, stirling


@inlined
def _fill(same, y, eta, logp, grad, curvature):
    """Fill the results; ``same`` says that all rows have one shape, ``eta[0]`` is the log mean."""
    alpha = positive(eta[1, 0])
    norm, norm_slope = stirling(alpha, eta[1, 0])
    for i in range(y.shape[0]):
        if not same:
            alpha = positive(eta[1, i])
            norm, norm_slope = stirling(alpha, eta[1, i])
        x = log(y[i]) - eta[0, i]
        ratio = exp(x)
        depth = x - ratio + 1.0
        logp[i] = alpha * depth + norm
        grad[0, i] = alpha * (ratio - 1.0)
        grad[1, i] = alpha * depth + norm_slope
        curvature[i] = alpha * ratio


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    same, own = canonical(links, constant, eta)
    if same:
        _fill(True, y, own, logp, grad, curvature)
    else:
        _fill(False, y, own, logp, grad, curvature)
    chain(links, constant, eta, grad, curvature)
