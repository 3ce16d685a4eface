"""The zone of times that are written with offsets from UTC."""

from __future__ import annotations

from collections import Counter
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import pandas as pd

# Of zones whose clocks agree, the one that most people know.
_KNOWN = ("Europe/London", "Europe/Paris", "Europe/Helsinki", "America/New_York", "America/Chicago", "America/Denver",
          "America/Los_Angeles", "Australia/Sydney", "America/Sao_Paulo")  # fmt: skip
# Instants at which zones are compared before all are.
_FEW = 50


def fixed(minutes: int) -> str:
    """Return the name of the zone that keeps an offset from UTC.

    >>> fixed(120), fixed(-210), fixed(0)
    ('UTC+02:00', 'UTC-03:30', 'UTC')
    """
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}" if minutes else "UTC"


def zone_of(instants: np.ndarray, offsets: np.ndarray) -> tuple[str, bool]:
    """Return a zone whose clocks have these offsets, and whether they have them always.

    Parameters
    ----------
    instants : ndarray of int64
        Microseconds since 1970 in UTC.
    offsets : ndarray of int64
        Minutes from UTC.

    Returns
    -------
    tuple
        The zone's name, and False if no zone has all these offsets; it then keeps the commonest of them.

    Examples
    --------
    >>> january, july = 1_577_880_000_000_000, 1_593_600_000_000_000
    >>> zone_of(np.array([january, july]), np.array([60, 120]))
    ('Europe/Paris', True)
    """
    common = Counter(offsets.tolist()).most_common(1)[0][0]
    if (offsets == common).all():
        return fixed(common), True
    utc = pd.DatetimeIndex(instants.astype("datetime64[us]"), tz="UTC")
    few = np.unique(np.r_[np.unique(offsets, return_index=True)[1], np.linspace(0, len(utc) - 1, _FEW).astype(int)])
    for name in (*_KNOWN, *sorted(available_timezones())):
        if _agree(utc[few], offsets[few], name) and _agree(utc, offsets, name):
            return name, True
    return fixed(common), False


def _agree(utc: pd.DatetimeIndex, offsets: np.ndarray, name: str) -> bool:
    local = utc.tz_convert(ZoneInfo(name)).tz_localize(None)
    return np.array_equal((local - utc.tz_localize(None)) // pd.Timedelta(minutes=1), offsets)
