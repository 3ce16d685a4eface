"""Sums over the rows of each group, of rows sorted by group: what integrating a group's effects needs."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model="numpy")
def shifted(base, starts, columns, effects, eta):
    """Add group effects to a predictor.

    Parameters
    ----------
    base : ndarray of shape (n,)
        Predictor without the effects, rows sorted by group.
    starts : ndarray of int64, shape (G + 1,)
        First row of every group, and n.
    columns : ndarray of shape (q, n)
    effects : ndarray of shape (G, q)
    eta : ndarray of shape (n,)
        Filled.
    """
    for g in range(starts.shape[0] - 1):
        for i in range(starts[g], starts[g + 1]):
            eta[i] = base[i]
        for j in range(columns.shape[0]):
            u = effects[g, j]
            for i in range(starts[g], starts[g + 1]):
                eta[i] += u * columns[j, i]


@njit(cache=True, nogil=True, error_model="numpy")
def sums(values, starts, total):
    """Fill ``total`` (G,) with the sums of every group's values."""
    for g in range(starts.shape[0] - 1):
        # Four sums at a time: one would wait for each addition.
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        i = starts[g]
        while i + 3 < starts[g + 1]:
            a += values[i]
            b += values[i + 1]
            c += values[i + 2]
            d += values[i + 3]
            i += 4
        while i < starts[g + 1]:
            a += values[i]
            i += 1
        total[g] = (a + b) + (c + d)


@njit(cache=True, nogil=True, error_model="numpy")
def products(values, starts, columns, total):
    """Fill ``total`` (G, q) with the sums of every group's values times each column."""
    for g in range(starts.shape[0] - 1):
        for j in range(columns.shape[0]):
            a, b = 0.0, 0.0
            i = starts[g]
            while i + 1 < starts[g + 1]:
                a += values[i] * columns[j, i]
                b += values[i + 1] * columns[j, i + 1]
                i += 2
            if i < starts[g + 1]:
                a += values[i] * columns[j, i]
            total[g, j] = a + b


@njit(cache=True, nogil=True, error_model="numpy")
def _products(gradient, curvature, columns, start, stop, slope, inner):
    """Fill a group's Zᵀ gradient (q,) and Zᵀ C Z (q, q); two columns at once, whose sums do not wait for each other."""
    q = columns.shape[0]
    for j in range(0, q, 2):
        right = min(j + 1, q - 1)
        first, second, a, b, c = 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(start, stop):
            x, y, weight = columns[j, i], columns[right, i], max(curvature[i], 0.0)
            first += gradient[i] * x
            second += gradient[i] * y
            a += weight * x * x
            b += weight * x * y
            c += weight * y * y
        slope[j], slope[right] = first, second
        inner[j, j], inner[j, right], inner[right, j], inner[right, right] = a, b, b, c
        for k in range(j):
            for side in (j, right):
                total = 0.0
                for i in range(start, stop):
                    total += max(curvature[i], 0.0) * columns[side, i] * columns[k, i]
                inner[side, k], inner[k, side] = total, total


@njit(cache=True, nogil=True, error_model="numpy")
def newton(gradient, curvature, starts, columns, scale, z, step, root):
    """Find Newton's step of every group's standardised effects z, u = scale · z with z standard normal.

    Parameters
    ----------
    gradient, curvature : ndarray of shape (n,)
        First and minus second derivative of the rows' log density in the predictor.
    starts, columns
        As in :func:`shifted`.
    scale : ndarray of shape (q, q)
        Lower triangular factor of the effects' covariance.
    z : ndarray of shape (G, q)
    step : ndarray of shape (G, q)
        Filled.
    root : ndarray of shape (G, q, q)
        Filled with the lower Cholesky factors of I + scaleᵀ Zᵀ C Z scale, the negative Hessian. Rows whose log
        density is not concave count with the curvature that is left when negative ones are dropped.
    """
    q = columns.shape[0]
    slope = np.empty(q)
    inner = np.empty((q, q))
    for g in range(starts.shape[0] - 1):
        _products(gradient, curvature, columns, starts[g], starts[g + 1], slope, inner)
        for a in range(q):
            total = -z[g, a]
            for j in range(a, q):
                total += scale[j, a] * slope[j]
            step[g, a] = total
            for b in range(a + 1):
                total = 1.0 if a == b else 0.0
                for j in range(a, q):
                    for k in range(b, q):
                        total += scale[j, a] * inner[j, k] * scale[k, b]
                root[g, a, b] = total
        for a in range(q):  # Cholesky in place, then both triangular solves
            for b in range(a):
                for k in range(b):
                    root[g, a, b] -= root[g, a, k] * root[g, b, k]
                root[g, a, b] /= root[g, b, b]
                root[g, b, a] = 0.0
            for k in range(a):
                root[g, a, a] -= root[g, a, k] ** 2
            root[g, a, a] = math.sqrt(root[g, a, a])
        for a in range(q):
            for k in range(a):
                step[g, a] -= root[g, a, k] * step[g, k]
            step[g, a] /= root[g, a, a]
        for a in range(q - 1, -1, -1):
            for k in range(a + 1, q):
                step[g, a] -= root[g, k, a] * step[g, k]
            step[g, a] /= root[g, a, a]


@njit(cache=True, nogil=True, error_model="numpy")
def around(centre, root, point, z):
    """Fill ``z`` (G, q) with centre + root⁻ᵀ point: standard normal points to the scale of every group's effects.

    ``point`` has shape (G, q), or (1, q) for one point for all groups.
    """
    q = centre.shape[1]
    for g in range(centre.shape[0]):
        row = g if point.shape[0] > 1 else 0
        for a in range(q - 1, -1, -1):
            total = point[row, a]
            for k in range(a + 1, q):
                total -= root[g, k, a] * (z[g, k] - centre[g, k])
            z[g, a] = centre[g, a] + total / root[g, a, a]
