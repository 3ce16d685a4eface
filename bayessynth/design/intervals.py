"""Rows of a unit that tile its follow-up, from start to stop: checks, and how long they would last."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bayessynth.errors import DataError, SpecError
from bayessynth.schema import Schema
from bayessynth.spec import Survival

# How far a start may lie from the stop before, as a share of it: what decimals of a sum of times lose.
_NEAR = 1e-9


def last_rows(units: pd.Series | np.ndarray) -> np.ndarray:
    """Return which rows are the last of their unit, rows of a unit side by side.

    >>> last_rows(np.array([1, 1, 2])).tolist()
    [False, True, True]
    """
    codes = pd.factorize(units)[0]
    return np.r_[codes[1:] != codes[:-1], True]


def check_times(own: Survival, schema: Schema) -> None:
    """Refuse dates: hazards are of the time since an origin that units have in common.

    Raises
    ------
    SpecError
        Naming the column.
    """
    for column in (own.start, own.time) if own.start else ():
        if column in schema and schema[column].kind == "datetime":
            raise SpecError(
                f"Column {column!r} of {own!r} is of dates; times count from when the unit could first have had the "
                f"event. Make numbers of them, such as (df[{column!r}] - entry).dt.days."
            )


def check_tiles(own: Survival, unit: str, start: np.ndarray, stop: np.ndarray, number: np.ndarray) -> None:
    """Refuse rows of a unit between which there is a gap, or which overlap.

    Parameters
    ----------
    own : Survival
    unit : str
    start, stop : ndarray of shape (n,)
        Rows sorted by unit and start.
    number : ndarray of int, shape (n,)
        Of each row in its unit, from 0.

    Raises
    ------
    DataError
        With the first such row, and what to do.
    """
    missing = ~np.isfinite(stop)
    if missing.any():
        raise DataError(
            f"{own.time!r} is missing in {int(missing.sum())} of {len(stop)} rows, the first is row "
            f"{int(np.flatnonzero(missing)[0])} of the table sorted by {unit} and {own.start}: fill or drop these rows."
        )
    before = np.r_[np.nan, stop[:-1]]
    off = (number > 0) & ~(np.abs(start - before) <= _NEAR * np.maximum(np.abs(before), 1.0))
    if off.any():
        at = int(np.flatnonzero(off)[0])
        what = "overlap" if start[at] < before[at] else "leave a gap"
        raise DataError(
            f"{int(off.sum())} rows do not start where the row before of their {unit!r} stopped, the first is row {at} "
            f"of the table sorted by {unit} and {own.start}: {own.start}={start[at]:g} after "
            f"{own.time}={before[at]:g}. Rows that {what} say nothing clear of when their unit was watched: mend the "
            "times, or keep the rows up to there."
        )


def check_ends(own: Survival, came: np.ndarray, last: np.ndarray) -> None:
    """Refuse an event after which its unit has further rows.

    Parameters
    ----------
    own : Survival
    came, last : ndarray of bool, shape (n,)
        Rows with an event, and the last ones of units.

    Raises
    ------
    DataError
        With the first such row, and what to do.
    """
    wrong = np.flatnonzero(came & ~last)
    if len(wrong):
        raise DataError(
            f"{len(wrong)} rows with an event in {own.event!r} have rows of their unit after them, the first is row "
            f"{int(wrong[0])} of the table sorted by unit and {own.start}. An event ends its unit: drop the rows after "
            "it. Events that come again are not served; a row a spell, with times that count from the last event, is "
            "a table without unit= and time=."
        )


def by_unit(own: Survival, arrays: Mapping[str, np.ndarray], units: np.ndarray) -> dict[str, np.ndarray]:
    """Return a survival time's columns, a row a unit: entered at its first start, watched until its last stop.

    >>> from bayessynth.spec import Survival
    >>> rows = {"start": np.array([0.0, 2.0]), "stop": np.array([2.0, 3.0]), "d": np.array([0, 1])}
    >>> {c: v.tolist() for c, v in by_unit(Survival("(start, stop) ~ 1", event="d"), rows, np.array([7, 7])).items()}
    {'stop': [3.0], 'd': [1], 'start': [0.0]}
    """
    last = last_rows(units)
    first = np.r_[True, last[:-1]]
    found = {c: arrays[c][last] for c in own.declares}
    return {**found, str(own.start): arrays[str(own.start)][first]}


def until_next(start: np.ndarray, stop: np.ndarray, number: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return whether a next row is due after each row at all, and after how much time, each of shape (n,).

    Of a unit's last row it is known only that the next one was not due before it stopped: whether and when it was is
    drawn from Kaplan and Meier's estimate of how long rows of the same number last, given that; the mass that this
    leaves beyond the longest of them is that of no next row.

    Parameters
    ----------
    start, stop : ndarray of shape (n,)
        Rows sorted by unit and start.
    number : ndarray of int, shape (n,)
        Of each row in its unit, from 0.

    Examples
    --------
    >>> start, number = np.array([0.0, 1.0, 0.0, 1.0, 4.0]), np.array([0, 1, 0, 1, 2])
    >>> more, due = until_next(start, np.array([1.0, 1.5, 1.0, 4.0, 5.0]), number)
    >>> more.tolist(), due[:4].tolist()
    ([1, 1, 1, 1, 0], [1.0, 3.0, 1.0, 3.0])
    """
    due = (stop - start).astype(float)
    last = np.r_[number[1:] == 0, True]
    more = np.ones(len(due), dtype=np.int64)
    # A stream of the table alone: binding has no seed, and equal tables must bind to equal specs.
    u = np.random.default_rng(0).random(len(due))
    for k in np.unique(number[last]):
        own = number == k
        rows = np.flatnonzero(own & last)
        times, mass = _masses(due[own & ~last], due[rows])
        before = np.r_[0.0, np.cumsum(mass)]
        reached = before[np.searchsorted(times, due[rows], side="left")]
        at = np.searchsorted(before[1:], reached + u[rows] * (1.0 - reached), side="right")
        more[rows] = at < len(times)
        due[rows] = np.where(at < len(times), np.r_[times, 0.0][at], due[rows])
    return more, due


def _masses(seen: np.ndarray, censored: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the times that were seen, each once, and the probability that Kaplan and Meier's estimate gives each."""
    times, counts = np.unique(seen, return_counts=True)
    at_risk = len(seen) - np.searchsorted(np.sort(seen), times, side="left")
    at_risk = at_risk + len(censored) - np.searchsorted(np.sort(censored), times, side="right")
    hazard = counts / np.maximum(at_risk, 1)
    return times, hazard * np.r_[1.0, np.cumprod(1.0 - hazard)[:-1]] if len(times) else hazard
