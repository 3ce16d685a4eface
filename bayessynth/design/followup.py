"""How latent times until an event, and the end of follow-up, make the times and events that a record shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bayessynth.design.evaluate import Frame, numbers
from bayessynth.design.inspection import Inspection, inspections
from bayessynth.schema import Schema
from bayessynth.spec import CENSORED, Cause, Survival

# Records that end censored at one time: so many at the least, and so many times what times around it lead to expect,
# for the time to be an administrative end; the last time of all needs two.
_MANY, _EXCESS, _LAST = 5, 10.0, 2
# How far around a time is looked, as a share of the range.
_AROUND = 0.025


@dataclass(frozen=True)
class FollowUp:
    """What a survival time needs, beside its latent times' equations, for records to be made.

    Attributes
    ----------
    time, event : str
    latent : tuple of tuple
        Response of each latent time's equation, and the encoded value of the event column where it comes first.
    censored : float or None
        The encoded value where follow-up ends first; None where every record has the event.
    entry, until : str or None
    times : tuple of float
        Times at which many records end censored at once, in order: administrative ends.
    watched, ended : tuple of int
        Of the records still watched at each of them, how many there were, and how many ended there.
    last : float or None
        When everybody who is left is censored: no record has a longer follow-up.
    inspection : Inspection or None
        Of times that are known to lie in intervals.
    step : float or None
        Of which all times are multiples, where that is more than a unit of their last decimal.
    due : tuple of str
        Where units have rows one after another: columns that hold after how much time a row's next one is due, and
        whether one is due at all.
    between : float
        The encoded value of the event column in rows that have another after them.

    Examples
    --------
    >>> own = FollowUp("time", "status", (("time", 1.0),), 0.0, last=10.0)
    >>> FollowUp.from_json(own.to_json()) == own
    True
    """

    time: str
    event: str
    latent: tuple[tuple[str, float], ...]
    censored: float | None
    entry: str | None = None
    until: str | None = None
    times: tuple[float, ...] = ()
    watched: tuple[int, ...] = ()
    ended: tuple[int, ...] = ()
    last: float | None = None
    inspection: Inspection | None = None
    step: float | None = None
    due: tuple[str, ...] = ()
    between: float = 0.0

    @property
    def declares(self) -> tuple[str, ...]:
        """The columns that it makes."""
        return (self.time, self.event, *([self.until] if self.until else []))

    @property
    def censoring(self) -> str:
        """Response of the equation of the end of follow-up."""
        return f"{self.time}_{CENSORED}"

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FollowUp:
        """Make it of what :meth:`to_json` returned."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        values["latent"] = tuple((name, float(code)) for name, code in data["latent"])
        if values.get("inspection") is not None:
            values["inspection"] = Inspection.from_json(values["inspection"])
        return cls(**values)


def seen(cause: Cause, frame: Frame) -> dict[str, np.ndarray]:
    """Return what stands beside the values of a latent time, as far as its columns are in a frame.

    Examples
    --------
    >>> frame = Frame({"time": np.array([1.0, 2.0]), "status": np.array([1, 0])})
    >>> seen(Cause("time", "status", 1.0), frame)["event"].tolist()
    [1.0, 0.0]
    """
    found: dict[str, np.ndarray] = {}
    if cause.entry in frame.arrays:
        found["entry"] = numbers(str(cause.entry), frame)
    if cause.strata is not None and cause.strata in frame.arrays:
        found["shift"] = frame.arrays[cause.strata] * cause.width
    if cause.event in frame.arrays:
        came = frame.arrays[cause.event] == cause.code
        if cause.last is not None and cause.last in frame.arrays:
            came = came & (frame.arrays[cause.last] == 1)
        if cause.atoms:
            came = came & ~np.isin(frame.arrays[cause.time], cause.atoms)
        found["event"] = came.astype(float)
        if cause.until in frame.arrays and not cause.ends:
            found["upper"] = numbers(str(cause.until), frame)
    return found


