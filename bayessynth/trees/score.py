"""The linear score of a target: a ridge or logistic regression on the columns before it.

A tree cuts a linear relation into steps, which biases the regression coefficients of an analyst. With the linear
predictor among its features it cuts along the relation instead, and what it adds is what is not linear.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg, special

# Prior precision of every coefficient, for columns in standard units: one record's worth.
PRECISION = 0.1
# Directions in which the levels of a target differ most, that become features.
DIRECTIONS = 3
STEPS = 6
# Rows whose products are added up in 32 bits.
ROWS = 1 << 15


def coefficients(
    design: np.ndarray, target: np.ndarray, weights: np.ndarray, precision: float = PRECISION
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return the coefficients of a target's linear scores.

    Parameters
    ----------
    design : ndarray of float32, shape (n, q)
    target : ndarray
        Numbers of shape (n,), or indicators of levels of shape (n, levels).
    weights : ndarray of shape (n,)
        Of mean one.
    precision : float
        Prior precision of every coefficient of a number's score or of levels' directions.

    Returns
    -------
    tuple of ndarray of shape (q, scores) and ndarray of shape (levels, scores) or None
        One score of a number or of two levels; for more levels the directions in which the ridge scores of their
        indicators vary most, and these directions.

    Examples
    --------
    >>> x = np.array([[-1.0], [1.0], [-1.0], [1.0]], dtype=np.float32)
    >>> coefficients(x, np.array([0.0, 2.0, 0.0, 2.0]), np.ones(4))[0].round(2).tolist()
    [[0.98]]
    """
    if target.ndim == 2 and target.shape[1] == 1:
        return np.zeros((design.shape[1], 0)), np.zeros((1, 0))
    if target.ndim == 2 and target.shape[1] == 2:
        return _logistic(design, target[:, 1], weights)[:, None], None
    y = target if target.ndim == 2 else target[:, None]
    gram, cross = _moments(design, y.astype(np.float32), weights.astype(np.float32))
    found = linalg.solve(_posterior(gram, precision), cross, assume_a="pos") if len(gram) else cross
    if target.ndim == 1:
        return found, None
    spread, directions = linalg.eigh(found.T @ gram @ found)
    most = min(DIRECTIONS, found.shape[1] - 1)
    kept = np.argsort(spread)[::-1][:most]
    return found @ directions[:, kept], directions[:, kept]


def _posterior(gram: np.ndarray, precision: float = PRECISION) -> np.ndarray:
    """Return the precision of the coefficients: that of the prior, and what rounding in 32 bits may have lost."""
    return gram + (precision + 1e-6 * float(np.diagonal(gram).max(initial=0))) * np.eye(len(gram))


def _moments(design: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return sums of products about the weighted means, of 32-bit columns in runs of rows that 32 bits add up well."""
    q, r = design.shape[1], y.shape[1]
    gram, cross, sums, sums_y = np.zeros((q, q)), np.zeros((q, r)), np.zeros(q), np.zeros(r)
    for start in range(0, len(design), ROWS):
        rows = slice(start, start + ROWS)
        weighted = design[rows] * weights[rows, None]
        gram += weighted.T @ design[rows]
        cross += weighted.T @ y[rows]
        sums += weighted.sum(axis=0, dtype=float)
        sums_y += weights[rows].astype(float) @ y[rows].astype(float)
    total = float(weights.sum(dtype=float))
    return gram - np.outer(sums, sums) / total, cross - np.outer(sums, sums_y) / total


def _logistic(design: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the mode of a logistic regression with normal priors, by Newton steps of limited length."""
    if not design.shape[1]:
        return np.zeros(0)
    share = np.clip(np.average(y, weights=weights), 1e-6, 1 - 1e-6)
    intercept, slopes = float(special.logit(share)), np.zeros(design.shape[1])
    for _ in range(STEPS):
        eta = intercept + design @ slopes.astype(np.float32)
        p = special.expit(eta.astype(float))
        curvature = np.maximum(weights * p * (1 - p), 1e-10)
        working = eta + weights * (y - p) / curvature
        gram, cross = _moments(design, working[:, None].astype(np.float32), curvature.astype(np.float32))
        found = linalg.solve(_posterior(gram), cross[:, 0], assume_a="pos")
        step = found - slopes
        slopes = slopes + step * min(1.0, 5.0 / max(np.abs(step).max(), 1e-12))
        means = curvature @ design.astype(float) / curvature.sum()
        intercept = float(np.average(working, weights=curvature) - means @ slopes)
        if np.abs(step).max() < 1e-3:
            break
    return slopes
