"""A component's log density and gradient in one compiled function that takes the rows some at a time.

What belongs to a few rows stays in the fastest memory, and working memory is small enough to be made anew by every
call: any number of threads may evaluate the same density.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from bayessynth.fitting.kernels import following, structure, vectors, whole

# Rows taken at a time.
_ROWS = 1024


class Space(NamedTuple):
    """What the parameters become, and the gradients that are carried back to them.

    Attributes
    ----------
    x, dx, own_grad, grad, factors, term_slopes, z, effects
        As in :class:`bayessynth.fitting.kernels.whole.Space`.
    by_group : ndarray of shape (d,)
        Gradient in the effects, at the places of the raw ones.
    vector, vector_slope : ndarray of shape (K,)
        Vector-valued parameters, and the gradient in them.
    """

    x: np.ndarray
    dx: np.ndarray
    own_grad: np.ndarray
    grad: np.ndarray
    factors: np.ndarray
    term_slopes: np.ndarray
    z: np.ndarray
    effects: np.ndarray
    by_group: np.ndarray
    vector: np.ndarray
    vector_slope: np.ndarray


@njit(cache=True, nogil=True, error_model="numpy")
def gradient(rows, tables, own, theta, grad):
    """Return the log density, up to a constant, and fill its gradient.

    Parameters
    ----------
    rows
        The family's kernel.
    tables : Tables
    own : Vectors
    theta, grad : ndarray of shape (d,)
    """
    s = _space(tables, own, grad)
    total = whole.transform(tables, theta, s)
    vectors.forward(own, theta, s.vector)
    total += _following(rows, tables, s) if tables.before.shape[0] else _all_rows(rows, tables, s)
    whole.carry(tables, theta, s, s.by_group)
    return total + vectors.pull_back(rows, own, tables.options, theta, s.vector, s.vector_slope, grad)


@njit(cache=True, nogil=True, error_model="numpy")
def _space(tables, own, grad):
    single, k, d = tables.code.shape[0], vectors.length(own), grad.shape[0]
    terms, q = tables.terms.shape[0], tables.widest[0]
    return Space(
        np.empty(single), np.empty(single), np.zeros(single), grad, np.empty((terms, q, q)), np.empty((terms, q, q)),
        np.empty(d), np.empty(d), np.zeros(d), np.empty(k), np.zeros(k),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def _following(rows, tables, s):
    """Return the log density of rows that depend on the row before, which may be anywhere: all are taken at once."""
    eta = np.zeros((tables.constant.shape[0], tables.y.shape[0]))
    slope, place = np.zeros_like(eta), tables.rho[0]
    whole.predict(tables, s, 0, eta)
    total, found = following.evaluate(rows, tables, s.x[place], eta, s.vector, s.vector_slope, slope)
    whole.collect(tables, s, 0, slope, s.by_group)
    s.own_grad[place] += found
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _all_rows(rows, tables, s):
    """Return the log density of the rows; collect its gradient in ``s``."""
    n, p, k = tables.y.shape[0], tables.constant.shape[0], s.vector.shape[0]
    vector_slope, total = np.zeros(k), 0.0
    for start in range(0, n, _ROWS):
        m = min(n - start, _ROWS)
        here = slice(start, start + m)
        eta, slope, logp, curvature = np.zeros((p, m)), np.zeros((p, m)), np.empty(m), np.empty(m)
        weights = tables.weights[here]
        whole.predict(tables, s, start, eta)
        rows(tables.y[here], tables.beside[here], eta, tables.constant, tables.links, s.vector, tables.options,
             weights, 1, logp, slope, vector_slope, curvature)  # fmt: skip
        if weights.shape[0]:
            logp *= weights
            for i in range(p):
                slope[i] *= weights
        total += structure.total(logp)
        for i in range(k):
            s.vector_slope[i] += vector_slope[i]
        whole.collect(tables, s, start, slope, s.by_group)
    return total
