"""Rows of the semicontinuous family: log((1 - ψ) w_k) at the k-th point, else log ψ + the lognormal without -log y."""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.links import LOGIT, canonical, chain, log_share
from bayessynth.fitting.kernels.special import exp, inlined, log


@inlined
def _fill(same, y, eta, logp, grad, curvature):
    """Fill the results; ``same`` says that all rows have one ψ and one sigma.

    ``curvature`` holds 1 for rows at a point and 0 for others, ``logp`` the logarithm of the point's weight.
    """
    share, inverse = log_share(LOGIT, eta[1, 0]), exp(-eta[2, 0])
    for i in range(y.shape[0]):
        log_sigma = eta[2, 0 if same else i]
        if not same:
            share, inverse = log_share(LOGIT, eta[1, i]), exp(-log_sigma)
        some = curvature[i] == 0.0
        z = (log(y[i] if some else 1.0) - eta[0, i]) * inverse
        continuous, mass = share[0] - 0.5 * z * z - log_sigma, share[1] + logp[i]
        logp[i] = continuous if some else mass
        grad[0, i] = z * inverse if some else 0.0
        grad[1, i] = share[2] if some else share[3]
        grad[2, i] = z * z - 1.0 if some else 0.0
        curvature[i] = inverse * inverse if some else 0.0


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    n = y.shape[0]
    for i in range(n):
        logp[i], curvature[i] = 0.0, 0.0
    for k in range(options.shape[0]):
        log_weight = log(vector[k]) if vector.shape[0] else 0.0
        for i in range(n):
            here = y[i] == options[k]
            logp[i] = log_weight if here else logp[i]
            curvature[i] = 1.0 if here else curvature[i]
    for k in range(vector.shape[0]):
        total = 0.0
        for i in range(n):
            if y[i] == options[k]:
                total += weight[i] if weight.shape[0] else 1.0
        grad_vector[k] = total / vector[k]
    same, own = canonical(links, constant, eta)
    if same:
        _fill(True, y, own, logp, grad, curvature)
    else:
        _fill(False, y, own, logp, grad, curvature)
    chain(links, constant, eta, grad, curvature)
