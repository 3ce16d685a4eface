"""Compiled: parts of times, by which trees find what happens at the end of a month, on Sundays or at night."""

from __future__ import annotations

import numpy as np
from numba import njit

# What stands for a part in the place of a level predictor's orders.
DAY, LEFT, WEEKDAY, MONTH, CLOCK = -3, -4, -5, -6, -7
PARTS = (DAY, LEFT, WEEKDAY, MONTH, CLOCK)


@njit(cache=True, nogil=True)
def date_of(days: float) -> tuple[float, float, float, float, float]:
    """Return the parts of a time: day of the month, days left of it, weekday from Monday 0, month, share of the day.

    Parameters
    ----------
    days : float
        Since 1970-01-01 UTC; NaN has parts of -1.

    References
    ----------
    Richards EG (2013). Calendars. In: Explanatory supplement to the astronomical almanac, 3rd edition, chapter 15.

    Examples
    --------
    The leap day of 2024, at noon, was a Thursday.

    >>> date_of(19782.5)
    (29.0, 0.0, 3.0, 2.0, 0.5)
    """
    if np.isnan(days):
        return -1.0, -1.0, -1.0, -1.0, -1.0
    # A moment before midnight that rounding in storage has taken away belongs to the day that follows.
    whole = np.floor(days + 1e-9)
    year, month, day = _date(int(whole))
    length = 31 if month in (1, 3, 5, 7, 8, 10, 12) else 30
    if month == 2:
        length = 29 if (year % 4 == 0 and year % 100 != 0) or year % 400 == 0 else 28
    return float(day), float(length - day), (whole + 3) % 7, float(month), max(days - whole, 0.0)


@njit(cache=True, nogil=True)
def _date(days: int) -> tuple[int, int, int]:
    """Return year, month and day of the Gregorian calendar; years begin in March, so that a leap day is their last."""
    since = days + 719_468
    era = since // 146_097
    day_of_era = since - era * 146_097
    year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year_of_era + era * 400 + (1 if month <= 2 else 0), month, day


@njit(cache=True, nogil=True)
def parts_of(days: np.ndarray) -> np.ndarray:
    """Return all parts of times, shape (n, parts).

    >>> parts_of(np.array([0.0, np.nan]))[:, :2].tolist()
    [[1.0, 30.0], [-1.0, -1.0]]
    """
    found = np.empty((len(days), len(PARTS)))
    for i in range(len(days)):
        found[i] = date_of(days[i])
    return found
