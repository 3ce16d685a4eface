"""Numbers that stand as ``decimal.Decimal``, or in an Arrow column of decimals."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

import numpy as np
import pandas as pd

from bayessynth.schema.formats.format import Format, Found, register
from bayessynth.schema.formats.notation import Digits


@register
@dataclass(frozen=True)
class Decimals(Format):
    """Numbers as ``Decimal``.

    Attributes
    ----------
    least, most : int
        The fewest and the most decimals.

    Examples
    --------
    >>> Decimals(2, 2).write(pd.Series([1.5])).tolist()
    [Decimal('1.50')]
    """

    name: ClassVar[str] = "decimal"

    least: int = 0
    most: int = 0

    @property
    def plain(self) -> str:
        """Whole numbers where there are no decimals."""
        return "int64" if self.most == 0 else "float64"

    def read(self, series: pd.Series) -> pd.Series:
        """Return floats."""
        return series.astype(object).where(series.notna(), np.nan).astype(float)

    def write(self, plain: pd.Series) -> np.ndarray:
        """Return decimals."""
        values = plain.to_numpy(dtype=float, na_value=np.nan)
        missing = np.isnan(values)
        cells = np.full(len(values), None, dtype=object)
        texts = Digits(self.least, self.most).write(np.abs(values[~missing]))
        signs = np.where(values[~missing] < 0, "-", "")
        cells[~missing] = [Decimal(sign + text) for sign, text in zip(signs, texts, strict=True)]
        return cells

    @classmethod
    def find(cls, series: pd.Series) -> Found | None:
        """Return how many decimals there are, if all cells are decimals."""
        arrow = isinstance(series.dtype, pd.ArrowDtype) and series.dtype.kind == "O" and "decimal" in str(series.dtype)
        objects = series.dtype == np.dtype(object) and pd.api.types.infer_dtype(series, skipna=True) == "decimal"
        present = series.dropna()
        if present.empty or not (arrow or objects) or not all(value.is_finite() for value in present):
            return None
        places = [max(0, -int(value.as_tuple().exponent)) for value in present]
        form = cls(min(places), max(places))
        plain = form.read(series)
        again = form.write(plain[series.notna()])
        wrong = [i for i, value in enumerate(present) if value != again[i]]
        notes = () if not wrong else (
            f"{len(wrong)} of {len(present)} numbers have more digits than are kept, as {present.iloc[wrong[0]]!s}, "
            f"which changes to {again[wrong[0]]!s}. If they are names, make them text by .astype(str).",
        )  # fmt: skip
        return Found(form, plain.astype("int64") if form.plain == "int64" and plain.notna().all() else plain, notes)
