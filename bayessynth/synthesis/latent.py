"""From latent times until an event to the times and events that records show: the smallest, and which it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayessynth.design import Bound, FollowUp
from bayessynth.errors import SynthesisError
from bayessynth.schema import Column
from bayessynth.schema.decode import released
from bayessynth.synthesis.inspected import Habits, around, habits_of, nearest_visit


@dataclass(frozen=True)
class Course:
    """One draw, from its posterior, of how a copy's records are followed up.

    Attributes
    ----------
    chances : ndarray
        Of :func:`chances_of`.
    habits : Habits or None
        How records are inspected, where events may be known to lie in intervals only.
    """

    chances: np.ndarray
    habits: Habits | None


def course_of(own: FollowUp, rng: np.random.Generator) -> Course:
    """Draw how a copy's records are followed up.

    >>> own = FollowUp("t", "d", (("t", 1.0),), 0.0, times=(5.0,), watched=(1000,), ended=(500,), last=9.0)
    >>> course_of(own, np.random.default_rng(1)).habits is None
    True
    """
    chances = chances_of(own, rng)
    return Course(chances, None if own.inspection is None else habits_of(own.inspection, rng))


def settle(
    bound: Bound, latent: str, arrays: dict[str, np.ndarray], n: int, rng: np.random.Generator,
    courses: Mapping[str, Course],
) -> None:  # fmt: skip
    """Put times and events in the place of latent times, once the last of these has been drawn.

    Where units have rows one after another, it also says which rows are the last of their unit.

    Parameters
    ----------
    bound : Bound
    latent : str
        The column that was drawn last.
    arrays : dict of str to ndarray
        Encoded columns, and latent times; changed.
    n : int
    rng : Generator
    courses : dict of str to Course
        Of each survival time, how records are followed up.
    """
    for own in bound.survivals:
        if own.latent[-1][0] == latent:
            arrays |= _settled(bound, own, arrays, n, rng, courses[own.time])


def chances_of(own: FollowUp, rng: np.random.Generator) -> np.ndarray:
    """Draw how probable it is that who is still watched at an administrative end is censored there, one number an end.

    From its posterior under Jeffreys' prior, a Beta(1/2, 1/2): one draw a copy.

    Examples
    --------
    >>> own = FollowUp("t", "d", (("t", 1.0),), 0.0, times=(5.0,), watched=(1000,), ended=(500,), last=9.0)
    >>> chances_of(own, np.random.default_rng(1)).round(1).tolist()
    [0.5]
    """
    ended, watched = np.asarray(own.ended, dtype=float), np.asarray(own.watched, dtype=float)
    return rng.beta(0.5 + ended, 0.5 + watched - ended)


def _settled(
    bound: Bound, own: FollowUp, arrays: dict[str, np.ndarray], n: int, rng: np.random.Generator, course: Course
) -> dict[str, np.ndarray]:
    """Return the columns that a survival time makes; takes the latent times out of the arrays."""
    latent = np.stack([arrays.pop(name) for name, _ in own.latent])
    codes = np.array([code for _, code in own.latent])
    entry = arrays[own.entry].astype(float) if own.entry else np.zeros(n)
    time, code = latent.min(axis=0), codes[latent.argmin(axis=0)]
    if own.censored is not None:
        ends = _administrative(own, entry, rng, course.chances)
        time, code = np.minimum(time, ends), np.where(ends < time, own.censored, code)
    levels = bound.schema[own.event].levels
    shown = after(time, entry, bound.schema[own.time], own.step)
    found = {}
    if own.due and bound.sequence is not None:
        after_start, more = (arrays.pop(name) for name in own.due)
        decimals = bound.schema[bound.sequence.time].decimals
        # A sum of two rounded times is rounded again: later rows compare with it to the last digit.
        due = entry + after_start if decimals is None else np.round(entry + after_start, decimals)
        due = np.where(more > 0, due, np.inf)
        goes_on = due < np.minimum(time, shown)
        shown, code = np.where(goes_on, due, shown), np.where(goes_on, own.between, code)
        found[bound.sequence.last] = (~goes_on).astype(np.int64)
    found[own.event] = code.astype(np.int64) if levels else code
    if own.until is None or own.inspection is None or course.habits is None:
        return found | {own.time: shown} | ({own.until: shown} if own.until else {})
    low, high = around(own.inspection, course.habits, time, rng)
    came, known = code != own.censored, low == high
    if own.inspection.ends:
        shown = np.where(came, shown, nearest_visit(own.inspection, time))
    low = _down(np.maximum(low, entry), bound.schema[own.time], own.step)
    high = after(high, low, bound.schema[own.until], own.step)
    within = came & ~known & (high > low)
    return found | {own.time: np.where(within, low, shown), own.until: np.where(within, high, shown)}


def _administrative(own: FollowUp, entry: np.ndarray, rng: np.random.Generator, chances: np.ndarray) -> np.ndarray:
    """Draw when each record's follow-up ends administratively, shape (n,)."""
    ends = np.full(len(entry), np.inf if own.last is None else own.last)
    for time, chance in zip(own.times[::-1], chances[::-1], strict=True):
        here = (rng.random(len(entry)) < chance) & (entry < time)
        ends = np.where(here, time, ends)
    late = entry >= ends
    if late.any():
        raise SynthesisError(
            f"{late.sum()} of {len(entry)} records enter (column {own.entry!r}) after the last time of follow-up, "
            f"{own.last:g}. Give the column of entry an equation that stays below it, such as family='tree'."
        )
    return ends


def after(time: np.ndarray, entry: np.ndarray, column: Column, step: float | None = None) -> np.ndarray:
    """Return times as they are released, above 0 and after entry also where rounding would put them there.

    With ``step`` they are multiples of it.

    >>> column = Column("t", "count", "int64", decimals=0)
    >>> after(np.array([0.2, 3.6]), np.array([0.0, 3.5]), column).tolist()
    [1.0, 4.0]
    >>> after(np.array([20.0, 50.0]), np.array([0.0, 0.0]), column, 30.0).tolist()
    [30.0, 60.0]
    """
    grain = _grain(column, step)
    if grain is None:
        return time
    decimals = column.decimals or 0
    if step is None and column.kind != "count":
        rounded = released(time, column)
    else:
        rounded = np.round(np.round(time / grain) * grain, decimals)
    return np.where(rounded <= entry, np.round((np.floor(entry / grain + 1e-9) + 1.0) * grain, decimals), rounded)


def _down(time: np.ndarray, column: Column, step: float | None) -> np.ndarray:
    """Return times rounded down to what can be released."""
    grain = _grain(column, step)
    return time if grain is None else np.round(np.floor(time / grain + 1e-9) * grain, column.decimals or 0)


def _grain(column: Column, step: float | None) -> float | None:
    """Return the least difference of two times, None if there is none."""
    if step is not None:
        return step
    return None if column.decimals is None and column.kind != "count" else 10.0 ** -(column.decimals or 0)
