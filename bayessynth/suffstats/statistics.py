"""Sufficient statistics of a table: all that fitting needs of it, in one object that adds up over parts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bayessynth.errors import DataError, SpecError
from bayessynth.schema.detect import widened
from bayessynth.spec import Spec
from bayessynth.suffstats.collect import Part
from bayessynth.suffstats.gram import Gram
from bayessynth.suffstats.learn import Learnt
from bayessynth.suffstats.rows import Rows
from bayessynth.suffstats.structure import Structure


@dataclass(frozen=True)
class Facts:
    """What is known of a column over all rows.

    Attributes
    ----------
    low, high : float
        Range of the encoded values; infinite, the wrong way round, for levels.
    missing : int
        Number of missing cells.
    """

    low: float = np.inf
    high: float = -np.inf
    missing: int = 0

    def __add__(self, other: Facts) -> Facts:
        return Facts(min(self.low, other.low), max(self.high, other.high), self.missing + other.missing)


@dataclass(frozen=True, repr=False, eq=False)
class SufficientStatistics:
    """All that fitting a spec needs of a table; made by :meth:`Spec.sufficient_statistics`.

    Statistics of parts of a table, or of several institutions' tables, add up with ``+`` to those of all rows; the
    posterior given them is that given the rows. They are as confidential as the table: they hold the labels of all
    groups, the number of rows and sums of products of every combination of groups, and, where a family has no smaller
    statistic, the rows of an equation's columns. ``print(statistics)`` says what is held for each equation.

    Attributes
    ----------
    learnt : Learnt
        The spec, the schema, and the coding of terms.
    n : int
        Number of rows.
    facts : mapping of str to Facts
        By column.
    structure : Structure
        The groups.
    parts : mapping of str to Part
        By the equation's column.
    sources : tuple of str
        What they were made of.

    Examples
    --------
    >>> import bayessynth as bs
    >>> table = bs.datasets.load("rand_hie")[["income"]]
    >>> spec = bs.Spec(bs.Equation("income ~ 1", family="normal"))
    >>> one = spec.sufficient_statistics(table[:2000])
    >>> two = spec.sufficient_statistics(table[2000:], like=one)
    >>> one + two
    Sufficient statistics of 3459 rows, ... kB
    equation  statistic         size  exact  holds
    income    sums of products  ...   yes    rows, means, variances and covariances of the columns
    They disclose what they hold: share them only with whom the table itself may be shared.
    """

    learnt: Learnt
    n: int
    facts: Mapping[str, Facts]
    structure: Structure
    parts: Mapping[str, Part]
    sources: tuple[str, ...]

    @property
    def spec(self) -> Spec:
        """The spec that they are for."""
        return self.learnt.spec

    @property
    def size(self) -> int:
        """Bytes that they take."""
        return self.structure.size + sum(part.statistic.size for part in self.parts.values())

    @property
    def exact(self) -> bool:
        """Whether the posterior given them is that given the rows."""
        return all(part.statistic.exact for part in self.parts.values())

    def __add__(self, other: SufficientStatistics) -> SufficientStatistics:
        if not isinstance(other, SufficientStatistics):
            return NotImplemented
        _check_alike(self.learnt, other.learnt)
        structure, places = self.structure.joined(other.structure)
        parts = {column: _added(part, other.parts[column], places) for column, part in self.parts.items()}
        facts = {column: own + other.facts[column] for column, own in self.facts.items()}
        sources = tuple(dict.fromkeys(self.sources + other.sources))
        rows = max(self.learnt.rows, other.learnt.rows)
        return SufficientStatistics(
            replace(self.learnt, rows=rows), self.n + other.n, facts, structure, parts, sources
        )  # fmt: skip

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Save them to one file; see :func:`bayessynth.suffstats.storage.save`."""
        from bayessynth.suffstats.storage import save

        return save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> SufficientStatistics:
        """Open a file that :meth:`save` wrote; see :func:`bayessynth.suffstats.storage.load`."""
        from bayessynth.suffstats.storage import load

        return load(path)

    def table(self) -> list[tuple[str, str, str, str, str]]:
        """Return what is kept of each equation: column, kind of statistic, size, exact, what it shows."""
        found = []
        for column, part in self.parts.items():
            kept = part.statistic
            size, exact = _bytes(kept.size), "yes" if kept.exact else "no"
            what = "sums of products" if isinstance(kept, Gram) else kept.what
            found.append((column, what, size, exact, _holds(part)))
        return found

    def __repr__(self) -> str:
        rows = [("equation", "statistic", "size", "exact", "holds"), *self.table()]
        widths = [max(len(row[i]) for row in rows) for i in range(5)]
        lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        groups = ", ".join(f"{len(found)} labels of {name}" for name, found in self.structure.labels.items())
        held = f"Also held: {groups}, and how many rows each combination has.\n" if groups else ""
        return (
            f"Sufficient statistics of {self.n} rows, {_bytes(self.size)}\n" + "\n".join(lines) + f"\n{held}"
            "They disclose what they hold: share them only with whom the table itself may be shared."
        )  # fmt: skip


