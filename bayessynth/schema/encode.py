"""A frame to encoded columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import SchemaError
from bayessynth.errors import where as where_rows
from bayessynth.schema.column import CODES, Column
from bayessynth.schema.detect import microseconds, plain


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
        days = microseconds(series) / 86_400e6
        return np.where(series.isna(), np.nan, days), None
    try:
        return pd.to_numeric(series).to_numpy(dtype=float, na_value=np.nan), None
    except (ValueError, TypeError):
        numbers = pd.to_numeric(series, errors="coerce")
        wrong = (numbers.isna() & series.notna()).to_numpy()
        place = where_rows(column.name, wrong, series.to_numpy())
        raise SchemaError(f"Not a number: {place}. Mend these cells, or declare the column categorical.") from None


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
        levels = tuple(sorted(used, key=lambda v: (0, v) if isinstance(v, int | float) else (1, str(v))))
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
