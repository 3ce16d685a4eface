"""What a tree sees of the columns before its target: numbers, levels in an order, and linear scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bayessynth.trees.design import Block, joined
from bayessynth.trees.score import coefficients

# Records' worth of the overall mean that a level's mean is drawn towards, when levels are ordered by it.
SHRINKAGE = 5.0


class Features(NamedTuple):
    """How features are made of predictors, as arrays that compiled code reads.

    Attributes
    ----------
    fill : ndarray of shape (p,)
        What stands for a missing number: a value below all others, so that one cut parts it from them.
    first : ndarray of int64, shape (p,)
        Where a level predictor's orders and effects begin, that of the missing level first; -1 for a number.
    order : ndarray of float32
        Rank of every level in the order of the target's mean.
    effects : ndarray of shape (levels, scores)
        What each level adds to the linear scores.
    center, scale : ndarray of shape (p,)
        Of the numbers, for the linear scores.
    slopes, gaps : ndarray of shape (p, scores)
        Coefficient of a number, and what a missing one adds.
    """

    fill: np.ndarray
    first: np.ndarray
    order: np.ndarray
    effects: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    slopes: np.ndarray
    gaps: np.ndarray


def learn(
    values: Sequence[np.ndarray], found: Sequence[Block], counts: Sequence[int | None], rows: np.ndarray,
    target: np.ndarray, weights: np.ndarray,
) -> tuple[Features, np.ndarray]:  # fmt: skip
    """Learn the features of a target.

    Parameters
    ----------
    values : sequence of ndarray
        Encoded predictors.
    found : sequence of Block
        Their parts of the design.
    counts : sequence of int or None
        Number of levels of each predictor that has levels.
    rows : ndarray
        Positions of the rows that are used.
    target : ndarray
        Numbers of shape (len(rows),), or indicators of shape (len(rows), levels).
    weights : ndarray of shape (len(rows),)

    Returns
    -------
    tuple of Features and ndarray of float32
        The features, and their matrix of shape (len(rows), p + scores).
    """
    design = joined(found, rows)
    slopes = coefficients(design, target, weights)
    axis = _axis(target, weights)
    p, scores = len(values), slopes.shape[1]
    features = Features(
        np.zeros(p), np.full(p, -1), *(np.zeros(0, dtype=np.float32), np.zeros((0, scores))), np.zeros(p), np.ones(p),
        np.zeros((p, scores)), np.zeros((p, scores)),
    )  # fmt: skip
    orders, effects, at, place = [], [], 0, 0
    matrix = np.empty((len(rows), p + scores), dtype=np.float32)
    for j, (column, block, count) in enumerate(zip(values, found, counts, strict=True)):
        own = slopes[at : at + block.matrix.shape[1]]
        at += block.matrix.shape[1]
        if count is None:
            features.center[j], features.scale[j] = block.center, block.scale
            features.slopes[j] = own[0]
            features.gaps[j] = own[1] if len(own) > 1 else 0
            features.fill[j] = _below(column)
            matrix[:, j] = np.where(np.isnan(column[rows]), features.fill[j], column[rows])
            continue
        features.first[j] = place
        place += count + 1
        order = _ordered(column[rows] + 1, count + 1, axis, weights)
        orders.append(order)
        table = np.zeros((count + 1, scores))
        assert block.levels is not None
        table[block.levels + 1] = own
        effects.append(table)
        matrix[:, j] = order[column[rows] + 1]
    matrix[:, p:] = design @ slopes.astype(np.float32)
    if orders:
        features = features._replace(order=np.concatenate(orders), effects=np.vstack(effects))
    return features, matrix


def _axis(target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return numbers by which levels of predictors are ordered: the target, or indicators of its levels."""
    return target if target.ndim == 1 else target[:, 1] if target.shape[1] == 2 else target


def _ordered(codes: np.ndarray, count: int, axis: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the rank of every level, by the target's mean or along the first principal axis of its shares."""
    y = axis if axis.ndim == 2 else axis[:, None]
    size = np.bincount(codes, weights=weights, minlength=count)
    mean = np.average(y, axis=0, weights=weights)
    sums = np.column_stack([np.bincount(codes, weights=weights * y[:, k], minlength=count) for k in range(y.shape[1])])
    means = (sums + SHRINKAGE * mean) / (size + SHRINKAGE)[:, None]
    if y.shape[1] > 1:
        centred = (means - mean) * np.sqrt(size)[:, None]
        means = means @ np.linalg.svd(centred, full_matrices=False)[2][:1].T
    rank = np.empty(count, dtype=np.float32)
    rank[np.argsort(means[:, 0], kind="stable")] = np.arange(count)
    return rank


def _below(values: np.ndarray) -> float:
    present = values[np.isfinite(values)]
    if not len(present):
        return -1.0
    low, high = float(present.min()), float(present.max())
    return low - (high - low) - 1
