"""What kind of column this is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import FormatWarning, SchemaError, warn
from bayessynth.schema import formats
from bayessynth.schema.column import TICKS, Column, plain
from bayessynth.schema.dtypes import dtype_name
from bayessynth.schema.words import IDENTIFIER_ROWS, mixed_column, mixes, names_records, sortable, text_column

# A share of exact zeros from which a non-negative number has a point mass there.
ZERO_SHARE = 0.01
MAX_DECIMALS = 8
# Integers beyond this are no floats: numbers so long are keys.
EXACT = 2**53


def detect(series: pd.Series) -> Column:
    """Detect a column's kind from its values.

    Raises
    ------
    SchemaError
        If its values are of types that no kind has, or are numbers and text and too many to be levels.

    Warns
    -----
    FormatWarning
        If how numbers or times are written is ambiguous, or is not kept cell by cell.

    Examples
    --------
    >>> detect(pd.Series([0, 3, 1], name="visits")).kind
    'count'
    """
    return look(series)[0]


def look(series: pd.Series) -> tuple[Column, Sequence[Any]]:
    """Detect a column's kind, and return its distinct values too: as levels they would be."""
    name = str(series.name)
    kinds = _types(series)
    _refuse_nested(name, kinds)
    found = formats.find(series)
    if found is None:
        _refuse_odd(name, kinds)
        return _plain(name, series)
    own, distinct = _plain(name, found.plain)
    if found.format.text and own.kind in ("binary", "categorical", "constant"):
        return _plain(name, series)
    for note in found.notes:
        warn(f"Column {name!r}: {note}", FormatWarning)
    facts: dict[str, Any] = {"dtype": dtype_name(series.dtype), "format": found.format, "gap": _gap(series)}
    if found.format.text:
        return replace(own, labels="str", **facts), series.dropna().unique()
    return replace(own, **facts), distinct


def _plain(name: str, series: pd.Series) -> tuple[Column, Sequence[Any]]:
    """Detect the kind of a column whose cells are plain values."""
    present = series.dropna()
    facts: dict[str, Any] = {"missing": len(present) < len(series), "gap": _gap(series)}
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _categorical(name, series, present, facts), present.unique()
    if present.empty:
        return Column(name, "constant", dtype_name(series.dtype), **facts), ()
    if mixes(present):
        column = mixed_column(name, present, facts | {"labels": "str"})
        return column, column.levels
    distinct = present.unique()
    facts["labels"] = labels_of(pd.Series(distinct, copy=False))
    return _of_distinct(name, present, distinct, facts), distinct


def _of_distinct(name: str, present: pd.Series, distinct: Sequence[Any], facts: dict[str, Any]) -> Column:
    dtype = dtype_name(present.dtype)
    if len(distinct) == 1:
        value = str(distinct[0]) if pd.api.types.is_datetime64_any_dtype(present.dtype) else plain(distinct[0])
        return Column(name, "constant", dtype, value=value, decimals=_decimals(pd.Series(distinct)), **facts)
    if pd.api.types.is_datetime64_any_dtype(present.dtype):
        return _datetime(name, present, facts)
    if pd.api.types.is_bool_dtype(present.dtype) or len(distinct) == 2:
        levels = tuple(sorted((plain(v) for v in distinct), key=sortable))
        if all(isinstance(v, bool) for v in levels):
            levels = (False, True)
        return Column(name, "binary", dtype, levels=levels, **facts)
    if pd.api.types.is_numeric_dtype(present.dtype):
        return _number(name, present, distinct, facts)
    if numbers_in_objects(present):
        cells = pd.to_numeric(present)
        own = _number(name, cells, cells.unique(), facts)
        return replace(own, dtype="object", categories="float64" if cells.dtype.kind == "f" else "int64")
    return text_column(name, dtype, present, distinct, facts)


_NESTED = (list, dict, set, frozenset, tuple, np.ndarray)
_NESTED_ARROW = {"list": list, "large_list": list, "fixed_size_list": list, "struct": dict, "map": dict}
_REMEDIES = {
    "complex": "real and imaginary parts to columns of their own, by .real and .imag",
    "bytes": "to text, by .str.decode('utf-8')",
    "date": "to times, by pd.to_datetime",
}


