"""Patterns that a text may be a date or a time by."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bayessynth.schema.formats.clock import MONTHS, compiled

_SHORT = "|".join(m[:3] for m in MONTHS)
_WORD = f"(?:{'|'.join(MONTHS)}|{_SHORT})"
_TIMED = re.compile(
    r"(?:(?P<date>.+?)(?P<mark>T|,? {1,2}))?(?P<hour>\d{1,2}):(?P<minute>\d\d)(?P<second>:\d\d)?"
    r"(?P<fraction>[.,]\d{1,6})?(?P<noon> ?[AaPp][Mm])?(?P<zone> ?(?:Z|UTC|GMT|[+-]\d\d:?\d\d))?"
)
_YEAR = re.compile(r"(?:1[5-9]|20|21)\d\d")
_YEAR_FIRST = re.compile(r"(\d{4})([-/. ])(\d{1,2})(?:\2(\d{1,2}))?")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d\d)")
_DAY_WORD = re.compile(rf"(\d{{1,2}})([-/. ]?)({_WORD})(,? |[-/.]|)(\d{{4}}|\d\d)", re.IGNORECASE)
_WORD_DAY = re.compile(rf"({_WORD})( |-)(?:(\d{{1,2}})(,? |-))?(\d{{4}})", re.IGNORECASE)


def patterns(text: str) -> Iterator[str]:
    """Yield the patterns by which a text is a date or a time, the likelier first.

    Of day and month the month comes first where neither the year nor a word tells, as in most software.

    >>> list(patterns("3/4/2020 15:30"))
    ['%-m/%-d/%Y %H:%M', '%-m/%-d/%Y %-H:%M', '%-d/%-m/%Y %H:%M', '%-d/%-m/%Y %-H:%M']
    >>> next(patterns("2020-01-31T05:30:00+02:00"))
    '%Y-%m-%dT%H:%M:%S%:z'
    """
    for pattern in _whole(text):
        if compiled(pattern)[0].fullmatch(text):
            yield pattern


def _whole(text: str) -> Iterator[str]:
    match = _TIMED.fullmatch(text)
    if match is None:
        yield from _dates(text)
        return
    tail = _zone(match["zone"] or "")
    dates = [""] if match["date"] is None else _dates(match["date"])
    yield from (f"{date}{match['mark'] or ''}{time}{tail}" for date in dates for time in _times(match))


def _zone(text: str) -> str:
    """Return the pattern of a zone: an offset in digits, or the word that it is."""
    mark = text.strip()
    return text if not mark or mark.isalpha() else text.replace(mark, "%:z" if ":" in mark else "%z")


def _times(match: re.Match[str]) -> Iterator[str]:
    seconds = ":%S" if match["second"] else ""
    if match["fraction"]:
        seconds += f"{match['fraction'][0]}%{len(match['fraction']) - 1}"
    noon = match["noon"] or ""
    half = f"{' ' if noon.startswith(' ') else ''}{'%p' if noon.strip().isupper() else '%_p'}" if noon else ""
    for hour in ("I", "-I") if noon else ("H", "-H"):
        yield f"%{hour}:%M{seconds}{half}"


def _dates(text: str) -> Iterator[str]:
    if _YEAR.fullmatch(text):
        yield "%Y"
    elif match := _YEAR_FIRST.fullmatch(text):
        mark = match[2]
        for month in _either("m"):
            if match[4] is None:
                yield f"%Y{mark}{month}"
            else:
                yield from (f"%Y{mark}{month}{mark}{day}" for day in _either("d"))
    elif match := _YEAR_LAST.fullmatch(text):
        mark, year = match[2], "%Y" if len(match[4]) == 4 else "%y"
        pairs = [(month, day) for month in _either("m") for day in _either("d")]
        pairs.sort(key=lambda pair: (pair[0][1] == "-") != (pair[1][1] == "-"))
        yield from (f"{month}{mark}{day}{mark}{year}" for month, day in pairs)
        yield from (f"{day}{mark}{month}{mark}{year}" for month, day in pairs)
        if year == "%y":
            yield f"%y{mark}%m{mark}%d"
    elif match := _DAY_WORD.fullmatch(text):
        year = "%Y" if len(match[5]) == 4 else "%y"
        for day in _either("d"):
            yield from (f"{day}{match[2]}{word}{match[4]}{year}" for word in _words(match[3]))
    elif match := _WORD_DAY.fullmatch(text):
        for word in _words(match[1]):
            if match[3] is None:
                yield f"{word}{match[2]}%Y"
            else:
                yield from (f"{word}{match[2]}{day}{match[4]}%Y" for day in _either("d"))


def _either(letter: str) -> tuple[str, str]:
    return f"%{letter}", f"%-{letter}"


def _words(word: str) -> tuple[str, ...]:
    """Return the fields for a month's name; that of May is both long and short."""
    if word.isupper():
        return "%^b", "%^B"
    return ("%_b",) if word.islower() else ("%b", "%B")
