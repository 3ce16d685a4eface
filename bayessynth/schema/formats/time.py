"""Dates and times that stand as text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd

from bayessynth.schema.formats.clock import DAY, clocks, compiled, parse, show
from bayessynth.schema.formats.format import Format, Found, register
from bayessynth.schema.formats.gaps import gap_texts, gap_written
from bayessynth.schema.formats.number import FEW_TEXTS
from bayessynth.schema.formats.patterns import patterns
from bayessynth.schema.formats.text import distinct_texts, holds_text, read_texts, some, with_gaps
from bayessynth.schema.formats.zones import zone_of

# Days from the beginning of a month, and of a year, to its middle.
_HALF_MONTH, _HALF_YEAR = 14, 181
# In how many ways the times of a column may be written.
_WAYS = 3
# What clocks show, and their minutes from UTC.
Read = tuple[np.ndarray, np.ndarray]
_MISSING = np.datetime64("NaT", "us")


@register
@dataclass(frozen=True)
class Time(Format):
    """Dates and times as text: ``2020-01-31``, ``1/31/2020 5:30 PM``, ``31 Jan 2020``, ``2020-01-31T05:30:00+02:00``.

    Attributes
    ----------
    pattern : str
        Fields as ``strftime`` names them (``%-d`` without a leading zero, ``%^b`` for ``JAN``, ``%:z`` for
        ``+02:00``, ``%3`` for three digits of a second's fraction).
    also : tuple of str
        Patterns of cells that are written otherwise.
    shortest : bool
        Whether each time is written by the shortest of these patterns that shows it in full: midnight as a mere date,
        whole seconds without a fraction. Otherwise the first writes all, and the others are read only.
    zone : str or None
        The zone whose clocks the text shows, where it names one.
    missing : str or None
        The text of missing cells; None where there is no text.
    middle : bool
        Whether a date without its day, or month, among full ones is read as the middle of the month, or year.

    Examples
    --------
    >>> form = Time("%-d %b %Y")
    >>> form.write(form.read(pd.Series(["31 Jan 2020", "n/a"]))).tolist()
    ['31 Jan 2020', None]
    """

    name: ClassVar[str] = "time"
    text: ClassVar[bool] = True

    pattern: str = "%Y-%m-%d"
    also: tuple[str, ...] = ()
    shortest: bool = False
    zone: str | None = None
    missing: str | None = None
    middle: bool = False

    @property
    def plain(self) -> str:
        """Times, in the text's own zone if it names one."""
        return "datetime64[us]" if self.zone is None else f"datetime64[us, {self.zone}]"

    def read(self, series: pd.Series) -> pd.Series:
        """Return times; those that are no text are taken as they are."""
        if pd.api.types.is_datetime64_any_dtype(series.dtype):
            return series
        sample = show(np.array([1_580_448_600_000_000]), np.array([0]), self.pattern)[0]
        utc = read_texts(series, self._instants, _MISSING, f"a time written like {sample!r}")
        return utc if self.zone is None else utc.dt.tz_localize("UTC").dt.tz_convert(self.zone)

    def _instants(self, texts: list[str]) -> np.ndarray | None:
        read = _read(texts, (self.pattern, *self.also), self.middle)
        return None if read is None else (read[0] - read[1] * 60_000_000).astype("datetime64[us]")

    def write(self, plain: pd.Series) -> np.ndarray:
        """Return times as text."""
        missing = plain.isna().to_numpy()
        return with_gaps(self._written(*clocks(plain[~missing])), missing, self.missing)

    def _written(self, shown: np.ndarray, offset: np.ndarray) -> list[str]:
        texts = np.array(show(shown, offset, self.pattern), dtype=object)
        # The shortest comes last, over what longer ones wrote.
        for pattern in sorted((self.pattern, *self.also), key=len, reverse=True) if self.shortest else ():
            other = show(shown, offset, pattern)
            read = parse(other, pattern) if other else None
            if read is not None:
                whole = (read[0] == shown) & (read[1] == offset)
                texts[whole] = np.array(other, dtype=object)[whole]
        return texts.tolist()

    @classmethod
    def find(cls, series: pd.Series) -> Found | None:
        """Return how dates or times are written, if all cells are some and they are three or more."""
        if not holds_text(series):
            return None
        _, distinct = distinct_texts(series)
        gaps = gap_texts(distinct)
        texts = distinct if not gaps else [text for text in distinct if text not in set(gaps)]
        if len(texts) < 3:
            return None
        ways, notes = _ways(texts)
        read = _read(texts, ways) if ways else None
        if read is None:
            return None
        form = cls(*_common_first(texts, ways))
        missing, told = gap_written(series, gaps, "times that stand as text")
        form, zoned = _zoned(replace(form, missing=missing), *read)
        form, uneven = _shortened(form, texts)
        return Found(form, form.read(series), (*notes, *told, *zoned, *uneven))


def _ways(texts: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the patterns that texts are written by, none if they are no times, and a note if they are ambiguous."""
    ways: list[str] = []
    notes: tuple[str, ...] = ()
    rest = texts
    while rest:
        few, fit = some(rest), list(patterns(rest[0]))
        if not fit or len(ways) == _WAYS:
            return (), ()
        # The pattern by which most can be read; of equal ones the likelier.
        counts = [sum(compiled(p)[0].fullmatch(text) is not None for text in few) for p in fit]
        best = [p for p, count in zip(fit, counts, strict=True) if count == max(counts)]
        read = {p: parse(rest, p) for p in best} if max(counts) == len(few) else {}
        best = [p for p in best if read.get(p) is not None] or best
        ways.append(best[0])
        if read.get(best[0]) is not None:
            notes = notes or _ambiguous(rest[0], {p: read[p] for p in best})
            break
        match = compiled(best[0])[0].fullmatch
        rest = [text for text in rest if match(text) is None]
    # Where some dates begin with the day and some with the month, no date is certain.
    orders = {tuple(field.unit for field in compiled(way)[1] if field.unit in ("day", "month")) for way in ways}
    if len(ways) > 1 and (len(texts) <= FEW_TEXTS or {("day", "month"), ("month", "day")} <= orders):
        return (), ()
    return tuple(ways), notes


def _ambiguous(text: str, read: dict[str, Read | None]) -> tuple[str, ...]:
    """Say of patterns by which all texts can be read that they give different times."""
    first, *others = read
    for other in others:
        one, two = read[first], read[other]
        if one is not None and two is not None and not np.array_equal(one[0], two[0]):
            return (
                f"{text!r} may be written {first!r} or {other!r}, and so may all others; it is read by the first. "
                "Where that is wrong, convert the column first: pd.to_datetime(…, dayfirst=True).",
            )
    return ()


def _read(texts: list[str], ways: tuple[str, ...], middle: bool = False) -> Read | None:
    """Return what clocks show, and offsets from UTC, of texts written in one of several ways; see :class:`Time`."""
    if len(ways) == 1:
        return parse(texts, ways[0]) if texts else (np.zeros(0, dtype=np.int64),) * 2
    shown, offset, known = np.zeros((3, len(texts)), dtype=np.int64)
    for pattern in ways:
        own = [i for i in np.flatnonzero(known == 0) if compiled(pattern)[0].fullmatch(texts[i])]
        read = parse([texts[i] for i in own], pattern) if own else None
        if read is not None:
            shown[own], offset[own] = read
            shown[own] += _to_middle(pattern) if middle else 0
            known[own] = 1
    return (shown, offset) if known.all() else None


def _to_middle(pattern: str) -> int:
    """Return how far the middle of the month or year lies after its beginning, where a pattern shows no more of it."""
    shown = {field.unit for field in compiled(pattern)[1]}
    days = 0 if "day" in shown else _HALF_MONTH if "month" in shown else _HALF_YEAR if "year" in shown else 0
    return days * DAY


def _common_first(texts: list[str], ways: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    counts: Counter[str] = Counter()
    for text in texts if len(ways) > 1 else ():
        counts[next(way for way in ways if compiled(way)[0].fullmatch(text))] += 1
    first = max(ways, key=lambda way: counts[way])
    return first, tuple(way for way in ways if way != first)


def _zoned(form: Time, shown: np.ndarray, offset: np.ndarray) -> tuple[Time, tuple[str, ...]]:
    """Add the zone to a format whose texts name one."""
    if any(field.unit == "offset" for field in compiled(form.pattern)[1]):
        zone, exact = zone_of(shown - offset * 60_000_000, offset)
        note = (
            f"its times have offsets that no one zone has; they are written back in {zone}, at the same instants. To "
            "keep offsets, put them in a column of their own.",
        )
        return replace(form, zone=zone), () if exact else note
    return (replace(form, zone="UTC"), ()) if form.pattern.endswith(("Z", "UTC", "GMT")) else (form, ())


def _shortened(form: Time, texts: list[str]) -> tuple[Time, tuple[str, ...]]:
    """Let each time be written by its shortest pattern where that restores all texts; else say what changes."""
    if not form.also:
        return form, ()
    plain = form.read(pd.Series(texts))
    for other in (replace(form, shortest=True), form):
        again = other.write(plain)
        odd = [i for i, text in enumerate(texts) if again[i] != text]
        if not odd:
            return other, ()
    if any(map(_to_middle, form.also)) and not _to_middle(form.pattern):
        form = replace(form, middle=True)
        again = form.write(form.read(pd.Series(texts)))
    return form, (
        f"its times are not all written alike: {len(odd)} of {len(texts)} distinct ones change, as {texts[odd[0]]!r} "
        f"to {again[odd[0]]!r}. To keep them letter by letter, declare the column categorical.",
    )