def merged(statistics: Iterable[SufficientStatistics]) -> SufficientStatistics:
    """Add statistics up, from the first to the last."""
    total: SufficientStatistics | None = None
    for one in statistics:
        if not isinstance(one, SufficientStatistics):
            raise DataError(f"A list of data must be of bs.SufficientStatistics, not of {type(one).__name__}.")
        total = one if total is None else total + one
    if total is None:
        raise DataError("The list of bs.SufficientStatistics is empty.")
    return total


def _check_alike(one: Learnt, two: Learnt) -> None:
    if one.spec != two.spec:
        raise SpecError("Statistics of different specs cannot be added.")
    remedy = "Make one of them with like=the other, which takes over its schema and coding."
    if one.missing != two.missing:
        raise DataError(f"One was made with missing={one.missing!r}, the other with {two.missing!r}.")
    for name in one.schema:
        if name not in two.schema or one.schema[name] != two.schema[name]:
            raise DataError(f"Statistics cannot be added: the schemas differ in column {name!r}. {remedy}")
    for column, drafted in one.drafts.items():
        if drafted.to_json() != two.drafts[column].to_json() or (column in one.units) != (column in two.units):
            raise DataError(
                f"Statistics cannot be added: the equation for {column!r} was coded otherwise in the two. {remedy}"
            )


def _added(one: Part, two: Part, places: Mapping[str, np.ndarray]) -> Part:
    """Add two parts, the second with its label codes changed."""
    dropped = one.dropped + two.dropped
    kept, other = one.statistic, two.statistic
    if isinstance(kept, Gram) or isinstance(other, Gram):
        assert isinstance(kept, Gram) and isinstance(other, Gram) and one.moments and two.moments
        codes = {name: places[name][own] for name, own in other.codes.items()}
        return Part(kept + replace(other, codes=codes), one.moments + two.moments, dropped)
    other = other.recoded(places)
    if isinstance(kept, Rows) or isinstance(other, Rows):
        return Part(kept.rows() + other.rows(), None, dropped)
    total = kept + other
    return Part(total if total.compresses else total.rows(), None, dropped)


def _holds(part: Part) -> str:
    kept = part.statistic
    if isinstance(kept, Gram):
        whose = f" of {len(kept.counts)} combinations of {', '.join(kept.codes)}" if kept.codes else " of the columns"
        return f"rows, means, variances and covariances{whose}"
    rows = kept if isinstance(kept, Rows) else kept.distinct
    listed = ", ".join(rows.arrays)
    return f"all {kept.n} rows of {listed}" if kept is rows else f"the {rows.n} distinct rows of {listed}"


def _bytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


def final_schema(statistics: SufficientStatistics) -> Any:
    """Return the schema with ranges and missing cells as all rows have them, where it was detected.

    A range is widened to round numbers as detection does.
    """
    learnt = statistics.learnt
    if not learnt.detected:
        return learnt.schema
    columns = []
    for name, column in learnt.schema.items():
        known = statistics.facts.get(name, Facts())
        changed: dict[str, Any] = {"missing": column.missing or known.missing > 0}
        if not column.declared and column.bounds is not None and known.low < known.high:
            changed["bounds"] = widened(np.array([known.low, known.high])) or column.bounds
        if column.kind in ("count", "continuous", "proportion"):
            changed["zeros"] = column.zeros or known.low == 0
        columns.append(replace(column, **changed))
    return type(learnt.schema).from_json([c.to_json() for c in columns])
