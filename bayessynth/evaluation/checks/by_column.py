"""Test quantities of single columns: shares of levels, missing rate, mean, sd, quantiles, skewness, zeros."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import stats

from bayessynth.evaluation.checks.block import (
    MEAN,
    RATIO,
    SHARE,
    SKEW,
    Block,
    Sample,
    cohen_h,
    divided,
    log_ratio,
)
from bayessynth.evaluation.encoders import FEW

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
# n times the variance of a normal column's mean (in standard deviations), log standard deviation, and skewness: the
# least that is taken, because resamples of few rows vary too little in their tails.
NORMAL_MEAN, NORMAL_SD, NORMAL_SKEW = 1.0, 0.5, 6.0


def column_blocks(original: Sample, copies: tuple[Sample, ...], labels: dict[str, tuple[str, ...]]) -> Iterator[Block]:
    """Yield the blocks of single columns.

    Parameters
    ----------
    original : Sample
    copies : tuple of Sample
    labels : mapping of str to tuple of str
        What the codes of the columns that are levels stand for.
    """
    for column, own in labels.items():
        yield from _levels(column, own, original, copies)
    for column, values in original.table.values.items():
        everywhere = [values, *(c.table.values[column] for c in copies)]
        if any(np.isnan(v).any() for v in everywhere):
            yield _missing(column)
        present = values[~np.isnan(values)]
        distinct = np.unique(present)
        if 0 < len(distinct) <= FEW:
            yield _values(column, distinct)
        elif len(distinct) and any((v == 0).any() for v in everywhere):
            yield _values(column, np.zeros(1))
        if len(distinct) > 1:
            yield from _moments(column, present)


def _levels(column: str, labels: tuple[str, ...], original: Sample, copies: tuple[Sample, ...]) -> Iterator[Block]:
    size = len(labels)
    counts = [np.bincount(s.table.codes[column], minlength=size) for s in (original, *copies)]
    codes = np.flatnonzero(np.sum(counts, axis=0))
    named = {size - 2: "share of levels that the original lacks", size - 1: "missing rate"}
    if counts[0][size - 2]:
        named[size - 2] = "share of the rarest levels together"

    def shares(sample: Sample) -> np.ndarray:
        return np.bincount(sample.table.codes[column], minlength=size)[codes] / max(sample.table.n, 1)

    names = tuple((column, named.get(code, f"share of {labels[code]}")) for code in codes.tolist())
    yield Block("columns", names, SHARE, shares, cohen_h, 1.0)


def _missing(column: str) -> Block:
    def rate(sample: Sample) -> np.ndarray:
        return np.isnan(sample.table.values[column]).mean(keepdims=True)

    return Block("columns", ((column, "missing rate"),), SHARE, rate, cohen_h, 1.0)


def _values(column: str, distinct: np.ndarray) -> Block:
    """Shares of single values among the present cells."""

    def shares(sample: Sample) -> np.ndarray:
        values = sample.table.values[column]
        present = np.count_nonzero(~np.isnan(values))
        found = np.array([np.count_nonzero(values == v) for v in distinct], dtype=float)
        return found / present if present else np.full(len(distinct), np.nan)

    return Block("columns", tuple((column, f"share of {v:g}") for v in distinct), SHARE, shares, cohen_h, 1.0)


def _moments(column: str, present: np.ndarray) -> Iterator[Block]:
    sd = np.full(1, present.std())

    def of_present(sample: Sample) -> np.ndarray:
        values = sample.table.values[column]
        return values[~np.isnan(values)]

    def mean(sample: Sample) -> np.ndarray:
        values = of_present(sample)
        return np.array([values.mean() if len(values) else np.nan])

    def spread(sample: Sample) -> np.ndarray:
        values = of_present(sample)
        return np.array([values.std() if len(values) > 1 else np.nan])

    # Quantiles of numbers on a lattice jump; the share below the original's quantile does not.
    cuts = {float(c): q for q, c in zip(QUANTILES, np.quantile(present, QUANTILES), strict=True)}

    def below(sample: Sample) -> np.ndarray:
        values = np.sort(of_present(sample))
        at = [(np.searchsorted(values, c, "left") + np.searchsorted(values, c, "right")) / 2 for c in cuts]
        return np.array(at) / len(values) if len(values) else np.full(len(cuts), np.nan)

    def skewness(sample: Sample) -> np.ndarray:
        values = of_present(sample)
        return np.array([stats.skew(values) if len(values) > 2 and np.ptp(values) > 0 else np.nan])

    skew = np.full(1, max(1.0, abs(float(stats.skew(present)))))
    yield Block("columns", ((column, "mean"),), MEAN, mean, divided(sd), NORMAL_MEAN)
    yield Block("columns", ((column, "standard deviation"),), RATIO, spread, log_ratio(0.01 * sd), NORMAL_SD)
    names = tuple((column, f"share below {c:g}, the {q:.0%} quantile (of those at it, half)") for c, q in cuts.items())
    yield Block("columns", names, SHARE, below, cohen_h, 1.0)
    yield Block("columns", ((column, "skewness"),), SKEW, skewness, divided(skew), NORMAL_SKEW / skew**2)
