"""The parts behind a number, as a table of a report: worst first, cut at so many rows, numbers aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayessynth.report.numerals import NONE, cell, decimals, number, shortened

ROWS, LONGEST = 30, 80


@dataclass(frozen=True)
class Parts:
    """A table of text.

    Attributes
    ----------
    headings : tuple of str
    numeric : tuple of bool
        Which columns are numbers, to be aligned right.
    rows : tuple of tuple of str
    total : int
        Rows of the frame, those left out counted.
    """

    headings: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int


def parts(frame: pd.DataFrame, rows: int = ROWS, places: dict[str, int] | None = None) -> Parts:
    """Lay out the first rows of a frame; an index with a name comes first.

    Parameters
    ----------
    frame : DataFrame
    rows : int
        Rows shown at most.
    places : dict, optional
        Decimals of columns; by default those that show the column's typical number with three digits.

    Examples
    --------
    >>> found = parts(pd.DataFrame({"column": ["a", "b"], "value": [0.25, 0.125]}), rows=1)
    >>> found.headings, found.numeric, found.rows, found.total
    (('column', 'value'), (False, True), (('a', '0.250'),), 2)
    """
    whole = frame.reset_index() if any(n is not None for n in frame.index.names) else frame
    shown = whole.head(rows)
    numeric = tuple(bool(pd.api.types.is_float_dtype(d) or pd.api.types.is_integer_dtype(d)) for d in shown.dtypes)
    columns = [_column(shown.iloc[:, i], (places or {}).get(str(shown.columns[i]))) for i in range(shown.shape[1])]
    return Parts(
        tuple(str(c).replace("_", " ") for c in shown.columns), numeric, tuple(zip(*columns, strict=True)), len(whole)
    )


def _column(series: pd.Series, places: int | None) -> Sequence[str]:
    if not pd.api.types.is_float_dtype(series.dtype):
        return [shortened(cell(value), LONGEST) for value in series]
    values = series.to_numpy(dtype=float, na_value=np.nan)
    if places is None:
        sizes = np.abs(values[np.isfinite(values) & (values != 0)])
        if len(sizes) and (sizes == np.round(sizes)).all() and sizes.max() < 1e9:
            places = 0
        else:
            # Of the tenth smallest of a hundred, so that one tiny number does not lengthen all others.
            places = min(decimals([float(np.quantile(sizes, 0.1))]) if len(sizes) else 0, 5)
            if places and len(sizes) and sizes.max() >= 1000:
                # Quantities of different units stand in one column: each has its own decimals.
                places = None
    return [NONE if np.isnan(v) else number(float(v), places) for v in values]