def _types(series: pd.Series) -> set[type]:
    """Return the types of a column's values, where its dtype does not tell them."""
    values = series.cat.categories if isinstance(series.dtype, pd.CategoricalDtype) else series
    if pd.api.types.is_complex_dtype(values.dtype):
        return {complex}
    if isinstance(values.dtype, pd.ArrowDtype):
        nested = next((kind for name, kind in _NESTED_ARROW.items() if str(values.dtype).startswith(name)), None)
        return {nested} if nested else {bytes} if values.dtype.type is bytes else set()
    return set(map(type, values.dropna())) if values.dtype == np.dtype(object) else set()


def _refuse_nested(name: str, kinds: set[type]) -> None:
    nested = next((kind for kind in kinds if issubclass(kind, _NESTED)), None)
    if nested is not None:
        raise SchemaError(
            f"Column {name!r} holds nested values of type {nested.__name__}, which no kind of column has. Spread them "
            f"over columns, pd.DataFrame(df[{name!r}].tolist()), or over rows, df.explode({name!r}); or make text of "
            "them by .astype(str)."
        )


def _refuse_odd(name: str, kinds: set[type]) -> None:
    """Refuse values that are no text, numbers or truth values."""
    odd = sorted(kind.__name__ for kind in kinds if not issubclass(kind, str | int | float | np.generic))
    if odd or complex in kinds:
        beside = sorted(kind.__name__ for kind in kinds if kind.__name__ not in odd)
        raise SchemaError(
            f"Column {name!r} holds values of type {odd[0] if odd else 'complex'}"
            f"{f' beside others of type {beside[0]}' if beside else ''}, which no kind of column has. Convert it "
            f"first: {_REMEDIES.get((odd or ['complex'])[0], 'to numbers or times, or to text by .astype(str)')}."
        )


def labels_of(present: pd.Series) -> str:
    """Return how new labels of a group are written: as whole numbers, or as text."""
    values = present.cat.categories if isinstance(present.dtype, pd.CategoricalDtype) else present
    numeric = pd.api.types.is_numeric_dtype(values.dtype) and not pd.api.types.is_bool_dtype(values.dtype)
    if not (numeric or numbers_in_objects(values)):
        return "str"
    return "int" if (np.asarray(values, dtype=float) % 1 == 0).all() else "str"


def numbers_in_objects(values: pd.Series | pd.Index) -> bool:
    """Tell whether an object column holds numbers; truth values are none.

    >>> numbers_in_objects(pd.Series([1, None, 2.5], dtype=object))
    True
    """
    numbers = ("integer", "floating", "mixed-integer-float")
    return values.dtype == np.dtype(object) and pd.api.types.infer_dtype(values, skipna=True) in numbers


def _cells_dtype(cells: pd.Series) -> str:
    """Return the dtype of numbers that stand as objects; one for integers, however long."""
    return "float64" if cells.dtype.kind == "f" else "int64"


def _gap(series: pd.Series) -> str | None:
    """Return how an object column writes its missing cells, of which the first counts."""
    missing = series.isna().to_numpy() if series.dtype == np.dtype(object) else np.zeros(0, dtype=bool)
    if not missing.any():
        return None
    first = series.iloc[int(np.argmax(missing))]
    return "None" if first is None else "NA" if first is pd.NA else "NaT" if first is pd.NaT else "nan"


def _categorical(name: str, series: pd.Series, present: pd.Series, facts: dict[str, Any]) -> Column:
    levels = tuple(plain(v) for v in series.cat.categories)
    ordered = bool(series.cat.ordered)
    own = series.cat.categories.dtype
    facts["categories"] = None if own == pd.Index(list(levels)).dtype else dtype_name(own)
    if present.empty:
        return Column(name, "constant", "category", levels=levels, ordered=ordered, **facts)
    facts["labels"] = labels_of(present)
    if len(levels) == 1:
        return Column(name, "constant", "category", value=levels[0], levels=levels, ordered=ordered, **facts)
    kind = "ordinal" if ordered and len(levels) > 2 else "binary" if len(levels) == 2 else "categorical"
    if kind == "categorical" and names_records(present, levels):
        return Column(name, "identifier", "category", **facts)
    return Column(name, kind, "category", levels=levels, ordered=ordered, **facts)


