"""Dates and times that stand as Python objects, or as Arrow's dates and times of day."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayessynth.schema.formats.format import Format, Found, register
from bayessynth.schema.formats.zones import zone_of

_FIRST_DAY = datetime.date(1970, 1, 1)


@register
@dataclass(frozen=True)
class Calendar(Format):
    """Dates and times as objects.

    Attributes
    ----------
    cell : str
        Their type: ``"date"``, ``"time"``, ``"datetime"``, ``"datetime64"`` or ``"Timestamp"``.
    zone : str or None
        Their zone.

    Examples
    --------
    >>> Calendar("date").write(pd.Series(pd.to_datetime(["2020-01-31"]))).tolist()
    [datetime.date(2020, 1, 31)]
    """

    name: ClassVar[str] = "calendar"

    cell: str = "date"
    zone: str | None = None

    @property
    def plain(self) -> str:
        """Times, in the objects' own zone if they have one; times of day are those of 1970-01-01."""
        return "datetime64[us]" if self.zone is None else f"datetime64[us, {self.zone}]"

    def read(self, series: pd.Series) -> pd.Series:
        """Return times."""
        if pd.api.types.is_datetime64_any_dtype(series.dtype) and not isinstance(series.dtype, pd.ArrowDtype):
            return series
        missing = series.isna().to_numpy()
        times = np.full(len(series), np.datetime64("NaT", "us"), dtype="datetime64[us]")
        times[~missing] = [_moment(cell) for cell in series[~missing]]
        plain = pd.Series(times, index=series.index, name=series.name)
        return plain if self.zone is None else plain.dt.tz_localize("UTC").dt.tz_convert(self.zone)

    def write(self, plain: pd.Series) -> np.ndarray:
        """Return times as objects."""
        missing = plain.isna().to_numpy()
        cells = np.full(len(plain), None, dtype=object)
        cells[~missing] = [_CELLS[self.cell](time) for time in plain[~missing]]
        return cells

    @classmethod
    def find(cls, series: pd.Series) -> Found | None:
        """Return the type of a column's objects, if all are dates or times."""
        present = series.dropna()
        if present.empty or not _holds_times(series):
            return None
        kinds = Counter(type(value).__name__ for value in present)
        cell = kinds.most_common(1)[0][0]
        if not set(kinds) <= set(_CELLS):
            return None
        notes: tuple[str, ...] = ()
        if len(kinds) > 1:
            notes += (f"it holds {' and '.join(sorted(kinds))} objects; all are written back as {cell}.",)
        zone, told = _zone(present)
        form = cls(cell, zone)
        return Found(form, form.read(series), (*notes, *told))


def _holds_times(series: pd.Series) -> bool:
    if isinstance(series.dtype, pd.ArrowDtype):
        return str(series.dtype).startswith(("date32", "date64", "time32", "time64"))
    known = ("date", "datetime", "datetime64", "time")
    return series.dtype == np.dtype(object) and pd.api.types.infer_dtype(series, skipna=True) in known


def _zone(present: pd.Series) -> tuple[str | None, tuple[str, ...]]:
    """Return the zone of objects, and what to say where they have several."""
    zones = {str(getattr(value, "tzinfo", None)) for value in present}
    if zones == {"None"}:
        return None, ()
    aware = [value for value in present if getattr(value, "tzinfo", None) is not None]
    minutes = np.array([int(value.utcoffset().total_seconds() // 60) for value in aware], dtype=np.int64)
    instants = np.array([_moment(value) for value in aware]).astype("datetime64[us]").astype(np.int64)
    name, exact = zone_of(instants, minutes)
    if len(zones) == 1:
        (own,) = zones
        return (own if _known(own) else name), ()
    return name, () if exact else (
        f"its times are of several zones; they are written back in {name}, at the same instants. To keep zones, put "
        "them in a column of their own.",
    )


def _known(zone: str) -> bool:
    try:
        pd.api.types.pandas_dtype(f"datetime64[us, {zone}]")
    except (TypeError, ValueError):
        return False
    return True


def _moment(cell: Any) -> np.datetime64:
    """Return a cell's instant; a time of day is that of the first day, one without a zone is read as UTC."""
    if isinstance(cell, datetime.time):
        cell = datetime.datetime.combine(_FIRST_DAY, cell)
    if getattr(cell, "tzinfo", None) is not None:
        cell = cell.astimezone(datetime.UTC).replace(tzinfo=None)
    return np.datetime64(cell, "us")


_CELLS: dict[str, Callable[[pd.Timestamp], Any]] = {
    "date": lambda time: time.date(), "time": lambda time: time.time(),
    "datetime": lambda time: time.to_pydatetime(), "datetime64": lambda time: time.to_datetime64(),
    "Timestamp": lambda time: time,
}  # fmt: skip
