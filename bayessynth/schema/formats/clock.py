"""Times as text by a pattern of fields, and back: the same everywhere, whatever the machine's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")  # fmt: skip
# Two digits of a year below this are of the 21st century, as everywhere in Python.
_PIVOT = 69
DAY, _US = 86_400_000_000, 1_000_000


class Field(NamedTuple):
    """One field of a pattern: what it looks like, its value in a text, its text for times.

    A width is that of fields which are so many digits, always.
    """

    pattern: str
    unit: str
    read: Callable[[str], int]
    write: Callable[[np.ndarray], list[str]]
    width: int = 0


def _digits(width: int) -> Callable[[np.ndarray], list[str]]:
    def write(values: np.ndarray) -> list[str]:
        distinct, places = np.unique(values, return_inverse=True)
        return np.array([f"{value:0{width}d}" for value in distinct.tolist()], dtype=object)[places].tolist()

    return write


def _names(names: Sequence[str]) -> tuple[Callable[[str], int], Callable[[np.ndarray], list[str]]]:
    def write(values: np.ndarray) -> list[str]:
        return np.array(names, dtype=object)[values - 1].tolist()

    return lambda text: names.index(text) + 1, write


def _month(names: Sequence[str]) -> Field:
    read, write = _names(names)
    return Field("|".join(names), "month", read, write)


def _short_year(text: str) -> int:
    return int(text) + (2000 if int(text) < _PIVOT else 1900)


def _half(values: np.ndarray) -> np.ndarray:
    return (values + 11) % 12 + 1


def _noon(before: str, after: str) -> Field:
    def write(hours: np.ndarray) -> list[str]:
        return np.where(hours >= 12, after, before).tolist()

    return Field(f"{before}|{after}", "noon", lambda text: int(text == after), write)


def _offset(mark: str) -> Field:
    def read(text: str) -> int:
        digits = text.replace(":", "")
        minutes = int(digits[1:3]) * 60 + int(digits[3:5] or 0)
        return -minutes if digits[0] == "-" else minutes

    def write(values: np.ndarray) -> list[str]:
        distinct, places = np.unique(values, return_inverse=True)
        texts = [f"{'-' if v < 0 else '+'}{abs(v) // 60:02d}{mark}{abs(v) % 60:02d}" for v in distinct.tolist()]
        return np.array(texts, dtype=object)[places].tolist()

    return Field(rf"[+-]\d\d{mark}\d\d", "offset", read, write)


def _fraction(places: int) -> Field:
    return Field(rf"\d{{{places}}}", "us", lambda text: int(text.ljust(6, "0")[:6]),
                 lambda us: [f"{v:0{places}d}" for v in (us // 10 ** (6 - places)).tolist()])  # fmt: skip


_two, _plain = _digits(2), _digits(1)
FIELDS: dict[str, Field] = {
    "Y": Field(r"\d{4}", "year", int, _digits(4), 4),
    "y": Field(r"\d\d", "year", _short_year, lambda year: _two(year % 100)),
    "m": Field(r"0[1-9]|1[0-2]", "month", int, _two, 2), "-m": Field(r"[1-9]|1[0-2]", "month", int, _plain),
    "d": Field(r"0[1-9]|[12]\d|3[01]", "day", int, _two, 2), "-d": Field(r"[1-9]|[12]\d|3[01]", "day", int, _plain),
    "B": _month(MONTHS), "b": _month([m[:3] for m in MONTHS]), "^B": _month([m.upper() for m in MONTHS]),
    "^b": _month([m[:3].upper() for m in MONTHS]), "_b": _month([m[:3].lower() for m in MONTHS]),
    "H": Field(r"[01]\d|2[0-3]", "hour", int, _two, 2), "-H": Field(r"1\d|2[0-3]|\d", "hour", int, _plain),
    "I": Field(r"0[1-9]|1[0-2]", "half", int, lambda h: _two(_half(h))),
    "-I": Field(r"1[0-2]|[1-9]", "half", int, lambda h: _plain(_half(h))),
    "M": Field(r"[0-5]\d", "minute", int, _two, 2), "S": Field(r"[0-5]\d", "second", int, _two, 2),
    "p": _noon("AM", "PM"), "_p": _noon("am", "pm"),
    **{str(places): _fraction(places) for places in range(1, 7)},
    "z": _offset(""), ":z": _offset(":"),
}  # fmt: skip
_TOKEN = re.compile(r"%([-_:^]?[A-Za-z1-6])")


@lru_cache(maxsize=256)
def compiled(pattern: str) -> tuple[re.Pattern[str], tuple[Field, ...], tuple[str, ...]]:
    """Return a pattern as a regular expression, its fields, and the texts around them.

    >>> compiled("%d/%m/%Y")[0].fullmatch("31/12/2020").groups()
    ('31', '12', '2020')
    """
    between = _TOKEN.split(pattern)
    own = tuple(FIELDS[name] for name in between[1::2])
    around = tuple(between[::2])
    regex = re.escape(around[0]) + "".join(
        f"({field.pattern}){re.escape(text)}" for field, text in zip(own, around[1:], strict=True)
    )
    return re.compile(regex), own, around


def parse(texts: Sequence[str], pattern: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Return what clocks show, in microseconds since 1970, and their minutes from UTC; None if a text does not fit.

    >>> parse(["1 Jan 1970 00:01"], "%-d %b %Y %H:%M")[0].tolist()
    [60000000]
    """
    parts = _by_place(texts, pattern)
    if parts is None:
        parts = _by_match(texts, pattern)
    return None if parts is None else _instants(parts, len(texts))


