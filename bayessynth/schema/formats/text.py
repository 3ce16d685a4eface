"""What all formats of text share: which columns hold text, and reading each distinct text once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import SchemaError
from bayessynth.errors import where as where_rows
from bayessynth.schema.formats.gaps import GAP_TEXTS

# Texts that are looked at before all of them are.
SAMPLE = 60


def holds_text(series: pd.Series) -> bool:
    """Tell whether a column's cells are text; a categorical's are levels.

    >>> holds_text(pd.Series(["a", None])), holds_text(pd.Series(["a", 1], dtype=object))
    (True, False)
    """
    if series.dtype == np.dtype(object):
        return pd.api.types.infer_dtype(series, skipna=True) == "string"
    return not isinstance(series.dtype, pd.CategoricalDtype) and pd.api.types.is_string_dtype(series.dtype)


def distinct_texts(series: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Return codes of a column's cells, -1 for missing ones, and the texts behind them in order of appearance."""
    codes, found = pd.factorize(series, use_na_sentinel=True)
    return codes, found.tolist()


def some(texts: Sequence[str]) -> list[str]:
    """Return texts from all over a list, few enough to look at each closely."""
    return list(texts[:: max(1, len(texts) // SAMPLE)])


def read_texts(series: pd.Series, read: Callable[[list[str]], np.ndarray | None], missing: Any, what: str) -> pd.Series:
    """Read a column of text, each distinct one once.

    Parameters
    ----------
    series : Series
    read : callable
        Texts to values; None if any cannot be read.
    missing : object
        The value of missing cells.
    what : str
        What texts should be, for the error.

    Raises
    ------
    SchemaError
        If a text can neither be read nor stands for a missing cell, naming the rows.
    """
    codes, texts = distinct_texts(series)
    kept = [i for i, text in enumerate(texts) if text not in GAP_TEXTS]
    chosen = [texts[i] for i in kept]
    values = read(chosen) if all(isinstance(text, str) for text in chosen) else None
    if values is None:
        wrong = [i for i in kept if not isinstance(texts[i], str) or read([texts[i]]) is None]
        place = where_rows(str(series.name), np.isin(codes, wrong), series.to_numpy(dtype=object))
        raise SchemaError(f"Not {what}: {place}. Mend these cells, or declare the column categorical.")
    table = np.full(len(texts) + 1, missing, dtype=values.dtype)
    table[kept] = values
    return pd.Series(table[codes], index=series.index, name=series.name)


def with_gaps(texts: Sequence[str], missing: np.ndarray, gap: str | None) -> np.ndarray:
    """Return texts of the cells that are not missing as objects, with gaps between."""
    cells = np.full(len(missing), gap, dtype=object)
    cells[~missing] = texts
    return cells
