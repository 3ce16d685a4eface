"""Spans of time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayessynth.schema.formats.format import Format, Found, register

# Nanoseconds of the units in which spans are counted, the longest first.
UNITS = {"D": 86_400_000_000_000, "h": 3_600_000_000_000, "min": 60_000_000_000, "s": 1_000_000_000, "ms": 1_000_000,
         "us": 1_000, "ns": 1}  # fmt: skip


@register
@dataclass(frozen=True)
class Duration(Format):
    """Spans of time, counted in the longest unit of which all are multiples.

    Attributes
    ----------
    unit : str
        ``"D"``, ``"h"``, ``"min"``, ``"s"``, ``"ms"``, ``"us"`` or ``"ns"``.
    resolution : str
        That of the spans as they are stored.
    cell : str or None
        The type of objects: ``"timedelta"`` or ``"Timedelta"``; None for a dtype of spans.

    Examples
    --------
    >>> Duration("h").read(pd.Series(pd.to_timedelta(["1 day", "90 min"]))).tolist()
    [24.0, 1.5]
    """

    name: ClassVar[str] = "duration"

    unit: str = "D"
    resolution: str = "us"
    cell: str | None = None

    @property
    def plain(self) -> str:
        """Whole numbers of the unit."""
        return "int64"

    def read(self, series: pd.Series) -> pd.Series:
        """Return spans as numbers of the unit."""
        stored, resolution = _stored(series)
        missing = series.isna().to_numpy()
        counts = stored.astype(np.int64) * (UNITS[resolution] / UNITS[self.unit])
        return pd.Series(np.where(missing, np.nan, counts), index=series.index, name=series.name)

    def write(self, plain: pd.Series) -> Any:
        """Return spans; those that are longer than can be stored are cut there."""
        values = plain.to_numpy(dtype=float, na_value=np.nan)
        missing = np.isnan(values)
        step = UNITS[self.unit] // UNITS[self.resolution]
        most = np.iinfo(np.int64).max // step // 2
        counts = np.round(np.where(missing, 0, values)).clip(-most, most).astype(np.int64)
        # The least integer is NumPy's missing span.
        spans = np.where(missing, np.iinfo(np.int64).min, counts * step).view(f"timedelta64[{self.resolution}]")
        return spans if self.cell is None else _CELLS[self.cell](pd.Series(spans))

    @classmethod
    def find(cls, series: pd.Series) -> Found | None:
        """Return the longest unit of which all spans are multiples."""
        objects = series.dtype == np.dtype(object) and pd.api.types.infer_dtype(series, skipna=True) == "timedelta"
        if not (getattr(series.dtype, "kind", "O") == "m" or objects) or series.isna().all():
            return None
        stored, resolution = _stored(series.dropna())
        whole = stored.astype(np.int64)
        size = UNITS[resolution]
        coarser = {unit: length // size for unit, length in UNITS.items() if length >= size}
        unit = next(unit for unit, step in coarser.items() if (whole % step == 0).all())
        cell = next((type(span).__name__ for span in series if objects and span == span and span is not None), None)
        form = cls(unit, resolution, cell)
        plain = form.read(series)
        return Found(form, plain.astype("int64") if plain.notna().all() else plain)


_CELLS: dict[str, Callable[[pd.Series], Any]] = {
    "timedelta": lambda spans: np.array([None if v is pd.NaT else v.to_pytimedelta() for v in spans], dtype=object),
    "Timedelta": lambda spans: spans.astype(object).to_numpy(),
}


def _stored(series: pd.Series) -> tuple[np.ndarray, str]:
    """Return spans as NumPy stores them, and the unit in which it counts."""
    spans = pd.to_timedelta(series.astype(object) if isinstance(series.dtype, pd.ArrowDtype) else series).to_numpy()
    return spans, str(np.datetime_data(spans.dtype)[0])
