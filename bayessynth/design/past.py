"""What the rows before say of a unit's level: the best linear predictor of a random intercept."""

from __future__ import annotations

import numpy as np

# Variance within units over that between them, at most: units that do not differ say nothing of a level.
_MOST = 1e6


def learn_past(values: np.ndarray, codes: np.ndarray) -> tuple[float, float]:
    """Return the overall mean of a column, and the variance within units over that between them.

    The variances are those of one-way analysis of variance for groups of unequal size.

    Parameters
    ----------
    values : ndarray of shape (n,)
        NaN where missing.
    codes : ndarray of int, shape (n,)
        Unit of each row.

    References
    ----------
    Searle SR, Casella G, McCulloch CE (1992). Variance Components, section 3.6.

    Examples
    --------
    >>> learn_past(np.array([1.0, 3.0, 11.0, 13.0]), np.array([0, 0, 1, 1]))
    (7.0, 0.04081632653061224)
    """
    there = np.isfinite(values)
    y, codes = values[there].astype(float), codes[there]
    if not len(y):
        return 0.0, _MOST
    counts = np.bincount(codes)
    groups, n = int((counts > 0).sum()), len(y)
    mean = float(y.mean())
    if groups < 2 or n == groups:
        return mean, 1.0
    means = np.bincount(codes, weights=y - mean) / np.maximum(counts, 1)
    within = float(((y - mean - means[codes]) ** 2).sum()) / (n - groups)
    size = (n - float((counts.astype(float) ** 2).sum()) / n) / (groups - 1)
    between = (float((counts * means**2).sum()) / (groups - 1) - within) / size
    return mean, float(min(within / between, _MOST)) if between > 0 else _MOST


def level(sums: np.ndarray, counts: np.ndarray, learnt: tuple[float, float]) -> np.ndarray:
    """Return the predicted level of units of which some rows are known.

    Parameters
    ----------
    sums, counts : ndarray of shape (n,)
        Of the known values.
    learnt : tuple of float
        As :func:`learn_past` returned it.

    Examples
    --------
    >>> level(np.array([10.0, 0.0]), np.array([2, 0]), (1.0, 2.0)).tolist()
    [3.0, 1.0]
    """
    mean, ratio = learnt
    # A ratio of zero leaves units without a known value at the overall mean all the same.
    return mean + (sums - counts * mean) / np.maximum(counts + ratio, 1e-12)


def before(values: np.ndarray, number: np.ndarray, learnt: tuple[float, float]) -> np.ndarray:
    """Return what the rows before each row say of its unit's level; missing in the first.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Rows of a unit side by side.
    number : ndarray of int, shape (n,)
        Of each row in its unit, from 0.
    learnt : tuple of float

    Examples
    --------
    >>> before(np.array([4.0, 2.0, 6.0]), np.array([0, 1, 2]), (0.0, 0.0)).tolist()
    [nan, 4.0, 3.0]
    """
    there = np.isfinite(values)
    sums = np.r_[0.0, np.cumsum(np.where(there, values, 0.0))]
    counts = np.r_[0, np.cumsum(there)]
    at = np.arange(len(values))
    start = at - number
    return np.where(number > 0, level(sums[at] - sums[start], counts[at] - counts[start], learnt), np.nan)
