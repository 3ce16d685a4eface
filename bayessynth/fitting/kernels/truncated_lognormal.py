"""Rows of the lognormal family within ends (:mod:`bayessynth.fitting.kernels.interval`)."""

from __future__ import annotations

from numba import njit

from bayessynth.fitting.kernels import SIGNATURE
from bayessynth.fitting.kernels.interval import fill
from bayessynth.fitting.kernels.links import IDENTITY


@njit(SIGNATURE, cache=True, nogil=True, error_model="numpy")
def rows(y, beside, eta, constant, links, vector, options, weight, order, logp, grad, grad_vector, curvature):
    """Fill log density, gradient and curvature of every row (:mod:`bayessynth.fitting.kernels`)."""
    fill(IDENTITY, True, constant[1], y, beside, eta, logp, grad, curvature)