def _number(name: str, present: pd.Series, distinct: Sequence[Any], facts: dict[str, Any]) -> Column:
    values = pd.Series(distinct, copy=False).to_numpy(dtype=float)
    dtype = dtype_name(present.dtype)
    if present.dtype.kind != "f" and np.abs(values).max() > EXACT:
        return Column(name, "identifier", dtype, decimals=0, **facts)
    finite = values[np.isfinite(values)]
    decimals = _decimals(pd.Series(distinct, copy=False))
    bounds = widened(finite)
    whole = decimals == 0
    if whole and len(values) == len(present) > IDENTIFIER_ROWS and np.ptp(values) == len(values) - 1:
        return Column(name, "identifier", dtype, decimals=0, **facts)
    kind, zeros = "continuous", bool(finite.min() == 0)
    if whole:
        kind = "count" if finite.min() >= 0 else "continuous"
    elif finite.min() > 0 and finite.max() < 1:
        kind = "proportion"
    elif finite.min() > 0 or (finite.min() == 0 and (present == 0).mean() >= ZERO_SHARE):
        kind = "positive"
    return Column(name, kind, dtype, decimals=decimals, bounds=bounds, zeros=zeros, **facts)


def _decimals(present: pd.Series) -> int | None:
    """Return the fewest decimals that write all values exactly, in a dtype as wide as theirs, or None."""
    if not pd.api.types.is_numeric_dtype(present.dtype) or pd.api.types.is_bool_dtype(present.dtype):
        return None
    values = present.to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    # A narrow float that is written 0.1 is another number than the wide one written so.
    width = {2: np.float16, 4: np.float32}.get(present.dtype.itemsize, np.float64)
    width = width if present.dtype.kind == "f" else np.float64
    for decimals in range(MAX_DECIMALS + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            if np.array_equal(np.round(values, decimals).astype(width), values):
                return decimals
    return None


def widened(values: np.ndarray) -> tuple[float, float] | None:
    """Return the range of values, moved outwards to round numbers so that it shows no record's value."""
    low, high = float(values.min()), float(values.max())
    if not 0 < high / 2 - low / 2 < np.finfo(float).max / 4:
        return None
    # Of a range so narrow that its hundredth is lost in rounding, the step is what can still be told apart.
    finest = np.ceil(np.log10(100 * np.spacing(max(abs(low), abs(high)))))
    step = 10.0 ** max(np.floor(np.log10(high - low)) - 1, finest)
    # A value that division puts a hair beside a grid point counts as standing on it.
    below, above = (np.ceil(low / step - 1e-6) - 1) * step, (np.floor(high / step + 1e-6) + 1) * step
    # A range that starts at zero, or ends at one, says what the column is rather than what a record holds.
    below = 0.0 if low >= 0 and below < 0 else below
    above = 1.0 if high <= 1 < above and low >= 0 else above
    digits = int(max(0, 1 - np.floor(np.log10(step))))
    return round(float(below), digits), round(float(above), digits)


def _datetime(name: str, present: pd.Series, facts: dict[str, Any]) -> Column:
    # The resolution is that of the zone's own clocks: days begin at its midnight.
    shown = microseconds(present if present.dt.tz is None else present.dt.tz_localize(None))
    unit = next(unit for unit, size in TICKS.items() if (shown % size == 0).all())
    bounds = widened(microseconds(present) / TICKS["D"])
    return Column(name, "datetime", str(present.dtype), unit=unit, bounds=bounds, **facts)


def microseconds(series: pd.Series) -> np.ndarray:
    """Return times as microseconds since 1970-01-01 UTC; times without a zone are read as UTC."""
    utc = series if series.dt.tz is None else series.dt.tz_convert("UTC").dt.tz_localize(None)
    return utc.to_numpy().astype("datetime64[us]").astype(np.int64)
