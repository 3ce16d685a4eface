"""Each column by itself: total variation distance of levels and Kolmogorov–Smirnov distance of numbers.

Missing cells count as a level: the distance between numbers is that of the present ones, and missing rates are
compared beside it (``missing``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Encoded, Tables
from bayessynth.evaluation.utility.parts import summarised
from bayessynth.evaluation.utility.thinning import thinned

# Pairs of samples from which a reference is averaged.
REPETITIONS = 20
# Distances beyond chance that matter in practice: of the average over columns, and of one column.
MARGIN, COLUMN_MARGIN = 0.03, 0.06
MAX_ROWS = 100_000

Distance = Callable[[Encoded, Encoded, str], float]


def total_variation(a: np.ndarray, b: np.ndarray, size: int) -> float:
    """Return half the sum of absolute differences between the shares of two samples of codes: 0 equal, 1 disjoint.

    >>> total_variation(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)
    0.25
    """
    return float(np.abs(np.bincount(a, minlength=size) / len(a) - np.bincount(b, minlength=size) / len(b)).sum() / 2)


def kolmogorov_smirnov(a: np.ndarray, b: np.ndarray) -> float:
    """Return the largest difference between two distribution functions; 1 where one sample is empty and the other not.

    >>> kolmogorov_smirnov(np.array([1.0, 2.0]), np.array([1.0, 3.0]))
    0.5
    """
    a, b = np.sort(a[~np.isnan(a)]), np.sort(b[~np.isnan(b)])
    if not len(a) or not len(b):
        return float(len(a) != len(b))
    # Both functions are constant between values of the samples; a value's own position holds their jump at it.
    at_a = np.searchsorted(a, a, "right") / len(a) - np.searchsorted(b, a, "right") / len(b)
    at_b = np.searchsorted(a, b, "right") / len(a) - np.searchsorted(b, b, "right") / len(b)
    return float(max(np.abs(at_a).max(), np.abs(at_b).max()))


def by_column(
    tables: Tables, columns: tuple[str, ...], distance: Distance, name: str, repetitions: int = REPETITIONS
) -> tuple[np.ndarray, np.ndarray]:
    """Return a distance of every column: of each copy, shape (m, q), and of pairs of samples, (repetitions, q).

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> df = pd.DataFrame({"s": ["a", "b"] * 10})
    >>> tvd = lambda a, b, c: total_variation(a.codes[c], b.codes[c], 4)
    >>> own, chance = by_column(read_tables(df, [df, df]), ("s",), tvd, "example", 3)
    >>> own.tolist(), chance.shape
    ([[0.0], [0.0]], (3, 1))
    """
    own = [[distance(tables.original, copy, c) for c in columns] for copy in tables.copies]
    chance = [[distance(a, b, c) for c in columns] for a, b in tables.resamples(repetitions, name)]
    return np.array(own), np.array(chance)


@measure("univariate", "utility")
def univariate(tables: Tables) -> Iterator[Measure]:
    """Yield the distance of levels (total variation) and of numbers (Kolmogorov–Smirnov), averaged over columns."""
    sizes = tables.sizes
    yield from _distances(
        tables, tables.levels, "univariate_levels", "Distributions of levels (total variation)",
        lambda a, b, c: total_variation(a.codes[c], b.codes[c], sizes[c]),
        "On average over columns, {value:.1%} of a copy's records would have to change level for it to agree with the "
        "original; {pair} differ by {reference:.1%}. Farthest from chance is {worst} "
        "({worst_value:.1%}, by chance {worst_reference:.1%}).",
    )  # fmt: skip
    yield from _distances(
        tables, tables.numbers, "univariate_numbers", "Distributions of numbers (Kolmogorov–Smirnov)",
        lambda a, b, c: kolmogorov_smirnov(a.values[c], b.values[c]),
        "On average over columns, the distribution functions of original and copy lie at most {value:.1%} apart; those "
        "of {pair} {reference:.1%}. Farthest from chance is {worst} ({worst_value:.1%}, by chance "
        "{worst_reference:.1%}).",
    )  # fmt: skip


def _distances(
    tables: Tables, columns: tuple[str, ...], name: str, title: str, distance: Distance, reading: str
) -> Iterator[Measure]:
    if not columns:
        return
    tables, notes = thinned(tables, MAX_ROWS, name)
    own, chance = by_column(tables, columns, distance, name)
    yield summarised(
        name, title, pd.DataFrame({"column": columns}), own, chance, reading, margin=MARGIN,
        part_margin=COLUMN_MARGIN, notes=notes, pair=tables.pair(),
    )  # fmt: skip
