"""Rank correlations of numbers: the average and the largest difference of Spearman's matrix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Encoded, Tables
from bayessynth.evaluation.utility.parts import summarised
from bayessynth.evaluation.utility.thinning import thinned

MARGIN, PAIR_MARGIN = 0.03, 0.1
MAX_ROWS = 50_000
# Cells ranked for the samples behind the reference: from 5 to 20 pairs of them.
BUDGET = 10_000_000
LEAST, MOST = 5, 20
# Fewer rows in which both columns have a value say nothing about their correlation.
FEWEST = 3


def rank_correlations(values: np.ndarray) -> np.ndarray:
    """Return Spearman's correlations of columns, shape (q, q).

    Every column is ranked among its own present cells; a pair's correlation is that of the ranks in the rows where
    both are present. Without missing cells this is Spearman's exactly. 0 where a column does not vary.

    Parameters
    ----------
    values : ndarray of float, shape (n, q)
        NaN where missing.

    Examples
    --------
    >>> x = np.array([[1.0, 2.0, 5.0], [2.0, 4.0, 5.0], [3.0, 9.0, 5.0]])
    >>> rank_correlations(x).tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    there = ~np.isnan(values)
    ranks = pd.DataFrame(values).rank().to_numpy()
    weight = there.astype(float)
    # The average rank of so many present cells; centred ranks keep their digits.
    ranks = np.where(there, ranks - (weight.sum(axis=0) + 1) / 2, 0.0)
    count = weight.T @ weight
    sums, squares = ranks.T @ weight, (ranks**2).T @ weight
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = ranks.T @ ranks - sums * sums.T / count
        variance = squares - sums**2 / count
        found = covariance / np.sqrt(variance * variance.T)
    varies = variance > 1e-9 * count
    enough = (count >= FEWEST) & varies & varies.T
    found = np.where(enough, found, 0.0).clip(-1, 1)
    np.fill_diagonal(found, 1.0)
    return found


@measure("correlations", "utility")
def correlations(tables: Tables) -> Iterator[Measure]:
    """Yield the average absolute difference of Spearman's correlations over pairs of number columns.

    0 says that the matrices agree; the detail has both correlations of every pair. Cells that are missing have no
    rank; which cells are missing, and with what that goes together, ``pairs`` shows.
    """
    q = len(tables.numbers)
    if q < 2:
        return
    tables, notes = thinned(tables, MAX_ROWS, "correlations")
    first, second = np.triu_indices(q, 1)

    def matrix(table: Encoded) -> np.ndarray:
        return rank_correlations(table.features(tables.numbers))[first, second]

    own = matrix(tables.original)
    drawn = np.array([matrix(copy) for copy in tables.copies])
    repetitions = int(np.clip(BUDGET // (q * (tables.n + tables.k)), LEAST, MOST))
    pairs = [(matrix(a), matrix(b)) for a, b in tables.resamples(repetitions, "correlations")]
    chance = np.array([np.abs(a - b) for a, b in pairs])
    names = np.array(tables.numbers, dtype=object)
    parts = pd.DataFrame({"column": names[first], "with": names[second]})
    found = summarised(
        "correlations", "Rank correlations of numbers (average absolute difference)", parts, np.abs(drawn - own),
        chance,
        "Spearman's correlations of a copy differ from the original's by {value:.3f} on average over pairs of columns; "
        "those of {pair} by {reference:.3f}. Farthest from chance is {worst} ({worst_value:.3f}, "
        "by chance {worst_reference:.3f}).",
        margin=MARGIN, part_margin=PAIR_MARGIN, notes=notes, pair=tables.pair(),
    )  # fmt: skip
    beside = parts.assign(original=own, copies=drawn.mean(axis=0))
    yield replace(found, detail=pd.DataFrame(found.detail).merge(beside, on=["column", "with"], how="left"))
