"""A component's log density with the effects of one factor integrated, and draws of them, at many points."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from bayessynth.fitting.kernels import blocks, cholesky, structure, whole

# Newton steps from a guess end when no group's effects move by more than this many of their standard deviations: any
# centre of the nodes is valid, and one this close to the mode is good.
CLOSE = 0.3
_STEPS = 60


class Own(NamedTuple):
    """The terms of the integrated factor, side by side.

    Attributes
    ----------
    starts : ndarray of int64, shape (G + 1,)
        First row of every group, rows sorted by group.
    columns : ndarray of shape (q, n)
        What each effect multiplies.
    places : ndarray of int64, shape (terms, 3)
        Of every term: place of its standard deviations, of its correlation (or -1), number of effects.
    shapes : ndarray of shape (terms,)
        Eta of the LKJ priors.
    """

    starts: np.ndarray
    columns: np.ndarray
    places: np.ndarray
    shapes: np.ndarray


class Guess(NamedTuple):
    """Where the modes of the groups' standardised effects lie, to first order: z + slopes · (theta - centre).

    Attributes
    ----------
    centre : ndarray of shape (d,)
    z : ndarray of shape (G, q)
    slopes : ndarray of shape (G, q, d)
    """

    centre: np.ndarray
    z: np.ndarray
    slopes: np.ndarray


@njit(cache=True, nogil=True, error_model="numpy")
def covariance_root(own, x, theta, root, grad):
    """Fill ``root`` (q, q) with the factor of the effects' covariance.

    Returns
    -------
    float
        The log prior of their correlations, whose gradient is added to ``grad``.
    """
    root[:] = 0.0
    total, first = 0.0, 0
    for t in range(own.places.shape[0]):
        sds, place, q = own.places[t]
        factor = np.eye(q)
        if place >= 0:
            block = slice(place, place + q * (q - 1) // 2)
            cholesky.fill(theta[block], q, factor)
            total += cholesky.log_prior(theta[block], q, own.shapes[t], grad[block])
        for j in range(q):
            for k in range(j + 1):
                root[first + j, first + k] = factor[j, k] * x[sds + j]
        first += q
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def pull_root(own, x, dx, theta, slope, grad):
    """Add to ``grad`` the gradient in sds and correlations, of one in the factor of the covariance, (q, q)."""
    first = 0
    for t in range(own.places.shape[0]):
        sds, place, q = own.places[t]
        factor, inner = np.eye(q), np.zeros((q, q))
        block = slice(place, place + q * (q - 1) // 2)
        if place >= 0:
            cholesky.fill(theta[block], q, factor)
        for j in range(q):
            total = 0.0
            for k in range(j + 1):
                inner[j, k] = slope[first + j, first + k] * x[sds + j]
                total += slope[first + j, first + k] * factor[j, k]
            grad[sds + j] += total * dx[sds + j]
        if place >= 0:
            cholesky.pull_back(theta[block], q, factor, inner, grad[block])
        first += q


@njit(cache=True, nogil=True, error_model="numpy")
def _times(z, root, effects):
    """Fill ``effects`` with root · z, group by group."""
    q = z.shape[1]
    for g in range(z.shape[0]):
        for j in range(q):
            total = 0.0
            for k in range(j + 1):
                total += root[j, k] * z[g, k]
            effects[g, j] = total


@njit(cache=True, nogil=True, error_model="numpy")
def guessed(guess, theta, z):
    """Fill ``z`` (G, q) with the modes that a guess has for a point."""
    for g in range(z.shape[0]):
        for j in range(z.shape[1]):
            z[g, j] = guess.z[g, j]
            for i in range(theta.shape[0]):
                z[g, j] += guess.slopes[g, j, i] * (theta[i] - guess.centre[i])


class Space(NamedTuple):
    """Working memory of one evaluation.

    Attributes
    ----------
    whole : whole.Space
    base : ndarray of shape (n,)
        Predictor without the integrated effects.
    scale : ndarray of shape (q, q)
        Factor of the effects' covariance.
    z, effects, step : ndarray of shape (G, q)
        Standardised effects, effects, and the last step.
    root : ndarray of shape (G, q, q)
        Cholesky factors of the negative Hessians in z.
    """

    whole: whole.Space
    base: np.ndarray
    scale: np.ndarray
    z: np.ndarray
    effects: np.ndarray
    step: np.ndarray
    root: np.ndarray


@njit(cache=True, nogil=True, error_model="numpy")
def space(tables, own, d, k):
    """Return working memory for ``d`` parameters and vector-valued ones of length ``k`` together."""
    groups, q = own.starts.shape[0] - 1, own.columns.shape[0]
    return Space(
        whole.space(tables, d, k), np.empty(tables.y.shape[0]), np.empty((q, q)), np.zeros((groups, q)),
        np.empty((groups, q)), np.empty((groups, q)), np.empty((groups, q, q)),
    )  # fmt: skip


@njit(cache=True, nogil=True, error_model="numpy")
def transform(tables, own, theta, s):
    """Transform the parameters; return the log prior density, with its gradient in place."""
    total = whole.transform(tables, theta, s.whole)
    return total + covariance_root(own, s.whole.x, theta, s.scale, s.whole.grad)


@njit(cache=True, nogil=True, error_model="numpy")
def begin(tables, own, theta, s):
    """Transform the parameters and fill the predictor without the integrated effects."""
    transform(tables, own, theta, s)
    whole.predict(tables, s.whole, 0, s.whole.eta)
    s.base[:] = s.whole.eta[0]


@njit(cache=True, nogil=True, error_model="numpy")
def at(rows, tables, own, z, vector, order, s):
    """Evaluate the rows at standardised effects z (G, q)."""
    _times(z, s.scale, s.effects)
    blocks.shifted(s.base, own.starts, own.columns, s.effects, s.whole.eta[0])
    whole.evaluate(rows, tables, vector, order, s.whole)


@njit(cache=True, nogil=True, error_model="numpy")
def log_joint(rows, tables, own, z, vector, s, out):
    """Fill ``out`` (G,) with every group's log density of its rows and standardised effects."""
    at(rows, tables, own, z, vector, 0, s)
    blocks.sums(s.whole.logp, own.starts, out)
    for g in range(z.shape[0]):
        for j in range(z.shape[1]):
            out[g] -= 0.5 * z[g, j] * z[g, j]


