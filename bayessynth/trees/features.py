"""What a tree sees of the columns before its target: numbers, levels in an order, and linear scores."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from bayessynth.trees.calendar import PARTS, parts_of
from bayessynth.trees.design import Block, joined
from bayessynth.trees.ranks import Ranks, ranks_of
from bayessynth.trees.score import PRECISION, coefficients

# Records' worth of the overall mean that a level's mean is drawn towards, when levels are ordered by it.
SHRINKAGE = 5.0
# What stands for the place of a level predictor's orders, where a predictor has none.
NUMBER, EFFECT = -1, -2


class Features(NamedTuple):
    """How features are made of predictors, as arrays that compiled code reads.

    Attributes
    ----------
    fill : ndarray of shape (p,)
        What stands for a missing number: a value below all others, so that one cut parts it from them.
    first : ndarray of int64, shape (p,)
        Where a level predictor's orders and effects begin, that of the missing level first; ``NUMBER`` for a number,
        ``EFFECT`` for one that joins the scores after trees have seen these, or a part of a time.
    order : ndarray of float32
        Rank of every level in the order of the target's mean.
    effects : ndarray of shape (levels, scores)
        What each level adds to the linear scores.
    center, scale : ndarray of shape (p,)
        Of the numbers, for the linear scores.
    slopes, gaps : ndarray of shape (p, scores)
        Coefficient of a number, and what a missing one adds.
    source : ndarray of int64, shape (p,)
        Where the time stands of which a predictor is a part.
    """

    fill: np.ndarray
    first: np.ndarray
    order: np.ndarray
    effects: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    slopes: np.ndarray
    gaps: np.ndarray
    source: np.ndarray = np.zeros(0, dtype=np.int64)


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
    times : list of int
        Which of them are times.
    """

    values: list[np.ndarray]
    blocks: list[Block]
    counts: list[int | None]
    groups: list[np.ndarray]
    times: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Learnt:
    """The features of a target, with what they are on the rows that they were learnt from.

    Attributes
    ----------
    features : Features
    ranks : list of Ranks
        Of the predictors, as trees see them.
    scores : ndarray of float32, shape (n, scores)
    projection : ndarray of shape (levels, scores), or None
        Directions of the scores of more than two levels.
    """

    features: Features
    ranks: list[Ranks]
    scores: np.ndarray
    projection: np.ndarray | None


def learn(
    seen: Seen, rows: np.ndarray, target: np.ndarray, weights: np.ndarray, precision: float = PRECISION
) -> Learnt:
    """Learn the features of a target.

    Parameters
    ----------
    seen : Seen
    rows : ndarray
        Positions of the rows that are used.
    target : ndarray
        Numbers of shape (len(rows),), or indicators of shape (len(rows), levels).
    weights : ndarray of shape (len(rows),)
    precision : float
        Of the linear scores' coefficients; see :func:`~bayessynth.trees.score.coefficients`.
    """
    design = joined(seen.blocks, rows)
    slopes, projection = coefficients(design, target, weights, precision)
    scores = design @ slopes.astype(np.float32)
    features, own = _predictors(seen, rows, target, slopes, weights)
    # Those of one time stand side by side: compiled code works a date out once.
    parts = [ranks_of(part) for j in seen.times for part in parts_of(seen.values[j][rows]).T]
    features = _with_more(features, np.tile(PARTS, len(seen.times)), np.repeat(seen.times, len(PARTS)))
    return Learnt(features, own + parts, scores, projection)


def with_effects(features: Features, factors: int, seen: bool) -> Features:
    """Return features that read each factor's effects as further numbers, which add to the scores as they are.

    Parameters
    ----------
    features : Features
    factors : int
    seen : bool
        Whether trees see effects, and scores with them.
    """
    scores = features.slopes.shape[1]
    more = _with_more(features, np.full(factors * scores, NUMBER if seen else EFFECT), np.full(factors * scores, -1))
    unit = np.tile(np.eye(scores), (factors, 1))
    return more._replace(slopes=np.vstack([features.slopes, unit]))


def _with_more(features: Features, first: np.ndarray, source: np.ndarray) -> Features:
    """Return features with further predictors, that have no slopes."""
    none, more = np.zeros(len(first)), np.zeros((len(first), features.slopes.shape[1]))
    return features._replace(
        fill=np.append(features.fill, none), first=np.append(features.first, first.astype(np.int64)),
        center=np.append(features.center, none), scale=np.append(features.scale, none + 1),
        slopes=np.vstack([features.slopes, more]), gaps=np.vstack([features.gaps, more]),
        source=np.append(features.source, source.astype(np.int64)),
    )  # fmt: skip


def _predictors(
    seen: Seen, rows: np.ndarray, target: np.ndarray, slopes: np.ndarray, weights: np.ndarray
) -> tuple[Features, list[Ranks]]:
    axis = _axis(target)
    p, scores = len(seen.values), slopes.shape[1]
    features = Features(
        np.zeros(p), np.full(p, NUMBER), np.zeros(0, dtype=np.float32), np.zeros((0, scores)), np.zeros(p), np.ones(p),
        np.zeros((p, scores)), np.zeros((p, scores)), np.full(p, -1),
    )  # fmt: skip
    orders, effects, ranks, at, place = [], [], list[Ranks](), 0, 0
    for j, (column, block, count) in enumerate(zip(seen.values, seen.blocks, seen.counts, strict=True)):
        own = slopes[at : at + block.matrix.shape[1]]
        at += block.matrix.shape[1]
        if count is None:
            features.center[j], features.scale[j] = block.center, block.scale
            features.slopes[j] = own[0]
            features.gaps[j] = own[1] if len(own) > 1 else 0
            assert block.ranks is not None
            features.fill[j] = block.ranks.values[0]
            ranks.append(Ranks(block.ranks.codes[rows], block.ranks.values))
            continue
        features.first[j] = place
        place += count + 1
        order = _ordered(column[rows] + 1, count + 1, axis, weights)
        orders.append(order)
        table = np.zeros((count + 1, scores))
        assert block.levels is not None
        table[block.levels + 1] = own
        effects.append(table)
        ranks.append(Ranks(order.astype(np.uint32)[column[rows] + 1], np.arange(count + 1.0)))
    if orders:
        features = features._replace(order=np.concatenate(orders), effects=np.vstack(effects))
    return features, ranks


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
