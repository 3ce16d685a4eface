"""Cells as numbers and as groups, of encoded columns and of decoded tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError, SynthesisError, where
from bayessynth.rules.grid import nearest
from bayessynth.rules.rule import Arrays
from bayessynth.schema import Column, Schema
from bayessynth.schema.column import CODES, NUMBERS, TICKS
from bayessynth.schema.dtypes import dtype_named

# Numbers with all their decimals agree if they differ by less than this share of their size.
CLOSE = 1e-9


def is_number(column: Column) -> bool:
    """Tell whether a column's values can be calculated with: numbers, times, or levels that are numbers.

    >>> is_number(Column("arm", "binary", "int64", levels=(0, 1))), is_number(Column("id", "identifier", "str"))
    (True, False)
    """
    return column.kind in NUMBERS or (bool(column.levels) and all(isinstance(v, int | float) for v in column.levels))


def require_number(column: Column, rule: object) -> None:
    """Raise a SpecError unless a column's values can be calculated with."""
    if not is_number(column):
        raise SpecError(
            f"{rule}: column {column.name!r} is of kind {column.kind!r} and cannot be calculated with; name a column "
            "of numbers or times, or of levels that are numbers."
        )


def require_modelled(column: Column, rule: object, kinds: frozenset[str], what: str) -> None:
    """Raise a SpecError unless a column is of one of some kinds."""
    if column.kind not in kinds:
        raise SpecError(f"{rule}: column {column.name!r} is of kind {column.kind!r}; the rule needs {what}.")


def numbers(name: str, arrays: Arrays, schema: Schema) -> np.ndarray:
    """Return an encoded column as the numbers that are released: rounded, levels as what they are, NaN where missing.

    >>> from bayessynth.schema import Binary
    >>> numbers("dose", {"dose": np.array([1, -1])}, Schema(dose=Binary(5, 10)))
    array([10., nan])
    """
    column, values = schema[name], arrays[name]
    if column.kind not in CODES:
        return nearest(np.asarray(values, dtype=float), column)
    table = np.array([*map(float, column.levels), np.nan])
    return table[values]


def encoded(values: np.ndarray, column: Column, rule: object) -> np.ndarray:
    """Encode numbers of a column, rounded as they are released: as numbers, or as codes of the nearest level.

    Raises
    ------
    SynthesisError
        If a number is infinite, or is not one of the column's levels.
    """
    odd = np.isinf(values)
    if odd.any():
        raise SynthesisError(f"{rule} gives no finite value: {where(column.name, odd, values)}. Limit its inputs.")
    if column.kind not in CODES:
        return nearest(values, column)
    levels = np.array([float(level) for level in column.levels])
    order = np.argsort(levels)
    place = np.clip(np.searchsorted(levels[order], values), 0, len(levels) - 1)
    before = np.maximum(place - 1, 0)
    closer = np.abs(levels[order][before] - values) < np.abs(levels[order][place] - values)
    codes = order[np.where(closer, before, place)]
    wrong = np.abs(levels[codes] - values) > CLOSE * np.maximum(np.abs(values), 1)
    if wrong.any():
        raise SynthesisError(
            f"{rule} gives a value that is not one of the levels {', '.join(map(repr, column.levels))}: "
            f"{where(column.name, wrong, values)}. Declare {column.name!r} a number, or its levels all."
        )
    return np.where(np.isnan(values), -1, codes)


def among(values: np.ndarray, codes: Sequence[int] | np.ndarray, column: Column) -> np.ndarray:
    """Tell which codes of a column of levels are among some, of which -1 is a missing cell.

    >>> among(np.array([0, 1, -1]), [1], Column("arm", "binary", "int64", levels=(5, 10))).tolist()
    [False, True, False]
    """
    found = np.zeros(len(column.levels) + 1, dtype=bool)
    found[list(codes)] = True
    return found[values]


def read_numbers(cells: pd.Series) -> np.ndarray:
    """Return decoded cells as numbers, times as days since 1970 UTC, NaN for missing cells.

    >>> read_numbers(pd.Series(pd.to_datetime(["1970-01-03", None])))
    array([ 2., nan])
    """
    if isinstance(cells.dtype, pd.CategoricalDtype):
        cells = cells.astype(cells.cat.categories.dtype if cells.notna().all() else object)
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        utc = cells if cells.dt.tz is None else cells.dt.tz_convert("UTC").dt.tz_localize(None)
        days = utc.to_numpy().astype("datetime64[us]").astype(np.int64) / TICKS["D"]
        return np.where(cells.isna(), np.nan, days)
    return pd.to_numeric(cells).to_numpy(dtype=float, na_value=np.nan)


