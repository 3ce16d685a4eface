"""Group effects of tree equations: what groups have in common beyond the columns that are read.

The variance between groups is estimated by moments, each group's effect drawn from its normal posterior, and joins the
linear score, which tilts the leaves. Effects on numbers are what the linear score leaves, and trees see classes of
similar groups: were trees asked first, they would take rows of one group for what columns tell, and rows of a new group
would have less in common. Effects on levels are what score and trees together leave, and trees do not see them: those
of groups of a few records know these records' own values, which trees would learn. New groups have effects with the
distributions of these draws, and their correlations over all equations of the factor together and with the groups'
sizes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy import special

from bayessynth.trees.odds import odds_effects

# Newton steps to the intercepts of leaves, how far one goes, and the intercept of a leaf with one level only.
STEPS, FURTHEST, CERTAIN = 8, 3.0, 20.0
# Groups in a class of similar effects, at least, and classes, at most.
CLASS, MOST_CLASSES = 8, 10
# Groups' worth by which slopes of effects on sizes are drawn towards zero, and standard deviations from the mean beyond
# which effects follow sizes no further.
SLOPES, OUTERMOST = 2.0, 2.5
# Quantiles of a normal distribution, as many as there are classes at most.
_NORMAL = special.ndtri((np.arange(MOST_CLASSES) + 0.5) / MOST_CLASSES)


def group_effects(
    goal: np.ndarray, scores: np.ndarray, projection: np.ndarray | None, weights: np.ndarray, leaf: np.ndarray | None,
    codes: np.ndarray, groups: int, rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Draw the effects of groups on a target's scores, beyond what linear scores, or these and trees, tell.

    Parameters
    ----------
    goal : ndarray
        Numbers of shape (n,) or indicators of shape (n, levels).
    scores : ndarray of shape (n, scores)
    projection : ndarray of shape (levels, scores), or None
        Directions of the scores of more than two levels.
    weights : ndarray of shape (n,)
    leaf : ndarray of int, shape (trees, n), or None
        The leaf of every record in each tree; None before trees are grown.
    codes : ndarray of int, shape (n,)
    groups : int
    rng : Generator

    Returns
    -------
    ndarray of shape (groups, scores)
    """
    leaf = np.zeros((1, len(goal)), dtype=np.int64) if leaf is None else leaf
    if goal.ndim == 2 and goal.shape[1] == 2:
        y = goal[:, 1].astype(float)
        chance = _chances(y, scores[:, 0].astype(float), weights, leaf)
        return odds_effects(y, chance, codes, groups, rng)[:, None]
    return drawn_effects(residuals(goal, scores, projection, weights, leaf), weights, codes, groups, rng)


def residuals(
    goal: np.ndarray, scores: np.ndarray, projection: np.ndarray | None, weights: np.ndarray, leaf: np.ndarray
) -> np.ndarray:
    """Return what linear scores and trees together leave of numbers, or of more than two levels along directions.

    Parameters
    ----------
    goal, scores, projection, weights, leaf
        As in :func:`group_effects`.

    Examples
    --------
    >>> one = np.ones(2)
    >>> residuals(np.array([1.0, 3.0]), np.zeros((2, 1)), None, one, np.zeros((1, 2), dtype=int)).tolist()
    [[-1.0], [1.0]]
    """
    left: np.ndarray = (goal[:, None] if goal.ndim == 1 else goal @ projection) - scores
    means = [_leaf_means(own, weights, leaf) for own in left.T]
    return left - np.reshape(means, left.T.shape).T


def _leaf_means(values: np.ndarray, weights: np.ndarray, leaf: np.ndarray) -> np.ndarray:
    """Return for every record the mean of its leaves' weighted means, over the trees."""
    total = np.bincount(leaf.ravel(), np.tile(weights, len(leaf)))
    found = np.bincount(leaf.ravel(), np.tile(weights * values, len(leaf))) / np.maximum(total, 1e-12)
    mean: np.ndarray = found[leaf].mean(axis=0)
    return mean


def _chances(y: np.ndarray, log_odds: np.ndarray, weights: np.ndarray, leaf: np.ndarray) -> np.ndarray:
    """Return the mean over the trees of each record's chance: its log odds, with an intercept for every leaf."""
    flat, times = leaf.ravel(), len(leaf)
    w, eta = np.tile(weights, times), np.tile(log_odds, times)
    events = np.bincount(flat, w * np.tile(y, times))
    intercepts = np.zeros(len(events))
    for _ in range(STEPS):
        p = special.expit(eta + intercepts[flat])
        step = (events - np.bincount(flat, w * p)) / np.maximum(np.bincount(flat, w * p * (1 - p)), 1e-9)
        intercepts = np.clip(intercepts + np.clip(step, -FURTHEST, FURTHEST), -CERTAIN, CERTAIN)
    mean: np.ndarray = special.expit(eta + intercepts[flat]).reshape(leaf.shape).mean(axis=0)
    return mean


