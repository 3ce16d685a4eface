"""What kind of column this is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import SchemaError
from bayessynth.schema.column import TICKS, Column, plain

# Text with more than this share of distinct values, over enough rows, names records.
IDENTIFIER_SHARE, IDENTIFIER_ROWS = 0.9, 20
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
        If all cells are missing.

    Examples
    --------
    >>> detect(pd.Series([0, 3, 1], name="visits")).kind
    'count'
    """
    name, dtype = str(series.name), dtype_name(series.dtype)
    present = series.dropna()
    if present.empty:
        raise SchemaError(f"Column {name!r}: all {len(series)} cells are missing, so nothing is known of it; drop it.")
    _check_types(name, present)
    missing = len(present) < len(series)
    facts: dict[str, Any] = {"missing": missing, "labels": labels_of(present)}
    if series.dtype == np.dtype(object) and missing:
        facts["gap"] = _gap(series)
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _categorical(name, series, present, facts)
    distinct = present.unique()
    if len(distinct) == 1:
        value = str(distinct[0]) if pd.api.types.is_datetime64_any_dtype(series.dtype) else plain(distinct[0])
        return Column(name, "constant", dtype, value=value, decimals=_decimals(present), **facts)
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return _datetime(name, present, facts)
    if pd.api.types.is_bool_dtype(series.dtype) or len(distinct) == 2:
        levels = tuple(sorted((plain(v) for v in distinct), key=sortable))
        if all(isinstance(v, bool) for v in levels):
            levels = (False, True)
        return Column(name, "binary", dtype, levels=levels, **facts)
    if pd.api.types.is_numeric_dtype(series.dtype):
        return _number(name, present, facts)
    if numbers_in_objects(present):
        cells = pd.to_numeric(present)
        return replace(_number(name, cells, facts), dtype="object", categories=_cells_dtype(cells))
    return _text(name, series, present, distinct, facts)


def dtype_name(dtype: Any) -> str:
    """Return the name from which pandas makes the same dtype again.

    >>> dtype_name(pd.StringDtype("python"))
    'string[python]'
    """
    if isinstance(dtype, pd.ArrowDtype) and str(dtype) == "string[pyarrow]":
        return "utf8[pyarrow]"  # pandas gives the other name to a dtype of its own
    python_text = isinstance(dtype, pd.StringDtype) and dtype.storage == "python" and dtype.na_value is pd.NA
    return "string[python]" if python_text else str(dtype)


def _check_types(name: str, present: pd.Series) -> None:
    """Refuse values that are no text, numbers, booleans or times, or are of several of these types."""
    values = present.cat.categories if isinstance(present.dtype, pd.CategoricalDtype) else present
    if pd.api.types.is_complex_dtype(values.dtype):
        kinds: set[type] = {complex}
    elif values.dtype == np.dtype(object):
        kinds = {type(plain(v)) for v in values}
    elif isinstance(values, pd.Series) and pd.api.types.is_datetime64_any_dtype(values.dtype):
        return
    else:
        kinds = {type(plain(values.iloc[0] if isinstance(values, pd.Series) else values[0]))}
    odd = sorted(kind.__name__ for kind in kinds if not issubclass(kind, str | int | float))
    if odd:
        raise SchemaError(
            f"Column {name!r} holds values of type {odd[0]}, which no kind of column has. Convert it first: dates by "
            f"pd.to_datetime(df[{name!r}]), numbers by pd.to_numeric, anything else by .astype(str)."
        )
    if len(kinds) > 1 and not kinds <= {int, float}:
        listed = ", ".join(sorted(k.__name__ for k in kinds))
        raise SchemaError(f"Column {name!r} mixes values of types {listed}; make them all of one type.")


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


def _gap(series: pd.Series) -> str:
    """Return how an object column writes its missing cells, of which the first counts."""
    first = series[series.isna()].iloc[0]
    return "None" if first is None else "NA" if first is pd.NA else "nan"


def sortable(value: Any) -> tuple[int, Any]:
    """Return a key by which levels sort: numbers first, then all else as text."""
    return (0, value) if isinstance(value, int | float) else (1, str(value))


def _categorical(name: str, series: pd.Series, present: pd.Series, facts: dict[str, Any]) -> Column:
    levels = tuple(plain(v) for v in series.cat.categories)
    ordered = bool(series.cat.ordered)
    own = series.cat.categories.dtype
    facts["categories"] = None if own == pd.Index(list(levels)).dtype else dtype_name(own)
    if len(levels) == 1:
        return Column(name, "constant", "category", value=levels[0], levels=levels, ordered=ordered, **facts)
    kind = "ordinal" if ordered and len(levels) > 2 else "binary" if len(levels) == 2 else "categorical"
    if kind == "categorical" and _names_records(present, levels):
        return Column(name, "identifier", "category", **facts)
    return Column(name, kind, "category", levels=levels, ordered=ordered, **facts)


def _names_records(present: pd.Series, distinct: Any) -> bool:
    return len(present) > IDENTIFIER_ROWS and len(distinct) > IDENTIFIER_SHARE * len(present)


def _text(name: str, series: pd.Series, present: pd.Series, distinct: Any, facts: dict[str, Any]) -> Column:
    dtype = dtype_name(series.dtype)
    if _names_records(present, distinct):
        return Column(name, "identifier", dtype, **facts)
    levels = tuple(sorted((plain(v) for v in distinct), key=sortable))
    return Column(name, "categorical", dtype, levels=levels, **facts)


def _number(name: str, present: pd.Series, facts: dict[str, Any]) -> Column:
    values = present.to_numpy(dtype=float)
    dtype = dtype_name(present.dtype)
    if present.dtype.kind != "f" and np.abs(values).max() > EXACT:
        return Column(name, "identifier", dtype, decimals=0, **facts)
    finite = values[np.isfinite(values)]
    decimals = _decimals(present)
    bounds = widened(finite)
    whole = decimals == 0
    if whole and len(values) > IDENTIFIER_ROWS and _consecutive(values):
        return Column(name, "identifier", dtype, decimals=0, **facts)
    kind, zeros = "continuous", bool(finite.min() == 0)
    if whole:
        kind = "count" if finite.min() >= 0 else "continuous"
    elif finite.min() > 0 and finite.max() < 1:
        kind = "proportion"
    elif finite.min() > 0 or (finite.min() == 0 and (finite == 0).mean() >= ZERO_SHARE):
        kind = "positive"
    return Column(name, kind, dtype, decimals=decimals, bounds=bounds, zeros=zeros, **facts)


def _consecutive(values: np.ndarray) -> bool:
    steps = np.diff(np.sort(values))
    return bool((steps == 1).all())


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
