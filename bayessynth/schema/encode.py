"""A frame to encoded columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import SchemaError
from bayessynth.errors import where as where_rows
from bayessynth.schema.column import CODES, TICKS, Column, plain
from bayessynth.schema.detect import EXACT, microseconds, sortable


def encode(series: pd.Series, column: Column) -> tuple[np.ndarray, tuple[Any, ...] | None]:
    """Encode one column.

    Returns
    -------
    tuple
        Floats with NaN for missing cells, or codes with -1 and the values behind them.

    Raises
    ------
    SchemaError
        If a value is not one of the column's levels, naming the rows.
    """
    if column.kind in CODES:
        return _codes(series, column)
    if column.kind == "constant":
        return np.where(series.isna(), np.nan, 0.0), None
    if column.kind == "datetime":
        if not pd.api.types.is_datetime64_any_dtype(series.dtype):
            raise SchemaError(
                f"Column {column.name!r} is declared datetime but holds {series.dtype}; use pd.to_datetime."
            )
        days = microseconds(series) / TICKS["D"]
        return np.where(series.isna(), np.nan, days), None
    return _numbers(series, column), None


def _numbers(series: pd.Series, column: Column) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(series.dtype):
        return _exact(series, column)
    if column.kind == "identifier":
        raise SchemaError(
            f"Column {column.name!r} is an identifier: its values name records and are not encoded. If they are times "
            f"or numbers that stand as text, convert them first: df[{column.name!r}] = pd.to_datetime("
            f"df[{column.name!r}]), or pd.to_numeric."
        )
    cells = series.astype(object)
    numbers = pd.to_numeric(cells, errors="coerce")
    wrong = (numbers.isna() & series.notna()).to_numpy()
    if wrong.any():
        place = where_rows(column.name, wrong, cells.to_numpy())
        raise SchemaError(f"Not a number: {place}. Mend these cells, or declare the column categorical.")
    written = np.array([isinstance(cell, str) for cell in cells])
    if written.any():
        place = where_rows(column.name, written, cells.to_numpy())
        raise SchemaError(
            f"Declared {column.kind}, but numbers stand as text: {place}. Convert them first: "
            f"df[{column.name!r}] = pd.to_numeric(df[{column.name!r}])."
        )
    return _exact(numbers, column)


def _exact(numbers: pd.Series, column: Column) -> np.ndarray:
    """Return numbers as floats, refusing integers that no float holds."""
    values = numbers.to_numpy(dtype=float, na_value=np.nan)
    if pd.api.types.is_integer_dtype(numbers.dtype) and np.nanmax(np.abs(values), initial=0) > EXACT:
        place = where_rows(column.name, np.abs(values) > EXACT, numbers.to_numpy())
        raise SchemaError(f"Numbers beyond 2**53 are not exact: {place}. Declare them an identifier or a group.")
    return values


def _codes(series: pd.Series, column: Column) -> tuple[np.ndarray, tuple[Any, ...]]:
    if isinstance(series.dtype, pd.CategoricalDtype):
        codes, values = series.cat.codes.to_numpy(dtype=np.int64), [plain(v) for v in series.cat.categories]
    else:
        codes, found = pd.factorize(series, use_na_sentinel=True)
        codes, values = codes.astype(np.int64), [plain(v) for v in found]
    if column.kind == "group":
        used = [v for i, v in enumerate(values) if (codes == i).any()] if len(values) < 50 else [
            values[i] for i in np.unique(codes[codes >= 0])
        ]  # fmt: skip
        levels = tuple(sorted(used, key=sortable))
    else:
        levels = column.levels
    position = {level: i for i, level in enumerate(levels)}
    lookup = np.array([position.get(v, -2) for v in values] + [-1], dtype=np.int64)
    encoded = lookup[codes]
    wrong = encoded == -2
    if wrong.any():
        raise SchemaError(
            f"Not one of the declared levels {', '.join(map(repr, levels))}: "
            f"{where_rows(column.name, wrong, series.to_numpy())}. Mend these cells, or declare the level too."
        )
    return encoded, levels
