"""Rows of levels of which some are left out: log p(y) - log Σ p(k) over the levels allowed.

With w the probabilities of the levels given that they are allowed, the gradient is that of log p(y) less the mean of
those of log p(k) under w, and minus the second derivative in the first predictor is -(log p(y))'' plus the mean of
(log p)'' + (log p)'² less the square of the mean of (log p)'. All of it comes of the family's own kernel, asked for one
level after the other.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from bayessynth.fitting.kernels.special import exp, log


@njit(cache=True, nogil=True, error_model="numpy")
def shares(allowed, table, logp):
    """Take the log probability of the levels allowed from ``logp``; make ``table`` (levels, n) their shares of it."""
    levels, n = table.shape
    for i in range(n):
        top, total = -np.inf, 0.0
        for k in range(levels):
            if allowed[i, k] > 0.0:
                top = max(top, table[k, i])
        for k in range(levels):
            table[k, i] = exp(table[k, i] - top) if allowed[i, k] > 0.0 else 0.0
            total += table[k, i]
        logp[i] -= top + log(total)
        for k in range(levels):
            table[k, i] /= total


@njit(cache=True, nogil=True, error_model="numpy")
def weighed(share, weight):
    """Return what the rows count in the sums of a level."""
    return share * weight if weight.shape[0] else share.copy()


@njit(cache=True, nogil=True, error_model="numpy")
def take(share, slope, bend, grad, mean, curvature):
    """Take a level's part from gradient and curvature; add it to the mean (n,) of gradients in the first predictor."""
    for p in range(grad.shape[0]):
        for i in range(grad.shape[1]):
            grad[p, i] -= share[i] * slope[p, i]
    for i in range(curvature.shape[0]):
        mean[i] += share[i] * slope[0, i]
        curvature[i] += share[i] * (slope[0, i] * slope[0, i] - bend[i])
