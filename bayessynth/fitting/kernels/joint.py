"""The log density of equations that share group effects, and its gradient, from their own log densities.

Each equation's density has standardised effects ζ of its own, independent standard normal. Where they are shared, the
parameters hold z instead, and ζ = L z, group by group: the equations are evaluated at ζ, their priors of ζ are taken
out, and those of z and of the correlation L Lᵀ are put in.

All but the parameters is a table of integers, so that one compiled function, cached like any other, serves any number
of equations. It begins with :data:`LENGTH` and :data:`EQUATIONS`, :data:`BLOCKS`; then follow, for every equation, the
address of its data and its number of parameters, which stand side by side; then, for every block of shared effects,
the number of groups, that of effects, the place of the correlation, the bits of the prior's shape, and for every
effect the place of its first group and the step to the next.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import carray, float64, int64, njit, types
from numba.experimental.function_type import _get_wrapper_address

from bayessynth.fitting.kernels import cholesky, chunks
from bayessynth.fitting.kernels.native import EXPAND, NO_DENSITY, NO_GRADIENT, expand, held

#: Places of the table's length, and of the numbers of equations and of blocks.
LENGTH, EQUATIONS, BLOCKS = range(3)
HEAD, EACH, BLOCK = 3, 2, 4

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
    own = theta.copy()
    correlate(table, theta, own)
    grad[:] = 0.0
    total, start = 0.0, 0
    for c in range(table[EQUATIONS]):
        data: Any = held(table[HEAD + EACH * c])
        stop = start + table[HEAD + EACH * c + 1]
        total += chunks.gradient(data.rows, data.tables, data.vectors, own[start:stop], grad[start:stop])
        start = stop
    return total + _carry(table, theta, own, grad)


@njit(cache=True, nogil=True, error_model="numpy")
def correlate(table, theta, own):
    """Fill the standardised effects ζ = L z of all groups at their places in ``own``."""
    at = HEAD + EACH * table[EQUATIONS]
    for _ in range(table[BLOCKS]):
        groups, q, corr = table[at], table[at + 1], table[at + 2]
        factor = np.empty((q, q))
        cholesky.fill(theta[corr : corr + q * (q - 1) // 2], q, factor)
        first = at + BLOCK
        for g in range(groups):
            for j in range(q):
                total = 0.0
                for k in range(j + 1):
                    total += factor[j, k] * theta[table[first + 2 * k] + g * table[first + 2 * k + 1]]
                own[table[first + 2 * j] + g * table[first + 2 * j + 1]] = total
        at = first + 2 * q


@njit(cache=True, nogil=True, error_model="numpy")
def _carry(table, theta, own, grad):
    """Return what the priors of z and of correlations add to those of ζ; carry the gradient in ζ back to them."""
    total, at = 0.0, HEAD + EACH * table[EQUATIONS]
    for _ in range(table[BLOCKS]):
        groups, q, corr = table[at], table[at + 1], table[at + 2]
        eta = table[at + 3 : at + 4].view(np.float64)[0]
        numbers = slice(corr, corr + q * (q - 1) // 2)
        factor, slope, inner = np.empty((q, q)), np.zeros((q, q)), np.empty(q)
        cholesky.fill(theta[numbers], q, factor)
        first = at + BLOCK
        for g in range(groups):
            for j in range(q):
                place = table[first + 2 * j] + g * table[first + 2 * j + 1]
                # The equation has counted -ζ²/2.
                total += 0.5 * (own[place] ** 2 - theta[place] ** 2)
                inner[j] = grad[place] + own[place]
                for k in range(j + 1):
                    slope[j, k] += inner[j] * theta[table[first + 2 * k] + g * table[first + 2 * k + 1]]
            for k in range(q):
                place = table[first + 2 * k] + g * table[first + 2 * k + 1]
                grad[place] = -theta[place]
                for j in range(k, q):
                    grad[place] += factor[j, k] * inner[j]
        total += cholesky.log_prior(theta[numbers], q, eta, grad[numbers])
        cholesky.pull_back(theta[numbers], q, factor, slope, grad[numbers])
        at = first + 2 * q
    return total
