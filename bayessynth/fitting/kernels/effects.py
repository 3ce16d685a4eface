"""Draws of the integrated effects given the parameters, from the rows or from polynomials that stand for them."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from bayessynth.fitting.kernels import blocks, integral

# Largest degree of the polynomials of a group's effects.
DEGREE = 4


@njit(cache=True, nogil=True, error_model="numpy")
def draws(rows, tables, own, guess, thetas, vectors, normal, mixing, uniform, degrees, out):
    """Fill ``out`` (S, G, q) with draws of the standardised effects given each point.

    Independence Metropolis with proposals from a t (or normal) distribution at the groups' modes.

    Parameters
    ----------
    normal : ndarray of shape (S, R + 1, G, q)
        Standard normal numbers.
    mixing : ndarray of shape (S, R + 1, G)
        Chi-squared numbers with ``degrees`` degrees of freedom, over ``degrees``; ones for normal proposals.
    uniform : ndarray of shape (S, R, G)
        Logarithms of uniform numbers.
    degrees : float
        Infinite for normal proposals.
    """
    s = integral.space(tables, own, thetas.shape[1], vectors.shape[1])
    groups, q = s.z.shape
    proposed, weight, kept = np.empty((groups, q)), np.empty(groups), np.empty(groups)
    for i in range(thetas.shape[0]):
        integral.begin(tables, own, thetas[i], s)
        integral.guessed(guess, thetas[i], s.z)
        integral.near(rows, tables, own, vectors[i], integral.CLOSE, s)
        for r in range(normal.shape[1]):
            _propose(rows, tables, own, vectors[i], normal[i, r], mixing[i, r], degrees, s, proposed, weight)
            for g in range(groups):
                if r == 0 or uniform[i, r - 1, g] < weight[g] - kept[g]:
                    kept[g] = weight[g]
                    out[i, g] = proposed[g]


@njit(cache=True, nogil=True, error_model="numpy")
def _propose(rows, tables, own, vector, normal, mixing, degrees, s, proposed, weight):
    """Fill proposals (G, q) and their log importance weights (G,)."""
    groups, q = s.z.shape
    point = np.empty((groups, q))
    for g in range(groups):
        for j in range(q):
            point[g, j] = normal[g, j] / math.sqrt(mixing[g])
    blocks.around(s.z, s.root, point, proposed)
    integral.log_joint(rows, tables, own, proposed, vector, s, weight)
    for g in range(groups):
        square = 0.0
        for j in range(q):
            square += point[g, j] * point[g, j]
        if math.isfinite(degrees):
            weight[g] += 0.5 * (degrees + q) * math.log1p(square / degrees)
        else:
            weight[g] += 0.5 * square


@njit(cache=True, nogil=True, error_model="numpy")
def weights(rows, tables, own, guess, theta, vector, normal, mixing, degrees, out):
    """Fill ``out`` (R, G) with the log importance weights of proposals at one point."""
    s = integral.space(tables, own, theta.shape[0], vector.shape[0])
    integral.begin(tables, own, theta, s)
    integral.guessed(guess, theta, s.z)
    integral.near(rows, tables, own, vector, integral.CLOSE, s)
    proposed = np.empty(s.z.shape)
    for r in range(normal.shape[0]):
        _propose(rows, tables, own, vector, normal[r], mixing[r], degrees, s, proposed, out[r])


@njit(cache=True, nogil=True, error_model="numpy")
def located(rows, tables, own, guess, thetas, vectors, close, modes, roots):
    """Fill the groups' modes (S, G, q), and the Cholesky factors of the curvature there (S, G, q, q).

    Newton's steps end with one that is shorter than ``close`` standard deviations, and one more.
    """
    s = integral.space(tables, own, thetas.shape[1], vectors.shape[1])
    for i in range(thetas.shape[0]):
        integral.begin(tables, own, thetas[i], s)
        integral.guessed(guess, thetas[i], s.z)
        integral.near(rows, tables, own, vectors[i], close, s)
        integral.newton(rows, tables, own, vectors[i], s)
        modes[i] = s.z + s.step
        roots[i] = s.root


@njit(cache=True, nogil=True, error_model="numpy")
def log_joints(rows, tables, own, theta, vector, z, out):
    """Fill ``out`` (R, G) with every group's log density of its rows and standardised effects z (R, G, q)."""
    s = integral.space(tables, own, theta.shape[0], vector.shape[0])
    integral.begin(tables, own, theta, s)
    for r in range(z.shape[0]):
        integral.log_joint(rows, tables, own, z[r], vector, s, out[r])


