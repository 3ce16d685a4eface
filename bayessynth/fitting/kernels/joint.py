"""The log density of equations that share group effects, and its gradient, from their own log densities.

Each equation's density has standardised effects ζ of its own, independent standard normal. Where they are shared,
ζ = L w, group by group, and w is standard normal: the equations are evaluated at ζ, their priors of ζ are taken out,
and those of w and of the correlation L Lᵀ are put in. The parameters hold w or, where an equation samples groups around
a centre, r = centre + sd ζ as the equation does.

All but the parameters is a table of integers, so that one compiled function, cached like any other, serves any number
of equations. It begins with :data:`LENGTH` and :data:`EQUATIONS`, :data:`BLOCKS`; then follow, for every equation, the
address of its data and its number of parameters, which stand side by side; then, for every block of shared effects,
the number of groups, that of effects, the place of the correlation, the bits of the prior's shape, and for every
effect the place of its first group and the step to the next, where the table holds its equation's address, where that
equation's parameters start, and which of its terms it is, -1 where it is not sampled around a centre.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import carray, float64, int64, njit, types
from numba.experimental.function_type import _get_wrapper_address

from bayessynth.fitting.kernels import cholesky, chunks, priors, structure
from bayessynth.fitting.kernels.native import EXPAND, NO_DENSITY, NO_GRADIENT, expand, held

#: Places of the table's length, and of the numbers of equations and of blocks.
LENGTH, EQUATIONS, BLOCKS = range(3)
HEAD, EACH, BLOCK, EFFECT = 3, 2, 4, 5
# Of an effect, after the place of its first group and the step to the next.
EQUATION, START, TERM = 2, 3, 4

#: Number of parameters, parameters, gradient, log density, the table -> 0, or a number that says why not.
LOG_DENSITY = int64(types.uint64, types.CPointer(float64), types.CPointer(float64), types.CPointer(float64),
                    types.CPointer(int64))  # fmt: skip


def addresses() -> tuple[int, int]:
    """Return the addresses of :func:`log_density` and of what returns the parameters, as C functions."""
    return _get_wrapper_address(log_density, LOG_DENSITY), _get_wrapper_address(expand, EXPAND)


@njit(cache=True, nogil=True, error_model="numpy")
def log_density(d, theta, grad, value, table):
    """Fill log density and gradient (:data:`LOG_DENSITY`)."""
    length = carray(table, (1,))[LENGTH]
    slope = carray(grad, (d,))
    total = gradient(carray(table, (length,)), carray(theta, (d,)), slope)
    if not np.isfinite(total):
        return NO_DENSITY
    value[0] = total
    for i in range(slope.shape[0]):
        if not np.isfinite(slope[i]):
            return NO_GRADIENT
    return 0


@njit(cache=True, nogil=True, error_model="numpy")
def gradient(table, theta, grad):
    """Return the log density, up to a constant, and fill its gradient.

    Parameters
    ----------
    table : ndarray of int64
    theta, grad : ndarray of shape (d,)
    """
    own, x, dx = theta.copy(), np.empty(theta.shape[0]), np.empty(theta.shape[0])
    constrain(table, theta, x, dx)
    correlate(table, theta, x, own)
    grad[:] = 0.0
    total, start = 0.0, 0
    for c in range(table[EQUATIONS]):
        data: Any = held(table[HEAD + EACH * c])
        stop = start + table[HEAD + EACH * c + 1]
        total += chunks.gradient(data.rows, data.tables, data.vectors, own[start:stop], grad[start:stop])
        start = stop
    return total + _carry(table, theta, x, dx, grad)


@njit(cache=True, nogil=True, error_model="numpy")
def constrain(table, theta, x, dx):
    """Fill the constrained numbers of all equations, at their places, and their derivatives."""
    unused, start = np.empty(theta.shape[0]), 0
    for c in range(table[EQUATIONS]):
        tables: Any = held(table[HEAD + EACH * c]).tables
        stop = start + tables.code.shape[0]
        priors.evaluate(theta[start:stop], tables.code, tables.arguments, tables.transform, tables.bounds,
                        unused[start:stop], x[start:stop], dx[start:stop])  # fmt: skip
        start += table[HEAD + EACH * c + 1]


@njit(cache=True, nogil=True, error_model="numpy")
def correlate(table, theta, x, own):
    """Fill ``own`` with the shared effects as the equations take them: ζ, or what is sampled around its centre."""
    at = HEAD + EACH * table[EQUATIONS]
    for _ in range(table[BLOCKS]):
        q, corr = table[at + 1], table[at + 2]
        factor, w, zeta = np.empty((q, q)), np.empty(q), np.empty(q)
        cholesky.fill(theta[corr : corr + q * (q - 1) // 2], q, factor)
        effects = table[at + BLOCK : at + BLOCK + EFFECT * q]
        for g in range(table[at]):
            _forward(table, effects, theta, x, factor, g, w, zeta)
            for j in range(q):
                if effects[EFFECT * j + TERM] < 0:
                    own[effects[EFFECT * j] + g * effects[EFFECT * j + 1]] = zeta[j]
        at += BLOCK + EFFECT * q


@njit(cache=True, nogil=True, error_model="numpy")
def _forward(table, effects, theta, x, factor, g, w, zeta):
    """Fill a group's independent effects ``w`` and its correlated ones ``zeta`` (q,), both standardised."""
    for j in range(w.shape[0]):
        value, given = theta[effects[EFFECT * j] + g * effects[EFFECT * j + 1]], 0.0
        for k in range(j):
            given += factor[j, k] * w[k]
        if effects[EFFECT * j + TERM] < 0:
            w[j] = value
            zeta[j] = given + factor[j, j] * value
        else:
            tables: Any = held(table[effects[EFFECT * j + EQUATION]]).tables
            term, start = tables.terms[effects[EFFECT * j + TERM]], effects[EFFECT * j + START]
            own = tables.predictors[term[structure.OWNER]]
            centre = structure.centre(x[start:], own, term, tables.around, g, 0, 1)
            zeta[j] = (value - centre) / x[start + term[structure.SDS]]
            w[j] = (zeta[j] - given) / factor[j, j]