def exceeds(low: pd.Series, high: pd.Series, strict: bool) -> np.ndarray:
    """Return where one column exceeds another that it should not (strictly: where it is not less).

    What is equal in the narrower of two precisions does not exceed.

    Examples
    --------
    >>> exceeds(pd.Series([0.1], dtype="float32"), pd.Series([0.1]), strict=False).tolist()
    [False]
    """
    a, b = read_numbers(low), read_numbers(high)
    if strict:
        return a >= b
    sizes = [s.dtype.itemsize for s in (low, high) if pd.api.types.is_float_dtype(s.dtype)]
    if sizes and min(sizes) < 8:
        width = {2: np.float16, 4: np.float32}[min(sizes)]
        a, b = a.astype(width), b.astype(width)
    return a > b


def differs(cells: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return where numbers are not what they should be, to the decimals that they are written with.

    >>> differs(np.array([0.3, 0.2, 0.2]), np.array([0.26, 0.26, np.nan])).tolist()
    [False, True, False]
    """
    gap = np.abs(cells - wanted)
    digits = next((d for d in range(9) if _written(cells, d)), None)
    size = float(np.nanmax(np.abs(cells), initial=0))
    return gap > 2 * CLOSE * size + (0.0 if digits is None else 0.5 * 10.0**-digits)


def _written(values: np.ndarray, digits: int) -> bool:
    return np.array_equal(np.round(values, digits), values, equal_nan=True)


def group_codes(parts: Sequence[np.ndarray | pd.Series], n: int) -> np.ndarray:
    """Return a code for every row's group, from one or several columns; rows with a missing cell get -1.

    >>> group_codes([np.array([4, 4, 7]), np.array([1, 2, 1])], 3)
    array([0, 1, 2])
    """
    codes = np.zeros(n, dtype=np.int64)
    missing = np.zeros(n, dtype=bool)
    for part in parts:
        series = pd.Series(part)
        coded = pd.factorize(series)[0]
        if isinstance(part, np.ndarray) and part.dtype.kind in "iu":
            missing |= part < 0
        missing |= coded < 0
        codes = pd.factorize(codes * (coded.max(initial=0) + 1) + coded)[0]
    return np.where(missing, -1, codes)


def as_number(value: float | str, zone: object = None) -> float:
    """Return a number as it is, and a time that stands as text as days since 1970 UTC.

    >>> as_number("1970-01-02"), as_number(3)
    (1.0, 3.0)
    """
    if not isinstance(value, str):
        return float(value)
    time = pd.Timestamp(value)
    if zone is not None:
        time = time.tz_localize(zone) if time.tz is None else time
    utc = time if time.tz is None else time.tz_convert("UTC").tz_localize(None)
    return int(np.datetime64(utc.to_datetime64(), "us").astype(np.int64)) / TICKS["D"]


def zone_of(column: Column) -> object:
    """Return the time zone of a column of times, or None.

    >>> zone_of(Column("t", "datetime", "datetime64[us, UTC]"))
    datetime.timezone.utc
    """
    dtype = dtype_named(column.unwritten.dtype)
    return dtype.pyarrow_dtype.tz if isinstance(dtype, pd.ArrowDtype) else getattr(dtype, "tz", None)


def encoded_values(values: Sequence[Any], column: Column, rule: object) -> np.ndarray:
    """Encode a few values of a column, None as a missing cell.

    Raises
    ------
    SpecError
        If the column cannot hold one of them.
    """
    for value in values:
        if value is not None and (value not in column.levels if column.levels else isinstance(value, str)):
            held = f"its levels are {', '.join(map(repr, column.levels))}" if column.levels else "it holds numbers"
            raise SpecError(f"{rule}: column {column.name!r} cannot hold {value!r}: {held}.")
    if column.levels:
        return np.array([-1 if value is None else column.levels.index(value) for value in values])
    return nearest(np.array([np.nan if value is None else float(value) for value in values]), column)


def as_tuple(value: Any) -> tuple[Any, ...]:
    """Return one or several values as a tuple.

    >>> as_tuple("school"), as_tuple(["school", "class"])
    (('school',), ('school', 'class'))
    """
    return (value,) if isinstance(value, str) else tuple(value)
