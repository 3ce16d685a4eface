"""The log density of noisy sums of products of columns, given the parameters of a chain of equations.

The sums over n rows, noise of covariance S added, are taken as normal with mean n m and covariance n V + S (Bernstein &
Sheldon 2018, 2019), m and V the moments of the products in one row (:mod:`.product_moments`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from bayessynth.fitting.kernels import priors, product_moments


class Tables(NamedTuple):
    """What was released, and where everything stands in the vector of parameters.

    First stand the numbers with a prior of their own, then standardised group effects, then the logarithms of the
    numbers of rows where these are private. Coefficients of normal columns stand there multiplied with the residual
    standard deviation of that column: noise that leaves it uncertain leaves the product far less so.

    Attributes
    ----------
    code, arguments, transform, bounds
        Priors.
    over : ndarray of int64, shape (d,)
        Place of the standard deviation by which a number is to be divided, or -1.
    constants : ndarray of shape (p + 1,)
        What every predictor has beside its coefficients; entries belong to the columns of w, the constant's to none.
    places : ndarray of int64, shape (E, 3)
        Of every coefficient: its place, its equation, the column that it multiplies.
    weights : ndarray of shape (E, 2)
        How much it adds to the coefficient of that column, and to the constant.
    effects : ndarray of int64, shape (F, 5)
        Of every group effect: place of its standard deviation, place in the first group, places from one group to the
        next, equation, column.
    effect_weights : ndarray of shape (F, 2)
    spreads : ndarray of int64, shape (p + 1,)
        Place of the residual standard deviation of a normal column; -1 for others.
    units : ndarray of shape (p + 1,)
        What it is multiplied with.
    cells : ndarray of shape (C, b)
        All combinations of the binary columns.
    pairs : ndarray of int64, shape (k, 2)
    total : ndarray of shape (G, k)
    noise : ndarray of shape (k, k)
        Covariance of the noise in the sums of a group.
    rows : ndarray of shape (G,)
        Numbers of rows where they are public, else none.
    first : ndarray of int64, shape (2,)
        Places of the first group effect and of the first logarithm of a number of rows.
    """

    code: np.ndarray
    arguments: np.ndarray
    transform: np.ndarray
    bounds: np.ndarray
    over: np.ndarray
    constants: np.ndarray
    places: np.ndarray
    weights: np.ndarray
    effects: np.ndarray
    effect_weights: np.ndarray
    spreads: np.ndarray
    units: np.ndarray
    cells: np.ndarray
    pairs: np.ndarray
    total: np.ndarray
    noise: np.ndarray
    rows: np.ndarray
    first: np.ndarray


class Space(NamedTuple):
    """Working memory: what the parameters become, and the gradients that are carried back.

    Attributes
    ----------
    own, x, dx : ndarray of shape (d,)
        The numbers with a prior, unconstrained and divided; their values, and derivatives of these.
    coefficients : ndarray of shape (p + 1, p + 1)
        Of the equations in the rows, the constant in the first column.
    residual : ndarray of shape (p + 1,)
        Residual variances.
    means, cov, logp
        Means by cell, shape (C, p + 1), covariance, log probabilities of cells, shape (C,).
    by_cell, mean, variance
        Moments of the products: by cell, shape (C, k), of all, shape (k,), and their covariance, shape (k, k).
    root, inverse, side
        Cholesky factor and inverse of the covariance of the sums, (k, k); what is left of them, (2, k).
    """

    own: np.ndarray
    x: np.ndarray
    dx: np.ndarray
    coefficients: np.ndarray
    residual: np.ndarray
    means: np.ndarray
    cov: np.ndarray
    logp: np.ndarray
    by_cell: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    root: np.ndarray
    inverse: np.ndarray
    side: np.ndarray


@njit(cache=True, nogil=True, error_model="numpy")
def _space(t):
    d, p, k, cells = t.code.shape[0], t.constants.shape[0], t.pairs.shape[0], t.cells.shape[0]
    return Space(
        np.empty(d), np.empty(d), np.empty(d), np.empty((p, p)), np.empty(p), np.empty((cells, p)),
        np.empty((p, p)), np.empty(cells), np.empty((cells, k)), np.empty(k), np.empty((k, k)),
        np.empty((k, k)), np.empty((k, k)), np.empty((2, k)),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def values(t, thetas, out):
    """Fill the log densities at points (S, size)."""
    s, nothing = _space(t), np.empty(thetas.shape[1])
    for i in range(thetas.shape[0]):
        out[i] = _whole(t, thetas[i], nothing, s, False)


@njit(cache=True, nogil=True, error_model="numpy")
def gradient(t, theta, grad):
    """Return the log density, up to a constant, and fill its gradient."""
    return _whole(t, theta, grad, _space(t), True)


@njit(cache=True, nogil=True, error_model="numpy")
def beyond(t, thetas, out):
    """Fill, for points (S, size), the share of rows whose w_j lies outside -1 to 1, by column, shape (S, p + 1)."""
    s, nothing, groups = _space(t), np.empty(thetas.shape[1]), t.total.shape[0]
    out[:] = 0.0
    for i in range(thetas.shape[0]):
        _priors(t, thetas[i], nothing, s)
        rows = t.rows if t.rows.shape[0] else np.exp(thetas[i, t.first[1] :])
        for g in range(groups):
            _predictors(t, thetas[i], g, s)
            product_moments.fill(t, s)
            for c in range(t.cells.shape[0]):
                share = math.exp(s.logp[c]) * rows[g] / rows.sum()
                for j in range(t.cells.shape[1] + 1, t.constants.shape[0]):
                    unit, mean = math.sqrt(2.0 * s.cov[j, j]), s.means[c, j]
                    out[i, j] += 0.5 * share * (math.erfc((1.0 - mean) / unit) + math.erfc((1.0 + mean) / unit))


@njit(cache=True, nogil=True, error_model="numpy")
def _whole(t, theta, grad, s, wanted):
    d, effect, size, groups = t.code.shape[0], t.first[0], t.first[1], t.total.shape[0]
    total = _priors(t, theta, grad, s)
    for i in range(effect, size):
        total -= 0.5 * theta[i] ** 2
        grad[i] = -theta[i]
    p = t.constants.shape[0]
    slope, spread, x_slope = np.empty((p, p)), np.empty(p), np.zeros(d)
    for g in range(groups):
        _predictors(t, theta, g, s)
        product_moments.fill(t, s)
        private = t.rows.shape[0] == 0
        n = math.exp(theta[size + g]) if private else t.rows[g]
        density = _normal(t, g, n, s)
        if not np.isfinite(density):
            return -np.inf
        total += density
        if private:  # flat in n
            total += theta[size + g]
        if wanted:
            by_n = _carry(t, n, s, slope, spread)
            if private:
                grad[size + g] = 1.0 + n * by_n
            _collect(t, theta, g, s, slope, spread, x_slope, grad)
    if wanted:
        for i in range(d):
            grad[i] += x_slope[i] * s.dx[i]
        _multiply(t, grad, s)
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _priors(t, theta, grad, s):
    """Return the log density of the numbers with a prior; fill them, and the gradient in them."""
    d = t.code.shape[0]
    s.own[:] = theta[:d]
    priors.evaluate(s.own, t.code, t.arguments, t.transform, t.bounds, grad[:d], s.x, s.dx)
    jacobian = 0.0
    for i in range(d):
        if t.over[i] >= 0:
            s.own[i] /= s.x[t.over[i]]
            jacobian -= math.log(s.x[t.over[i]])
    return jacobian + priors.evaluate(s.own, t.code, t.arguments, t.transform, t.bounds, grad[:d], s.x, s.dx)


@njit(cache=True, nogil=True, error_model="numpy")
def _multiply(t, grad, s):
    """Turn the gradient in divided numbers into that in the parameters."""
    for i in range(t.code.shape[0]):
        at = t.over[i]
        if at >= 0:
            grad[at] -= (s.own[i] * grad[i] + 1.0) * s.dx[at] / s.x[at]
            grad[i] /= s.x[at]


@njit(cache=True, nogil=True, error_model="numpy")
def _predictors(t, theta, g, s):
    """Fill the coefficients of a group and the residual variances."""
    s.coefficients[:] = 0.0
    s.coefficients[:, 0] = t.constants
    for e in range(t.places.shape[0]):
        row, column = t.places[e, 1], t.places[e, 2]
        s.coefficients[row, column] += t.weights[e, 0] * s.x[t.places[e, 0]]
        s.coefficients[row, 0] += t.weights[e, 1] * s.x[t.places[e, 0]]
    for e in range(t.effects.shape[0]):
        value = s.x[t.effects[e, 0]] * theta[t.effects[e, 1] + g * t.effects[e, 2]]
        row, column = t.effects[e, 3], t.effects[e, 4]
        s.coefficients[row, column] += t.effect_weights[e, 0] * value
        s.coefficients[row, 0] += t.effect_weights[e, 1] * value
    for j in range(t.spreads.shape[0]):
        s.residual[j] = (t.units[j] * s.x[t.spreads[j]]) ** 2 if t.spreads[j] >= 0 else 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def _normal(t, g, n, s):
    """Return the log density of a group's sums; fill the factor, and what is left of the sums, whitened."""
    k, root = t.pairs.shape[0], s.root
    total = 0.0
    for a in range(k):
        left = t.total[g, a] - n * s.mean[a]
        for b in range(a + 1):
            value = n * s.variance[a, b] + t.noise[a, b]
            for i in range(b):
                value -= root[a, i] * root[b, i]
            if a > b:
                root[a, b] = value / root[b, b]
            else:
                root[a, a] = math.sqrt(value) if value > 0.0 else np.nan
        for i in range(a):
            left -= root[a, i] * s.side[0, i]
        s.side[0, a] = left / root[a, a]
        total -= math.log(root[a, a]) + 0.5 * s.side[0, a] ** 2
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _invert(s):
    """Fill the inverse of the covariance of the sums, and its product with what is left of them."""
    k, root, inverse, whitened, solved = s.root.shape[0], s.root, s.inverse, s.side[0], s.side[1]
    # First the inverse of the factor, into the lower triangle of ``root`` itself.
    for b in range(k):
        root[b, b] = 1.0 / root[b, b]
        for a in range(b + 1, k):
            value = 0.0
            for i in range(b, a):
                value -= root[a, i] * root[i, b]
            root[a, b] = value / root[a, a]
    for a in range(k):
        solved[a] = 0.0
        for i in range(a, k):
            solved[a] += root[i, a] * whitened[i]
        for b in range(a + 1):
            value = 0.0
            for i in range(a, k):
                value += root[i, a] * root[i, b]
            inverse[a, b] = inverse[b, a] = value


