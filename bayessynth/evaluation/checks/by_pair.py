"""Test quantities of pairs of columns: correlations, means by level, Cramér's V. Missing cells are a level."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations

import numpy as np

from bayessynth.evaluation.checks.block import ASSOCIATION, LEVEL_MEAN, Block, Sample, divided

# Most pairs of each kind, the strongest in the original first.
MAX_PAIRS = 500
# A level counts by itself from so many rows on, and for Cramér's V from such a share of them: one row in a cell that
# expects none makes any association strong.
LEVEL_ROWS, LEVEL_SHARE = 20, 0.05
# A mean at a level is compared where the original has LEVEL_ROWS numbers and such a share of all, and the copy so many.
MEAN_SHARE, MEAN_ROWS = 0.02, 5
# n times the variance of a correlation of zero; V is cut at zero, so its resamples vary too little there.
ZERO_CORRELATION = 1.0


def pair_blocks(original: Sample, labels: Mapping[str, tuple[str, ...]]) -> tuple[list[Block], list[str]]:
    """Return the blocks of pairs, and what they leave out.

    Parameters
    ----------
    original : Sample
    labels : mapping of str to tuple of str
        What the codes of the columns that are levels stand for.

    Returns
    -------
    list of Block
    list of str
        Notes: which pairs are not looked at.
    """
    numbers = [c for c, v in original.table.values.items() if np.nanstd(v) > 0]
    levels = dict(_levels(original, labels))
    notes: list[str] = []
    found = [_correlations(numbers)] if len(numbers) > 1 else []
    pairs = _strongest(
        [(x, c) for x in numbers for c in levels if c != _missing_name(x)],
        lambda pair: _explained(original, pair[0], *levels[pair[1]]), "a number and a level", notes,
    )  # fmt: skip
    for name, (codes, named) in levels.items():
        if own := [x for x, c in pairs if c == name]:
            found += _level_means(original, own, name, codes, named)
    frequent = {
        c: side for c, (codes, named) in levels.items() if len((side := _pooled(original, codes, named))[1]) > 1
    }
    tables = _strongest(
        list(combinations(frequent, 2)), lambda pair: float(_v(original, [(frequent[pair[0]], frequent[pair[1]])])[0]),
        "two levels", notes,
    )  # fmt: skip
    if tables:
        sides = [(frequent[a], frequent[b]) for a, b in tables]
        names = tuple((f"{a}, {b}", "Cramér's V") for a, b in tables)
        found.append(Block("pairs", names, ASSOCIATION, lambda sample: _v(sample, sides), np.asarray, ZERO_CORRELATION))
    return found, notes


Codes = Callable[[Sample], np.ndarray]
Side = tuple[Codes, tuple[str, ...]]


def cramers_v(a: np.ndarray, b: np.ndarray, sizes: tuple[int, int]) -> float:
    """Return Cramér's V of two arrays of codes, corrected for its bias: 0 independent, 1 one determines the other.

    References
    ----------
    Bergsma (2013). A bias-correction for Cramér's V and Tschuprow's T. Journal of the Korean Statistical Society 42.

    Examples
    --------
    >>> a = np.array([0, 0, 1, 1] * 50)
    >>> round(cramers_v(a, a, (2, 2)), 6), cramers_v(a, np.array([0, 1, 0, 1] * 50), (2, 2))
    (1.0, 0.0)
    """
    n = len(a)
    counts = np.bincount(a.astype(np.int64) * sizes[1] + b, minlength=sizes[0] * sizes[1]).reshape(sizes)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    r, c = counts.shape
    if min(r, c) < 2 or n < 2:
        return 0.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    phi = max(0.0, float(((counts - expected) ** 2 / expected).sum()) / n - (r - 1) * (c - 1) / (n - 1))
    least = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return float(np.sqrt(min(1.0, phi / least))) if least > 0 else 0.0


def _missing_name(column: str) -> str:
    return f"{column} (missing)"


def _levels(original: Sample, labels: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, Side]]:
    """Yield columns of levels that vary, and whether numbers are missing."""
    for column, own in labels.items():
        if len(np.unique(original.table.codes[column])) > 1:
            yield column, (lambda sample, c=column: sample.table.codes[c], own)  # type: ignore[misc]
    for column, values in original.table.values.items():
        if 0 < np.isnan(values).mean() < 1:
            yield (
                _missing_name(column),
                (
                    lambda sample, c=column: np.isnan(sample.table.values[c]).astype(np.int32),  # type: ignore[misc]
                    ("no", "yes"),
                ),
            )


def _pooled(original: Sample, codes: Codes, labels: tuple[str, ...]) -> Side:
    """Pool levels that are too rare for Cramér's V with each other, and if that is not enough with the rarest other."""
    counts = np.bincount(codes(original), minlength=len(labels))
    least = max(LEVEL_ROWS, LEVEL_SHARE * original.table.n)
    kept = [int(c) for c in np.argsort(-counts, kind="stable") if counts[c] >= least]
    if counts.sum() - counts[kept].sum() < least:
        kept = kept[:-1] if counts.sum() > counts[kept].sum() or len(kept) == len(labels) else kept
    place = np.full(len(labels), len(kept))
    place[kept] = np.arange(len(kept))
    return (lambda sample: place[codes(sample)]), (*(labels[c] for c in kept), "others")


