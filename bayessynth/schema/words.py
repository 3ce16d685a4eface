"""Columns of text, and of text among numbers: levels, names of records, sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import FormatWarning, SchemaError, warn
from bayessynth.schema.column import Column, plain, typed
from bayessynth.schema.formats.gaps import GAP_TEXTS
from bayessynth.schema.formats.notation import Notation

# Text with more than this share of distinct values, over enough rows, names records.
IDENTIFIER_SHARE, IDENTIFIER_ROWS = 0.9, 20
# Text of so many words and letters on average is sentences, if more than this share is distinct.
SENTENCE_WORDS, SENTENCE_LENGTH, SENTENCE_SHARE = 5, 30, 0.5
# Distinct values up to which numbers and text in one column are levels.
MOST_MIXED = 50
# Distinct texts up to which they are codes among numbers, rather than names of which some have digits only.
MOST_CODES = 10
_SAMPLE = 500


def names_records(present: pd.Series, distinct: Sequence[Any]) -> bool:
    """Tell whether nearly every value occurs once."""
    return len(present) > IDENTIFIER_ROWS and len(distinct) > IDENTIFIER_SHARE * len(present)


def text_column(name: str, dtype: str, present: pd.Series, distinct: Sequence[Any], facts: dict[str, Any]) -> Column:
    """Return a column of text: levels, or an identifier."""
    if _sentences(present, distinct):
        return Column(name, "identifier", dtype, free_text=True, **facts)
    if len(distinct) > MOST_MIXED:
        _tell_codes(name, list(distinct))
    if names_records(present, distinct):
        return Column(name, "identifier", dtype, **facts)
    return Column(name, "categorical", dtype, levels=tuple(sorted(map(plain, distinct), key=sortable)), **facts)


def _sentences(present: pd.Series, distinct: Sequence[Any]) -> bool:
    if len(present) <= IDENTIFIER_ROWS or len(distinct) <= SENTENCE_SHARE * len(present):
        return False
    some = [str(text) for text in distinct[:: max(1, len(distinct) // _SAMPLE)]]
    words, length = np.mean([len(text.split()) for text in some]), np.mean(list(map(len, some)))
    return bool(words >= SENTENCE_WORDS and length >= SENTENCE_LENGTH)


def _tell_codes(name: str, texts: list[Any]) -> None:
    """Warn of numbers that stand as text beside a few words, such as ``<5``."""
    number = Notation().pattern.fullmatch
    some = texts[:: max(1, len(texts) // _SAMPLE)]
    if sum(number(str(text)) is not None for text in some) < len(some) / 2:
        return
    codes = [text for text in texts if text not in GAP_TEXTS and number(str(text)) is None]
    if 0 < len(codes) <= MOST_CODES:
        warn(f"{_numbers_and(name, texts, codes)} Else each of them is a level.", FormatWarning)


def _numbers_and(name: str, values: list[Any], codes: list[Any]) -> str:
    """Say that a column holds numbers and text, and what to do."""
    shown = ", ".join(map(repr, codes[:3])) + (", …" if len(codes) > 3 else "")
    number = next(value for value in values if value not in codes)
    return (
        f"Column {name!r} holds numbers and text: {len(values)} distinct values, such as {number!r}, and {len(codes)} "
        f"that are no numbers, {shown}. Make missing cells of these, df[{name!r}] = pd.to_numeric(df[{name!r}], "
        "errors='coerce'), and keep them in a column of their own if they mean something; or make levels of ranges, "
        "by pd.cut."
    )


def mixed_column(name: str, present: pd.Series, facts: dict[str, Any]) -> Column:
    """Return a column of levels of several types, ``1`` and ``"1"`` kept apart.

    Raises
    ------
    SchemaError
        If it holds too many distinct values to be levels.
    """
    values = list(dict.fromkeys(typed(plain(value)) for value in present))
    levels = sorted((value for _, value in values), key=lambda value: (*sortable(value), type(value).__name__))
    if len(levels) > MOST_MIXED:
        codes = [level for level in levels if isinstance(level, str | bool)]
        raise SchemaError(_numbers_and(name, levels, codes))
    if len(levels) == 2:
        return Column(name, "binary", "object", levels=tuple(levels), **facts)
    return Column(name, "categorical", "object", levels=tuple(levels), **facts)


def mixes(present: pd.Series) -> bool:
    """Tell whether a column holds text and numbers, or truth values and either.

    >>> mixes(pd.Series([1, "1"], dtype=object)), mixes(pd.Series([1, 2.5], dtype=object))
    (True, False)
    """
    if present.dtype != np.dtype(object):
        return False
    kinds = {type(plain(value)) for value in present} if len(present) else set()
    return len(kinds) > 1 and not kinds <= {int, float}


def sortable(value: Any) -> tuple[int, Any]:
    """Return a key by which levels sort: numbers first, then all else as text."""
    return (0, value) if isinstance(value, int | float) else (1, str(value))
