"""Rows of the negative binomial family, without -log y! (:mod:`bayessynth.fitting.kernels.counts`)."""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.counts import fill_rising, negative_binomial
from bayessynth.fitting.kernels.links import canonical, chain, positive
from bayessynth.fitting.kernels.special import inlined


@inlined
def _fill(same, y, eta, logp, grad, curvature):
    """Fill the results; ``same`` says that all rows have one shape, ``logp`` and ``grad[1]`` hold ``rising``."""
    alpha, log_alpha = positive(eta[1, 0]), eta[1, 0]
    for i in range(y.shape[0]):
        if not same:
            alpha, log_alpha = positive(eta[1, i]), eta[1, i]
        found = negative_binomial(y[i], eta[0, i], alpha, log_alpha, logp[i], grad[1, i])
        logp[i], grad[0, i], curvature[i], grad[1, i] = found[0], found[1], -found[2], found[3]


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    same, own = canonical(links, constant, eta)
    fill_rising(y, own[1], same, logp, grad[1])
    if same:
        _fill(True, y, own, logp, grad, curvature)
    else:
        _fill(False, y, own, logp, grad, curvature)
    chain(links, constant, eta, grad, curvature)
