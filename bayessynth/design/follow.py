"""The equations that a spec of sequences leaves out: of the time, and of columns that are left to trees."""

from __future__ import annotations

import pandas as pd

from bayessynth.errors import SpecError
from bayessynth.rules import determined
from bayessynth.schema import Schema
from bayessynth.spec import Equation, Spec, quote
from bayessynth.spec.auto.lags import screened
from bayessynth.spec.follow import as_numbers, clock, has_mean, numbered, plain_terms, row_reads, varies

# Columns of the row before that the time of the next row is drawn from.
_TIMED = 8
_UNMODELLED = ("identifier", "group")


def completed_sequence(spec: Spec, data: pd.DataFrame, schema: Schema) -> Spec:
    """Return a spec of sequences with an equation for the time, and for every column if the rest be drawn by trees.

    Parameters
    ----------
    spec : Spec
    data : DataFrame
        Sorted by unit and time.
    schema : Schema

    Examples
    --------
    >>> import bayessynth as bs
    >>> table = pd.DataFrame({"id": [1, 1, 2, 2], "day": [0, 7, 0, 7], "sex": [0, 0, 1, 1], "y": [1.5, 2.5, 3.0, 1.0]})
    >>> spec = bs.Spec(unit="id", time="day", rest="tree")
    >>> for equation in completed_sequence(spec, table, bs.Schema.detect(table)):
    ...     print(equation.formula)
    sex ~ 1
    day ~ number(day) + lag(day) + sex + lag(y)
    y ~ sex + number(day) + day + elapsed(day) + lag(y) + first(y) + lag(y, 2) + past(y)
    """
    unit, time = str(spec.unit), str(spec.time)
    ends = {c for own in spec.survivals for c in own.declares}
    factors, computed = {c for factor in spec.factors for c in factor}, determined(spec.rules)
    free = [c for c in schema if c in data and c not in factors and c not in computed and c not in spec
            and c != time and schema[c].kind not in _UNMODELLED] if spec.rest == "tree" else []  # fmt: skip
    varying = set(varies(data, unit, [c for c in (*spec.columns, *free) if c in data]))
    read = {c for equation in spec for c in equation.columns}
    first = [c for c in free if c in read]
    order = [*first, *(c for c in spec.columns if c != time), *(c for c in free if c not in read)]
    order = [c for c in order if c in schema and schema[c].kind != "constant" and c not in ends]
    upper, rows = [c for c in order if c not in varying], [c for c in order if c in varying]
    for equation in (e for e in spec if e.ar and e.response in upper):
        raise SpecError(
            f"Equation for {equation.response!r}: ar=1, but the column is constant within each {unit!r}: no residual "
            "follows another. Remove ar=1."
        )
    values, number = as_numbers(data, schema, [*rows, *([time] if time in data else [])]), numbered(data, unit)
    lags = screened(values, number, rows)
    added = [Equation(f"{quote(c)} ~ {plain_terms(upper[: upper.index(c)])}", family="tree")
             for c in free if c in upper]  # fmt: skip
    added += [Equation(f"{quote(c)} ~ 1") for c in free if schema[c].kind == "constant"]
    if time not in spec:
        recent = [f"lag({c})" for c in rows[:_TIMED]]
        added.append(Equation(f"{quote(time)} ~ {plain_terms([*clock(time)[:1], f'lag({time})', *upper, *recent])}",
                              family="tree"))  # fmt: skip
    for column in (c for c in free if c in varying and c in rows):
        reads = row_reads(column, time, upper, rows[: rows.index(column)], lags[column],
                          has_mean(schema[column]))  # fmt: skip
        added.append(Equation(f"{quote(column)} ~ {plain_terms(reads)}", family="tree"))
    before = [own for own in spec.declared if own not in spec.survivals]
    return spec.of(*before, *added, *spec.survivals)
