"""Rows of a unit that follow each other: numbers of rows, columns that vary, and what trees of a row read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from bayessynth.schema import Column, Schema
from bayessynth.schema.column import NUMBERS
from bayessynth.spec.expression import quote
from bayessynth.spec.lags import derived


def row_reads(
    column: str, time: str, upper: Sequence[str], before: Sequence[str], lags: Sequence[str], number: bool
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
    number : bool
        Whether it has a mean.

    Examples
    --------
    >>> row_reads("y", "day", ["sex"], [], ["x"], True)
    ['sex', 'number(day)', 'day', 'elapsed(day)', 'lag(y)', 'first(y)', 'lag(y, 2)', 'past(y)', 'lag(x)']
    """
    # Of a number that is measured with noise, two rows before and their mean tell more than the last alone.
    more = [f"lag({column}, 2)", f"past({column})"] if number else []
    return [*upper, *clock(time)[:1], time, *clock(time)[1:], *before, f"lag({column})", f"first({column})", *more,
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
        return f"`{name}`" if "(" in name else quote(name)
    return f"{made.function}({quote(made.column)}{f', {made.k}' if made.k > 1 else ''})"


def has_mean(column: Column) -> bool:
    """Tell whether the mean of a column says something: of a number, or of one of two levels.

    >>> has_mean(Column("arm", "binary", "str", levels=("a", "b")))
    True
    """
    return column.kind == "binary" or (column.kind in NUMBERS and column.kind != "datetime")