def _by_match(texts: Sequence[str], pattern: str) -> dict[str, np.ndarray] | None:
    """Return the fields of texts, each looked at; None if one does not fit."""
    regex, own, _ = compiled(pattern)
    rows = []
    for text in texts:
        match = regex.fullmatch(text)
        if match is None:
            return None
        rows.append(match.groups())
    parts: dict[str, np.ndarray] = {}
    for field, column in zip(own, zip(*rows, strict=True), strict=True):
        known = {text: field.read(text) for text in set(column)}
        parts[field.unit] = np.array([known[text] for text in column], dtype=np.int64)
    return parts


_ENDS = {"year": (1, 9999), "month": (1, 12), "day": (1, 31), "hour": (0, 23), "minute": (0, 59), "second": (0, 59)}


def _by_place(texts: Sequence[str], pattern: str) -> dict[str, np.ndarray] | None:
    """Return the fields of texts all at once, where they are digits in fixed places; None if that does not do."""
    _, own, around = compiled(pattern)
    length = sum(field.width for field in own) + sum(map(len, around))
    if not all(field.width for field in own) or not all(len(text) == length for text in texts):
        return None
    letters = np.array(texts, dtype=f"U{length}").view(np.uint32).reshape(len(texts), length)
    parts: dict[str, np.ndarray] = {}
    place = 0
    for field, text in zip((None, *own), around, strict=True):
        if field is not None:
            digits = letters[:, place : place + field.width].astype(np.int64) - ord("0")
            value = digits @ (10 ** np.arange(field.width - 1, -1, -1))
            low, high = _ENDS[field.unit]
            if (digits < 0).any() or (digits > 9).any() or (value < low).any() or (value > high).any():
                return None
            parts[field.unit] = value
            place += field.width
        if (letters[:, place : place + len(text)] != np.array(list(map(ord, text)), dtype=np.uint32)).any():
            return None
        place += len(text)
    return parts


def _instants(parts: dict[str, np.ndarray], n: int) -> tuple[np.ndarray, np.ndarray] | None:
    zero = np.zeros(n, dtype=np.int64)
    year, month, day = (parts.get(unit, zero + base) for unit, base in (("year", 1970), ("month", 1), ("day", 1)))
    if (year < 1).any():
        return None
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    first, after = (m.astype("datetime64[D]").astype(np.int64) for m in (months, months + np.timedelta64(1, "M")))
    days = first + day - 1
    if (days >= after).any():
        return None
    hour = parts.get("hour", zero)
    if "half" in parts:
        hour = parts["half"] % 12 + 12 * parts["noon"]
    seconds = (hour * 60 + parts.get("minute", zero)) * 60 + parts.get("second", zero)
    return days * DAY + seconds * _US + parts.get("us", zero), parts.get("offset", zero)


def show(shown: np.ndarray, offset: np.ndarray, pattern: str) -> list[str]:
    """Return what clocks show as text.

    Parameters
    ----------
    shown : ndarray of int64
        Microseconds since 1970.
    offset : ndarray of int64
        Minutes from UTC.
    pattern : str

    Examples
    --------
    >>> show(np.array([60_000_000]), np.array([120]), "%Y-%m-%dT%H:%M%:z")
    ['1970-01-01T00:01+02:00']
    """
    _, own, around = compiled(pattern)
    parts = _parts(shown) | {"offset": offset}
    pieces: list[Any] = [field.write(parts[_SOURCE.get(field.unit, field.unit)]) for field in own]
    template = around[0].replace("%", "%%") + "".join(f"%s{text.replace('%', '%%')}" for text in around[1:])
    return [template % row for row in zip(*pieces, strict=True)]


_SOURCE = {"half": "hour", "noon": "hour"}


def _parts(shown: np.ndarray) -> dict[str, np.ndarray]:
    days, within = np.divmod(shown, DAY)
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    seconds, us = np.divmod(within, _US)
    return {
        "year": dates.astype("datetime64[Y]").astype(np.int64) + 1970, "month": months.astype(np.int64) % 12 + 1,
        "day": (dates - months.astype("datetime64[D]")).astype(np.int64) + 1, "hour": seconds // 3600,
        "minute": seconds // 60 % 60, "second": seconds % 60, "us": us,
    }  # fmt: skip


def clocks(plain: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return what the clocks of a column's zone show, in microseconds, and their offsets from UTC in minutes."""
    zone = plain.dt.tz
    local = plain if zone is None else plain.dt.tz_localize(None)
    shown = local.to_numpy().astype("datetime64[us]").astype(np.int64)
    if zone is None:
        return shown, np.zeros(len(shown), dtype=np.int64)
    utc = plain.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    return shown, (shown - utc) // 60_000_000
