"""What a tree sees of the columns before its target: numbers, levels in an order, and linear scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bayessynth.trees.design import Block, joined
from bayessynth.trees.effects import binned, drawn_effects, residuals
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


@dataclass(frozen=True)
class Seen:
    """The columns that a target is drawn from.

    Attributes
    ----------
    values : list of ndarray of shape (n,)
        Encoded.
    blocks : list of Block
        Their parts of the design of linear scores.
    counts : list of int or None
        Number of levels of each that has levels.
    groups : list of ndarray of shape (n,)
        Group of every row, by factor, the coarsest first.
    """

    values: list[np.ndarray]
    blocks: list[Block]
    counts: list[int | None]
    groups: list[np.ndarray]


@dataclass(frozen=True)
class Learnt:
    """The features of a target, with what they are on the rows that they were learnt from.

    Attributes
    ----------
    features : Features
    matrix : ndarray of float32, shape (n, p + effects + scores)
    scores : ndarray of float32, shape (n, scores)
    effects : list of ndarray of shape (groups, scores)
        By factor.
    """

    features: Features
    matrix: np.ndarray
    scores: np.ndarray
    effects: list[np.ndarray]


def learn(seen: Seen, rows: np.ndarray, target: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> Learnt:
    """Learn the features of a target.

    Parameters
    ----------
    seen : Seen
    rows : ndarray
        Positions of the rows that are used.
    target : ndarray
        Numbers of shape (len(rows),), or indicators of shape (len(rows), levels).
    weights : ndarray of shape (len(rows),)
    rng : Generator
        Draws the effects of groups.
    """
    design = joined(seen.blocks, rows)
    slopes, projection = coefficients(design, target, weights)
    scores = design @ slopes.astype(np.float32)
    drawn, effects = _effects(seen, rows, target, scores, projection, weights, rng)
    features, own = _predictors(seen, rows, target, slopes, weights)
    scores = scores + sum(effects, np.zeros_like(scores))
    return Learnt(_with_effects(features, len(effects)), np.hstack([own, *effects, scores]), scores, drawn)


def _effects(
    seen: Seen, rows: np.ndarray, target: np.ndarray, scores: np.ndarray, projection: np.ndarray | None,
    weights: np.ndarray, rng: np.random.Generator,
) -> tuple[list[np.ndarray], list[np.ndarray]]:  # fmt: skip
    """Draw the groups' effects, and return them by factor and by row."""
    drawn: list[np.ndarray] = []
    by_row: list[np.ndarray] = []
    for groups in seen.groups:
        left = residuals(target, scores + sum(by_row, np.zeros_like(scores)), projection, weights)
        drawn.append(drawn_effects(left, groups[rows], int(groups.max()) + 1, rng))
        by_row.append(binned(drawn[-1])[groups[rows]].astype(np.float32))
    return drawn, by_row


def _with_effects(features: Features, factors: int) -> Features:
    """Return features that read each factor's effects as further numbers, which add to the scores as they are."""
    scores = features.slopes.shape[1]
    more = factors * scores
    unit = np.tile(np.eye(scores), (factors, 1))
    return features._replace(
        fill=np.append(features.fill, np.zeros(more)), first=np.append(features.first, np.full(more, -1)),
        center=np.append(features.center, np.zeros(more)), scale=np.append(features.scale, np.ones(more)),
        slopes=np.vstack([features.slopes, unit]), gaps=np.vstack([features.gaps, np.zeros((more, scores))]),
    )  # fmt: skip


def _predictors(
    seen: Seen, rows: np.ndarray, target: np.ndarray, slopes: np.ndarray, weights: np.ndarray
) -> tuple[Features, np.ndarray]:
    axis = _axis(target)
    p, scores = len(seen.values), slopes.shape[1]
    features = Features(
        np.zeros(p), np.full(p, -1), *(np.zeros(0, dtype=np.float32), np.zeros((0, scores))), np.zeros(p), np.ones(p),
        np.zeros((p, scores)), np.zeros((p, scores)),
    )  # fmt: skip
    orders, effects, at, place = [], [], 0, 0
    matrix = np.empty((len(rows), p), dtype=np.float32)
    for j, (column, block, count) in enumerate(zip(seen.values, seen.blocks, seen.counts, strict=True)):
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
    if orders:
        features = features._replace(order=np.concatenate(orders), effects=np.vstack(effects))
    return features, matrix


def _axis(target: np.ndarray) -> np.ndarray:
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
