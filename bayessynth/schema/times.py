"""Days since 1970 back to times, in the original's zone and resolution."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayessynth.schema.column import TICKS, Column
from bayessynth.schema.dtypes import dtype_named


def stamps(days: np.ndarray, column: Column) -> Any:
    """Return times, rounded to the resolution that the column's clocks show.

    Parameters
    ----------
    days : ndarray
        Days since 1970-01-01 UTC, NaN for missing cells; times without a zone are read as UTC.
    column : Column

    Examples
    --------
    >>> column = Column("t", "datetime", "datetime64[us, Europe/Paris]", unit="D")
    >>> stamps(np.array([19723.96]), column)[0]
    Timestamp('2024-01-02 00:00:00+0100', tz='Europe/Paris')
    """
    column = column.unwritten
    missing = np.isnan(days)
    ticks = np.round(np.where(missing, 0.0, days) * TICKS["D"]).astype(np.int64)
    dtype = dtype_named(column.dtype)
    zone = dtype.pyarrow_dtype.tz if isinstance(dtype, pd.ArrowDtype) else getattr(dtype, "tz", None)
    size = TICKS[column.unit or "us"]
    ticks = _rounded(ticks, size) if zone is None else _rounded_in(zone, ticks, size)
    times = ticks.astype("datetime64[us]")
    times[missing] = np.datetime64("NaT", "us")
    if isinstance(dtype, np.dtype):
        return times.astype(dtype)
    naive = pd.Series(times)
    return (naive if zone is None else naive.dt.tz_localize("UTC").dt.tz_convert(zone)).astype(dtype).array


def _rounded(ticks: np.ndarray, size: int) -> np.ndarray:
    return (ticks + size // 2) // size * size


def _shown(ticks: np.ndarray, zone: Any) -> np.ndarray:
    """Return what a zone's clocks show, in microseconds."""
    local = pd.DatetimeIndex(ticks.astype("datetime64[us]"), tz="UTC").tz_convert(zone).tz_localize(None)
    return local.to_numpy().astype("datetime64[us]").astype(np.int64)


def _rounded_in(zone: Any, ticks: np.ndarray, size: int) -> np.ndarray:
    """Round instants to what a zone's clocks show in full: days begin at its midnight, not at that of UTC."""
    shown = _shown(ticks, zone)
    wanted = _rounded(shown, size)
    moved: np.ndarray = ticks + (wanted - shown)
    off = np.flatnonzero(_shown(moved, zone) % size != 0)
    if len(off):
        # Clocks changed on the way. What they leave out is moved on, what they repeat is read as the first.
        local = pd.DatetimeIndex(wanted[off].astype("datetime64[us]"))
        right = local.tz_localize(zone, nonexistent="shift_forward", ambiguous=np.ones(len(off), dtype=bool))
        moved[off] = right.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    return moved
