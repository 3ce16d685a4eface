"""Which covariates tell anything of a column, judged by how many owners there are rather than how many rows.

A district's inhabitants are one number for all its accounts: whether they tell of an account's fee is a question to 77
districts, not to 4,500 accounts. A column's means by owner are regressed on the covariate, each weighted by what it
says beside the variance between owners, and an F test decides; what tells nothing alone is tried once more beside those
that do, for what an account's balance owes to its loan's outcome may show only among loans of one size. A row's number
is judged within owners.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

# Below this probability under no association a covariate is taken.
TELLING = 0.01
# The same for a row's number, which in most tables says nothing.
TELLING_NUMBER = 1e-4
# From so many owners on, rows and owners judge alike, and all covariates are left to the screen of single tables.
MANY = 2000
# Levels of a category that are told apart.
LEVELS = 6


# First row, mean of every score and weight of each mean, by cluster.
_Means = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Judged:
    """A covariate, and what it is constant within.

    Attributes
    ----------
    values : ndarray of shape (n,)
        Encoded.
    levels : int
        Number of levels, 0 for numbers.
    clusters : ndarray of int, shape (n,)
        The row of the table above whose value it is, -1 for none.
    within : bool
        Whether it varies within the clusters and is judged there, as a row's number is.
    """

    values: np.ndarray
    levels: int
    clusters: np.ndarray
    within: bool = False


def telling(target: np.ndarray, levels: int, covariates: Mapping[str, Judged]) -> list[str]:
    """Return the covariates that tell something of a column.

    Parameters
    ----------
    target : ndarray of shape (n,)
        Encoded.
    levels : int
        Number of the target's levels, 0 for numbers.
    covariates : mapping of str to Judged

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> at = np.repeat(np.arange(40), 50)
    >>> size, noise = rng.normal(size=40), rng.normal(size=40)
    >>> y = size[at] + rng.normal(size=2000)
    >>> telling(y, 0, {"size": Judged(size[at], 0, at), "noise": Judged(noise[at], 0, at)})
    ['size']
    """
    scores = _scores(target, levels)
    means: dict[bytes, _Means] = {}
    found, doubtful = [], []
    for name, own in covariates.items():
        if own.within:
            chance = min((_within(score, own) for score in scores.T), default=1.0)
        else:
            key = own.clusters.tobytes()
            if key not in means:
                means[key] = _means(scores, own.clusters)
            if len(means[key][0]) >= MANY:
                found.append(name)
                continue
            chance = _between(own, means[key])
            doubtful.append((name, key))
        if chance * max(scores.shape[1], 1) < (TELLING_NUMBER if own.within else TELLING):
            found.append(name)
    kept = {*found}
    for name, key in ((name, key) for name, key in doubtful if name not in kept):
        beside = [covariates[other] for other, same in doubtful if same == key and other in kept]
        if beside and _between(covariates[name], means[key], beside) * max(scores.shape[1], 1) < TELLING:
            kept.add(name)
    return [name for name in covariates if name in kept]


def _scores(values: np.ndarray, levels: int) -> np.ndarray:
    """Return ranks of a number and where it is missing, or indicators of the usual levels, those that vary."""
    if levels:
        count = np.bincount(values[values >= 0], minlength=levels)
        codes = [int(c) for c in np.argsort(-count, kind="stable")[:LEVELS] if count[c]]
        parts = [(values == code).astype(float) for code in codes]
        parts += [(values < 0).astype(float)] if (values < 0).any() else []
    else:
        gap = np.isnan(values)
        ranks = stats.rankdata(values, nan_policy="omit")
        parts = [np.where(gap, np.nanmean(ranks) if not gap.all() else 0.0, ranks)]
        parts += [gap.astype(float)] if gap.any() else []
    made = np.column_stack(parts)
    spread = made.std(axis=0)
    return (made[:, spread > 0] - made[:, spread > 0].mean(axis=0)) / spread[spread > 0]


def _means(scores: np.ndarray, clusters: np.ndarray) -> _Means:
    """Return the first row of each cluster, the mean of every score there, and the weight of each mean."""
    there = clusters >= 0
    _, first, codes, sizes = np.unique(clusters[there], return_index=True, return_inverse=True, return_counts=True)
    rows = np.flatnonzero(there)[first]
    means = np.column_stack([np.bincount(codes, weights=s) / sizes for s in scores[there].T]) if scores.size else (
        np.zeros((len(rows), 0)))  # fmt: skip
    n, number = len(codes), len(rows)
    weights = np.ones_like(means)
    for s in range(means.shape[1]):
        deviations = scores[there, s] - means[codes, s]
        inside = max(float(deviations @ deviations) / max(n - number, 1), 1e-12)
        centre = float(sizes @ means[:, s]) / n
        typical = (n - (sizes**2).sum() / n) / max(number - 1, 1)
        apart = max((float(sizes @ (means[:, s] - centre) ** 2) / max(number - 1, 1) - inside) / max(typical, 1e-12), 0)
        weights[:, s] = 1 / (apart + inside / sizes)
    return rows, means, weights


def _between(own: Judged, clusters: _Means, beside: Sequence[Judged] = ()) -> float:
    """Return the smallest probability of an F test of the means on a covariate, beside others."""
    rows, means, weights = clusters
    design = _design(own, rows)
    others = np.column_stack([np.ones(len(rows)), *(_design(other, rows) for other in beside)])
    freedom = len(rows) - design.shape[1] - others.shape[1]
    if not design.shape[1] or freedom < 1:
        return 1.0
    tests = (_f_test(y, others, design, w, freedom) for y, w in zip(means.T, weights.T, strict=True))
    return min(tests, default=1.0)


def _design(own: Judged, rows: np.ndarray) -> np.ndarray:
    """Return a covariate at the clusters, without the last of indicators that add up to one."""
    design = _scores(own.values[rows], own.levels) if len(rows) else np.zeros((0, 0))
    if own.levels and design.shape[1] > 1 and np.linalg.matrix_rank(design) < design.shape[1]:
        design = design[:, :-1]
    return design


def _f_test(y: np.ndarray, others: np.ndarray, design: np.ndarray, weights: np.ndarray, freedom: int) -> float:
    root = np.sqrt(weights)

    def left(x: np.ndarray) -> float:
        rest = root * y - x @ np.linalg.lstsq(x, root * y, rcond=None)[0]
        return float(rest @ rest)

    before, after = left(others * root[:, None]), left(np.column_stack([others, design]) * root[:, None])
    if after <= 1e-12 * max(before, 1e-300):
        return 0.0 if before > 0 else 1.0
    return float(stats.f.sf(max(before - after, 0.0) / design.shape[1] / (after / freedom), design.shape[1], freedom))


def _within(score: np.ndarray, own: Judged) -> float:
    """Return the probability of the correlation within clusters of a column and a covariate."""
    there = (own.clusters >= 0) & ~np.isnan(own.values)
    codes = np.unique(own.clusters[there], return_inverse=True)[1]
    if not len(codes):
        return 1.0
    sizes = np.bincount(codes)
    parts: Sequence[np.ndarray] = [score[there], own.values[there]]
    x, y = (part - (np.bincount(codes, weights=part) / sizes)[codes] for part in parts)
    freedom = len(codes) - len(sizes) - 1
    if freedom < 1 or not (x @ x) or not (y @ y):
        return 1.0
    r2 = min(float(x @ y) ** 2 / float(x @ x) / float(y @ y), 1 - 1e-15)
    return float(stats.f.sf(r2 / (1 - r2) * freedom, 1, freedom))
