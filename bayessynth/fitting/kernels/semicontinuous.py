"""Rows of the semicontinuous family: log((1 - ψ) w_k) at the k-th point, else log ψ + the lognormal without -log y."""

from __future__ import annotations

import math

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.links import log_share


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, trials, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    share, inverse = log_share(links[1], eta[1, 0]), math.exp(-eta[2, 0])
    grad_vector[:] = 0.0
    for i in range(y.shape[0]):
        if not constant[1]:
            share = log_share(links[1], eta[1, i])
        log_sigma = eta[2, 0] if constant[2] else eta[2, i]
        if not constant[2]:
            inverse = math.exp(-log_sigma)
        point = -1
        for k in range(options.shape[0]):
            if y[i] == options[k]:
                point = k
        if point >= 0:
            logp[i] = share[1]
            grad[0, i], grad[1, i], grad[2, i], curvature[i] = 0.0, share[3], 0.0, 0.0
            if vector.shape[0]:
                logp[i] += math.log(vector[point])
                grad_vector[point] += (weight[i] if weight.shape[0] else 1.0) / vector[point]
        else:
            z = (math.log(y[i]) - eta[0, i]) * inverse
            logp[i] = share[0] - 0.5 * z * z - log_sigma
            grad[0, i], grad[1, i], grad[2, i] = z * inverse, share[2], z * z - 1.0
            curvature[i] = inverse * inverse
