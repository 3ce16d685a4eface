"""A table to sufficient statistics, in one pass over its chunks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bayessynth import families
from bayessynth.design import BoundEquation
from bayessynth.design.bind import Missing, check_missing, check_response
from bayessynth.design.levels import find_levels
from bayessynth.design.resolve import used_columns
from bayessynth.errors import DataError, MissingDataError, MissingRowsWarning, SpecError, suggest, warn
from bayessynth.schema import Schema
from bayessynth.schema.validate import check_frame
from bayessynth.spec import Equation, Spec
from bayessynth.spec.sequence import refuse_sequences
from bayessynth.suffstats.chunks import DETECTED, Chunk, Source, chunks, source_of
from bayessynth.suffstats.collect import Part, Products, Records
from bayessynth.suffstats.encode import Encoded, encode_chunk, in_place
from bayessynth.suffstats.learn import Learnt, check_numbers, complete_rows, frame_on, learn, levels_of_numbers
from bayessynth.suffstats.statistics import Facts, SufficientStatistics
from bayessynth.suffstats.structure import Growing, group_columns


def sufficient_statistics(
    spec: Spec,
    data: Any,
    *,
    schema: Schema | None = None,
    missing: Missing = "error",
    like: SufficientStatistics | None = None,
) -> SufficientStatistics:
    """Reduce a table to what fitting a spec needs of it, in one pass.

    A table that is read in chunks may be larger than memory. What is learnt from rows (the schema, if it is not given;
    knots and centres of transforms, and whether sums of products compress the rows) is learnt from the first rows: at
    least 100,000, or 1,048,576 where the schema is to be detected on them, or all if there are fewer.
    Later chunks are checked against it. Coefficients of ``scale(x)`` and of splines refer to what was learnt; the
    models are the same but for where knots stand.

    Parameters
    ----------
    spec : Spec
    data : DataFrame, path or Dask frame
        A Parquet file or a directory of them, or a CSV file, is read in chunks, and only the columns that are needed.
        The partitions of a Dask frame are reduced where they are.
    schema : Schema, optional
        Detected on the first chunk if not given.
    missing : {"error", "drop"}
        What to do with rows in which a column of an equation is missing.
    like : SufficientStatistics, optional
        Those of another table, whose schema and coding are taken over, so that the two can be added.

    Returns
    -------
    SufficientStatistics

    Raises
    ------
    SpecError, SchemaError, DataError, MissingDataError
        For whatever does not fit, with column and row of the whole table.

    Warns
    -----
    MissingRowsWarning
        Once for each equation that rows with missing cells are left out of.
    """
    refuse_sequences(spec.unit, "Sufficient statistics")
    check_missing(missing)
    _check_families(spec)
    statistics = _reduced(spec, data, schema, missing, _taken_over(spec, schema, missing, like))
    told(statistics)
    return statistics


def with_rows(statistics: SufficientStatistics, data: Any, columns: Iterable[str]) -> SufficientStatistics:
    """Return the statistics with rows, or counts of them, in place of the sums of products of some equations.

    Parameters
    ----------
    statistics : SufficientStatistics
    data : DataFrame, path or Dask frame
        What they were made of.
    columns : iterable of str
    """
    left = {c: pair for c, pair in statistics.learnt.units.items() if c not in set(columns)}
    learnt = replace(statistics.learnt, units=left)
    return _reduced(statistics.spec, data, None, learnt.missing, learnt)


def is_dask(data: Any) -> bool:
    """Tell whether data are a Dask frame, without importing Dask."""
    return type(data).__module__.partition(".")[0] in ("dask", "dask_expr")


def _check_families(spec: Spec) -> None:
    for own in spec.survivals:
        raise SpecError(f"The survival time {own.time!r} needs the rows: no statistic is enough for it. Fit the table.")
    for equation in spec:
        if equation.family is not None and families.get(equation.family).nonparametric:
            raise SpecError(
                f"The equation of {equation.response!r} has family {equation.family!r}, which needs the rows: no "
                "statistic is enough for it. Fit the table itself, or give the equation another family."
            )


def _reduced(
    spec: Spec, data: Any, schema: Schema | None, missing: Missing, learnt: Learnt | None
) -> SufficientStatistics:  # fmt: skip
    if is_dask(data):
        from bayessynth.suffstats.partitions import of_partitions

        return of_partitions(spec, data, schema, missing, learnt)
    source = source_of(data)
    first = DETECTED if schema is None and learnt is None else None
    parts = chunks(source, needed(spec, source, schema, learnt), first)
    return of_chunks(spec, parts, schema, missing, learnt, source.named)


def _taken_over(
    spec: Spec, schema: Schema | None, missing: Missing, like: SufficientStatistics | None
) -> Learnt | None:  # fmt: skip
    if like is None:
        return None
    if not isinstance(like, SufficientStatistics):
        raise DataError(f"like= takes bs.SufficientStatistics, not {type(like).__name__}.")
    if schema is not None:
        raise DataError("like= takes over a schema, so leave schema= out.")
    if like.spec != spec:
        raise SpecError("like= are statistics of another spec.")
    if like.learnt.missing != missing:
        raise DataError(f"like= was made with missing={like.learnt.missing!r}; say the same here.")
    return like.learnt


def needed(spec: Spec, source: Source, schema: Schema | None, learnt: Learnt | None) -> list[str]:
    """Return the columns to read.

    Raises
    ------
    SpecError, DataError
        If a column that the spec names is not there.
    """
    known = learnt.schema if learnt else schema
    used = used_columns(spec)
    if not source.names:  # a frame whose column names cannot be used, which the first check says
        return []
    for column, place in used.items():
        if column not in source.names:
            raise SpecError(
                f"Column {column!r} ({place}) is not in the data.{suggest(column, source.names)} "
                f"The data have: {', '.join(source.names)}."
            )
    for column in known or ():
        if column not in source.names and (learnt or spec.rest != "drop"):
            raise DataError(f"The data have no column {column!r}.{suggest(column, source.names)}")
    if learnt is None and spec.rest != "drop":
        return [c for c in source.names if known is None or c in known]
    return [c for c in source.names if c in (learnt.schema if learnt else used)]


def of_chunks(
    spec: Spec, parts: Iterable[Chunk], schema: Schema | None, missing: Missing, learnt: Learnt | None, named: str
) -> SufficientStatistics:
    """Reduce chunks to statistics, learning from the first what is not known.

    Parameters
    ----------
    spec : Spec
    parts : iterable of Chunk
    schema : Schema or None
    missing : {"error", "drop"}
    learnt : Learnt or None
    named : str
        What the chunks come from.
    """
    collected: _Pass | None = None
    for chunk in parts:
        if collected is None:
            check_frame(chunk.head())
            if learnt is None:
                first = learn(spec, chunk, schema, missing)
                collected = _Pass(first.learnt, first.structure)
                collected.add(chunk, first.encoded)
                del first
                continue
            collected = _Pass(learnt)
        collected.add(chunk)
    if collected is None:
        raise DataError("The table is empty: 0 rows.")
    return collected.result(named)


class _Pass:
    """Collectors of all equations, to which chunks are added."""

    def __init__(self, learnt: Learnt, structure: Growing | None = None) -> None:
        self.learnt = learnt
        self.n = 0
        self.structure = structure or Growing(group_columns(learnt.spec))
        self.facts: dict[str, Facts] = {}
        self.dropped: dict[str, int] = {}
        self.equations = [e for e in learnt.spec if self._summed(e)]
        self.columns = {e.response: (e.response, *e.columns) for e in learnt.spec}
        self.numbers = {e.response: levels_of_numbers(learnt.drafts[e.response]) for e in self.equations}
        self.collectors = {e.response: self._collector(e) for e in self.equations}

    def _summed(self, equation: Equation) -> bool:
        """Tell whether an equation's rows are wanted: not if it has one value a group."""
        return equation.level in (None, "row") and self.learnt.schema[equation.response].kind != "constant"

    def _collector(self, equation: Equation) -> Products | Records:
        column = equation.response
        groups = tuple(dict.fromkeys(c for factor in equation.factors for c in factor))
        if column in self.learnt.units:
            return Products(self.learnt.drafts[column], groups, *self.learnt.units[column])
        schema = self.learnt.schema
        columns = tuple(c for c in dict.fromkeys(self.columns[column]) if schema[c].kind != "constant")
        return Records(columns, groups)

    def _checked(self, column: str) -> BoundEquation:
        """Return an equation with the range so far for bounds, where these were only detected on the first rows."""
        drafted, known = self.learnt.drafts[column], self.learnt.schema[column]
        if "bounds" not in drafted.options or known.declared or not self.learnt.detected:
            return drafted
        low, high = drafted.options["bounds"]
        bounds = (min(low, self.facts[column].low), max(high, self.facts[column].high))
        return replace(drafted, options={**drafted.options, "bounds": bounds})

    def add(self, chunk: Chunk, encoded: Encoded | None = None) -> None:
        """Add a chunk; one that is encoded already has been added to the structure too."""
        if encoded is None:
            learnt = self.learnt
            detected = learnt.rows if learnt.detected else 0
            encoded = encode_chunk(chunk, learnt.schema, self.structure.labels, detected)
            self.structure.add(encoded)
        self.n += encoded.n
        self._check_missing(chunk, encoded)
        for name in dict.fromkeys((*encoded.arrays, *encoded.missing)):
            scanned = encoded.scans.get(name)
            low, high = (scanned.low, scanned.high) if scanned else (np.inf, -np.inf)
            gaps = int(encoded.missing[name].sum()) if name in encoded.missing else 0
            self.facts[name] = self.facts.get(name, Facts()) + Facts(low, high, gaps)
        with in_place(chunk):
            for equation in self.equations:
                self._add(equation.response, encoded)

    def _add(self, column: str, encoded: Encoded) -> None:
        rows = complete_rows(encoded, self.columns[column])
        groups: Mapping[str, np.ndarray] = encoded.groups
        if rows is not None:
            self.dropped[column] = self.dropped.get(column, 0) + encoded.n - len(rows)
            groups = {name: codes[rows] for name, codes in groups.items()}
        scanned = encoded.scans.get(column) if rows is None else None
        frame = frame_on(encoded, self.learnt.schema, self.columns[column], rows)
        check_numbers(self.numbers[column], frame, self.learnt.rows)
        if column not in self.learnt.units:
            check_response(self._checked(column), frame.arrays[column], frame)
        self.collectors[column].add(frame, groups, scanned)

    def _check_missing(self, chunk: Chunk, encoded: Encoded) -> None:
        gaps = {c: encoded.missing[c] for columns in self.columns.values() for c in columns if c in encoded.missing}
        if gaps and self.learnt.missing == "error":
            listed = ", ".join(
                f"{c!r} ({int(mask.sum())} of rows {chunk.start} to {chunk.start + chunk.n - 1}, the first is row "
                f"{int(np.flatnonzero(mask)[0]) + chunk.start})"
                for c, mask in gaps.items()
            )
            raise MissingDataError(
                f"Missing cells in column{'s' if len(gaps) > 1 else ''} {listed}. Say missing='drop' to leave such "
                "rows out of the equations that use them (copies are then complete), or fill the cells first."
            )

    def result(self, named: str) -> SufficientStatistics:
        """Return the statistics of all that was added."""
        parts: dict[str, Part] = {c: made.result(self.dropped.get(c, 0)) for c, made in self.collectors.items()}
        return SufficientStatistics(self.learnt, self.n, self.facts, self.structure.result(), parts, (named,))


