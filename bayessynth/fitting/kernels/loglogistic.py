"""Rows of the log-logistic family: alpha (log y - log scale) is standard logistic, without -log y."""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.lifetimes import LOGISTIC, fill


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    fill(LOGISTIC, 1.0, constant[1], y, beside, eta, logp, grad, curvature)
