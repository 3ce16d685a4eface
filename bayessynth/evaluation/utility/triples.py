"""Triples of columns: overlap of three-way tables, where interactions show."""

from __future__ import annotations

from collections.abc import Iterator

from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables
from bayessynth.evaluation.utility.tabulation import tabulated

MOST = 1_000
# Of the average over triples, and of one triple.
MARGIN, TRIPLE_MARGIN = 0.02, 0.06


@measure("triples", "utility")
def triples(tables: Tables) -> Iterator[Measure]:
    """Yield the average of 1 − total variation distance over three-way tables; 1 is perfect.

    Tables of more than 18 columns have more triples than are computed; the notes then say how many were drawn.
    """
    title = "Triples of columns (overlap of three-way tables)"
    found = tabulated(tables, "triples", title, 3, MOST, MARGIN, TRIPLE_MARGIN)
    if found:
        yield found
