"""How far numbers would have to move: the Wasserstein distance, in units of the original's spread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import wasserstein_distance

from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables
from bayessynth.evaluation.utility.parts import summarised
from bayessynth.evaluation.utility.thinning import thinned
from bayessynth.evaluation.utility.univariate import by_column

# The interquartile range of a normal distribution, in standard deviations.
NORMAL_IQR = 1.349
# A standard deviation of more than so many robust ones is dominated by a tail.
TAIL = 3.0
MARGIN, COLUMN_MARGIN = 0.03, 0.08
MAX_ROWS = 100_000
# Half as many as for the other distances of columns: it takes the longest of them.
REPETITIONS = 10


def spread(values: np.ndarray) -> tuple[float, str]:
    """Return the unit in which distances of a column are told, and its name.

    It is the standard deviation; where a tail dominates that (it exceeds three times the interquartile range over
    1.349, the same quantity for a normal distribution), the latter, so that a shift of the bulk is not hidden by the
    tail. A column in which half of the values are the same has no interquartile range and keeps its standard
    deviation. Constants are told in units of their own size.

    Examples
    --------
    >>> spread(np.array([1.0, 2.0, 3.0, 4.0, np.nan]))
    (1.11..., 'sd')
    >>> spread(np.array([1.0, 2.0, 3.0, 4.0, 1000.0]))
    (1.48..., 'iqr')
    >>> spread(np.array([5.0, 5.0]))
    (5.0, 'size')
    """
    present = values[np.isfinite(values)]
    sd = float(present.std()) if len(present) else 0.0
    if sd <= 1e-12 * max(1.0, float(np.abs(present).max(initial=0.0))):
        return float(np.abs(present).max(initial=0.0)) or 1.0, "size"
    robust = float(np.subtract(*np.quantile(present, [0.75, 0.25]))) / NORMAL_IQR
    return (robust, "iqr") if 0 < robust < sd / TAIL else (sd, "sd")


def scaled_wasserstein(a: np.ndarray, b: np.ndarray, unit: float) -> float:
    """Return the average distance that probability has to travel between two samples, in units; missing cells aside.

    One unit where one sample has no value at all and the other has. Infinite values count as the largest finite one.

    >>> scaled_wasserstein(np.array([0.0, 1.0, np.nan]), np.array([2.0, 3.0]), 2.0)
    1.0
    """
    a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    if not len(a) or not len(b):
        return float(len(a) != len(b))
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        finite = np.concatenate([a[np.isfinite(a)], b[np.isfinite(b)], [0.0]])
        a, b = a.clip(finite.min(), finite.max()), b.clip(finite.min(), finite.max())
    return float(wasserstein_distance(a, b)) / unit


@measure("wasserstein", "utility")
def wasserstein(tables: Tables) -> Iterator[Measure]:
    """Yield the Wasserstein distance of numbers in units of their spread, averaged over columns.

    0 says that distributions agree; 0.1 that values would have to move by a tenth of a standard deviation on average.
    The detail says in which unit each column is told.
    """
    if not tables.numbers:
        return
    tables, notes = thinned(tables, MAX_ROWS, "wasserstein")
    units = {c: spread(tables.original.values[c]) for c in tables.numbers}
    own, chance = by_column(
        tables,
        tables.numbers,
        lambda a, b, c: scaled_wasserstein(a.values[c], b.values[c], units[c][0]),
        "wasserstein",
        REPETITIONS,
    )
    parts = pd.DataFrame({"column": tables.numbers})
    found = summarised(
        "wasserstein", "Distributions of numbers (Wasserstein, in standard deviations)", parts, own, chance,
        "On average over columns, a copy's values would have to move by {value:.3f} standard deviations to agree with "
        "the original; those of {pair} by {reference:.3f}. Farthest from chance is {worst} "
        "({worst_value:.3f}, by chance {worst_reference:.3f}).",
        margin=MARGIN, part_margin=COLUMN_MARGIN, notes=notes, pair=tables.pair(),
    )  # fmt: skip
    detail = pd.DataFrame(found.detail)
    yield replace(found, detail=detail.assign(unit=[units[c][1] for c in detail["column"]]))