@njit(cache=True, nogil=True, error_model="numpy")
def newton(rows, tables, own, vector, s):
    """Fill Newton's steps ``s.step`` from ``s.z`` to the modes, and ``s.root``; evaluates the rows there."""
    at(rows, tables, own, s.z, vector, 2, s)
    blocks.newton(s.whole.slope[0], s.whole.curvature, own.starts, own.columns, s.scale, s.z, s.step, s.root)


@njit(cache=True, nogil=True, error_model="numpy")
def near(rows, tables, own, vector, close, s):
    """Move ``s.z`` towards the modes by Newton steps, held to two standard deviations; fill ``s.root``."""
    groups, q = s.z.shape
    for _ in range(_STEPS):
        newton(rows, tables, own, vector, s)
        furthest = 0.0
        for g in range(groups):
            square = 0.0
            for b in range(q):
                part = 0.0
                for a in range(b, q):
                    part += s.root[g, a, b] * s.step[g, a]
                square += part * part
            length = math.sqrt(square)
            furthest = max(furthest, length)
            for a in range(q):
                s.z[g, a] += s.step[g, a] * min(1.0, 2.0 / max(length, 1e-300))
        if not furthest >= close:
            break


@njit(cache=True, nogil=True, error_model="numpy")
def quadrature(rows, tables, own, points, log_weights, vector, s, terms, placed):
    """Return the log integral over all groups' effects, by nodes around ``s.z``.

    ``terms`` (K, G) is filled with every node's log share of its group's integral, ``placed`` (K, G, q) with the nodes.
    """
    groups = s.z.shape[0]
    for k in range(points.shape[0]):
        blocks.around(s.z, s.root, points[k : k + 1], placed[k])
        log_joint(rows, tables, own, placed[k], vector, s, terms[k])
    total = 0.0
    for g in range(groups):
        top = -np.inf
        for k in range(points.shape[0]):
            terms[k, g] += log_weights[k]
            top = max(top, terms[k, g])
        mass = 0.0
        for k in range(points.shape[0]):
            mass += math.exp(terms[k, g] - top)
        own_total = top + math.log(mass)
        for k in range(points.shape[0]):
            terms[k, g] -= own_total
        for j in range(s.z.shape[1]):
            own_total -= math.log(s.root[g, j, j])
        total += own_total
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def laplace(rows, tables, own, vector, s):
    """Return Laplace's approximation of the log integral over all groups' effects, at ``s.z`` close to the modes.

    One more Newton step tells what is missing to the modes, so that neither value nor curvature depends on how close
    they are to first order.
    """
    newton(rows, tables, own, vector, s)
    groups, q = s.z.shape
    total = structure.total(s.whole.logp)
    for g in range(groups):
        for b in range(q):
            part = 0.0
            for a in range(b, q):
                part += s.root[g, a, b] * s.step[g, a]
            # A long step is one that Newton's parabola is not to be trusted with.
            total += 0.5 * min(part * part, 1.0) - 0.5 * s.z[g, b] * s.z[g, b] - math.log(s.root[g, b, b])
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def values(rows, tables, own, guess, points, log_weights, thetas, vectors, out):
    """Fill ``out`` (S,) with the log integrals at points (S, d), all priors but the effects' left out."""
    s = space(tables, own, thetas.shape[1], vectors.shape[1])
    terms = np.empty((points.shape[0], s.z.shape[0]))
    placed = np.empty((points.shape[0], *s.z.shape))
    for i in range(thetas.shape[0]):
        begin(tables, own, thetas[i], s)
        guessed(guess, thetas[i], s.z)
        near(rows, tables, own, vectors[i], CLOSE, s)
        if points.shape[0] == 1:
            out[i] = laplace(rows, tables, own, vectors[i], s)
        else:
            out[i] = quadrature(rows, tables, own, points, log_weights, vectors[i], s, terms, placed)


