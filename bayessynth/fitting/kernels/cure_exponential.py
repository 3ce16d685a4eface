"""Rows of the exponential family with a cured share."""

from __future__ import annotations

import numpy as np
from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.curing import mix, split
from bayessynth.fitting.kernels.exponential import rows as times


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    n, last = y.shape[0], eta.shape[0] - 1
    time, own, late, entry = split(y, beside)
    shares, nothing = np.empty(n), np.empty(0)
    times(time, own, eta[:last], constant[:last], links[:last], vector, options, nothing, order, logp, grad[:last],
          grad_vector, curvature)  # fmt: skip
    mix(own, entry, eta, constant[last], 1.0, logp, grad, curvature, shares)
    if beside.shape[1] == 0 or entry.max() <= 0.0:
        return
    before, slopes, bend, sums = np.empty(n), np.zeros(grad.shape), np.empty(n), np.empty(vector.shape[0])
    times(entry, late, eta[:last], constant[:last], links[:last], vector, options, nothing, order, before,
          slopes[:last], sums, bend)  # fmt: skip
    mix(late, entry, eta, constant[last], -1.0, before, slopes, bend, shares)
    for i in range(n):
        logp[i] -= before[i]
        curvature[i] -= bend[i]
        for j in range(last + 1):
            grad[j, i] -= slopes[j, i]
