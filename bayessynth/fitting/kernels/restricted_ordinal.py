"""Rows of the ordinal family with levels left out (:mod:`bayessynth.fitting.kernels.levels`)."""

from __future__ import annotations

import numpy as np
from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.levels import shares, take, weighed
from bayessynth.fitting.kernels.ordinal import rows as plain


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    n, levels = beside.shape
    none, level, table, mean = np.empty((n, 0)), np.empty(n), np.empty((levels, n)), np.zeros(n)
    slope, sums, bend, value = np.empty(grad.shape), np.empty(grad_vector.shape), np.empty(n), np.empty(n)
    for k in range(levels):
        level[:] = k
        plain(level, none, eta, constant, links, vector, options, weight, 0, table[k], slope, sums, bend)
    plain(y, none, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature)
    if not levels:  # the levels' own probabilities, of which priors of thresholds are made
        return
    shares(beside, table, logp)
    if order == 0:
        return
    for k in range(levels):
        level[:] = k
        own = weighed(table[k], weight)
        plain(level, none, eta, constant, links, vector, options, own, order, value, slope, sums, bend)
        take(table[k], slope, bend, grad, mean, curvature)
        grad_vector -= sums
    for i in range(n):
        curvature[i] -= mean[i] * mean[i]