@njit(cache=True, nogil=True, error_model="numpy")
def _carry(t, n, s, slope, spread):
    """Fill the gradients in a group's coefficients and residual variances; return that in the number of rows."""
    _invert(s)
    k, solved, w, by_n = t.pairs.shape[0], s.side[1], s.inverse, 0.0
    for a in range(k):
        by_n += solved[a] * s.mean[a]
        for b in range(k):
            w[a, b] = 0.5 * (solved[a] * solved[b] - w[a, b])  # in the covariance of the sums
            by_n += w[a, b] * s.variance[a, b]
            w[a, b] *= n
    solved *= n
    product_moments.carry(t, s, slope, spread)
    return by_n


@njit(cache=True, nogil=True, error_model="numpy")
def _collect(t, theta, g, s, slope, spread, x_slope, grad):
    """Carry a group's gradients on to the parameters; to those with a prior through ``x_slope``."""
    for e in range(t.places.shape[0]):
        at, row, column = t.places[e, 0], t.places[e, 1], t.places[e, 2]
        x_slope[at] += t.weights[e, 0] * slope[row, column] + t.weights[e, 1] * slope[row, 0]
    for e in range(t.effects.shape[0]):
        sd, row, column = t.effects[e, 0], t.effects[e, 3], t.effects[e, 4]
        at = t.effects[e, 1] + g * t.effects[e, 2]
        by_value = t.effect_weights[e, 0] * slope[row, column] + t.effect_weights[e, 1] * slope[row, 0]
        x_slope[sd] += by_value * theta[at]
        grad[at] += by_value * s.x[sd]
    for j in range(t.spreads.shape[0]):
        at = t.spreads[j]
        if at >= 0:
            x_slope[at] += spread[j] * 2.0 * t.units[j] ** 2 * s.x[at]
