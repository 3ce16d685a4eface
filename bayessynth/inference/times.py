"""Times, events and entries of a table, as analyses of survival read them, by the cells of other columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import DataError
from bayessynth.inference.events import event_response
from bayessynth.inference.formula import column, response_numbers, split
from bayessynth.inference.levels import level_codes, level_names


@dataclass(frozen=True)
class Times:
    """Complete rows of a table.

    Attributes
    ----------
    time, entry : ndarray of shape (n,)
    event : ndarray of bool, shape (n,)
    arm : ndarray of int, shape (n,)
        0 where there are no arms.
    """

    time: np.ndarray
    event: np.ndarray
    entry: np.ndarray
    arm: np.ndarray

    def of(self, arm: int) -> Times:
        """Return the rows of one arm."""
        rows = self.arm == arm
        return Times(self.time[rows], self.event[rows], self.entry[rows], self.arm[rows])


def read_times(
    frames: Sequence[pd.DataFrame], formula: str, model: str, event: str | None, entry: str | None, cause: Any
) -> tuple[Callable[[pd.DataFrame], Times], tuple[str, ...]]:
    """Return a function from a table to its times, and the labels of arms, empty without arms.

    Parameters
    ----------
    frames : sequence of DataFrame
        From which arms and the two values of the event are learnt.
    formula : str
        ``"time ~ arm"``, ``"time ~ 1"`` or ``"time"``.
    model : str
        What the analysis is called, for messages.
    event, entry : str or None
        Columns.
    cause : object
        The value of the event column that counts as the event, all others as censored; None for the last of two.

    Raises
    ------
    DataError
        If a column is not there or not named.

    Examples
    --------
    >>> frame = pd.DataFrame({"t": [1.0, 2.0], "end": ["died", "censored"], "arm": ["a", "b"]})
    >>> read, arms = read_times([frame], "t ~ arm", "rmst", "end", None, "died")
    >>> read(frame).event.tolist(), arms
    ([True, False], ('a', 'b'))
    """
    if event is None:
        raise DataError(f"model={model!r} needs the column that tells events from censored times: event='status'.")
    for name, role in ((event, "event"), (entry, "entry time")):
        if name is not None:
            column(frames[0], name, role)
    parts = split(formula)
    response, by = (parts.response, parts.common.strip()) if parts.response else (parts.common.strip(), "1")
    column(frames[0], response, "time")
    if by != "1":
        column(frames[0], by, "arm")
    arms = tuple(level_names(frames, by)) if by != "1" else ()
    happened = _happened(frames, event) if cause is None else _counts(frames, event, cause)

    def read(frame: pd.DataFrame) -> Times:
        time, seen = response_numbers(frame, response), happened(frame)
        start = response_numbers(frame, entry) if entry else np.zeros(len(frame))
        arm = level_codes(frame[by], list(arms)) if arms else np.zeros(len(frame), dtype=int)
        rows = ~(np.isnan(time) | np.isnan(seen) | np.isnan(start)) & (arm >= 0)
        if not rows.any():
            raise DataError(f"model={model!r}: no row of {formula!r} is complete.")
        return Times(time[rows], seen[rows] > 0, start[rows], arm[rows])

    return read, arms


def _happened(frames: Sequence[pd.DataFrame], event: str) -> Callable[[pd.DataFrame], np.ndarray]:
    """Return a function to zeros and ones; tables where every record has the event need no second value for it."""
    known = {value for frame in frames for value in frame[event].dropna().unique().tolist()}
    return (lambda frame: response_numbers(frame, event)) if known <= {0, 1} else event_response(frames, f"{event} ~ 1")


def _counts(frames: Sequence[pd.DataFrame], event: str, cause: Any) -> Callable[[pd.DataFrame], np.ndarray]:
    known = {value for frame in frames for value in frame[event].dropna().unique().tolist()}
    if cause not in known:
        listed = ", ".join(map(repr, sorted(known, key=str)))
        raise DataError(f"cause={cause!r} is no value of {event!r}. It has: {listed}.")
    return lambda frame: np.where(frame[event].isna(), np.nan, (frame[event] == cause).to_numpy(dtype=float))
