"""What a column's name, and the way its labels are written, say of it: that it tells sampled units apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

# What is sampled, or what samples come in.
UNITS = frozenset({
    "subject", "subj", "usubj", "patient", "person", "pers", "participant", "respondent", "individual", "child",
    "student", "pupil", "teacher", "instructor", "lecturer", "rater", "judge", "reader", "school", "classroom",
    "college", "university", "course", "center", "centre", "site", "clinic", "hospital", "practice", "physician",
    "doctor", "surgeon", "nurse", "provider", "prov", "household", "hh", "family", "fam", "mother", "sibship",
    "twin", "couple", "dyad", "pair", "firm", "company", "establishment", "plant", "store", "branch", "account",
    "acct", "customer", "client", "policy", "contract", "claimant", "vehicle", "machine", "device", "batch", "lot",
    "plate", "sample", "specimen", "animal", "rat", "mouse", "dog", "cow", "pig", "herd", "flock", "litter",
    "brood", "nest", "farm", "field", "plot", "tree", "item", "station", "sensor", "team", "player", "cluster",
    "psu",
})  # fmt: skip
# Places are units to one analyst and levels to another: their labels mean something.
PLACES = frozenset({
    "county", "district", "ward", "village", "town", "city", "municipality", "parish", "precinct", "tract",
    "neighborhood", "neighbourhood", "region", "nation", "country", "state", "lea", "location", "province",
})  # fmt: skip
LABELS = frozenset({"id", "ids", "idcode", "uid", "uuid", "guid", "pid", "identifier"})
NUMBERS = frozenset({"nr", "no", "num", "number", "key"})
CODES = frozenset({"code"})
# What is no unit, however often it repeats.
QUANTITIES = frozenset({
    "age", "year", "yr", "month", "day", "week", "hour", "minute", "second", "date", "time", "period", "wave",
    "visit", "round", "quarter", "score", "rank", "grade", "rating", "level", "order", "seq", "sequence", "amount",
    "price", "cost", "income", "size", "count", "total",
})  # fmt: skip


def name_says(name: str) -> str | None:
    """Return what a column's name says of it.

    Parameters
    ----------
    name : str

    Returns
    -------
    str or None
        ``"identifier"``; ``"unit"`` or ``"place"``, the name of what is often sampled; ``"number"``, which may be a
        label or a quantity; ``"quantity"``; or None.

    Examples
    --------
    >>> [name_says(name) for name in ("schoolNR", "patient_id", "USUBJID", "classroom", "county.name")]
    ['identifier', 'identifier', 'identifier', 'unit', 'place']
    >>> [name_says(name) for name in ("nr", "schoolSES", "birth_year", "income2")]
    ['number', None, 'quantity', 'quantity']
    """
    words = _words(name)
    if not words:
        return None
    if LABELS & set(words) or any(_is_unit_and(word, LABELS | NUMBERS) for word in words):
        return "identifier"
    last = words[-2] if words[-1] == "name" and len(words) > 1 else words[-1]
    if last in NUMBERS and UNITS & set(words):
        return "identifier"
    for kind, known in (("unit", UNITS), ("place", PLACES), ("quantity", QUANTITIES), ("number", NUMBERS | CODES)):
        if last in known:
            return kind
    return "number" if re.search(r"[A-Z]ID$|^ID[A-Z]", name) else None


def _words(name: str) -> list[str]:
    """Return the words of a name: parted by signs, digits and capitals after small letters."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word.lower() for word in re.split(r"[\W_\d]+", parted) if word]


def _is_unit_and(word: str, ends: frozenset[str]) -> bool:
    return any(word.endswith(end) and word.removesuffix(end) in UNITS | PLACES for end in ends)


def written_as_labels(values: Sequence[Any]) -> bool:
    """Tell whether texts are written as labels are: in one pattern of letters and digits, and no numbers or dates.

    Parameters
    ----------
    values : sequence

    Examples
    --------
    >>> written_as_labels(["M01", "M02", "F01"]), written_as_labels(["oral", "topical"])
    (True, False)
    >>> written_as_labels(["2012-07-22", "2013-01-01"]), written_as_labels(["3.5", "4"])
    (False, False)
    """
    shown = [str(value).strip() for value in values]
    if any(not re.search(r"\d", text) or _NUMBER.fullmatch(text) or _DATE.match(text) for text in shown):
        return False
    return len({re.sub(r"[A-Za-z]+", "A", re.sub(r"\d+", "9", text)) for text in shown}) == 1


_NUMBER = re.compile(r"[-+<>]?[\d.,]+(e[-+]?\d+)?%?", re.IGNORECASE)
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|\d{4}-\d{2}")


def natural(value: Any) -> tuple[Any, ...]:
    """Return a key by which labels sort as people count them.

    Parameters
    ----------
    value : object

    Examples
    --------
    >>> sorted(["M10", "M2"], key=natural)
    ['M2', 'M10']
    """
    if isinstance(value, int | float):
        return ((0, float(value), ""),)
    parts = re.split(r"(\d+)", str(value))
    return tuple((0, float(part), "") if part.isdecimal() else (1, 0.0, part) for part in parts)
