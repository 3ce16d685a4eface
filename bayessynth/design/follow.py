"""The equations that a spec of sequences leaves out: of the time, and of columns that are left to trees."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from bayessynth.rules import determined
from bayessynth.schema import Schema
from bayessynth.spec import Equation, Spec, quote
from bayessynth.spec.auto.lags import screened
from bayessynth.spec.lags import derived

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
    y ~ sex + number(day) + day + elapsed(day) + lag(y) + first(y)
    """
    unit, time = str(spec.unit), str(spec.time)
    factors, computed = {c for factor in spec.factors for c in factor}, determined(spec.rules)
    free = [c for c in schema if c in data and c not in factors and c not in computed and c not in spec
            and c != time and schema[c].kind not in _UNMODELLED] if spec.rest == "tree" else []  # fmt: skip
    varying = set(varies(data, unit, [c for c in (*spec.columns, *free) if c in data]))
    read = {c for equation in spec for c in equation.columns}
    first = [c for c in free if c in read]
    order = [*first, *(c for c in spec.columns if c != time), *(c for c in free if c not in read)]
    order = [c for c in order if c in schema and schema[c].kind != "constant"]
    upper, rows = [c for c in order if c not in varying], [c for c in order if c in varying]
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
        reads = row_reads(column, time, upper, rows[: rows.index(column)], lags[column])
        added.append(Equation(f"{quote(column)} ~ {plain_terms(reads)}", family="tree"))
    return spec.of(*spec.equations, *added)


def row_reads(
    column: str, time: str, upper: Sequence[str], before: Sequence[str], lags: Sequence[str]
) -> list[str]:  # fmt: skip
    """Return what a tree of a row-level column reads.

    Parameters
    ----------
    column, time : str
    upper : sequence of str
        Columns of the unit.
    before : sequence of str
        Columns of the same row that are drawn before.
    lags : sequence of str
        Others whose value in the row before is read.

    Examples
    --------
    >>> row_reads("y", "day", ["sex"], [], ["x"])
    ['sex', 'number(day)', 'day', 'elapsed(day)', 'lag(y)', 'first(y)', 'lag(x)']
    """
    return [*upper, *clock(time)[:1], time, *clock(time)[1:], *before, f"lag({column})", f"first({column})",
            *(f"lag({c})" for c in lags)]  # fmt: skip


def clock(time: str) -> tuple[str, str]:
    """Return the names of a row's number and of the time since the row before.

    >>> clock("day")
    ('number(day)', 'elapsed(day)')
    """
    return f"number({time})", f"elapsed({time})"


def numbered(data: pd.DataFrame, unit: str) -> np.ndarray:
    """Return the number of each row within its unit, from 0; rows of a unit stand together.

    >>> numbered(pd.DataFrame({"id": ["a", "a", "b"]}), "id").tolist()
    [0, 1, 0]
    """
    return data.groupby(unit, sort=False, dropna=False, observed=True).cumcount().to_numpy()


def varies(data: pd.DataFrame, unit: str, columns: Iterable[str]) -> list[str]:
    """Return the columns that vary within units, or never vary at all.

    >>> varies(pd.DataFrame({"id": [1, 1, 2], "sex": [0, 0, 1], "y": [1, 2, 3]}), "id", ["sex", "y"])
    ['y']
    """
    codes, labels = pd.factorize(data[unit])
    first = np.unique(codes, return_index=True)[1]
    found = []
    for column in columns:
        own = pd.factorize(data[column])[0]
        if len(labels) == len(data) or (own != own[first][codes]).any() or (own == own[0]).all():
            found.append(column)
    return found


def as_numbers(data: pd.DataFrame, schema: Schema, columns: Sequence[str]) -> dict[str, np.ndarray]:
    """Return encoded columns as floats, NaN where missing."""
    encoded = schema.encode(data, columns=columns, missing="keep")
    return {c: np.where(encoded.missing(c), np.nan, encoded[c].astype(float)) for c in columns}


def plain_terms(read: Iterable[str]) -> str:
    """Write columns, some of them of rows before, as the right side of a formula.

    >>> plain_terms(["a b", "lag(x)"]), plain_terms([])
    ('`a b` + lag(x)', '1')
    """
    return " + ".join(map(_written, read)) or "1"


def _written(name: str) -> str:
    made = derived(name)
    if made is None:
        return quote(name)
    return f"{made.function}({quote(made.column)}{f', {made.k}' if made.k > 1 else ''})"
