"""Categories that are intervals, times, periods or spans: levels by what they read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayessynth.schema.dtypes import dtype_name, dtype_named
from bayessynth.schema.formats.format import Format, Found, register


@register
@dataclass(frozen=True)
class Categories(Format):
    """Categories that are no text, numbers or truth values; as levels they are text.

    Attributes
    ----------
    values : str
        The dtype of the categories.
    cells : tuple
        The categories: as text, intervals as pairs of their ends.
    categorical : bool
        Whether the column is a categorical, or one of intervals as such.

    Examples
    --------
    >>> found = Categories.find(pd.Series(pd.cut([1, 5, 9], [0, 4, 10])))
    >>> found.plain.tolist()
    ['(0, 4]', '(4, 10]', '(4, 10]']
    """

    name: ClassVar[str] = "categories"

    values: str = "interval[float64, right]"
    cells: tuple[Any, ...] = ()
    categorical: bool = True

    @property
    def plain(self) -> str:
        """A categorical of text."""
        return "category"

    def read(self, series: pd.Series) -> pd.Series:
        """Return a categorical of text."""
        if series.dtype == "category" and series.cat.categories.dtype != dtype_named(self.values):
            return series
        values = series if self.categorical else series.astype(pd.CategoricalDtype(self._index()))
        return values.cat.rename_categories(_texts(values.cat.categories))

    def write(self, plain: pd.Series) -> Any:
        """Return the categories that text stands for."""
        index = self._index()
        codes = plain.cat.codes.to_numpy()
        made = pd.Categorical.from_codes(codes, categories=index, ordered=plain.cat.ordered)
        return made if self.categorical else index.take(codes, allow_fill=True, fill_value=np.nan).array

    def _index(self) -> pd.Index:
        dtype = dtype_named(self.values)
        if isinstance(dtype, pd.IntervalDtype):
            left, right = zip(*self.cells, strict=True)
            return pd.IntervalIndex.from_arrays(
                pd.Index(left, dtype=dtype.subtype), pd.Index(right, dtype=dtype.subtype), closed=dtype.closed
            )
        return pd.Index(list(self.cells)).astype(dtype)

    @classmethod
    def find(cls, series: pd.Series) -> Found | None:
        """Return the categories, if they are intervals, times, periods or spans."""
        interval = isinstance(series.dtype, pd.IntervalDtype)
        if not (interval or isinstance(series.dtype, pd.CategoricalDtype)):
            return None
        own = pd.Index(series.dropna().unique()).sort_values() if interval else series.cat.categories
        if not (
            isinstance(own.dtype, pd.IntervalDtype | pd.PeriodDtype | pd.DatetimeTZDtype) or own.dtype.kind in "mM"
        ):
            return None
        cells: tuple[Any, ...] = tuple(_texts(own))
        if isinstance(own.dtype, pd.IntervalDtype):
            if own.dtype.subtype.kind not in "iuf":
                return None
            cells = tuple(zip(own.left.tolist(), own.right.tolist(), strict=True))
        if len(set(_texts(own))) < len(own) or not len(own):
            return None
        form = cls(dtype_name(own.dtype), cells, not interval)
        return Found(form, form.read(series))


def _texts(index: pd.Index) -> list[str]:
    return [str(value) for value in index]
