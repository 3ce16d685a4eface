"""Codes of one column of a table, learnt from the original alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayessynth.errors import DataError

# A number with at most so many distinct values is tabulated value by value.
FEW = 10
# Levels beyond the most frequent ones share a cell in tables of counts.
MAX_LEVELS = 50
# Text of which more than this share is distinct names records; no measure of distributions reads it.
IDENTIFIER_SHARE, IDENTIFIER_ROWS = 0.9, 20


def as_numbers(series: pd.Series, who: str) -> np.ndarray:
    """Return a column as floats, NaN where missing; dates count days since 1970.

    Raises
    ------
    DataError
        If a cell is no number.

    Examples
    --------
    >>> as_numbers(pd.Series([1, None, 3], name="x"), "the original").tolist()
    [1.0, nan, 3.0]
    """
    if pd.api.types.is_datetime64_any_dtype(series.dtype):
        plain = series if series.dt.tz is None else series.dt.tz_convert("UTC").dt.tz_localize(None)
        days = plain.to_numpy().astype("datetime64[us]").astype(np.int64) / 86_400_000_000
        return np.where(series.isna(), np.nan, days)
    if pd.api.types.is_numeric_dtype(series.dtype):
        return series.to_numpy(dtype=float, na_value=np.nan)
    numbers = pd.to_numeric(series, errors="coerce")
    wrong = (numbers.isna() & series.notna()).to_numpy()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"Column {series.name!r} holds numbers in the original, but {who} has {series.iloc[row]!r} in row {row}. "
            "Read both with the same types."
        )
    return numbers.to_numpy(dtype=float, na_value=np.nan)


@dataclass(frozen=True)
class Encoder:
    """Codes of one column, learnt from the original.

    Attributes
    ----------
    number : bool
        Whether the column holds numbers, which are cut at ``edges``; else its levels are looked up in ``index``.
    edges : ndarray of float
    index : Index of str
    labels : tuple of str
        What each code stands for; the last is "missing", the last but one what the original does not have.

    Examples
    --------
    >>> learn_encoder(pd.Series(["b", "a", None])).code(pd.Series(["a", "c", None])).tolist()
    [0, 2, 3]
    """

    number: bool
    edges: np.ndarray
    index: pd.Index
    labels: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self.labels)

    def cut(self, values: np.ndarray) -> np.ndarray:
        """Return the codes of numbers, NaN where missing."""
        codes = np.searchsorted(self.edges, values, side="left")
        return np.where(np.isnan(values), self.size - 1, codes).astype(np.int32)

    def code(self, series: pd.Series) -> np.ndarray:
        """Return the codes of levels."""
        cells = as_text(series)
        found, distinct = pd.factorize(cells, use_na_sentinel=True)
        lookup = np.append(self.index.get_indexer(pd.Index(distinct)), self.size - 1)
        lookup[:-1][lookup[:-1] < 0] = self.size - 2
        return lookup[found].astype(np.int32)


def learn_encoder(series: pd.Series) -> Encoder | None:
    """Learn a column's codes; None if it names records.

    >>> learn_encoder(pd.Series([1.0, 2.0, 4.0])).labels
    ('≤ 1', '≤ 2', '> 2', 'unknown', 'missing')
    """
    dates = pd.api.types.is_datetime64_any_dtype(series.dtype)
    if dates or (pd.api.types.is_numeric_dtype(series.dtype) and not pd.api.types.is_bool_dtype(series.dtype)):
        values = as_numbers(series, "the original")
        present = values[~np.isnan(values)]
        distinct = np.unique(present)
        finite = present[np.isfinite(present)]
        edges = distinct[:-1] if len(distinct) <= FEW else np.unique(np.quantile(finite, np.arange(1, 10) / 10))
        names = [f"≤ {e:g}" for e in edges] + [f"> {edges[-1]:g}" if len(edges) else "any"]
        return Encoder(True, edges, pd.Index([]), (*names, "unknown", "missing"))
    cells = as_text(series)
    counts = cells.value_counts()
    present_rows = int(counts.sum())
    if present_rows > IDENTIFIER_ROWS and len(counts) > IDENTIFIER_SHARE * present_rows:
        return None
    index = pd.Index(counts.index[:MAX_LEVELS].astype(str).sort_values())
    return Encoder(False, np.empty(0), index, (*map(str, index), "another", "missing"))


def as_text(series: pd.Series) -> pd.Series:
    """Return levels as text, missing as missing: 'yes' of a category and of a string are one."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        series = series.astype(series.cat.categories.dtype if len(series.cat.categories) else object)
    cells = series.astype(object)
    return cells.where(cells.isna(), cells.astype(str))
