"""A Gaussian equation's log density with coefficients and group effects integrated, and draws of them given the rest.

Given the residual and group standard deviations and correlations the model is linear and Gaussian. The effects of the
primary factor are integrated group by group; those of other factors stand beside the coefficients. With Σ = L Lᵀ the
covariance of a group's effects, M = σ² I + Lᵀ ZᵀZ L needs no inverse of Σ, whose variances may go to zero:

V⁻¹ = (I - Z L M⁻¹ Lᵀ Zᵀ) / σ²,  log |V| = (n - q) log σ² + log |M|  (Woodbury).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from bayessynth.fitting.kernels import cholesky, priors


class Sums(NamedTuple):
    """Sums of products, and where everything stands.

    Attributes
    ----------
    code, arguments, transform, bounds
        Priors of the standard deviations, the residual's first.
    places : ndarray of int64, shape (terms, 4)
        Of every term: place of its standard deviations, of its correlation (or -1), number of effects, factor.
    shapes : ndarray of shape (terms,)
        Eta of the LKJ priors.
    factors : ndarray of int64, shape (F, 3)
        Of every factor, the primary one first: groups, effects, first of its columns among the dense ones.
    n : ndarray of int64, shape (1,)
    zz, zd, zy : ndarray of shape (G, q, q), (G, q, P), (G, q)
        Products of the primary factor's columns with themselves, with the dense columns, with the response.
    dd, dy, yy : ndarray of shape (P, P), (P,), (1,)
        Products of the dense columns: coefficients first, then the effects of the other factors.
    centre, precision : ndarray of shape (P,)
        Prior means and precisions of the dense coefficients; 0 and 1 for effects, which are standardised.
    """

    code: np.ndarray
    arguments: np.ndarray
    transform: np.ndarray
    bounds: np.ndarray
    places: np.ndarray
    shapes: np.ndarray
    factors: np.ndarray
    n: np.ndarray
    zz: np.ndarray
    zd: np.ndarray
    zy: np.ndarray
    dd: np.ndarray
    dy: np.ndarray
    yy: np.ndarray
    centre: np.ndarray
    precision: np.ndarray


class Space(NamedTuple):
    """Working memory: what the priors fill, covariance factors, scaled products and Cholesky factors."""

    grad: np.ndarray
    x: np.ndarray
    dx: np.ndarray
    roots: np.ndarray
    zd: np.ndarray
    dd: np.ndarray
    dy: np.ndarray
    whole: np.ndarray
    right: np.ndarray
    own: np.ndarray
    cross: np.ndarray
    side: np.ndarray


@njit(cache=True, nogil=True, error_model="numpy")
def space(sums, d):
    """Return working memory for ``d`` parameters."""
    groups, q, p = sums.zd.shape
    single, widest = sums.code.shape[0], max(1, sums.factors[:, 1].max()) if sums.factors.shape[0] else 1
    return Space(
        np.zeros(d), np.empty(single), np.empty(single), np.zeros((sums.factors.shape[0], widest, widest)),
        np.empty((groups, q, p)), np.empty((p, p)), np.empty(p), np.empty((p, p)), np.empty(p),
        np.empty((groups, q, q)), np.empty((groups, q, p)), np.empty((groups, q)),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def _roots(sums, theta, s):
    """Fill the factors of every factor's covariance; return the log prior density of theta."""
    own = sums.code.shape[0]
    total = priors.evaluate(theta[:own], sums.code, sums.arguments, sums.transform, sums.bounds, s.grad, s.x, s.dx)
    s.roots[:] = 0.0
    first = np.zeros(sums.factors.shape[0], dtype=np.int64)
    for t in range(sums.places.shape[0]):
        sds, place, q, factor = sums.places[t]
        start = first[factor]
        correlation = np.eye(q)
        if place >= 0:
            block = slice(place, place + q * (q - 1) // 2)
            cholesky.fill(theta[block], q, correlation)
            total += cholesky.log_prior(theta[block], q, sums.shapes[t], s.grad[block])
        for j in range(q):
            for k in range(j + 1):
                s.roots[factor, start + j, start + k] = correlation[j, k] * s.x[sds + j]
        first[factor] += q
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _scale_dense(sums, s):
    """Fill the products with the columns of the other factors scaled, so that their effects are standard normal."""
    p, q = sums.dy.shape[0], sums.zd.shape[1]
    s.dd[:] = sums.dd
    s.dy[:] = sums.dy
    s.zd[:] = sums.zd
    for f in range(1, sums.factors.shape[0]):
        groups, width, first = sums.factors[f]
        root = s.roots[f]
        for g in range(groups):
            start = first + g * width
            for b in range(width):  # from left to right: the columns still needed are not yet overwritten
                for row in range(p):
                    total = 0.0
                    for a in range(b, width):
                        total += s.dd[row, start + a] * root[a, b]
                    s.dd[row, start + b] = total
                total = 0.0
                for a in range(b, width):
                    total += s.dy[start + a] * root[a, b]
                s.dy[start + b] = total
                for k in range(s.zd.shape[0]):
                    for row in range(q):
                        total = 0.0
                        for a in range(b, width):
                            total += s.zd[k, row, start + a] * root[a, b]
                        s.zd[k, row, start + b] = total
            for b in range(width):
                for column in range(p):
                    total = 0.0
                    for a in range(b, width):
                        total += root[a, b] * s.dd[start + a, column]
                    s.dd[start + b, column] = total


@njit(cache=True, nogil=True, error_model="numpy")
def _factorise(sums, theta, s):
    """Integrate the primary factor; return the log density but for the dense part, and σ².

    Fills ``whole`` and ``right`` with the precision of the dense coefficients and its product with their mean, and for
    every group the Cholesky factor of M (``own``), M^(-1/2) Lᵀ ZᵀD (``cross``) and M^(-1/2) Lᵀ Zᵀy (``side``).
    """
    total = _roots(sums, theta, s)
    variance = s.x[0] * s.x[0]
    _scale_dense(sums, s)
    p = sums.dy.shape[0]
    groups, q = sums.zy.shape
    s.whole[:] = s.dd
    s.right[:] = s.dy
    rest, volume = sums.yy[0], 0.0
    for g in range(groups):
        root, own, cross, side = s.roots[0], s.own[g], s.cross[g], s.side[g]
        for a in range(q):
            for b in range(a + 1):
                value = variance if a == b else 0.0
                for j in range(a, q):
                    for k in range(b, q):
                        value += root[j, a] * sums.zz[g, j, k] * root[k, b]
                for k in range(b):
                    value -= own[a, k] * own[b, k]
                own[a, b] = math.sqrt(value) if a == b else value / own[b, b]
            volume += 2.0 * math.log(own[a, a])
            value = 0.0
            for j in range(a, q):
                value += root[j, a] * sums.zy[g, j]
            for k in range(a):
                value -= own[a, k] * side[k]
            side[a] = value / own[a, a]
            rest -= side[a] * side[a]
            for i in range(p):
                value = 0.0
                for j in range(a, q):
                    value += root[j, a] * s.zd[g, j, i]
                for k in range(a):
                    value -= own[a, k] * cross[k, i]
                cross[a, i] = value / own[a, a]
            for i in range(p):
                s.right[i] -= cross[a, i] * side[a]
                for j in range(i + 1):
                    s.whole[i, j] -= cross[a, i] * cross[a, j]
    prior = 0.0
    for i in range(p):
        for j in range(i + 1):
            s.whole[i, j] /= variance
            s.whole[j, i] = s.whole[i, j]
        s.whole[i, i] += sums.precision[i]
        s.right[i] = s.right[i] / variance + sums.precision[i] * sums.centre[i]
        prior += sums.precision[i] * sums.centre[i] * sums.centre[i]
    freedom = sums.n[0] - groups * q
    return total - 0.5 * (freedom * math.log(variance) + volume + rest / variance + prior), variance


@njit(cache=True, nogil=True, error_model="numpy")
def _cholesky(matrix):
    """Overwrite a symmetric matrix by its lower Cholesky factor; return half the log determinant, NaN if none."""
    p, total = matrix.shape[0], 0.0
    for i in range(p):
        for j in range(i + 1):
            value = matrix[i, j]
            for k in range(j):
                value -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = math.sqrt(value) if i == j else value / matrix[j, j]
        total += math.log(matrix[i, i])
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def values(sums, thetas, out):
    """Fill ``out`` (S,) with the log densities of standard deviations and correlations, shape (S, d)."""
    s = space(sums, thetas.shape[1])
    for i in range(thetas.shape[0]):
        total, _ = _factorise(sums, thetas[i], s)
        total -= _cholesky(s.whole)
        square = 0.0
        for a in range(s.right.shape[0]):
            for k in range(a):
                s.right[a] -= s.whole[a, k] * s.right[k]
            s.right[a] /= s.whole[a, a]
            square += s.right[a] * s.right[a]
        out[i] = total + 0.5 * square


@njit(cache=True, nogil=True, error_model="numpy")
def draws(sums, thetas, normal, dense, effects):
    """Draw coefficients and effects given each point.

    Parameters
    ----------
    normal : ndarray of shape (S, P + G q)
        Standard normal numbers.
    dense : ndarray of shape (S, P)
        Filled: coefficients, then the standardised effects of the other factors.
    effects : ndarray of shape (S, G, q)
        Filled: standardised effects of the primary factor.
    """
    s = space(sums, thetas.shape[1])
    p = sums.dy.shape[0]
    groups, q = sums.zy.shape
    for i in range(thetas.shape[0]):
        _, variance = _factorise(sums, thetas[i], s)
        _cholesky(s.whole)
        for a in range(p):
            for k in range(a):
                s.right[a] -= s.whole[a, k] * s.right[k]
            s.right[a] /= s.whole[a, a]
        for a in range(p - 1, -1, -1):
            value = s.right[a] + normal[i, a]
            for k in range(a + 1, p):
                value -= s.whole[k, a] * dense[i, k]
            dense[i, a] = value / s.whole[a, a]
        sd = math.sqrt(variance)
        for g in range(groups):
            for a in range(q - 1, -1, -1):
                value = s.side[g, a] + sd * normal[i, p + g * q + a]
                for j in range(p):
                    value -= s.cross[g, a, j] * dense[i, j]
                for k in range(a + 1, q):
                    value -= s.own[g, k, a] * effects[i, g, k]
                effects[i, g, a] = value / s.own[g, a, a]