@njit(cache=True, nogil=True, error_model="numpy")
def _carry(table, theta, x, dx, grad):
    """Return what the priors of shared effects and of correlations add to the equations' own priors of ζ.

    The gradient in ζ, which the equations have put into ``grad``, is carried back to the parameters.
    """
    total, at = 0.0, HEAD + EACH * table[EQUATIONS]
    for _ in range(table[BLOCKS]):
        q, corr = table[at + 1], table[at + 2]
        eta = table[at + 3 : at + 4].view(np.float64)[0]
        numbers = slice(corr, corr + q * (q - 1) // 2)
        factor, slope = np.empty((q, q)), np.zeros((q, q))
        cholesky.fill(theta[numbers], q, factor)
        effects = table[at + BLOCK : at + BLOCK + EFFECT * q]
        for g in range(table[at]):
            total += _carry_group(table, effects, theta, x, dx, factor, g, slope, grad)
        total += cholesky.log_prior(theta[numbers], q, eta, grad[numbers])
        cholesky.pull_back(theta[numbers], q, factor, slope, grad[numbers])
        at += BLOCK + EFFECT * q
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _carry_group(table, effects, theta, x, dx, factor, g, slope, grad):
    """Return a group's part; the recursion of :func:`_forward` is run backwards, from the last effect to the first."""
    q, total = factor.shape[0], 0.0
    w, zeta, inner = np.empty(q), np.empty(q), np.empty(q)
    _forward(table, effects, theta, x, factor, g, w, zeta)
    for j in range(q):
        # The equation has counted -ζ²/2 in place of -w²/2.
        total += 0.5 * (zeta[j] ** 2 - w[j] ** 2)
        inner[j] = -w[j]
    for j in range(q - 1, -1, -1):
        place = effects[EFFECT * j] + g * effects[EFFECT * j + 1]
        if effects[EFFECT * j + TERM] < 0:
            outer = grad[place] + zeta[j]
            for k in range(j + 1):
                slope[j, k] += outer * w[k]
                inner[k] += outer * factor[j, k]
            grad[place] = inner[j]
        else:
            step = inner[j] / factor[j, j]
            total -= math.log(factor[j, j])
            slope[j, j] -= (inner[j] * w[j] + 1.0) / factor[j, j]
            for k in range(j):
                slope[j, k] -= step * w[k]
                inner[k] -= step * factor[j, k]
            _uncentre(table, effects, j, g, zeta[j] + step, zeta[j], place, x, dx, grad)
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _uncentre(table, effects, j, g, outer, zeta, place, x, dx, grad):
    """Carry a gradient in ζ = (r - centre) / sd to what is sampled, r, and to sd, intercept and slopes."""
    tables: Any = held(table[effects[EFFECT * j + EQUATION]]).tables
    term, start = tables.terms[effects[EFFECT * j + TERM]], effects[EFFECT * j + START]
    own, sd = tables.predictors[term[structure.OWNER]], start + term[structure.SDS]
    outer = outer / x[sd]
    grad[place] += outer
    grad[sd] -= outer * zeta * dx[sd]
    if term[structure.CENTRED] == 2:
        if own[structure.INTERCEPT] >= 0:
            grad[start + own[structure.INTERCEPT]] -= outer * dx[start + own[structure.INTERCEPT]]
        for p in range(own[structure.P]):
            at = start + own[structure.SLOPES] + p
            grad[at] -= outer * tables.around[term[structure.AROUND] + g * own[structure.P] + p] * dx[at]
