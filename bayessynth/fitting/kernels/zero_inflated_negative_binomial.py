"""Rows of the zero-inflated negative binomial family, without -log y!."""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.counts import fill_rising, negative_binomial, zero_inflated
from bayessynth.fitting.kernels.links import LOGIT, canonical, chain, log_share, positive
from bayessynth.fitting.kernels.special import inlined


@inlined
def _fill(same, y, eta, logp, grad, curvature):
    """Fill the results; ``same`` says that all rows have one share of counts and one shape.

    ``logp`` and ``grad[2]`` hold ``rising``.
    """
    share, alpha, log_alpha = log_share(LOGIT, eta[1, 0]), positive(eta[2, 0]), eta[2, 0]
    for i in range(y.shape[0]):
        if not same:
            share = log_share(LOGIT, eta[1, i])
            alpha, log_alpha = positive(eta[2, i]), eta[2, i]
        count = negative_binomial(y[i], eta[0, i], alpha, log_alpha, logp[i], grad[2, i])
        zero = negative_binomial(0.0, eta[0, i], alpha, log_alpha, 0.0, 0.0)
        found = zero_inflated(y[i], count, zero, share)
        logp[i], grad[0, i], curvature[i], grad[2, i], grad[1, i] = found[0], found[1], -found[2], found[3], found[4]


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    same, own = canonical(links, constant, eta)
    # The shape may be constant where the share is not: one table of counts will do.
    fill_rising(y, own[2], constant[2], logp, grad[2])
    if same:
        _fill(True, y, own, logp, grad, curvature)
    else:
        _fill(False, y, own, logp, grad, curvature)
    chain(links, constant, eta, grad, curvature)
