"""Pairs of columns: do relations between two columns survive? Overlap of all two-way tables."""

from __future__ import annotations

from collections.abc import Iterator

from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables
from bayessynth.evaluation.utility.tabulation import tabulated

MOST = 5_000
# Of the average over pairs (most pairs are nearly independent, so little of it is much), and of one pair.
MARGIN, PAIR_MARGIN = 0.01, 0.05


@measure("pairs", "utility")
def pairs(tables: Tables) -> Iterator[Measure]:
    """Yield the average of 1 − total variation distance over two-way tables; 1 is perfect.

    Copies with the right columns but no relation between them score well on ``univariate`` and fail here. It fails
    on the average or on a single pair.
    """
    found = tabulated(tables, "pairs", "Pairs of columns (overlap of two-way tables)", 2, MOST, MARGIN, PAIR_MARGIN)
    if found:
        yield found
