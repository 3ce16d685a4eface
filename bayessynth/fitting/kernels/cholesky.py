"""The Cholesky factor of a correlation matrix from unconstrained numbers, as PyMC's ``CholeskyCorrTransform`` makes it.

The q(q-1)/2 numbers fill the lower triangle under a diagonal of ones in TensorFlow Probability's spiral order; each
row is then scaled to length one.
"""

from __future__ import annotations

import math

from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def place(row, column, q):
    """Return which of the numbers stands at an entry below the diagonal."""
    side, count = q - 1, q * (q - 1) // 2
    at = (row - 1) * side + column
    return side + at if at < count - side else count - 1 - (at - (count - side))


@njit(cache=True, nogil=True, error_model="numpy")
def fill(numbers, q, factor):
    """Fill ``factor`` (q, q) with the Cholesky factor."""
    for i in range(q):
        square = 1.0
        for j in range(i):
            factor[i, j] = numbers[place(i, j, q)]
            square += factor[i, j] ** 2
        factor[i, i] = 1.0
        for j in range(i + 1):
            factor[i, j] /= math.sqrt(square)
        for j in range(i + 1, q):
            factor[i, j] = 0.0


@njit(cache=True, nogil=True, error_model="numpy")
def log_prior(numbers, q, eta, grad):
    """Return the log LKJ(eta) density with the transform's Jacobian, up to a constant; add its gradient to ``grad``."""
    total = 0.0
    for i in range(1, q):
        square = 1.0
        for j in range(i):
            square += numbers[place(i, j, q)] ** 2
        # Of the diagonal entry: i + 2 from the Jacobian, 2 (eta - 1) + q - i - 1 from the density.
        power = (i + 2.0) + (2.0 * eta - 2.0 + q - (i + 1.0))
        total -= 0.5 * power * math.log(square)
        for j in range(i):
            at = place(i, j, q)
            grad[at] -= power * numbers[at] / square
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def pull_back(numbers, q, factor, slope, grad):
    """Add to ``grad`` the gradient in the numbers of a function with gradient ``slope`` (q, q) in the factor."""
    for i in range(1, q):
        inner = 0.0
        for j in range(i + 1):
            inner += slope[i, j] * factor[i, j]
        for j in range(i):
            # The diagonal entry is one over the row's length before scaling.
            grad[place(i, j, q)] += (slope[i, j] - factor[i, j] * inner) * factor[i, i]
