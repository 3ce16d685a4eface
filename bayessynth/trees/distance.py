"""Times that are drawn by how far they are from another time.

A trial's patients come in over years, and each is followed for weeks: a leaf of twenty records that holds the end of
follow-up is months wide, and what is computed from two such dates, a day of the study, is lost. Where the distance of
two times varies far less than either of them, the later one of an order is therefore drawn as its distance from the
one before, by trees that still read all columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bayessynth.schema import Column
from bayessynth.schema.column import TICKS

# By how much the middle eight tenths of distances must be narrower than those of the times themselves.
NARROWER = 0.5
# Records that have both times, at least, and times that one may be drawn from, at most: each for records that lack the
# ones before it.
FEWEST, MOST = 40, 3
DAY = TICKS["D"]
# Share of the records that equal another time from which on these are told apart first. A microsecond is 1e-11 days.
OFTEN, _CLOSE = 0.1, 1e-9
# Where beyond the outermost times copies may end, as shares of the mean gap there.
BEYOND = (0.25, 0.75)


class Distance(NamedTuple):
    """From where a time is drawn.

    Attributes
    ----------
    base : int
        Which of the predictors it is.
    tick : float
        The resolution, in days, to which the base is cut off; 0 if it stays as it is.
    low, high : float
        Ends of the times themselves, in days.
    center : float
        What stands for the base where it is missing, though it never was where the time was there.
    finer : bool
        Whether what is cut off varies; trees then read it beside the predictors. A date that was copied from a time of
        day is that day; a date that was typed may be another.
    """

    base: int
    tick: float
    low: float
    high: float
    center: float
    finer: bool

    @classmethod
    def of(cls, base: int, tick: float, ends: tuple[float, float], times: np.ndarray) -> Distance:
        """Return the distance from a time whose cells are handed in."""
        there = times[np.isfinite(times)]
        plain = cls(base, tick, *ends, float(there.mean()), False)
        return plain._replace(finer=bool(np.ptp(there - plain.start(there)) > _CLOSE))

    def more(self, base: np.ndarray) -> list[np.ndarray]:
        """Return what trees read beside the predictors: what was cut off, where that varies."""
        return [base - self.start(base)] if self.finer else []

    def start(self, base: np.ndarray) -> np.ndarray:
        """Return the days that distances are counted from.

        >>> Distance(0, 1.0, 0.0, 9.0, 5.0, False).start(np.array([2.4, np.nan])).tolist()
        [2.0, 5.0]
        """
        there = np.where(np.isnan(base), self.center, base)
        return np.floor(there / self.tick + 1e-9) * self.tick if self.tick else there


def bases(values: np.ndarray, times: Mapping[int, np.ndarray]) -> tuple[int, ...]:
    """Return the times from which one is best drawn, each for records that lack those before it.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Days, NaN where missing.
    times : mapping of int to ndarray
        Other times by their places among the predictors.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> start, other = rng.uniform(0, 900, 200), rng.uniform(0, 900, 200)
    >>> bases(start + rng.uniform(1, 30, 200), {3: other, 4: start})
    (4,)
    """
    left, found = np.isfinite(values), list[int]()
    while left.sum() >= FEWEST and len(found) < MOST:
        told = {place: _ratio(values, own, left) for place, own in times.items() if place not in found}
        best = min(told, key=lambda place: told[place], default=None)
        if best is None or told[best] > NARROWER:
            break
        found.append(best)
        left &= ~np.isfinite(times[best])
    return tuple(found)


def _ratio(values: np.ndarray, base: np.ndarray, left: np.ndarray) -> float:
    """Return how wide distances are, in units of the times' width; infinite where too few records have both."""
    both = left & np.isfinite(base)
    if both.sum() < max(FEWEST, left.sum() / 2):
        return np.inf
    wide = np.ptp(np.quantile(values[both], (0.1, 0.9)))
    return float(np.ptp(np.quantile(values[both] - base[both], (0.1, 0.9))) / wide) if wide > 0 else np.inf


