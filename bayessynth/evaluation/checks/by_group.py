"""Test quantities of groups: their sizes, and how much of each column's spread lies between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from bayessynth.evaluation.checks.block import RATIO, SHARE, Block, Sample, cohen_h, log_ratio

# A standard deviation between groups matters from this share of the column's own upward (an ICC of about .06).
LEAST_BETWEEN = 0.25


def group_blocks(original: Sample, labels: dict[str, tuple[str, ...]]) -> Iterator[Block]:
    """Yield the blocks of every group column: sizes, spread between groups, columns that are constant within groups."""
    for group, codes in original.groups.items():
        counts = np.bincount(codes)
        if len(counts) < 3 or len(counts) == len(codes):
            continue
        yield _sizes(group, counts)
        columns = dict(_numbers(original, labels))
        columns = {c: read for c, read in columns.items() if np.nanstd(read(original)) > 0}
        within = {c: _varying(read(original), codes) for c, read in columns.items()}
        constant = [c for c, share in within.items() if share == 0]
        if constant:
            yield _constancy(group, {c: columns[c] for c in constant})
        varying = {c: read for c, read in columns.items() if c not in constant}
        if varying:
            yield _between(group, varying, original)


Read = Callable[[Sample], np.ndarray]


def between_sd(values: np.ndarray, codes: np.ndarray) -> float:
    """Return the standard deviation between groups by the analysis of variance: 0 where groups differ by chance alone.

    References
    ----------
    Searle, Casella & McCulloch (1992). Variance Components, section 3.6.

    Examples
    --------
    >>> between_sd(np.array([1.0, 1.0, 3.0, 3.0]), np.array([0, 0, 1, 1])).__round__(3)
    1.414
    """
    present = ~np.isnan(values)
    y = values[present]
    found, own = np.unique(codes[present], return_inverse=True)
    n, groups = len(y), len(found)
    if groups < 2 or n <= groups:
        return float("nan")
    sizes = np.bincount(own)
    means = np.bincount(own, weights=y) / sizes
    within = float(((y - means[own]) ** 2).sum()) / (n - groups)
    between = float((sizes * (means - y.mean()) ** 2).sum()) / (groups - 1)
    average = (n - float((sizes**2).sum()) / n) / (groups - 1)
    return float(np.sqrt(max(0.0, (between - within) / average)))


def _numbers(original: Sample, labels: dict[str, tuple[str, ...]]) -> Iterator[tuple[str, Read]]:
    """Yield numbers as they are, and of columns of levels whether a row has the most frequent one."""
    for column in original.table.values:
        yield column, lambda sample, c=column: sample.table.values[c]  # type: ignore[misc]
    for column, own in labels.items():
        mode = int(np.bincount(original.table.codes[column]).argmax())
        yield (
            f"{column} is {own[mode]}",
            (
                lambda sample, c=column, at=mode: (sample.table.codes[c] == at).astype(float)  # type: ignore[misc]
            ),
        )


def _sizes(group: str, counts: np.ndarray) -> Block:
    def sizes(sample: Sample) -> np.ndarray:
        own = np.bincount(sample.groups[group])
        return np.array([own.mean(), own.std()])

    # Where all groups are of nearly one size, the spread of sizes is measured by the size instead of by itself.
    least = np.array([0.0, 0.25 * float(counts.mean())])
    names = ((group, "mean of group sizes"), (group, "standard deviation of group sizes"))
    return Block("groups", names, RATIO, sizes, log_ratio(least))


def _varying(values: np.ndarray, codes: np.ndarray) -> float:
    """Return the share of groups within which a column varies; missing is a value."""
    filled = np.nan_to_num(values, nan=-np.inf)
    order = np.lexsort((filled, codes))
    own, at = codes[order], filled[order]
    changes = (own[1:] == own[:-1]) & (at[1:] != at[:-1])
    groups = len(np.unique(codes))
    return len(np.unique(own[1:][changes])) / groups


def _constancy(group: str, columns: dict[str, Read]) -> Block:
    def shares(sample: Sample) -> np.ndarray:
        return np.array([_varying(read(sample), sample.groups[group]) for read in columns.values()])

    names = tuple((f"{c}, {group}", "share of groups in which it varies") for c in columns)
    return Block("groups", names, SHARE, shares, cohen_h, 1.0)


def _between(group: str, columns: dict[str, Read], original: Sample) -> Block:
    def spreads(sample: Sample) -> np.ndarray:
        return np.array([between_sd(read(sample), sample.groups[group]) for read in columns.values()])

    total = np.array([np.nanstd(read(original)) for read in columns.values()])
    names = tuple((f"{c}, {group}", "standard deviation between groups") for c in columns)
    return Block("groups", names, RATIO, spreads, log_ratio(LEAST_BETWEEN * total))
