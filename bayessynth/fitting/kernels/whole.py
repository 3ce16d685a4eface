"""Pieces of a component's log density and gradient on all rows, and its values at many points."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from bayessynth.fitting.kernels import cholesky, priors, structure


class Space(NamedTuple):
    """Working memory of one evaluation.

    Attributes
    ----------
    x, dx : ndarray
        Constrained numbers and their derivatives.
    own_grad : ndarray
        Gradient in the constrained numbers.
    grad : ndarray of shape (d,)
        Gradient in all parameters.
    factors, term_slopes : ndarray of shape (terms, q, q)
        Cholesky factors of the correlations, and the gradient in them.
    z, effects : ndarray of shape (d,)
        Standardised effects, and effects, at the places of the raw ones.
    eta, slope : ndarray of shape (P, n)
        Linear predictors, and the gradient of the rows in them.
    logp, curvature : ndarray of shape (n,)
    vector_slope : ndarray of shape (K,)
    """

    x: np.ndarray
    dx: np.ndarray
    own_grad: np.ndarray
    grad: np.ndarray
    factors: np.ndarray
    term_slopes: np.ndarray
    z: np.ndarray
    effects: np.ndarray
    eta: np.ndarray
    slope: np.ndarray
    logp: np.ndarray
    curvature: np.ndarray
    vector_slope: np.ndarray


@njit(cache=True, nogil=True, error_model="numpy")
def space(tables, d, k):
    """Return working memory for ``d`` parameters and vector-valued ones of length ``k`` together."""
    n, p, single = tables.y.shape[0], tables.constant.shape[0], tables.code.shape[0]
    terms, q = tables.terms.shape[0], tables.widest[0]
    return Space(
        np.empty(single), np.empty(single), np.empty(single), np.empty(d), np.zeros((terms, q, q)),
        np.zeros((terms, q, q)), np.empty(d), np.empty(d), np.zeros((p, n)), np.zeros((p, n)), np.empty(n),
        np.zeros(n), np.zeros(k),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def transform(tables, theta, s):
    """Transform the parameters and fill the effects of groups.

    Returns
    -------
    float
        Log density of all but the rows and the vector-valued parameters; its gradient, but for the raw effects', is
        put into ``s.grad``.
    """
    own = tables.code.shape[0]
    s.grad[:] = 0.0
    total = priors.evaluate(theta[:own], tables.code, tables.arguments, tables.transform, tables.bounds, s.grad, s.x,
                            s.dx)  # fmt: skip
    for t in range(tables.terms.shape[0]):
        place, q = tables.terms[t, structure.CORRELATION], tables.terms[t, structure.Q]
        if place >= 0:
            block = slice(place, place + q * (q - 1) // 2)
            cholesky.fill(theta[block], q, s.factors[t])
            total += cholesky.log_prior(theta[block], q, tables.shapes[t], s.grad[block])
    structure.all_effects(s.x, theta, tables.predictors, tables.terms, tables.around, s.factors, tables.categories[0],
                          s.z, s.effects)  # fmt: skip
    return total + structure.log_effects(s.x, tables.terms, tables.categories[0], s.z)


@njit(cache=True, nogil=True, error_model="numpy")
def predict(tables, s, start, eta):
    """Fill the linear predictors ``eta`` (P, m) of m rows from the ``start``-th on."""
    structure.predict(s.x, tables.predictors, tables.terms, tables.matrix, tables.offsets, tables.group_of,
                      tables.columns, tables.columns_of, tables.categories[0], s.effects, start, eta)  # fmt: skip
    for k in range(tables.scalars.shape[0]):
        value = s.x[tables.scalars[k, 1]]
        eta[tables.scalars[k, 0], 0] = math.log(value) - (math.log1p(-value) if tables.scalars[k, 2] else 0.0)


@njit(cache=True, nogil=True, error_model="numpy")
def begin(tables, theta, s):
    """Transform the parameters and fill the linear predictors; return what :func:`transform` returns."""
    total = transform(tables, theta, s)
    predict(tables, s, 0, s.eta)
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate(rows, tables, vector, order, s):
    """Evaluate the rows: log density (order 0), its gradient (1) and curvature (2), each counted by its weight."""
    rows(tables.y, tables.beside, s.eta, tables.constant, tables.links, vector, tables.options, tables.weights, order,
         s.logp, s.slope, s.vector_slope, s.curvature)  # fmt: skip
    if tables.weights.shape[0]:
        s.logp[:] *= tables.weights
        if order:
            for p in range(s.slope.shape[0]):
                s.slope[p] *= tables.weights
            s.curvature[:] *= tables.weights


@njit(cache=True, nogil=True, error_model="numpy")
def collect(tables, s, start, slope, by_group):
    """Add the gradient (P, m) of m rows from the ``start``-th on to ``s.own_grad`` and ``by_group`` (d,)."""
    structure.collect(tables.predictors, tables.terms, tables.matrix, tables.group_of, tables.columns,
                      tables.columns_of, tables.categories[0], start, slope, s.own_grad, by_group)  # fmt: skip
    for k in range(tables.scalars.shape[0]):
        value = s.x[tables.scalars[k, 1]]
        total = structure.total(slope[tables.scalars[k, 0]])
        s.own_grad[tables.scalars[k, 1]] += total / (value * (1.0 - value) if tables.scalars[k, 2] else value)


@njit(cache=True, nogil=True, error_model="numpy")
def carry(tables, theta, s, by_group):
    """Carry what :func:`collect` has collected back to the parameters; adds to ``s.grad``."""
    structure.pull_effects(s.x, tables.predictors, tables.terms, tables.around, s.factors, tables.categories[0], s.z,
                           by_group, s.own_grad, s.grad, s.term_slopes)  # fmt: skip
    for i in range(tables.code.shape[0]):
        s.grad[i] += s.own_grad[i] * s.dx[i]
    for t in range(tables.terms.shape[0]):
        place, q = tables.terms[t, structure.CORRELATION], tables.terms[t, structure.Q]
        if place >= 0:
            block = slice(place, place + q * (q - 1) // 2)
            cholesky.pull_back(theta[block], q, s.factors[t], s.term_slopes[t], s.grad[block])


@njit(cache=True, nogil=True, error_model="numpy")
def pull_back(tables, theta, s):
    """Carry the rows' gradient back to the parameters; adds to ``s.grad``."""
    s.own_grad[:] = 0.0
    by_group = np.zeros(theta.shape[0])
    collect(tables, s, 0, s.slope, by_group)
    carry(tables, theta, s, by_group)


@njit(cache=True, nogil=True, error_model="numpy")
def values(rows, tables, thetas, vectors, out):
    """Fill ``out`` (S,) with the log densities at points (S, d), the priors of ``vectors`` (S, K) left out."""
    s = space(tables, thetas.shape[1], vectors.shape[1])
    for i in range(thetas.shape[0]):
        total = begin(tables, thetas[i], s)
        evaluate(rows, tables, vectors[i], 0, s)
        out[i] = total + structure.total(s.logp)
