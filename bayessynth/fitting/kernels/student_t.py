"""Rows of the Student t family: R(ν / 2) - log sigma - (ν + 1) / 2 · log(1 + z² / ν) with z = (y - mu) / sigma.

R(h) is log(Γ(h + 1/2) / (Γ(h) √h)), which goes to 0 where the normal is.
"""

from __future__ import annotations

import math

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.counts import rising
from bayessynth.fitting.kernels.links import IDENTITY, LOG, canonical, mean, positive
from bayessynth.fitting.kernels.special import exp, inlined, log1p

_LOG_2 = math.log(2.0)


@inlined
def _fill(link, same, y, eta, logp, grad, curvature):
    """Fill the results; ``same`` says that all rows have one sigma and one ν."""
    inverse, nu = exp(-eta[1, 0]), positive(eta[2, 0])
    norm, norm_slope = rising(0.5, 0.5 * nu, eta[2, 0] - _LOG_2)
    for i in range(y.shape[0]):
        log_sigma = eta[1, 0 if same else i]
        if not same:
            inverse, nu = exp(-log_sigma), positive(eta[2, i])
            norm, norm_slope = rising(0.5, 0.5 * nu, eta[2, i] - _LOG_2)
        mu, first = mean(link, eta[0, i])
        z = min(max((y[i] - mu) * inverse, -1e150), 1e150)
        # z² / ν, and one over one more.
        u = min(z * z / nu, 1e300)
        v, spread = 1.0 / (1.0 + u), log1p(u)
        heavy, steep = (1.0 + 1.0 / nu) * v, inverse * first
        logp[i] = norm - log_sigma - 0.5 * (nu + 1.0) * spread
        grad[0, i] = heavy * z * steep
        grad[1, i] = (nu + 1.0) * u * v - 1.0
        grad[2, i] = norm_slope - 0.5 * nu * spread + 0.5 * (nu + 1.0) * u * v
        bend = v * (1.0 - u) * steep
        curvature[i] = heavy * steep * (bend if link == IDENTITY else bend - z)


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    same, own = canonical(links, constant, eta)
    if links[0] == IDENTITY:
        if same:
            _fill(IDENTITY, True, y, own, logp, grad, curvature)
        else:
            _fill(IDENTITY, False, y, own, logp, grad, curvature)
    elif same:
        _fill(LOG, True, y, own, logp, grad, curvature)
    else:
        _fill(LOG, False, y, own, logp, grad, curvature)
