"""Numbers that stand as objects beside a text for missing cells, as spreadsheets hand them over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from bayessynth.schema.formats.format import Format, Found, register
from bayessynth.schema.formats.gaps import GAP_TEXTS, gap_written


@register
@dataclass(frozen=True)
class Coded(Format):
    """Numbers as objects, with a text such as ``"-"`` where a cell is missing.

    Attributes
    ----------
    missing : str or None
        The text of missing cells; None where they are missing.
    whole : bool
        Whether all numbers are integers.

    Examples
    --------
    >>> Coded("-", True).write(pd.Series([3.0, None])).tolist()
    [3, '-']
    """

    name: ClassVar[str] = "coded"

    missing: str | None = None
    whole: bool = False

    @property
    def plain(self) -> str:
        """Whole numbers, or floats."""
        return "int64" if self.whole else "float64"

    def read(self, series: pd.Series) -> pd.Series:
        """Return numbers, missing where there is a text for missing cells."""
        return pd.to_numeric(series.where(~series.isin(GAP_TEXTS), np.nan).astype(object).infer_objects())

    def write(self, plain: pd.Series) -> np.ndarray:
        """Return numbers as objects."""
        values = plain.to_numpy(dtype=float, na_value=np.nan)
        missing = np.isnan(values)
        cells = np.full(len(values), self.missing, dtype=object)
        cells[~missing] = values[~missing].astype(self.plain)
        return cells

    @classmethod
    def find(cls, series: pd.Series) -> Found | None:
        """Return the text of missing cells, if all else are three or more numbers."""
        if series.dtype != np.dtype(object):
            return None
        present = series.dropna()
        kinds = {type(value) for value in present}
        numbers = {kind for kind in kinds if issubclass(kind, int | float | np.number) and kind is not bool}
        if str not in kinds or kinds - numbers - {str} or not numbers:
            return None
        words = list(dict.fromkeys(value for value in present if isinstance(value, str)))
        if not GAP_TEXTS.issuperset(words):
            return None
        missing, notes = gap_written(series, words, "numbers")
        form = cls(missing, all(issubclass(kind, int | np.integer) for kind in numbers))
        plain = form.read(series)
        return Found(form, plain, notes) if plain.nunique() > 2 else None
