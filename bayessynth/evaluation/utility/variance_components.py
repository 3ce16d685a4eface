"""Variance between and within groups by one-way analysis of variance, for groups of unequal size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class GroupSums:
    """What of a column one-way analysis of variance needs: of each group, along the last axis.

    Attributes
    ----------
    counts : ndarray
        Rows with a value; may be 0.
    means : ndarray
        0 where there is no row.
    squares : ndarray
        Sum of squared distances from the group's mean.
    """

    counts: np.ndarray
    means: np.ndarray
    squares: np.ndarray

    def take(self, groups: np.ndarray) -> GroupSums:
        """Return the groups with the given numbers, repeated ones as groups of their own."""
        return GroupSums(self.counts[groups], self.means[groups], self.squares[groups])


def group_sums(values: np.ndarray, groups: np.ndarray) -> GroupSums:
    """Return count, mean and sum of squares of each group; missing values are left out.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
    groups : ndarray of int, shape (n,)
        Codes from 0.

    Examples
    --------
    >>> group_sums(np.array([1.0, 3.0, 11.0, 13.0, np.nan]), np.array([0, 0, 1, 1, 1])).means.tolist()
    [2.0, 12.0]
    """
    size = int(groups.max(initial=-1)) + 1
    there = np.isfinite(values)
    values, groups = values[there], groups[there]
    counts = np.bincount(groups, minlength=size)
    # Distances from the overall mean keep their digits where values are far from zero.
    centre = values.mean() if len(values) else 0.0
    sums = np.bincount(groups, weights=values - centre, minlength=size)
    means = np.divide(sums, counts, out=np.zeros(size), where=counts > 0)
    squares = np.bincount(groups, weights=(values - centre - means[groups]) ** 2, minlength=size)
    return GroupSums(counts, np.where(counts > 0, means + centre, 0.0), squares)


def variance_components(sums: GroupSums) -> tuple[np.ndarray, np.ndarray]:
    """Return the variance between groups and that within; an estimate below zero between is 0.

    The estimates of one-way analysis of variance. Both are 0 where there are fewer than two groups or no group has two
    rows, so that they cannot be told apart.

    Parameters
    ----------
    sums : GroupSums
        Arrays of shape (..., groups).

    Returns
    -------
    between, within : ndarray, shape (...)

    References
    ----------
    Searle, Casella and McCulloch (1992). Variance Components, section 3.6.

    Examples
    --------
    >>> sums = group_sums(np.array([1.0, 3.0, 11.0, 13.0]), np.array([0, 0, 1, 1]))
    >>> [float(v) for v in variance_components(sums)]
    [49.0, 2.0]
    """
    counts, means = sums.counts.astype(float), sums.means
    n, k = counts.sum(-1), (counts > 0).sum(-1)
    possible = (k >= 2) & (n > k)
    with np.errstate(invalid="ignore", divide="ignore"):
        grand = (counts * means).sum(-1) / n
        between = (counts * (means - np.expand_dims(grand, -1)) ** 2).sum(-1) / (k - 1)
        within = sums.squares.sum(-1) / (n - k)
        average = (n - (counts**2).sum(-1) / n) / (k - 1)
        variance = np.maximum(0.0, (between - within) / average)
    return np.where(possible, variance, 0.0), np.where(possible, within, 0.0)


def intraclass_correlation(between: np.ndarray, within: np.ndarray) -> np.ndarray:
    """Return the share of variance that lies between groups: 0 none, 1 all; 0 where there is no variance.

    >>> intraclass_correlation(np.array([49.0, 0.0]), np.array([1.0, 0.0])).tolist()
    [0.98, 0.0]
    """
    total = np.asarray(between + within, dtype=float)
    return np.divide(between, total, out=np.zeros_like(total), where=total > 0)
