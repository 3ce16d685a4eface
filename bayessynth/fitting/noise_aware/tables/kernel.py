"""The log density of effects given noisy sums, over all cells, in compiled code."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def likelihood(
    features: np.ndarray, effects: np.ndarray, total: float, values: np.ndarray, variances: np.ndarray
) -> tuple[float, np.ndarray, float]:
    """Return the log density of noisy sums, up to a constant, and its derivatives by effects and number of rows.

    The sums are normal with mean nμ and covariance nΣ + V, of which μ and Σ are the mean and the covariance of one
    record's contrasts. The derivative of Σ by an effect is the third central moment with that effect's contrast; both
    of its products that are needed are means over cells.

    Parameters
    ----------
    features : ndarray of shape (cells, d)
        Contrasts of all cells.
    effects : ndarray of shape (d,)
    total : float
        Number of rows, n.
    values, variances : ndarray of shape (d,)
        Noisy sums, and the variances of their noise.

    Examples
    --------
    >>> one = np.ones(1)
    >>> height, by_effects, _ = likelihood(np.array([[1.0], [-1.0]]), 0 * one, 100.0, 10 * one, 25 * one)
    >>> round(height, 3), by_effects.round(3).tolist()  # normal(0, sd = sqrt(100 + 25)): -0.5 * (100 / 125 + log(125))
    (-2.814, [8.0])
    """
    logs = features @ effects
    p = np.exp(logs - logs.max())
    p /= p.sum()
    mean = p @ features
    apart = features - mean
    covariance = total * ((apart * p.reshape(-1, 1)).T @ apart) + np.diag(variances)
    root = np.linalg.cholesky(covariance)
    inverse = np.linalg.inv(covariance)
    residual = values - total * mean
    weighted = inverse @ residual
    along = apart @ weighted
    squares = ((apart @ inverse) * apart).sum(axis=1)
    height = -0.5 * (residual @ weighted) - np.log(np.diag(root)).sum()
    by_effects = total * ((p * (along + 0.5 * (along**2 - squares))) @ apart)
    return height, by_effects, weighted @ mean + 0.5 * (p @ (along**2 - squares))


@njit(cache=True, nogil=True)
def whitened(
    z: np.ndarray, features: np.ndarray, mode: np.ndarray, scale: np.ndarray, total: float, total_sd: float,
    values: np.ndarray, variances: np.ndarray, prior: np.ndarray,
) -> tuple[float, np.ndarray]:  # fmt: skip
    """Return the log posterior density, up to a constant, and its gradient at a whitened point.

    Parameters
    ----------
    z : ndarray of shape (d + 1,)
        Number of rows, as a multiple of ``total_sd`` from ``total``; then effects, ``mode + scale @ z[1:]``.
    features, values, variances
        As of :func:`likelihood`.
    mode : ndarray of shape (d,)
    scale : ndarray of shape (d, d)
    total, total_sd : float
        Noisy number of rows, and the standard deviation of its noise.
    prior : ndarray of shape (d,)
        Prior precision of each effect.

    Examples
    --------
    >>> one = np.ones(1)
    >>> x = np.array([[1.0], [-1.0]])
    >>> _, gradient = whitened(np.zeros(2), x, 0 * one, np.eye(1), 100.0, 5.0, 0 * one, one, one)
    >>> gradient.round(4)  # 5 * -0.5 / (100 + 1) by the number of rows
    array([-0.0248,  0.    ])
    """
    rows = total + total_sd * z[0]
    gradient = np.zeros(len(z))
    if rows < 1.0:
        return -np.inf, gradient
    effects = mode + scale @ z[1:]
    height, by_effects, by_total = likelihood(features, effects, rows, values, variances)
    gradient[0] = total_sd * by_total - z[0]
    gradient[1:] = scale.T @ (by_effects - prior * effects)
    return height - 0.5 * (effects @ (prior * effects) + z[0] ** 2), gradient