def _strongest(
    pairs: list[tuple[str, str]], strength: Callable[[tuple[str, str]], float], of: str, notes: list[str]
) -> list[tuple[str, str]]:
    if len(pairs) <= MAX_PAIRS:
        return pairs
    notes.append(f"Of {len(pairs):,} pairs of {of}, the {MAX_PAIRS} that are strongest in the original are checked.")
    order = np.argsort([-strength(pair) for pair in pairs], kind="stable")[:MAX_PAIRS]
    return [pairs[i] for i in np.sort(order)]


def _correlations(numbers: list[str]) -> Block:
    """Pearson correlations of all pairs of numbers, each over the rows that have both."""
    upper = np.triu_indices(len(numbers), 1)

    def correlations(sample: Sample) -> np.ndarray:
        values = np.column_stack([sample.table.values[c] for c in numbers])
        present = ~np.isnan(values)
        mask = present.astype(float)
        middle = np.where(present.any(axis=0), np.nansum(values, axis=0) / mask.sum(axis=0), 0.0)
        x = np.where(present, values - middle, 0.0)
        both = mask.T @ mask
        # Sums over the rows that have both: of the row's number, of the column's, squares alike.
        first, square = x.T @ mask, (x**2).T @ mask
        cross = x.T @ x - first * first.T / both
        variance = square - first**2 / both
        found = cross / np.sqrt(variance * variance.T)
        return np.where(both > 2, np.clip(found, -1, 1), np.nan)[upper]

    names = tuple((f"{a}, {b}", "correlation") for a, b in combinations(numbers, 2))
    return Block("pairs", names, ASSOCIATION, correlations, np.asarray)


def _level_means(
    original: Sample, numbers: list[str], column: str, codes: Codes, labels: tuple[str, ...]
) -> list[Block]:
    """Means of numbers at each level at which the original has enough of them."""
    least = max(LEVEL_ROWS, MEAN_SHARE * original.table.n)
    counts = {x: _counts(original, x, codes, len(labels)) for x in numbers}
    chosen = {x: np.flatnonzero(own >= least) for x, own in counts.items()}
    names = tuple((f"{x}, {column}", f"mean where {column} is {labels[c]}") for x in numbers for c in chosen[x])
    if not names:
        return []

    def means(sample: Sample) -> np.ndarray:
        own = codes(sample)
        return np.concatenate([_means(sample.table.values[x], own, len(labels))[chosen[x]] for x in numbers])

    sds = np.concatenate([np.full(len(chosen[x]), np.nanstd(original.table.values[x])) for x in numbers])
    # At least the error of a mean of as many rows of the whole column: where all rows of a level but a few are alike,
    # resamples of the few say little of how many there could be.
    floor = np.concatenate([original.table.n / counts[x][chosen[x]] for x in numbers])
    return [Block("pairs", names, LEVEL_MEAN, means, divided(sds), floor)]


def _counts(sample: Sample, number: str, codes: Codes, size: int) -> np.ndarray:
    return np.bincount(codes(sample)[~np.isnan(sample.table.values[number])], minlength=size)


def _means(values: np.ndarray, codes: np.ndarray, size: int) -> np.ndarray:
    present = ~np.isnan(values)
    counts = np.bincount(codes[present], minlength=size)
    sums = np.bincount(codes[present], weights=values[present], minlength=size)
    return np.where(counts >= MEAN_ROWS, sums / np.maximum(counts, 1), np.nan)


def _explained(original: Sample, number: str, codes: Codes, labels: tuple[str, ...]) -> float:
    """Return the share of a number's variance that lies between levels (the correlation ratio squared)."""
    values, own = original.table.values[number], codes(original)
    present = ~np.isnan(values)
    fitted = _means(values, own, len(labels))[own[present]]
    total = values[present].var()
    return float(np.nanvar(fitted) / total) if total > 0 and not np.isnan(fitted).all() else 0.0


def _v(sample: Sample, sides: list[tuple[Side, Side]]) -> np.ndarray:
    return np.array([cramers_v(a(sample), b(sample), (len(p), len(q))) for (a, p), (b, q) in sides])
