"""Columns that store only what differs from one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayessynth.schema.formats.format import Format, Found, register


@register
@dataclass(frozen=True)
class Sparse(Format):
    """Numbers or truth values of which one is not stored.

    Attributes
    ----------
    values : str
        The dtype of the values.
    fill : float or None
        The value that is not stored; None for missing cells.

    Examples
    --------
    >>> Sparse("int64", 0).write(pd.Series([0, 0, 3])).dtype
    Sparse[int64, 0]
    """

    name: ClassVar[str] = "sparse"

    values: str = "float64"
    fill: float | None = None

    @property
    def plain(self) -> str:
        """The dtype of the values."""
        return self.values

    def read(self, series: pd.Series) -> pd.Series:
        """Return all values."""
        return series.sparse.to_dense() if isinstance(series.dtype, pd.SparseDtype) else series

    def write(self, plain: pd.Series) -> Any:
        """Return the values that differ."""
        fill = np.nan if self.fill is None else self.fill
        return pd.arrays.SparseArray(plain.to_numpy(), dtype=pd.SparseDtype(self.values, fill))

    @classmethod
    def find(cls, series: pd.Series) -> Found | None:
        """Return which value is not stored."""
        if not isinstance(series.dtype, pd.SparseDtype) or series.dtype.subtype.kind not in "biuf":
            return None
        fill = series.dtype.fill_value
        fill = None if pd.isna(fill) else fill.item() if isinstance(fill, np.generic) else fill
        form = cls(str(series.dtype.subtype), fill)
        return Found(form, form.read(series))
