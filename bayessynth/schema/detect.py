"""What kind of column this is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import SchemaError
from bayessynth.schema.column import Column

# Text with more than this share of distinct values, over enough rows, names records.
IDENTIFIER_SHARE, IDENTIFIER_ROWS = 0.9, 20
# A share of exact zeros from which a non-negative number has a point mass there.
ZERO_SHARE = 0.01
MAX_DECIMALS = 8
_UNITS = (("D", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000), ("ms", 1_000), ("us", 1))


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
    name, dtype = str(series.name), str(series.dtype)
    present = series.dropna()
    if present.empty:
        raise SchemaError(f"Column {name!r}: all {len(series)} cells are missing, so nothing is known of it; drop it.")
    missing = len(present) < len(series)
    facts: dict[str, Any] = {"missing": missing, "labels": labels_of(present)}
    if isinstance(series.dtype, pd.CategoricalDtype):
        return _categorical(name, series, present, facts)
    distinct = present.unique()
    if len(distinct) == 1:
        return Column(name, "constant", dtype, value=plain(distinct[0]), decimals=_decimals(present), **facts)
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        return _datetime(name, present, facts)
    if pd.api.types.is_bool_dtype(series.dtype) or len(distinct) == 2:
        levels = tuple(sorted((plain(v) for v in distinct), key=_sortable))
        if all(isinstance(v, bool) for v in levels):
            levels = (False, True)
        return Column(name, "binary", dtype, levels=levels, **facts)
    if pd.api.types.is_numeric_dtype(series.dtype):
        return _number(name, present, facts)
    return _text(name, series, present, distinct, facts)


def labels_of(present: pd.Series) -> str:
    """Return how new labels of a group are written: as whole numbers, or as text."""
    values = present.cat.categories if isinstance(present.dtype, pd.CategoricalDtype) else present
    if pd.api.types.is_bool_dtype(values.dtype) or not pd.api.types.is_numeric_dtype(values.dtype):
        return "str"
    return "int" if (np.asarray(values, dtype=float) % 1 == 0).all() else "str"


def plain(value: Any) -> Any:
    """Return a NumPy scalar as Python's own."""
    return value.item() if isinstance(value, np.generic) else value


def _sortable(value: Any) -> tuple[int, Any]:
    return (0, value) if isinstance(value, int | float) else (1, str(value))


def _categorical(name: str, series: pd.Series, present: pd.Series, facts: dict[str, Any]) -> Column:
    levels = tuple(plain(v) for v in series.cat.categories)
    ordered = bool(series.cat.ordered)
    if len(levels) == 1:
        return Column(name, "constant", "category", value=levels[0], levels=levels, ordered=ordered, **facts)
    kind = "ordinal" if ordered and len(levels) > 2 else "binary" if len(levels) == 2 else "categorical"
    if kind == "categorical" and _names_records(present, levels):
        return Column(name, "identifier", "category", **facts)
    return Column(name, kind, "category", levels=levels, ordered=ordered, **facts)


def _names_records(present: pd.Series, distinct: Any) -> bool:
    return len(present) > IDENTIFIER_ROWS and len(distinct) > IDENTIFIER_SHARE * len(present)


def _text(name: str, series: pd.Series, present: pd.Series, distinct: Any, facts: dict[str, Any]) -> Column:
    dtype = str(series.dtype)
    kinds = {type(v) for v in distinct}
    if len(kinds) > 1 and not kinds <= {int, float, bool}:
        listed = ", ".join(sorted(k.__name__ for k in kinds))
        raise SchemaError(f"Column {name!r} mixes values of types {listed}; make them all of one type.")
    if _names_records(present, distinct):
        return Column(name, "identifier", dtype, **facts)
    levels = tuple(sorted((plain(v) for v in distinct), key=_sortable))
    return Column(name, "categorical", dtype, levels=levels, **facts)


def _number(name: str, present: pd.Series, facts: dict[str, Any]) -> Column:
    values = present.to_numpy(dtype=float)
    dtype = str(present.dtype)
    finite = values[np.isfinite(values)]
    decimals = _decimals(present)
    bounds = widened(finite)
    whole = decimals == 0
    if whole and len(values) > IDENTIFIER_ROWS and _consecutive(values):
        return Column(name, "identifier", dtype, decimals=0, **facts)
    kind, zeros = "continuous", False
    if whole:
        kind = "count" if finite.min() >= 0 else "continuous"
    elif finite.min() > 0 and finite.max() < 1:
        kind = "proportion"
    elif finite.min() > 0:
        kind = "positive"
    elif finite.min() == 0 and (finite == 0).mean() >= ZERO_SHARE:
        kind, zeros = "positive", True
    return Column(name, kind, dtype, decimals=decimals, bounds=bounds, zeros=zeros, **facts)


def _consecutive(values: np.ndarray) -> bool:
    steps = np.diff(np.sort(values))
    return bool((steps == 1).all())


def _decimals(present: pd.Series) -> int | None:
    """Return the fewest decimals that write all values exactly, or None."""
    if not pd.api.types.is_numeric_dtype(present.dtype) or pd.api.types.is_bool_dtype(present.dtype):
        return None
    values = present.to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    for decimals in range(MAX_DECIMALS + 1):
        if np.array_equal(np.round(values, decimals), values):
            return decimals
    return None


def widened(values: np.ndarray) -> tuple[float, float] | None:
    """Return the range of values, moved outwards to round numbers so that it shows no record's value."""
    low, high = float(values.min()), float(values.max())
    if not low < high:
        return None
    step = 10.0 ** (np.floor(np.log10(high - low)) - 1)
    below, above = (np.ceil(low / step) - 1) * step, (np.floor(high / step) + 1) * step
    # A range that starts at zero, or ends at one, says what the column is rather than what a record holds.
    below = 0.0 if low >= 0 and below < 0 else below
    above = 1.0 if high <= 1 < above and low >= 0 else above
    digits = int(max(0, 1 - np.floor(np.log10(step))))
    return round(float(below), digits), round(float(above), digits)


def _datetime(name: str, present: pd.Series, facts: dict[str, Any]) -> Column:
    ticks = microseconds(present)
    unit = next(unit for unit, size in _UNITS if (ticks % size == 0).all())
    return Column(name, "datetime", str(present.dtype), unit=unit, bounds=widened(ticks / 86_400e6), **facts)


def microseconds(series: pd.Series) -> np.ndarray:
    """Return times as microseconds since 1970-01-01, in the column's own zone's wall clock."""
    local = series.dt.tz_localize(None) if series.dt.tz is not None else series
    return local.to_numpy().astype("datetime64[us]").astype(np.int64)
