"""Polynomials of a few parameters in place of functions whose every value costs a pass over all rows.

With many rows a log density is nearly quadratic, and what is missing to that is smooth: a polynomial fitted to some
hundred values gives all others. It is taken only where values that it was not fitted to say that it holds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from math import comb

import numpy as np

from bayessynth.fitting.engines import importance
from bayessynth.fitting.engines.importance import Draws, LogDensity
from bayessynth.fitting.engines.mode import Mode

#: Standard deviation, over the posterior, of an error of the log density that is allowed.
TOLERANCE = 0.02
#: Total variation distance from the density that a surrogate may have.
DISTANCE = 0.01
# Points by which it is told, and points of a surrogate, which cost nearly nothing, as a multiple of the draws.
_TOLD, _CHEAP = 300, 4
# Degrees that are tried in turn.
_DEGREES = (2, 3, 4, 5)
# Standard deviations of the points it is fitted to, over those of the normal density: its tails are fitted too.
_SPREAD = 1.3
# Points a coefficient, points beyond those, and points that tell whether it holds.
_POINTS, _MORE, _PROBES = 1.5, 20, 40
# Most points, and as a share of the draws: beyond that all draws are evaluated as well.
_MOST, _SHARE = 1500, 0.4
# Points whose powers are held at a time, which bounds the memory.
_AT_A_TIME = 2000


@dataclass(frozen=True)
class Polynomial:
    """Polynomials of parameters in units of a normal density, side by side.

    Attributes
    ----------
    mode : Mode
        Of the normal density.
    degree : int
    reach : float
        Distance from the mode, in standard deviations, beyond which the values are those on the sphere there.
    coefficients : ndarray of shape (B, k)
    """

    mode: Mode
    degree: int
    reach: float
    coefficients: np.ndarray

    def __call__(self, thetas: np.ndarray) -> np.ndarray:
        """Return the values at points (S, d), shape (S, k)."""
        found = np.empty((len(thetas), self.coefficients.shape[1]))
        for start in range(0, len(thetas), _AT_A_TIME):
            rows = slice(start, start + _AT_A_TIME)
            x = standardised(self.mode, thetas[rows])
            away = np.sqrt((x * x).sum(axis=1, keepdims=True))
            within = x * np.minimum(1.0, self.reach / np.maximum(away, 1e-300))
            found[rows] = powers(within, self.degree) @ self.coefficients
        return found


@dataclass(frozen=True)
class Surrogate:
    """A log density that is a normal one and a polynomial.

    Attributes
    ----------
    correction : Polynomial
        What is missing to the normal density.
    """

    correction: Polynomial

    def __call__(self, thetas: np.ndarray) -> np.ndarray:
        """Return the log densities at points (S, d), shape (S,)."""
        x = standardised(self.correction.mode, thetas)
        return self.correction(thetas)[:, 0] - 0.5 * (x * x).sum(axis=1)


def standardised(mode: Mode, thetas: np.ndarray) -> np.ndarray:
    """Return points in units in which the normal density around a mode is standard, shape (S, d)."""
    return np.linalg.solve(np.linalg.cholesky(mode.covariance), (thetas - mode.theta).T).T


def powers(x: np.ndarray, degree: int) -> np.ndarray:
    """Return all products of at most ``degree`` of the columns, shape (S, B).

    >>> powers(np.array([[2.0, 3.0]]), 2).tolist()
    [[1.0, 2.0, 3.0, 4.0, 6.0, 9.0]]
    """
    return np.stack([np.prod(x[:, chosen], axis=1) for chosen in _products(x.shape[1], degree)], axis=1)


def exponents(d: int, degree: int) -> np.ndarray:
    """Return the power of every column in the products of :func:`powers`, shape (B, d).

    >>> exponents(2, 1).tolist()
    [[0, 0], [1, 0], [0, 1]]
    """
    return np.array([[chosen.count(j) for j in range(d)] for chosen in _products(d, degree)], dtype=np.int64)


def _products(d: int, degree: int) -> list[list[int]]:
    return [list(chosen) for k in range(degree + 1) for chosen in combinations_with_replacement(range(d), k)]


def needed(d: int, degree: int) -> int:
    """Return how many points a polynomial of d parameters is fitted to.

    >>> needed(9, 2), needed(9, 3)
    (103, 350)
    """
    return int(np.ceil(_POINTS * comb(d + degree, degree))) + _MORE


def design(mode: Mode, count: int) -> np.ndarray:
    """Return points to fit to, shape (count, d); more begin with fewer."""
    x = np.random.default_rng(1).standard_normal((count, len(mode.theta)))  # no matter of chance for a seed to change
    return mode.theta + _SPREAD * x @ np.linalg.cholesky(mode.covariance).T


def fit(mode: Mode, thetas: np.ndarray, values: np.ndarray, degree: int) -> Polynomial:
    """Fit polynomials by least squares.

    Parameters
    ----------
    mode : Mode
    thetas : ndarray of shape (S, d)
    values : ndarray of shape (S, k)
    degree : int
    """
    x = standardised(mode, thetas)
    coefficients = np.linalg.pinv(powers(x, degree)) @ values
    return Polynomial(mode, degree, float(np.sqrt((x * x).sum(axis=1).max())), coefficients)


def surrogate(log_density: LogDensity, mode: Mode, draws: int, tolerance: float) -> Surrogate | None:
    """Fit a surrogate of the lowest degree that holds.

    Parameters
    ----------
    log_density : callable
        Takes points of shape (n, d) and returns log densities of shape (n,).
    mode : Mode
    draws : int
        How many are wanted: no more than a share of their number is evaluated.
    tolerance : float
        Standard deviation of the surrogate's error that is allowed, over points from the normal density.

    Returns
    -------
    Surrogate or None
        None if no degree holds.
    """
    d, most = len(mode.theta), min(_MOST, _SHARE * draws)
    if needed(d, _DEGREES[0]) > most:
        return None
    points = design(mode, _PROBES + min(int(most), needed(d, _DEGREES[-1])))
    # The probes are as far apart as draws are.
    probes, points = mode.theta + (points[:_PROBES] - mode.theta) / _SPREAD, points[_PROBES:]
    exact, values = log_density(probes), np.empty(0)
    for degree in _DEGREES:
        count = needed(d, degree)
        if count > most:
            return None
        values = np.concatenate([values, log_density(points[len(values) : count])])
        if not (np.isfinite(values).all() and np.isfinite(exact).all()):
            return None
        x = standardised(mode, points[:count])
        made = Surrogate(fit(mode, points[:count], (values + 0.5 * (x * x).sum(axis=1))[:, None], degree))
        if np.std(made(probes) - exact) <= tolerance:
            return made
    return None


def sample(log_density: LogDensity, mode: Mode, count: int, rng: np.random.Generator) -> Draws:
    """Draw from a density by importance sampling, with a surrogate of it where one holds.

    Parameters
    ----------
    log_density : callable
        As in :func:`surrogate`.
    mode : Mode
    count : int
        Number of draws.
    rng : Generator
    """
    found = surrogate(log_density, mode, count, TOLERANCE)
    if found is not None:
        drawn = importance.sample(found, mode.theta, mode.covariance, count, rng, _CHEAP)
        if importance.refusal(drawn) is None:
            k_hat, distance = importance.told(log_density, found, drawn, _TOLD, rng)
            if k_hat < importance.PARETO_K and distance <= DISTANCE:
                return replace(drawn, k_hat=max(drawn.k_hat, k_hat))
    return importance.sample(log_density, mode.theta, mode.covariance, count, rng)
