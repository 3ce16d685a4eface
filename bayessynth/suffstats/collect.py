"""Statistics of an equation that chunks are added to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayessynth import families
from bayessynth.design import BoundEquation, Frame
from bayessynth.design.bind import check_response
from bayessynth.families import Moments
from bayessynth.suffstats.accumulate import accumulate
from bayessynth.suffstats.counts import Counts, counted
from bayessynth.suffstats.gram import Gram, column_names
from bayessynth.suffstats.learn import column_values
from bayessynth.suffstats.rows import Rows, compact, joined
from bayessynth.suffstats.scan import Scan, scan
from bayessynth.suffstats.structure import Cells


@dataclass(frozen=True)
class Part:
    """What is kept of one equation's rows.

    Attributes
    ----------
    statistic : Gram or Counts or Rows
        Grouping columns stand for factors in it, and label codes for groups.
    moments : Moments or None
        Of the response, beside sums of products, which do not hold them all.
    dropped : int
        Rows left out because cells are missing.
    """

    statistic: Gram | Counts | Rows
    moments: Moments | None
    dropped: int = 0


class Products:
    """Sums of products, cell by cell.

    Parameters
    ----------
    drafted : BoundEquation
    groups : tuple of str
        Grouping columns of the equation.
    shift, scale : ndarray of shape (V,)
    """

    def __init__(
        self, drafted: BoundEquation, groups: tuple[str, ...], shift: np.ndarray, scale: np.ndarray
    ) -> None:  # fmt: skip
        self.drafted, self.shift, self.scale = drafted, shift, scale
        self.cells = Cells(groups)
        self.columns = column_names(drafted)
        self.counts = np.zeros(0, dtype=np.int64)
        self.moments = np.zeros((0, len(shift), len(shift)))
        self.response = Moments()
        # Where the family takes the values as they are, default priors ask for no logarithms.
        transform = families.get(drafted.family).gaussian
        self.transformed = transform is not None and float(transform(np.array(2.0))) != 2.0
        (predictor,) = drafted.predictors.values()
        self.plain = not (groups or predictor.terms or predictor.offsets or self.transformed)

    def add(self, frame: Frame, groups: Mapping[str, np.ndarray], scanned: Scan | None) -> None:
        """Add complete rows; ``scanned`` is of the response, if it is known."""
        y = frame.arrays[self.drafted.response].astype(float, copy=False)
        if not len(y):
            return
        scanned = scanned or scan(y)
        own = Moments.of(y) if self.transformed else scanned.moments
        self._check(y, own)
        self.response += own
        if self.plain:
            self._grow(1)
            self.counts += scanned.n
            self.moments += scanned.products(self.shift[1], self.scale[1])
            return
        place = self.cells.of(groups, len(y))
        self._grow(self.cells.size)
        met = np.zeros(self.cells.size, dtype=bool)
        met[place] = True
        here = np.flatnonzero(met)
        if len(here) < len(met):
            local = np.cumsum(met) - 1
            place = local[place]
        counts, moments = accumulate(column_values(self.drafted, frame), place, len(here), self.shift, self.scale)
        self.counts[here] += counts
        self.moments[here] += moments

    def _check(self, y: np.ndarray, own: Moments) -> None:
        """Check the response: a function of the values is defined on an interval, so its ends tell."""
        check = families.get(self.drafted.family).check
        try:
            check(np.array([own.low, own.high]), self.drafted.response)
        except ValueError:
            check_response(self.drafted, y, None)

    def _grow(self, size: int) -> None:
        if size > len(self.counts):
            room = size if len(self.counts) == 0 else max(size, 2 * len(self.counts))
            counts, moments = np.zeros(room, dtype=np.int64), np.zeros((room, *self.moments.shape[1:]))
            counts[: len(self.counts)], moments[: len(self.counts)] = self.counts, self.moments
            self.counts, self.moments = counts, moments

    def result(self, dropped: int) -> Part:
        """Return what was added up."""
        size = self.cells.size
        self._grow(size)
        sums = Gram(
            self.columns, self.shift, self.scale, self.cells.codes, self.counts[:size], self.moments[:size]
        )  # fmt: skip
        return Part(sums, self.response, dropped)


class Records:
    """Counts of distinct rows while they compress, then the rows.

    Parameters
    ----------
    columns : tuple of str
        Columns that the equation reads, its response among them.
    groups : tuple of str
    """

    def __init__(self, columns: tuple[str, ...], groups: tuple[str, ...]) -> None:
        self.columns, self.groups = columns, groups
        self.counts: Counts | None = None
        self.parts: list[Rows] = []

    def add(self, frame: Frame, groups: Mapping[str, np.ndarray], scanned: Scan | None) -> None:
        """Add complete rows."""
        columns = {c: compact(frame.arrays[c]) for c in self.columns}
        codes = {g: compact(groups[g]) for g in self.groups}
        rows = Rows(columns, codes, len(columns[self.columns[0]]))
        if self.parts:
            self.parts.append(rows)
            return
        found = counted(rows)
        self.counts = found if self.counts is None else self.counts + found
        if not self.counts.compresses:
            self.parts = [self.counts.rows()] if self.counts is not found else [rows]
            self.counts = None

    def result(self, dropped: int) -> Part:
        """Return counts, or rows if there are nearly as many distinct ones."""
        if self.counts is not None:
            return Part(self.counts, None, dropped)
        return Part(joined(self.parts), None, dropped)
