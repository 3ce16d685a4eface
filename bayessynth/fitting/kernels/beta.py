"""Rows of the beta family: a log(y / mu) + b log((1 - y) / (1 - mu)) + S(a) + S(b) - S(κ), a = mu κ, b = (1 - mu) κ.

S is what :func:`bayessynth.fitting.kernels.special.stirling` returns; -log y - log(1 - y) is left out. No large numbers
cancel, and the shapes stay known by their logarithms where mu or 1 - mu underflows.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.links import LOGIT, canonical, chain, log_share, positive
from bayessynth.fitting.kernels.special import exp, inlined, log, log1p_unit, scaled_trigamma, stirling


@inlined
def _log_rest(y):
    """Return log(1 - y)."""
    return log(1.0 - y) if y > 0.5 else log1p_unit(-y)


@inlined
def _fill(same, y, eta, logp, grad):
    """Fill log density and gradient; ``same`` says that all rows have one κ."""
    whole, whole_slope = stirling(positive(eta[1, 0]), eta[1, 0])
    for i in range(y.shape[0]):
        log_kappa = eta[1, 0 if same else i]
        if not same:
            whole, whole_slope = stirling(positive(log_kappa), log_kappa)
        log_p, log_q, p_slope, q_slope, _, _ = log_share(LOGIT, eta[0, i])
        log_a, log_b = log_kappa + log_p, log_kappa + log_q
        a, b = exp(log_a), exp(log_b)
        from_a, from_b = a * (log(y[i]) - log_p), b * (_log_rest(y[i]) - log_q)
        own_a, slope_a = stirling(a, log_a)
        own_b, slope_b = stirling(b, log_b)
        logp[i] = from_a + from_b + own_a + own_b - whole
        grad[0, i] = p_slope * (from_a + slope_a) + q_slope * (from_b + slope_b)
        grad[1, i] = from_a + slope_a + from_b + slope_b - whole_slope


@inlined
def _bend(y, eta, log_kappa, curvature):
    """Fill the curvature."""
    for i in range(y.shape[0]):
        log_p, log_q, p_slope, q_slope, p_second, q_second = log_share(LOGIT, eta[0, i])
        log_a, log_b = log_kappa[i] + log_p, log_kappa[i] + log_q
        a, b = exp(log_a), exp(log_b)
        from_a = a * (log(y[i]) - log_p) + stirling(a, log_a)[1]
        from_b = b * (_log_rest(y[i]) - log_q) + stirling(b, log_b)[1]
        by_a = p_slope * (p_slope * (scaled_trigamma(a) - from_a)) - p_second * from_a
        by_b = q_slope * (q_slope * (scaled_trigamma(b) - from_b)) - q_second * from_b
        curvature[i] = by_a + by_b


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    same, own = canonical(links, constant, eta)
    if same:
        _fill(True, y, own, logp, grad)
    else:
        _fill(False, y, own, logp, grad)
    if order > 1:
        _bend(y, own, np.full(y.shape[0], own[1, 0]) if same else own[1], curvature)
    chain(links, constant, eta, grad, curvature)
