"""What ``bs.evaluate`` returns: the measures, a verdict with its reasons, a table, a report."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from bayessynth.errors import DataError, suggest
from bayessynth.evaluation.measure import Measure, Room, Verdict, worst
from bayessynth.evaluation.tables import Tables

if TYPE_CHECKING:
    from bayessynth.fitting import Diagnosis


@dataclass(frozen=True, repr=False)
class Evaluation:
    """The measures of a set of copies, each beside its reference, and the verdict that gates their release.

    Attributes
    ----------
    measures : tuple of Measure
    tables : Tables
        The tables that were judged. They hold original records: an evaluation is for the data's steward.
    diagnosis : Diagnosis or None
        Of the fit, where it was handed in.

    Examples
    --------
    >>> import bayessynth as bs
    >>> table = pd.DataFrame({"s": ["a", "b", "b", "a"] * 10})
    >>> result = bs.evaluate(table, table, measures=["univariate"])
    >>> result["univariate_levels"].value
    0.0
    """

    measures: tuple[Measure, ...]
    tables: Tables
    diagnosis: Diagnosis | None = None

    def __getitem__(self, name: str) -> Measure:
        for found in self.measures:
            if found.name == name:
                return found
        raise DataError(f"There is no measure {name!r} in this evaluation.{suggest(name, [m.name for m in self])}")

    def __iter__(self) -> Iterator[Measure]:
        return iter(self.measures)

    def __len__(self) -> int:
        return len(self.measures)

    def of(self, room: Room) -> tuple[Measure, ...]:
        """Return the measures of one room: "checks", "utility", "inference" or "disclosure"."""
        return tuple(m for m in self.measures if m.room == room)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of any measure and of the fit's diagnostics: the gate."""
        own: list[Verdict] = [m.verdict for m in self.measures]
        return worst([*own, *([self.diagnosis.verdict] if self.diagnosis else [])])

    @property
    def reasons(self) -> tuple[str, ...]:
        """What stands in the way of "pass": failures first, one sentence each."""
        found = [f"diagnostics: {reason}" for reason in self.diagnosis.reasons] if self.diagnosis else []
        for verdict in ("fail", "warn"):
            found += [f"{m.room}, {verdict}: {m.title}. {m.reading}" for m in self.measures if m.verdict == verdict]
        return tuple(found)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a measure: room, name, value, lowest and highest copy, reference, verdict, reading."""
        return pd.DataFrame([m.to_row() for m in self.measures])

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the report for the data's steward: one page that needs no network. It compares with originals."""
        from bayessynth.report import write_report

        return write_report(self, path)

    def to_card(self, path: str | os.PathLike[str]) -> Path:
        """Write the public card: how the copies were made and how to analyse them; no comparison with originals."""
        from bayessynth.report import write_card

        return write_card(self, path)

    def __repr__(self) -> str:
        lines = [
            f"Evaluation of {self.tables.m} {'copy' if self.tables.m == 1 else 'copies'} "
            f"(n={self.tables.n:,}, k={self.tables.k:,}): {self.verdict}"
        ]
        width = max((len(m.title) for m in self.measures), default=0)
        room = None
        for m in self.measures:
            if m.room != room:
                room = m.room
                lines.append(f"{room}")
            beside = "" if m.reference is None else f"  (reference {m.reference:.3g})"
            lines.append(f"  {m.verdict:<5} {m.title:<{width}}  {m.value:.3g}{beside}")
        return "\n".join(lines)
