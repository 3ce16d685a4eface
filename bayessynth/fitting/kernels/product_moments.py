"""Moments of the products of columns in one row, given a chain of equations, and gradients carried back through them.

w = (1, w₁, …, w_p), binary columns (-1 or 1) first, each column given those before it: P(w_j = 1) is the inverse logit
of a linear predictor, or w_j is normal around it. A cell is one combination of the binary columns. Given the cell the
others are jointly normal, with means M that depend on it and a covariance K that does not, so that

E[w_i w_j] = K_ij + M_i M_j,
Cov(w_i w_j, w_k w_l) = K_ik E_jl + K_il E_jk + K_jl M_i M_k + K_jk M_i M_l   (Isserlis 1918),

and moments over all rows are those of the mixture. All functions take the tables and the working memory of
:mod:`.noisy_moments`.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def fill(t, s):
    """Fill the moments of the products from the coefficients and residual variances."""
    _chain(t, s)
    _moments(t, s)


@njit(cache=True, nogil=True, error_model="numpy")
def carry(t, s, slope, spread):
    """Fill the gradients in coefficients and residual variances.

    Those in the mean and the covariance of the products, times the number of rows, are in ``s.side[1]`` and
    ``s.inverse``.
    """
    p = t.constants.shape[0]
    slope[:], spread[:] = 0.0, 0.0
    in_cov, in_mean = np.zeros((p, p)), np.zeros((t.cells.shape[0], p))
    for c in range(t.cells.shape[0]):
        by_share = _carry_cell(t, s, c, in_cov, in_mean[c])
        _carry_means(t, s, c, by_share, in_mean[c], slope)
    _carry_cov(t, s, in_cov, slope, spread)


@njit(cache=True, nogil=True, error_model="numpy")
def _eta(s, c, j):
    eta = s.coefficients[j, 0]
    for i in range(1, j):
        eta += s.coefficients[j, i] * s.means[c, i]
    return eta


@njit(cache=True, nogil=True, error_model="numpy")
def _chain(t, s):
    """Fill means and log probabilities by cell, and the covariance."""
    p, b = t.constants.shape[0], t.cells.shape[1]
    for c in range(t.cells.shape[0]):
        s.means[c, 0], s.logp[c] = 1.0, 0.0
        for j in range(1, p):
            eta = _eta(s, c, j)
            if j <= b:
                sign = t.cells[c, j - 1]
                s.means[c, j] = sign
                s.logp[c] += min(sign * eta, 0.0) - math.log1p(math.exp(-abs(eta)))
            else:
                s.means[c, j] = eta
    s.cov[:] = 0.0
    for j in range(b + 1, p):
        for i in range(b + 1, j):
            value = 0.0
            for at in range(b + 1, j):
                value += s.coefficients[j, at] * s.cov[at, i]
            s.cov[j, i] = s.cov[i, j] = value
        own = s.residual[j]
        for at in range(b + 1, j):
            own += s.coefficients[j, at] * s.cov[j, at]
        s.cov[j, j] = own


@njit(cache=True, nogil=True, error_model="numpy")
def _moments(t, s):
    """Fill means and covariance of the products in one row."""
    k, cov = t.pairs.shape[0], s.cov
    s.mean[:], s.variance[:] = 0.0, 0.0
    for c in range(t.cells.shape[0]):
        share, m = math.exp(s.logp[c]), s.means[c]
        for a in range(k):
            i, j = t.pairs[a, 0], t.pairs[a, 1]
            s.by_cell[c, a] = cov[i, j] + m[i] * m[j]
            s.mean[a] += share * s.by_cell[c, a]
            for b in range(a + 1):
                x, y = t.pairs[b, 0], t.pairs[b, 1]
                s.variance[a, b] += share * (
                    cov[i, x] * (cov[j, y] + m[j] * m[y]) + cov[i, y] * (cov[j, x] + m[j] * m[x])
                    + cov[j, y] * m[i] * m[x] + cov[j, x] * m[i] * m[y]
                )  # fmt: skip
    for c in range(t.cells.shape[0]):
        share = math.exp(s.logp[c])
        for a in range(k):
            for b in range(a + 1):
                s.variance[a, b] += share * (s.by_cell[c, a] - s.mean[a]) * (s.by_cell[c, b] - s.mean[b])
    for a in range(k):
        for b in range(a):
            s.variance[b, a] = s.variance[a, b]


@njit(cache=True, nogil=True, error_model="numpy")
def _carry_cell(t, s, c, in_cov, in_mean):
    """Add the gradients in the covariance and in a cell's means; return that in its log probability."""
    k, p, cov, m, w = t.pairs.shape[0], t.constants.shape[0], s.cov, s.means[c], s.inverse
    share, by_share = math.exp(s.logp[c]), 0.0
    products = np.zeros((p, p))  # gradient in the products of two means
    for a in range(k):
        i, j = t.pairs[a, 0], t.pairs[a, 1]
        away = 0.0
        for b in range(k):
            away += w[a, b] * (s.by_cell[c, b] - s.mean[b])
            x, y = t.pairs[b, 0], t.pairs[b, 1]
            ix, iy, jx, jy = cov[i, x], cov[i, y], cov[j, x], cov[j, y]
            mix, miy, mjx, mjy = m[i] * m[x], m[i] * m[y], m[j] * m[x], m[j] * m[y]
            by_share += w[a, b] * (ix * (jy + mjy) + iy * (jx + mjx) + jy * mix + jx * miy)
            v = share * w[a, b]
            in_cov[i, x] += v * (jy + mjy)
            in_cov[j, y] += v * (ix + mix)
            in_cov[i, y] += v * (jx + mjx)
            in_cov[j, x] += v * (iy + miy)
            products[j, y] += v * ix
            products[j, x] += v * iy
            products[i, x] += v * jy
            products[i, y] += v * jx
        by_share += (s.by_cell[c, a] - s.mean[a]) * away + s.side[1, a] * s.by_cell[c, a]
        moment = share * (s.side[1, a] + 2.0 * away)
        in_cov[i, j] += moment
        products[i, j] += moment
    for i in range(p):
        for j in range(p):
            in_mean[i] += (products[i, j] + products[j, i]) * m[j]
    return share * by_share