def drawn_effects(
    left: np.ndarray, weights: np.ndarray, codes: np.ndarray, groups: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw the effect of every group from its posterior, given the variance between groups by moments.

    Parameters
    ----------
    left : ndarray of shape (n, scores)
        Residuals.
    weights : ndarray of shape (n,)
    codes : ndarray of int, shape (n,)
    groups : int
    rng : Generator

    Returns
    -------
    ndarray of shape (groups, scores)

    References
    ----------
    DerSimonian R, Laird N (1986). Meta-analysis in clinical trials. Controlled Clinical Trials 7, 177-188.

    Examples
    --------
    >>> left = (np.repeat([-2.0, 2.0, -2.0, 2.0], 50) + np.tile([-0.1, 0.1], 100))[:, None]
    >>> codes = np.repeat(np.arange(4), 50)
    >>> drawn_effects(left, np.ones(200), codes, 4, np.random.default_rng(1)).round().ravel().tolist()
    [-2.0, 2.0, -2.0, 2.0]
    """
    effects = np.zeros((groups, left.shape[1]))
    size = np.bincount(codes, weights=weights, minlength=groups)
    # Records that would say as much without weights: the bootstrap leaves less in a group than it has records.
    alike = np.bincount(codes, weights=weights**2, minlength=groups) / np.maximum(size, 1e-12)
    for s in range(effects.shape[1]):
        values = left[:, s] - np.average(left[:, s], weights=weights)
        mean = np.bincount(codes, weights=weights * values, minlength=groups) / np.maximum(size, 1e-12)
        spread = weights @ (values - mean[codes]) ** 2
        scale = spread / max(float((size - alike).sum()), 1e-12)
        a = size / np.maximum(alike * scale, 1e-12)
        centre = (a @ mean) / a.sum()
        between = a @ (mean - centre) ** 2 - (np.count_nonzero(size) - 1)
        variance = max(float(between) / max(float(a.sum() - (a @ a) / a.sum()), 1e-12), 0.0)
        share = variance / (variance + 1 / np.maximum(a, 1e-12))
        effects[:, s] = share * (mean - centre) + np.sqrt(variance * (1 - share)) * rng.standard_normal(groups)
    return effects


def binned(effects: np.ndarray) -> np.ndarray:
    """Return effects as the means of classes of about ``CLASS`` groups of similar effects.

    Were each group's own effect among the features of a tree, it would tell the groups apart, and the tree would learn
    the noise in their means along with what they differ in.

    Parameters
    ----------
    effects : ndarray of shape (groups, scores)

    Examples
    --------
    >>> binned(np.arange(16.0)[:, None])[[0, 7, 8], 0].tolist()
    [3.5, 3.5, 11.5]
    """
    groups = len(effects)
    classes = max(min(groups // CLASS, MOST_CLASSES), 1)
    found = np.empty_like(effects)
    for s in range(effects.shape[1]):
        of = np.empty(groups, dtype=np.int64)
        of[np.argsort(effects[:, s], kind="stable")] = np.arange(groups) * classes // groups
        found[:, s] = (np.bincount(of, weights=effects[:, s]) / np.bincount(of))[of]
    return found


class GroupLaw(NamedTuple):
    """The distribution that effects of new groups are drawn from: a normal copula of their own distributions.

    Groups of many rows are often of another kind than those of few (informative cluster size; Williamson et al. 2003):
    with effects that know nothing of sizes, copies would have the shares of a mean group, not those of a mean row.
    And effects are not always normal: households that pay rent by the bank, and those that do not, have two modes.

    Attributes
    ----------
    covariance : ndarray of shape (effects, effects)
        Of the effects' normal scores, of what sizes do not tell.
    slope : ndarray of shape (effects,)
        Growth of each normal score with the logarithm of the group's size, in standard units.
    log_size : ndarray of shape (2,)
        Mean and standard deviation over the groups of the logarithm of a group's size.
    curve : ndarray of shape (classes, effects)
        Means of classes of similar effects, the smallest first: their quantiles.
    """

    covariance: np.ndarray
    slope: np.ndarray
    log_size: np.ndarray
    curve: np.ndarray


def law(effects: np.ndarray, rows: np.ndarray, weights: np.ndarray) -> GroupLaw:
    """Return the distribution of drawn effects; correlations are drawn towards zero where groups are few.

    Parameters
    ----------
    effects : ndarray of shape (groups, effects)
    rows : ndarray of shape (groups,)
        Rows of each group.
    weights : ndarray of shape (groups,)

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = rng.poisson(20, 500)
    >>> found = law(np.column_stack([rows - 20.0, rng.normal(0, 2, 500)]), rows, np.ones(500))
    >>> found.slope.round(1).tolist(), found.curve.shape, found.curve.std(axis=0).round(1).tolist()
    ([1.0, 0.0], (10, 2), [4.4, 2.1])
    """
    groups, q = effects.shape
    share, log_rows = weights / weights.sum(), np.log(np.maximum(rows, 1))
    mean = share @ log_rows
    log_size = np.array([mean, np.sqrt(share @ (log_rows - mean) ** 2)])
    size = _standard(rows, log_size)
    scores = np.column_stack([_normal_scores(own, share) for own in effects.T]) if q else effects
    slope = (share * size) @ scores / (share @ size**2 + SLOPES / groups)
    left = scores - size[:, None] * slope
    found = (left * share[:, None]).T @ left
    shrunk = found * groups / (groups + q)
    np.fill_diagonal(shrunk, np.maximum(1 - slope**2, 0))
    return GroupLaw(shrunk, slope, log_size, _curve(effects, share))


def normal_law(covariance: np.ndarray) -> GroupLaw:
    """Return the law of effects that are normal and know nothing of sizes, which fits of earlier versions have.

    Parameters
    ----------
    covariance : ndarray of shape (effects, effects)

    Examples
    --------
    >>> law = normal_law(np.diag([4.0, 0.0]))
    >>> law.covariance.tolist(), law.curve.std(axis=0).round(6).tolist()
    ([[1.0, 0.0], [0.0, 0.0]], [2.0, 0.0])
    """
    sd = np.sqrt(np.diag(covariance))
    whole = np.where(sd > 0, sd, 1.0)
    curve = _NORMAL[:, None] * (sd / _NORMAL.std())
    return GroupLaw(covariance / np.outer(whole, whole), np.zeros(len(sd)), np.array([0.0, 1.0]), curve)


def _normal_scores(effects: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return normal quantiles of weighted ranks, of mean zero and variance one; zeros where all effects are alike."""
    if np.ptp(effects) == 0:
        return np.zeros(len(effects))
    order = np.argsort(effects, kind="stable")
    middle = np.empty(len(effects))
    middle[order] = np.cumsum(share[order]) - share[order] / 2
    found = special.ndtri(np.clip(middle, 1e-6, 1 - 1e-6))
    found = found - share @ found
    return found / np.sqrt(share @ found**2)


def _curve(effects: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return the quantiles of each effect, of which each is the mean of several groups; normal if groups are too few.

    They have the mean and the variance of the effects.
    """
    classes = min(len(effects) // CLASS, MOST_CLASSES)
    if classes > 1:
        parts = np.array_split(np.sort(effects, axis=0), classes)
        found = np.stack([part.mean(axis=0) for part in parts])
    else:
        found = np.repeat(_NORMAL[:, None], effects.shape[1], axis=1)
    mean = share @ effects
    spread, own = np.sqrt(share @ (effects - mean) ** 2), found.std(axis=0)
    return mean + (found - found.mean(axis=0)) * np.where(own > 0, spread / np.where(own > 0, own, 1.0), 0.0)


def new_effects(found: GroupLaw, rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw the effects of new groups, shape (groups, effects).

    Parameters
    ----------
    found : GroupLaw
    rows : ndarray of shape (groups,)
        Rows of each group; NaN where they are not known, whose sizes are then drawn.
    rng : Generator

    Examples
    --------
    >>> known = GroupLaw(np.zeros((1, 1)), np.ones(1), np.array([0.0, 1.0]), np.array([[-1.0], [0.0], [1.0]]))
    >>> new_effects(known, np.array([1.0, np.e]), np.random.default_rng(1)).round(2).tolist()
    [[0.0], [1.0]]
    """
    values, vectors = np.linalg.eigh(found.covariance)
    scores = rng.standard_normal((len(rows), len(values))) @ (vectors * np.sqrt(np.maximum(values, 0))).T
    unknown, size = np.isnan(rows), _standard(np.where(np.isnan(rows), 1.0, rows), found.log_size)
    size[unknown] = rng.standard_normal(int(unknown.sum()))
    classes = len(found.curve)
    place = special.ndtr(scores + size[:, None] * found.slope) * classes - 0.5
    drawn = np.empty_like(place)
    for s in range(place.shape[1]):
        drawn[:, s] = np.interp(place[:, s], np.arange(classes), found.curve[:, s])
    return drawn


def _standard(rows: np.ndarray, log_size: np.ndarray) -> np.ndarray:
    """Return sizes in standard units, as far as effects follow them."""
    mean, spread = log_size
    return np.clip((np.log(np.maximum(rows, 1)) - mean) / spread, -OUTERMOST, OUTERMOST) if spread > 0 else 0.0 * rows
