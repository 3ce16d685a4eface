"""Each column by itself: total variation distance of levels, Kolmogorov–Smirnov and Wasserstein distance of numbers.

Missing cells count as a level: the distance between numbers is that of the present ones, and missing rates are
compared beside it (``missing``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd

from bayessynth.evaluation.measure import Measure, judged, over_copies
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Encoded, Tables

# Pairs of samples from which a reference is averaged.
REPETITIONS = 20
# Distances beyond the reference that matter in practice.
MARGIN = 0.03


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
    grid = np.concatenate([a, b])
    return float(np.abs(np.searchsorted(a, grid, "right") / len(a) - np.searchsorted(b, grid, "right") / len(b)).max())


@measure("univariate", "utility")
def univariate(tables: Tables) -> Iterator[Measure]:
    """Yield the distance of levels (total variation) and of numbers (Kolmogorov–Smirnov), averaged over columns."""
    yield from _summarised(
        tables, tables.levels, "univariate_levels", "Distributions of levels (total variation)",
        lambda a, b, c: total_variation(a.codes[c], b.codes[c], tables.sizes[c]),
        "On average over columns, {value:.1%} of the records would have to change level for a copy to agree with the "
        "original; two samples of these sizes differ by {reference:.1%}. Worst: {worst}.",
    )  # fmt: skip
    yield from _summarised(
        tables, tables.numbers, "univariate_numbers", "Distributions of numbers (Kolmogorov–Smirnov)",
        lambda a, b, c: kolmogorov_smirnov(a.values[c], b.values[c]),
        "On average over columns, the distribution functions of original and copy lie at most {value:.1%} apart; those "
        "of two samples of these sizes {reference:.1%}. Worst: {worst}.",
    )  # fmt: skip


def _summarised(
    tables: Tables, columns: tuple[str, ...], name: str, title: str,
    distance: Callable[[Encoded, Encoded, str], float], reading: str,
) -> Iterator[Measure]:  # fmt: skip
    if not columns:
        return
    by_copy = np.array([[distance(tables.original, copy, c) for c in columns] for copy in tables.copies])
    chance = np.array([[distance(a, b, c) for c in columns] for a, b in tables.resamples(REPETITIONS, name)])
    value, interval = over_copies(by_copy.mean(axis=1))
    reference = float(chance.mean())
    detail = pd.DataFrame(
        {"column": columns, "value": by_copy.mean(axis=0), "lowest": by_copy.min(axis=0),
         "highest": by_copy.max(axis=0), "reference": chance.mean(axis=0)}
    )  # fmt: skip
    detail = detail.iloc[np.argsort(detail["reference"] - detail["value"], kind="stable")].reset_index(drop=True)
    low, high = np.quantile(chance.mean(axis=1), [0.025, 0.975])
    said = reading.format(value=value, reference=reference, worst=detail["column"][0])
    yield Measure(
        name, "utility", title, value, said, interval, reference, (float(low), float(high)), "lower",
        judged(float(detail["value"][0]), float(detail["reference"][0]), 2 * MARGIN) if len(columns) else "info",
        detail,
    )  # fmt: skip