@njit(cache=True, nogil=True, error_model="numpy")
def _carry_means(t, s, c, by_share, in_mean, slope):
    """Add the gradient in the coefficients that a cell's means and log probability bring."""
    b = t.cells.shape[1]
    for j in range(t.constants.shape[0] - 1, 0, -1):
        by_eta = in_mean[j]
        if j <= b:
            sign = t.cells[c, j - 1]
            by_eta = by_share * sign / (1.0 + math.exp(sign * _eta(s, c, j)))
        slope[j, 0] += by_eta
        for i in range(1, j):
            slope[j, i] += by_eta * s.means[c, i]
            in_mean[i] += by_eta * s.coefficients[j, i]


@njit(cache=True, nogil=True, error_model="numpy")
def _carry_cov(t, s, in_cov, slope, spread):
    """Add the gradient in coefficients and residual variances that the covariance brings."""
    b, cov, beta = t.cells.shape[1], s.cov, s.coefficients
    p = t.constants.shape[0]
    for i in range(p):  # all into the lower triangle
        for j in range(i):
            in_cov[i, j] += in_cov[j, i]
    for j in range(p - 1, b, -1):
        own = in_cov[j, j]
        spread[j] += own
        for at in range(b + 1, j):
            slope[j, at] += own * cov[j, at]
            in_cov[j, at] += own * beta[j, at]
        for i in range(b + 1, j):
            for at in range(b + 1, j):
                slope[j, at] += in_cov[j, i] * cov[at, i]
                in_cov[max(at, i), min(at, i)] += in_cov[j, i] * beta[j, at]
