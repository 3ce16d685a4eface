"""Rows of the piecewise-exponential family: a hazard e^(eta + b_k) in interval k, b_1 = 0.

``options`` holds the times between intervals, ``vector`` the b of those after the first. What stands beside a time last
is where on their axis its row's stratum begins.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.lifetimes import interval
from bayessynth.fitting.kernels.links import positive

# A cumulative hazard that products of it are numbers with; nobody survives far less.
_LARGEST = 1e290


@njit(cache=True, nogil=True, error_model="numpy")
def _cumulative(t, cuts, starts, hazards):
    """Return in which interval a time lies, and the cumulative baseline hazard up to it."""
    k = 0
    while k < cuts.shape[0] and t > cuts[k]:
        k += 1
    low = cuts[k - 1] if k > 0 else 0.0
    return k, starts[k] + hazards[k] * (t - low)


@njit(cache=True, nogil=True, error_model="numpy")
def _add(t, k, counted, cuts, hazards, total):
    """Add to ``total`` (K + 1,) the derivatives in b of the cumulative baseline hazard up to a time, so often."""
    low = 0.0
    for j in range(k):
        total[j] += counted * hazards[j] * (cuts[j] - low)
        low = cuts[j]
    total[k] += counted * hazards[k] * (t - low)


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    n, later = y.shape[0], options.shape[0]
    hazards, starts, by_level = np.ones(later + 1), np.zeros(later + 1), np.zeros(later + 1)
    for j in range(later):
        hazards[j + 1] = positive(vector[j])
        starts[j + 1] = starts[j] + hazards[j] * (options[j] - (options[j - 1] if j > 0 else 0.0))
    for i in range(n):
        seen, entry, upper, shift = True, 0.0, 0.0, 0.0
        if beside.shape[1]:
            seen, entry, upper, shift = beside[i, 0] > 0.0, beside[i, 1], beside[i, 2], beside[i, 3]
        counted = weight[i] if weight.shape[0] else 1.0
        origin, passed = _cumulative(shift, options, starts, hazards)
        k, base = _cumulative(y[i] + shift, options, starts, hazards)
        base -= passed
        rate = positive(eta[0, i])
        h = rate * base
        by_base, by_upper, until = -rate, 0.0, 0
        if seen and upper > y[i]:
            until, top = _cumulative(upper + shift, options, starts, hazards)
            top -= passed
            high = min(rate * top, _LARGEST)
            value, by_low, by_high, second = interval(h, h, h, high, high, high)
            logp[i], grad[0, i], curvature[i] = value, by_low + by_high, -second
            by_base, by_upper = by_low / base if base > 0.0 else 0.0, by_high / top
        else:
            logp[i], grad[0, i], curvature[i] = -h, -h, h
            if seen:
                logp[i] += eta[0, i] + (vector[k - 1] if k > 0 else 0.0)
                grad[0, i] += 1.0
        if entry > 0.0:
            first, before = _cumulative(entry + shift, options, starts, hazards)
            before -= passed
            logp[i] += rate * before
            grad[0, i] += rate * before
            curvature[i] -= rate * before
            if order > 0 and later > 0:
                _add(entry + shift, first, counted * rate, options, hazards, by_level)
                _add(shift, origin, -counted * rate, options, hazards, by_level)
        if order > 0 and later > 0:
            _add(y[i] + shift, k, counted * by_base, options, hazards, by_level)
            _add(shift, origin, -counted * (by_base + by_upper), options, hazards, by_level)
            if seen and upper > y[i]:
                _add(upper + shift, until, counted * by_upper, options, hazards, by_level)
            elif seen:
                by_level[k] += counted
    if order > 0:
        for j in range(later):
            grad_vector[j] = by_level[j + 1]
