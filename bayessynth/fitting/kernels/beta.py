"""Rows of the beta family: (a - 1) log y + (b - 1) log(1 - y) - log B(a, b) with a = mu κ, b = (1 - mu) κ."""

from __future__ import annotations

import math

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.links import log_share
from bayessynth.fitting.kernels.special import digamma, trigamma


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, trials, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    kappa = math.exp(eta[1, 0])
    for i in range(y.shape[0]):
        if not constant[1]:
            kappa = math.exp(eta[1, i])
        # The mean and its complement from their logarithms: both keep their digits near 0 and 1.
        log_p, log_q, p_slope, q_slope, p_second, q_second = log_share(links[0], eta[0, i])
        mu, rest = math.exp(log_p), math.exp(log_q)
        a, b = max(mu * kappa, 1e-300), max(rest * kappa, 1e-300)
        log_y, log_rest = math.log(y[i]), math.log1p(-y[i])
        logp[i] = (a - 1.0) * log_y + (b - 1.0) * log_rest - math.lgamma(a) - math.lgamma(b) + math.lgamma(kappa)
        if order > 0:
            from_a, from_b = log_y - digamma(a), log_rest - digamma(b)
            grad[0, i] = a * p_slope * from_a + b * q_slope * from_b
            grad[1, i] = a * from_a + b * from_b + kappa * digamma(kappa)
        if order > 1:
            # a' = a p', a'' = a (p'² + p''), where p is the log of the share.
            first_a, first_b = a * p_slope, b * q_slope
            second = a * (p_slope * p_slope + p_second) * from_a + b * (q_slope * q_slope + q_second) * from_b
            curvature[i] = first_a * first_a * trigamma(a) + first_b * first_b * trigamma(b) - second