@njit(cache=True, nogil=True, error_model="numpy")
def scales(own, tables, thetas, s, out):
    """Fill ``out`` (S, q, q) with the factors of the effects' covariance at points (S, d)."""
    for i in range(thetas.shape[0]):
        integral.transform(tables, own, thetas[i], s)
        out[i] = s.scale


@njit(cache=True, nogil=True, error_model="numpy")
def placed(mode, root, scale, points, out):
    """Fill ``out`` (R, G, q) with the standardised effects at which effects are mode + root⁻ᵀ point.

    Parameters
    ----------
    mode : ndarray of shape (G, q)
        Of the effects, not standardised.
    root : ndarray of shape (G, q, q)
        Lower Cholesky factors of their precisions.
    scale : ndarray of shape (q, q)
        Factor of the covariance that standardises them.
    points : ndarray of shape (R, G, q)
    """
    q = mode.shape[1]
    for r in range(points.shape[0]):
        blocks.around(mode, root, points[r], out[r])
        for g in range(mode.shape[0]):
            for a in range(q):
                for k in range(a):
                    out[r, g, a] -= scale[a, k] * out[r, g, k]
                out[r, g, a] /= scale[a, a]


@njit(cache=True, nogil=True, error_model="numpy")
def _polynomial(point, exponents, coefficients, reach, table):
    """Return a polynomial's value at a point (q,), held beyond ``reach`` to the value at the sphere there."""
    q, square = point.shape[0], 0.0
    for j in range(q):
        square += point[j] * point[j]
    inside = min(1.0, reach / math.sqrt(max(square, 1e-300)))
    for j in range(q):
        table[j, 0] = 1.0
        for k in range(DEGREE):
            table[j, k + 1] = table[j, k] * point[j] * inside
    total = 0.0
    for b in range(coefficients.shape[0]):
        product = coefficients[b]
        for j in range(q):
            product *= table[j, exponents[b, j]]
        total += product
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def polynomial(points, exponents, coefficients, reach, out):
    """Fill ``out`` (R, G) with the groups' polynomials at points (R, G, q)."""
    table = np.empty((points.shape[2], DEGREE + 1))
    for r in range(points.shape[0]):
        for g in range(points.shape[1]):
            out[r, g] = _polynomial(points[r, g], exponents, coefficients[g], reach, table)


@njit(cache=True, nogil=True, error_model="numpy")
def polynomial_draws(modes, roots, scales, exponents, coefficients, reach, normal, uniform, out):
    """Fill ``out`` (S, G, q) with draws of the standardised effects, no row being read.

    Independence Metropolis as in :func:`draws`, with normal proposals whose log weights are polynomials.

    Parameters
    ----------
    modes, roots, scales
        As of :func:`placed`, with a first axis of S points.
    exponents : ndarray of int64, shape (B, q)
    coefficients : ndarray of shape (G, B)
    reach : float
        Distance beyond which a polynomial is not followed.
    normal : ndarray of shape (S, R + 1, G, q)
    uniform : ndarray of shape (S, R, G)
        Logarithms of uniform numbers.
    """
    count, groups, q = modes.shape
    table, chosen = np.empty((q, DEGREE + 1)), np.empty((1, groups, q))
    for i in range(count):
        for g in range(groups):
            kept, last = 0.0, 0
            for r in range(normal.shape[1]):
                weight = _polynomial(normal[i, r, g], exponents, coefficients[g], reach, table)
                if r == 0 or uniform[i, r - 1, g] < weight - kept:
                    kept, last = weight, r
            chosen[0, g] = normal[i, last, g]
        placed(modes[i], roots[i], scales[i], chosen, out[i : i + 1])
