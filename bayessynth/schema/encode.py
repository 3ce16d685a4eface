"""A frame to encoded columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import SchemaError
from bayessynth.errors import where as where_rows
from bayessynth.schema.column import CODES, TICKS, Column, plain, typed
from bayessynth.schema.detect import EXACT, microseconds
from bayessynth.schema.words import mixes, sortable


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
    if column.format is not None:
        series, column = column.format.read(series), column.unwritten
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
        codes, found = _factorized(series) if mixes(series) else pd.factorize(series, use_na_sentinel=True)
        codes, values = codes.astype(np.int64), [plain(v) for v in found]
    if column.kind == "group":
        used = [v for i, v in enumerate(values) if (codes == i).any()] if len(values) < 50 else [
            values[i] for i in np.unique(codes[codes >= 0])
        ]  # fmt: skip
        levels = tuple(sorted(used, key=sortable))
    else:
        levels = column.levels
    lookup = np.array([*_positions(levels, values), -1], dtype=np.int64)
    encoded = lookup[codes]
    wrong = encoded == -2
    if wrong.any():
        raise SchemaError(
            f"Not one of the declared levels {', '.join(map(repr, levels))}: "
            f"{where_rows(column.name, wrong, series.to_numpy())}. Mend these cells, or declare the level too."
        )
    return encoded, levels


def _factorized(series: pd.Series) -> tuple[np.ndarray, list[Any]]:
    """Return codes and values where 1, "1" and True differ."""
    present = series.notna().to_numpy()
    known: dict[tuple[type, Any], int] = {}
    codes = np.full(len(series), -1, dtype=np.int64)
    codes[present] = [known.setdefault(typed(plain(value)), len(known)) for value in series[present]]
    return codes, [value for _, value in known]


def _positions(levels: tuple[Any, ...], values: list[Any]) -> list[int]:
    """Return where values stand among levels, -2 for nowhere; by type too where levels of two types are equal."""
    position: dict[Any, int] = {level: i for i, level in enumerate(levels)}
    if len(position) == len(levels):
        return [position.get(value, -2) for value in values]
    position = {typed(level): i for i, level in enumerate(levels)}
    return [position.get(typed(value), -2) for value in values]