@njit(cache=True, nogil=True, error_model="numpy")
def priors(tables, own, thetas, s, out):
    """Fill ``out`` (S,) with the log prior densities at points (S, d), those of vector-valued parameters left out."""
    for i in range(thetas.shape[0]):
        out[i] = transform(tables, own, thetas[i], s)


class Gradient(NamedTuple):
    """The gradient of the log integral, as far as some groups' rows make it.

    Attributes
    ----------
    numbers : ndarray
        In the constrained numbers, but for the standard deviations of the integrated effects.
    effects : ndarray of shape (d,)
        In the effects of other factors, at the places of the raw ones.
    scale : ndarray of shape (q, q)
        In the factor of the integrated effects' covariance.
    vector : ndarray of shape (K,)
    """

    numbers: np.ndarray
    effects: np.ndarray
    scale: np.ndarray
    vector: np.ndarray


@njit(cache=True, nogil=True, error_model="numpy")
def gradient(rows, tables, own, points, log_weights, theta, vector, start, settled, modes, found):
    """Return the log integral, fill the groups' modes (G, q), and add its gradient to ``found``, which is zero.

    Fisher's identity: the mean, over the posterior of the effects as the nodes have it, of the gradient given them.

    Parameters
    ----------
    start : ndarray of shape (G, q)
        Where to seek the modes from, until none moves by more than ``settled`` standard deviations.
    """
    s = space(tables, own, theta.shape[0], vector.shape[0])
    w, (groups, q) = s.whole, s.z.shape
    terms = np.empty((points.shape[0], groups))
    placed = np.empty((points.shape[0], groups, q))
    begin(tables, own, theta, s)
    s.z[:] = start
    near(rows, tables, own, vector, settled, s)
    modes[:] = s.z
    total = quadrature(rows, tables, own, points, log_weights, vector, s, terms, placed)
    mean, by_column = np.zeros(w.slope.shape), np.empty((groups, q))
    share = np.empty(w.logp.shape[0])
    counted = tables.weights.shape[0] > 0
    for k in range(points.shape[0]):
        for g in range(groups):
            for i in range(own.starts[g], own.starts[g + 1]):
                share[i] = math.exp(terms[k, g]) * (tables.weights[i] if counted else 1.0)
        _times(placed[k], s.scale, s.effects)
        blocks.shifted(s.base, own.starts, own.columns, s.effects, w.eta[0])
        rows(tables.y, tables.beside, w.eta, tables.constant, tables.links, vector, tables.options, share, 1, w.logp,
             w.slope, w.vector_slope, w.curvature)  # fmt: skip
        for p in range(w.slope.shape[0]):
            w.slope[p] *= share
            mean[p] += w.slope[p]
        found.vector[:] += w.vector_slope
        blocks.products(w.slope[0], own.starts, own.columns, by_column)
        found.scale[:] += by_column.T @ placed[k]
    w.own_grad[:] = 0.0
    whole.collect(tables, w, 0, mean, found.effects)
    found.numbers[:] = w.own_grad
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def carry(tables, own, theta, found, s):
    """Return the log prior density, and fill ``s.whole.grad`` with its gradient and the rows' gradient ``found``."""
    total = transform(tables, own, theta, s)
    s.whole.own_grad[:] = found.numbers
    s.whole.vector_slope[:] = found.vector
    whole.carry(tables, theta, s.whole, found.effects)
    pull_root(own, s.whole.x, s.whole.dx, theta, found.scale, s.whole.grad)
    return total