def told(statistics: SufficientStatistics) -> None:
    """Warn of the rows, or groups, that are left out because cells are missing.

    Raises
    ------
    SpecError
        If a declared level is no factor, or the column varies within its groups.
    """
    spec, structure = statistics.spec, statistics.structure
    grouping = structure.grouping(spec, at_least=1)
    levels = find_levels(spec, spec.columns, structure.constant, grouping)
    for equation in spec:
        column = equation.response
        columns = dict.fromkeys((column, *equation.columns))
        if levels[column] == "row":
            part = statistics.parts.get(column)
            dropped, n = (part.dropped if part else 0), statistics.n
        else:
            first = grouping.first[levels[column]]
            gaps = [_gaps(structure.constant[c], c, statistics)[first] for c in columns if c in structure.constant]
            dropped, n = int(np.logical_or.reduce(gaps).sum()), len(first)
        if dropped:
            listed = ", ".join(c for c in columns if statistics.facts.get(c, Facts()).missing)
            warn(
                f"Equation for {column!r}: {dropped} of {n} rows ({dropped / n:.1%}) left out because cells are "
                f"missing in {listed}. This is valid if missingness does not depend on {column!r} given its "
                "predictors.",
                MissingRowsWarning,
            )


def _gaps(values: np.ndarray, column: str, statistics: SufficientStatistics) -> np.ndarray:
    return values < 0 if statistics.learnt.schema[column].levels else np.isnan(values)
