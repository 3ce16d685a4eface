"""From an original database and its copies to an evaluation: every table by itself, and how they hang together."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.database import Database, Key
from bayessynth.errors import DataError, suggest
from bayessynth.evaluation.evaluation import Evaluation
from bayessynth.evaluation.measure import Measure, Verdict, worst
from bayessynth.evaluation.relations.registry import entries
from bayessynth.evaluation.relations.related import read_related

# Measures of single tables that are taken by default: quick ones.
QUICK = ("univariate", "missing")


@dataclass(frozen=True, repr=False)
class RelatedEvaluation:
    """The measures of copies of a database.

    Attributes
    ----------
    measures : tuple of Measure
        Across tables.
    tables : mapping of str to Evaluation
        Of each table by itself, keys left out.

    Examples
    --------
    >>> import bayessynth as bs
    >>> ward = pd.DataFrame({"ward_id": range(30), "beds": [4, 6, 8] * 10})
    >>> bed = pd.DataFrame({"ward_id": [i for i in range(30) for _ in range(3)], "age": range(90)})
    >>> bs.evaluate(bs.Database({"ward": ward, "bed": bed}), {"ward": ward, "bed": bed})["orphans"].value
    0.0
    """

    measures: tuple[Measure, ...]
    tables: Mapping[str, Evaluation]

    def __getitem__(self, name: str) -> Measure:
        for found in self.measures:
            if found.name == name:
                return found
        known = [m.name for m in self.measures]
        raise DataError(f"There is no measure {name!r} across tables.{suggest(name, known)} There are: "
                        f"{', '.join(known)}; those of a table are in .tables['…'].")  # fmt: skip

    def __iter__(self) -> Iterator[Measure]:
        return iter(self.measures)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of any measure."""
        return worst([*(m.verdict for m in self.measures), *(e.verdict for e in self.tables.values())])

    def to_frame(self) -> pd.DataFrame:
        """Return one row a measure, those across tables first, with the table of each."""
        frames = [pd.DataFrame([m.to_row() for m in self.measures]).assign(table="")] if self.measures else []
        frames += [e.to_frame().assign(table=table) for table, e in self.tables.items() if len(e)]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def __repr__(self) -> str:
        lines = [f"Evaluation of a database: {self.verdict}", "across tables"]
        width = max((len(m.title) for m in self.measures), default=0)
        for m in self.measures:
            beside = "" if m.reference is None else f"  (reference {m.reference:.3g})"
            lines += [f"  {m.verdict:<5} {m.title:<{width}}  {m.value:.3g}{beside}", f"        {m.reading}"]
        for table, own in self.tables.items():
            lines.append(f"{table}: {own.verdict}")
            lines += [f"  {m.verdict:<5} {m.title}  {m.value:.3g}" for m in own]
        return "\n".join(lines)


def evaluate_related(
    original: Database | Mapping[str, pd.DataFrame], copies: Any, keys: Sequence[Key] | None = None,
    measures: Sequence[str] | None = None, **options: Any,
) -> RelatedEvaluation:  # fmt: skip
    """Judge copies of a database, from whatever synthesizer.

    Parameters
    ----------
    original : Database or mapping of str to DataFrame
    copies : SyntheticDatabase, mapping of str to DataFrame, or iterable of such
    keys : sequence of Key, optional
        Found if not given.
    measures : sequence of str, optional
        Measures of single tables, as :func:`evaluate` names them; by default distributions of columns and missing
        cells. Those across tables are always computed.
    **options
        Handed on to :func:`evaluate` for each table.

    Returns
    -------
    RelatedEvaluation
    """
    from bayessynth.evaluation.judge import evaluate

    related = read_related(original, copies, keys)
    found: list[Measure] = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)
        for compute in entries().values():
            found += compute(related)
    tables = {}
    for table, frame in related.original.tables.items():
        columns = [c for c in related.own[table] if all(c in side.tables[table] for side in related.copies)]
        made = [side.tables[table][columns] for side in related.copies]
        if columns and len(frame) and all(len(copy) for copy in made):
            tables[table] = evaluate(frame[columns], made, measures=list(measures or QUICK), **options)
    return RelatedEvaluation(tuple(found), tables)
