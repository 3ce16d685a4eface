"""Checks of a table, and of what is to be modelled, before anything is learnt from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import DataError, SchemaError, suggest
from bayessynth.errors import where as where_rows
from bayessynth.schema.column import Column
from bayessynth.schema.decode import decode
from bayessynth.schema.detect import numbers_in_objects
from bayessynth.schema.encode import encode
from bayessynth.schema.names import check_unique


def check_frame(data: Any, columns: Iterable[str] = ()) -> None:
    """Raise unless the data are a table with rows, usable column names, and the given columns."""
    if not isinstance(data, pd.DataFrame):
        raise DataError(f"Data must be a pandas DataFrame, not {type(data).__name__}.")
    if data.empty:
        raise DataError(f"The table is empty: {data.shape[0]} rows, {data.shape[1]} columns.")
    odd = [name for name in data.columns if not isinstance(name, str)]
    if odd:
        raise DataError(
            f"Column names must be text; {odd[0]!r} is not. Rename them: df.columns = df.columns.astype(str)."
        )
    check_unique(data)
    check_present(data, columns)
    for name in data:
        series = data[name]
        if pd.api.types.is_float_dtype(series.dtype) or numbers_in_objects(series):
            values = series.to_numpy(dtype=float, na_value=np.nan)
            infinite = np.isinf(values)
            if infinite.any():
                place = where_rows(name, infinite, values)
                raise DataError(f"Infinite values: {place}. Replace them by missing cells or by finite numbers.")


def check_present(data: pd.DataFrame, columns: Iterable[str]) -> None:
    """Raise unless the table has these columns."""
    for name in columns:
        if name not in data:
            raise DataError(f"The data have no column {name!r}.{suggest(name, map(str, data.columns))}")


def check_modelled(columns: Iterable[Column]) -> None:
    """Raise if a column holds free text, which no model of columns writes.

    Raises
    ------
    SchemaError
        Naming the columns, and what may be done with them.

    Examples
    --------
    >>> check_modelled([Column("note", "identifier", "str", free_text=True)])
    Traceback (most recent call last):
    ...
    bayessynth.errors.SchemaError: Free text cannot be modelled, and may name people: column 'note'. Leave it out, ...
    """
    free = [column.name for column in columns if column.free_text]
    if free:
        listed = ", ".join(map(repr, free))
        raise SchemaError(
            f"Free text cannot be modelled, and may name people: column{'s' if len(free) > 1 else ''} {listed}. Leave "
            f"it out, df.drop(columns=[{listed}]); let new names of records stand for it, "
            f"schema.override({free[0]}=bs.Identifier()); or make categories of it first."
        )


def check_values(series: pd.Series, column: Column) -> None:
    """Raise unless a column's values are of its kind."""
    if column.kind == "constant":
        _check_constant(series, column)
        return
    if series.isna().all():
        raise DataError(f"Column {column.name!r}: all {len(series)} cells are missing; drop it.")
    if column.kind in ("identifier", "group"):
        return
    values, levels = encode(series, column)
    if levels is not None:
        return
    with np.errstate(invalid="ignore"):
        tests = {
            "positive": ((values < 0) if column.zeros else (values <= 0), "not above zero",
                         "declare it continuous, or bs.Positive(zeros=True)"),
            "proportion": ((values <= 0) | (values >= 1), "not strictly between 0 and 1", "declare it continuous"),
            "count": ((values < 0) | (values % 1 != 0), "not a whole number from zero up", "declare it continuous"),
        }  # fmt: skip
        wrong, what, remedy = tests.get(column.kind, (np.zeros(len(values), dtype=bool), "", ""))
        wrong = wrong & ~np.isnan(values)
        if wrong.any():
            place = where_rows(column.name, wrong, values)
            raise SchemaError(f"Kind {column.kind!r}, but values are {what}: {place}. Mend these cells, or {remedy}.")
        if column.declared and column.bounds is not None:
            outside = (values < column.bounds[0]) | (values > column.bounds[1])
            if outside.any():
                place = where_rows(column.name, outside, values)
                raise SchemaError(
                    f"Outside the declared bounds {column.bounds}: {place}. Mend these cells or the bounds."
                )


def _check_constant(series: pd.Series, column: Column) -> None:
    if column.value is None:
        present = series.notna().to_numpy()
        if present.any():
            place = where_rows(column.name, present, series.to_numpy(dtype=object))
            raise SchemaError(
                f"All cells were missing, but some hold values: {place}. Detect the schema on these data."
            )
        return
    value = pd.Series(decode(np.zeros(1), column)).iloc[0]
    wrong = ((series != value) & series.notna()).to_numpy(dtype=bool)
    if wrong.any():
        place = where_rows(column.name, wrong, series.to_numpy())
        raise SchemaError(f"Not the constant value {column.value!r}: {place}. Mend these cells, or declare a kind.")
