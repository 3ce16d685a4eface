"""Rows of the gamma family: α log(α/mu) + (α - 1) log y - α y/mu - log Γ(α)."""

from __future__ import annotations

import math

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.links import log_mean
from bayessynth.fitting.kernels.special import digamma, exp


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, trials, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    alpha = math.exp(eta[1, 0])
    norm, norm_slope = math.lgamma(alpha), digamma(alpha)
    for i in range(y.shape[0]):
        log_alpha = eta[1, 0] if constant[1] else eta[1, i]
        if not constant[1]:
            alpha = math.exp(log_alpha)
            norm, norm_slope = math.lgamma(alpha), digamma(alpha)
        log_mu, first, second = log_mean(links[0], eta[0, i])
        log_y = math.log(y[i])
        ratio = exp(log_y - log_mu)
        logp[i] = alpha * (log_alpha - log_mu) + (alpha - 1.0) * log_y - alpha * ratio - norm
        slope, bend = alpha * (ratio - 1.0), -alpha * ratio
        grad[0, i] = slope * first
        grad[1, i] = alpha * (log_alpha - log_mu + 1.0 + log_y - ratio - norm_slope)
        curvature[i] = -(bend * first * first + slope * second)