def width_of(time: np.ndarray) -> float:
    """Return a power of two well beyond all times, so that a time plus a multiple of it loses no digit that matters.

    >>> width_of(np.array([3.0, 5.0]))
    32.0
    """
    return float(2.0 ** math.ceil(math.log2(4.0 * float(np.nanmax(time)))))


def follow_up(own: Survival, arrays: Mapping[str, np.ndarray], schema: Schema) -> FollowUp:
    """Find when records end, from encoded columns.

    Parameters
    ----------
    own : Survival
        With its coding.
    arrays : mapping of str to ndarray
    schema : Schema

    Returns
    -------
    FollowUp
    """
    codes = {e.response: e.cause.code for e in own.equations if e.cause is not None}
    causes = [e.cause.code for e in own.equations if e.cause is not None and not e.cause.ends]
    whole = np.isfinite(arrays[own.time])
    time, event = arrays[own.time][whole], arrays[own.event][whole]
    entry = arrays[own.entry][whole] if own.entry else np.zeros(len(time))
    there = event >= 0 if schema[own.event].levels else np.isfinite(event)
    censored = there & ~np.isin(event, causes)
    inspection = inspections(time, arrays[own.until][whole], np.isin(event, causes)) if own.until else None
    step = grid(time, schema[own.time].decimals)
    if not censored.any():
        return FollowUp(
            own.time, own.event, tuple(codes.items()), None, own.entry, own.until, inspection=inspection, step=step
        )
    times = administrative(time, censored, schema[own.time].decimals)
    ended = tuple(int((censored & (time == t)).sum()) for t in times)
    beyond = tuple(int(((time > t) & (entry < t)).sum()) for t in times)
    top = float(time.max())
    last = top if top in times else rounded_up(top) if step is None else top + step
    return FollowUp(
        own.time, own.event, tuple(codes.items()), float(event[censored][0]), own.entry, own.until, times,
        tuple(a + b for a, b in zip(beyond, ended, strict=True)), ended, last,
        inspection, step,
    )  # fmt: skip


def grid(time: np.ndarray, decimals: int | None) -> float | None:
    """Return the greatest number of which all times are multiples, None if it is a unit of their last decimal.

    >>> grid(np.array([60.0, 90.0, 150.0]), 0), grid(np.array([60.0, 90.0, 151.0]), 0)
    (30.0, None)
    """
    if decimals is None or not len(time):
        return None
    units = np.round(time * 10.0**decimals).astype(np.int64)
    several = len(np.unique(units)) > 1
    step = int(np.gcd.reduce(units)) if several else 1
    return round(step * 10.0**-decimals, decimals) if step > 1 else None


def administrative(time: np.ndarray, censored: np.ndarray, decimals: int | None) -> tuple[float, ...]:
    """Return the times at which many records end censored at once.

    Parameters
    ----------
    time : ndarray of shape (n,)
    censored : ndarray of bool, shape (n,)
    decimals : int or None
        With which times are written; None for any number, where two equal ones are no coincidence.

    Examples
    --------
    >>> time = np.array([1.0, 3.0, 5.0, 5.0, 5.0])
    >>> administrative(time, np.array([True, False, True, True, True]), 0)
    (5.0,)
    """
    values, counts = np.unique(time[censored], return_counts=True)
    grain = 10.0**-decimals if decimals is not None else 0.0
    reach = _AROUND * float(time.max() - time.min())
    ends = np.sort(time[censored])
    found = []
    for value, count in zip(values.tolist(), counts.tolist(), strict=True):
        near = np.searchsorted(ends, value + reach, side="right") - np.searchsorted(ends, value - reach, side="left")
        expected = (near - count) * grain / (2.0 * reach) if reach > 0 else 0.0
        last = value == time.max() and count >= _LAST
        if last or count >= max(_MANY, _EXCESS * expected):
            found.append(value)
    return tuple(found)


def rounded_up(time: float) -> float:
    """Return the next number above a time that has two digits, so that it is no record's own.

    >>> rounded_up(2659.0), rounded_up(2600.0)
    (2700.0, 2700.0)
    """
    unit = 10.0 ** (math.floor(math.log10(time)) - 1)
    return float(f"{(math.floor(time / unit + 1e-9) + 1) * unit:.2g}")
