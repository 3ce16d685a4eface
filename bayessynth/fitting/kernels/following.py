"""Rows whose residuals depend on those of the row before: a family's kernel at what is expected given that row.

A row's mean moves by ρ^p of the residual before, p usual gaps ago, and its standard deviation is σ sqrt((1 - ρ^{2p}) /
(1 - ρ²)); :mod:`bayessynth.design.autoregression` says why. The family's parameters are a mean with identity link and a
standard deviation that all rows have in common.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from bayessynth.fitting.kernels import structure


@njit(cache=True, nogil=True, error_model="numpy")
def innovation(rho, power):
    """Return the share of the residual before that stays, the innovation's log scale, and their derivatives in ρ.

    ``power`` is negative where no row is before.
    """
    rest = 1.0 - rho * rho
    if power < 0.0:
        return 0.0, -0.5 * math.log(rest), 0.0, rho / rest
    if power == 1.0:
        return rho, 0.0, 1.0, 0.0
    share = math.pow(rho, power)
    slope = power * (share / rho if rho != 0.0 else math.pow(rho, power - 1.0))
    left = 1.0 - share * share
    return share, 0.5 * (math.log(left) - math.log(rest)), slope, rho / rest - share * slope / left


@njit(cache=True, nogil=True, error_model="numpy")
def follow(tables, rho, eta, given, slopes):
    """Fill the predictors given the rows before.

    Parameters
    ----------
    tables : Tables
    rho : float
    eta, given : ndarray of shape (P, n)
        The linear predictors; filled, those given the rows before, with a log standard deviation of every row.
    slopes : ndarray of shape (3, n)
        Filled: the share that stays, and the derivatives in ρ of mean and log standard deviation.
    """
    for i in range(eta.shape[1]):
        share, scale, share_slope, scale_slope = innovation(rho, tables.power[i])
        residual = tables.known[i] - eta[0, tables.before[i]]
        given[0, i] = eta[0, i] + share * residual
        given[1, i] = eta[1, 0] + scale
        slopes[0, i], slopes[1, i], slopes[2, i] = share, share_slope * residual, scale_slope


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate(rows, tables, rho, eta, vector, vector_slope, slope):
    """Return the log density of all rows and its derivative in ρ; fill ``slope`` (P, n), that in ``eta``."""
    n = eta.shape[1]
    given, slopes, logp, curvature = np.empty_like(eta), np.empty((3, n)), np.empty(n), np.empty(n)
    follow(tables, rho, eta, given, slopes)
    rows(tables.y, tables.beside, given, np.zeros_like(tables.constant), tables.links, vector, tables.options,
         tables.weights, 1, logp, slope, vector_slope, curvature)  # fmt: skip
    found = structure.dot(slope[0], slopes[1]) + structure.dot(slope[1], slopes[2])
    # A mean is in the residual of the row after, too, whose derivative is still its own.
    own = slope[0].copy()
    for i in range(n):
        slope[0, tables.before[i]] -= slopes[0, i] * own[i]
    return structure.total(logp), found