def parted(
    values: np.ndarray, rows: np.ndarray, times: Sequence[np.ndarray], chosen: Sequence[int], tick: float,
    ends: tuple[float, float],
) -> list[tuple[Distance | None, np.ndarray, np.ndarray]]:  # fmt: skip
    """Return which rows are drawn from which base, with their distances; the last ones as they are, without a base.

    Parameters
    ----------
    values : ndarray of shape (n,)
    rows : ndarray of int
        Those with a number.
    times : sequence of ndarray
        All predictors.
    chosen : sequence of int
        As :func:`bases` returned them.
    tick : float
    ends : tuple of float
        Of the times themselves.

    Examples
    --------
    >>> values, base = np.arange(100.0), np.where(np.arange(100) < 60, np.arange(100.0) - 2, np.nan)
    >>> made = parted(values, np.arange(100), [base], [0], 1.0, (0.0, 100.0))
    >>> [(None if own is None else own.base, len(part), left[:2].tolist()) for own, part, left in made]
    [(0, 60, [2.0, 2.0]), (None, 40, [60.0, 61.0])]
    """
    found: list[tuple[Distance | None, np.ndarray, np.ndarray]] = []
    for base in chosen:
        there = np.isfinite(times[base][rows])
        own, rows = rows[there], rows[~there]
        if not len(own):
            continue
        distance = Distance.of(base, tick, ends, times[base][own])
        found.append((distance, own, values[own] - distance.start(times[base][own])))
    # Too few to be a distribution of their own, the last ones would stand in one leaf of less than its records.
    if len(rows) and (len(rows) >= FEWEST or not found):
        found.append((None, rows, values[rows]))
    return found


def equal_to(values: np.ndarray, times: Mapping[int, np.ndarray], tick: float) -> int | None:
    """Return the time that one equals most often, cut off to its resolution, if it often does.

    >>> equal_to(np.arange(100.0), {2: np.arange(100.0) // 20 * 20 + 0.5}, 1.0) is None
    True
    >>> equal_to(np.arange(100.0), {2: np.arange(100.0) // 5 * 5 + 0.5}, 1.0)
    2
    """
    found: tuple[float, int | None] = (0.0, None)
    for place, base in times.items():
        both = np.isfinite(values) & np.isfinite(base)
        if both.sum() >= FEWEST:
            start = Distance(place, tick, -np.inf, np.inf, 0.0, False).start(base[both])
            share = float(equals(values[both], start).mean())
            found = max(found, (share, place), key=lambda own: own[0])
    return found[1] if found[0] >= OFTEN else None


def equals(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Tell which times are those from which distances are counted."""
    return np.abs(values - starts) <= _CLOSE


def ends_of(values: np.ndarray, interval: int, rng: np.random.Generator) -> tuple[float, float]:
    """Return ends that lie beyond the outermost times, by part of the mean gap of so many records there."""
    ordered = np.sort(values)
    k = min(interval, len(ordered) - 1)
    below, above = (ordered[k] - ordered[0]) / max(k, 1), (ordered[-1] - ordered[-1 - k]) / max(k, 1)
    part = rng.uniform(*BEYOND, size=2)
    return float(ordered[0] - part[0] * below), float(ordered[-1] + part[1] * above)


def steps(days: np.ndarray, unit: int) -> np.ndarray:
    """Return the coarsest of the usual steps on which each time lies, in days.

    Parameters
    ----------
    days : ndarray
    unit : int
        Resolution of the column, in microseconds.

    Examples
    --------
    >>> (steps(np.array([3.0, 3.25, 3.0 + 1 / 1440]), 60_000_000) * 1440).round().tolist()
    [1440.0, 60.0, 1.0]
    """
    ticks, found = np.round(days * DAY), np.full(len(days), float(unit))
    for step in reversed(TICKS.values()):
        if step >= unit:
            found = np.where(ticks % step == 0, step, found)
    return found / DAY


def clock(column: Column) -> int:
    """Return the resolution of times in microseconds; 0 of other columns, and of times whose days begin in a zone.

    >>> clock(Column("t", "datetime", "datetime64[us]", unit="min"))
    60000000
    """
    zoned = "," in column.unwritten.dtype or (column.format is not None and getattr(column.format, "zone", None))
    return 0 if column.kind != "datetime" or zoned else TICKS[column.unit or "us"]
