"""Rows of the Student t family: log Γ((ν+1)/2) - log Γ(ν/2) - log(ν)/2 - log sigma - (ν+1)/2 log(1 + z²/ν)."""

from __future__ import annotations

import math

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.links import mean
from bayessynth.fitting.kernels.special import digamma, exp


@njit(cache=True, nogil=True, error_model="numpy")
def _normaliser(nu):
    """Return what depends on the degrees of freedom alone, and its derivative."""
    value = math.lgamma(0.5 * (nu + 1.0)) - math.lgamma(0.5 * nu) - 0.5 * math.log(nu)
    return value, 0.5 * (digamma(0.5 * (nu + 1.0)) - digamma(0.5 * nu) - 1.0 / nu)


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, trials, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    nu = math.exp(eta[2, 0])
    norm, norm_slope = _normaliser(nu)
    for i in range(y.shape[0]):
        if not constant[2]:
            nu = math.exp(eta[2, i])
            norm, norm_slope = _normaliser(nu)
        log_sigma = eta[1, 0] if constant[1] else eta[1, i]
        inverse = exp(-log_sigma)
        mu, first, second = mean(links[0], eta[0, i])
        z = (y[i] - mu) * inverse
        square = z * z
        spread = math.log1p(square / nu)
        heavy = (nu + 1.0) / (nu + square)
        slope = heavy * z * inverse
        bend = inverse * inverse * heavy * (nu - square) / (nu + square)
        logp[i] = norm - log_sigma - 0.5 * (nu + 1.0) * spread
        grad[0, i] = slope * first
        grad[1, i] = heavy * square - 1.0
        grad[2, i] = nu * (norm_slope - 0.5 * spread + 0.5 * heavy * square / nu)
        curvature[i] = bend * first * first - slope * second
