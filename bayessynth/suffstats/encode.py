"""One chunk of a table to arrays, checked against the schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayessynth.errors import BayesSynthError, MissingDataError, SchemaError
from bayessynth.errors import where as where_rows
from bayessynth.schema import Column, Schema
from bayessynth.schema.column import CODES, NUMBERS, TICKS
from bayessynth.schema.detect import EXACT, microseconds
from bayessynth.schema.encode import encode
from bayessynth.schema.validate import check_frame, check_values
from bayessynth.suffstats.chunks import Chunk
from bayessynth.suffstats.labels import Labels
from bayessynth.suffstats.scan import Scan, scan


@dataclass(frozen=True)
class Encoded:
    """The arrays of a chunk.

    Attributes
    ----------
    n : int
        Rows.
    arrays : mapping of str to ndarray of shape (n,)
        Encoded columns, grouping columns and constants left out.
    groups : mapping of str to ndarray of int64, shape (n,)
        Label codes of the grouping columns.
    missing : mapping of str to ndarray of bool, shape (n,)
        Where cells are missing, of the columns that miss any.
    scans : mapping of str to Scan
        Of the columns of numbers.
    """

    n: int
    arrays: Mapping[str, np.ndarray]
    groups: Mapping[str, np.ndarray]
    missing: Mapping[str, np.ndarray]
    scans: Mapping[str, Scan]


def encode_chunk(chunk: Chunk, schema: Schema, labels: Mapping[str, Labels], detected: int) -> Encoded:
    """Check a chunk and encode its columns.

    Parameters
    ----------
    chunk : Chunk
    schema : Schema
    labels : mapping of str to Labels
        Of the grouping columns; they grow.
    detected : int
        Number of rows that the schema was detected on, to whose precision the values are held; 0 if it was given.

    Raises
    ------
    SchemaError, DataError, MissingDataError
        For what does not fit, with column and row of the whole table.
    """
    arrays: dict[str, np.ndarray] = {}
    groups: dict[str, np.ndarray] = {}
    missing: dict[str, np.ndarray] = {}
    scans: dict[str, Scan] = {}
    with in_place(chunk, detected):
        for name, column in schema.items():
            if name in labels:
                groups[name] = _grouped(chunk, column, labels[name])
            elif column.kind == "constant":
                series = chunk.series(name)
                if series.notna().any():
                    check_values(series, column)
                gaps = series.isna().to_numpy()
                missing |= {name: gaps} if gaps.any() else {}
            elif column.kind != "identifier":
                arrays[name] = values = _encoded(chunk, column, scans, detected)
                gaps = scans[name].missing if name in scans else (values < 0).any()
                if gaps:
                    missing[name] = np.isnan(values) if name in scans else values < 0
    return Encoded(chunk.n, arrays, groups, missing, scans)


def _encoded(chunk: Chunk, column: Column, scans: dict[str, Scan], detected: int) -> np.ndarray:
    """Encode a column that is neither a group nor a constant; scan it if it holds numbers."""
    plain = chunk.numbers(column.name) if column.kind in NUMBERS and column.kind != "datetime" else None
    texts = chunk.texts(column.name) if column.kind in CODES else None
    if texts is not None and set(texts[1]) <= set(column.levels):
        # One more place at the end for the code -1.
        return np.array([*map(column.levels.index, texts[1]), -1])[texts[0]]
    if plain is None:
        series = chunk.series(column.name)
        if pd.api.types.is_float_dtype(series.dtype):
            check_frame(series.to_frame())
        if column.kind not in CODES and series.notna().any():
            check_values(series, column)
        values, levels = encode(series, column)
        if levels is None:
            scans[column.name] = scan(values)
            if detected:
                _check_precision(series, values, column)
        return values
    values = plain.astype(float, copy=False)
    scans[column.name] = found = scan(values)
    if not _fits(found, column, plain.dtype.kind == "i"):
        series = chunk.series(column.name)
        check_frame(series.to_frame())
        check_values(series, column)
    if detected and column.decimals is not None and (found.fractional or column.decimals):
        _check_precision(pd.Series(plain), values, column)
    return values


def _fits(found: Scan, column: Column, whole: bool) -> bool:
    """Tell whether a column's range shows that all its values are of its kind; else each is looked at."""
    if not (found.n or found.infinite):
        return True
    if found.infinite or (whole and max(abs(found.low), abs(found.high)) > EXACT):
        return False
    if column.kind == "positive" and (found.low < 0 or (found.low == 0 and not column.zeros)):
        return False
    if column.kind == "proportion" and not 0 < found.low <= found.high < 1:
        return False
    if column.kind == "count" and (found.low < 0 or found.fractional):
        return False
    if column.declared and column.bounds is not None:
        return column.bounds[0] <= found.low and found.high <= column.bounds[1]
    return True


def _check_precision(series: pd.Series, values: np.ndarray, column: Column) -> None:
    """Refuse values that are written finer than the rows the schema was detected on: copies would lose it."""
    if column.format is not None:
        series, column = column.format.read(series), column.unwritten
    if column.kind == "datetime":
        shown = microseconds(series if series.dt.tz is None else series.dt.tz_localize(None))
        wrong = (shown % TICKS[column.unit or "us"] != 0) & series.notna().to_numpy()
        precision = f"whole units of {column.unit!r}"
    elif column.decimals is None:
        return
    else:
        narrow = np.float32 if str(series.dtype).lower().startswith("float32") else np.float64
        wrong = (np.round(values, column.decimals).astype(narrow) != values) & ~np.isnan(values)
        precision = f"numbers of at most {column.decimals} decimals"
    if wrong.any():
        raise SchemaError(f"Not {precision}: {where_rows(column.name, wrong, series.to_numpy())}.")


def _grouped(chunk: Chunk, column: Column, labels: Labels) -> np.ndarray:
    plain = chunk.numbers(column.name)
    if plain is not None and plain.dtype.kind == "i":
        return labels.of_numbers(plain)
    texts = chunk.texts(column.name)
    codes, found = texts if texts is not None else encode(chunk.series(column.name), column)
    gaps = codes < 0
    if gaps.any():
        raise MissingDataError(
            f"A row without a group: {where_rows(column.name, gaps, codes)}. Give these rows a label of their own, or "
            "drop them."
        )
    return labels.of(found or ())[codes]


# As bayessynth.errors.where writes a place.
_PLACE = re.compile(r"(\d+) of (\d+) rows, the first is row (\d+)")


@contextmanager
def in_place(chunk: Chunk, detected: int = 0) -> Iterator[None]:
    """Let an error within name the rows of the whole table instead of those of the chunk.

    Parameters
    ----------
    chunk : Chunk
    detected : int
        Number of rows that the schema was detected on; 0 if it was given.

    Examples
    --------
    >>> with in_place(Chunk(pd.DataFrame({"x": [1.0, 2.0]}), 1000)):
    ...     raise SchemaError("Wrong: column 'x', 1 of 2 rows, the first is row 0: 1.0.")
    Traceback (most recent call last):
    ...
    bayessynth.errors.SchemaError: Wrong: column 'x', 1 of rows 1000 to 1001, the first is row 1000: 1.0.
    """
    try:
        yield
    except BayesSynthError as error:
        message = str(error)
        if chunk.start:
            last = chunk.start + chunk.n - 1
            message = _PLACE.sub(
                lambda m: f"{m[1]} of rows {chunk.start} to {last}, the first is row {int(m[3]) + chunk.start}", message
            )
        if detected and chunk.start and isinstance(error, SchemaError):
            message += f" The schema was detected on the first {detected} rows: pass schema= for a wider one."
        raise type(error)(message) from error
