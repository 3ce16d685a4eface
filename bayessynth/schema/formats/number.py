"""Numbers that stand as text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import ClassVar

import numpy as np
import pandas as pd

from bayessynth.schema.formats.format import Format, Found, register
from bayessynth.schema.formats.gaps import GAP_TEXTS, gap_texts, gap_written
from bayessynth.schema.formats.notation import MOST_DIGITS, Digits, Notation, written
from bayessynth.schema.formats.text import distinct_texts, holds_text, read_texts, some, with_gaps

# So few texts that no notation writes exactly are levels; of more, the numbers count.
FEW_TEXTS = 20
# Decimals beyond which numbers are written with as many as tell them apart.
_LONG = 12
# The marks of thousands and of decimals, the likelier first.
_MARKS = (("", "."), (",", "."), (" ", "."), ("\u00a0", "."), ("\u202f", "."), ("'", "."), ("’", "."), ("", ","),
          (".", ","), (" ", ","), ("\u00a0", ","), ("\u202f", ","))  # fmt: skip
_CURRENCY = r"[$€£¥₹₽₩]|[A-Z]{0,2}\$|(?:USD|EUR|GBP|CHF|JPY|CAD|AUD|SEK|NOK|DKK|PLN|CZK|INR|CNY)"
_BEFORE = re.compile(rf"\s*[(+−-]?((?:{_CURRENCY})[ \u00a0]?)")
_EXPONENT = re.compile(r"([eE])([+-]?)(\d+)")
_BARE, _MINUS_ZERO = re.compile(r"(?m)^[^\d\n]*[.,]\d"), re.compile(r"(?m)^[-−][^\d\n]?0(?:[.,]0*)?[^\d\n]*$")
_AFTER = re.compile(rf"[\d.,]([ \u00a0]?(?:[%‰°]|{_CURRENCY})|[ \u00a0][^\W\d][^\s\d]{{0,9}})\)?\s*")


@register
@dataclass(frozen=True)
class Number(Format):
    """Numbers as text: ``1,234.50``, ``1 234``, ``12%``, ``$5``, ``3,14``, ``1e-05``.

    Attributes
    ----------
    decimal, thousands, prefix, suffix, minus, plus, bare, inside, minus_zero
        See :class:`~bayessynth.schema.formats.notation.Notation`.
    least, most, exponent, when
        See :class:`~bayessynth.schema.formats.notation.Digits`.
    missing : str or None
        The text of missing cells; None where there is no text.

    Examples
    --------
    >>> Number(thousands=",", least=2, most=2).write(pd.Series([1234567.5])).tolist()
    ['1,234,567.50']
    """

    name: ClassVar[str] = "number"
    text: ClassVar[bool] = True

    decimal: str = "."
    thousands: str = ""
    prefix: str = ""
    suffix: str = ""
    minus: str = "-"
    plus: bool = False
    bare: bool = False
    inside: bool = False
    minus_zero: bool = False
    least: int = 0
    most: int | None = 0
    exponent: str | None = None
    when: str = "far"
    missing: str | None = None

    @cached_property
    def notation(self) -> Notation:
        """The marks of its numbers."""
        return Notation(**{field.name: getattr(self, field.name) for field in fields(Notation)})

    @cached_property
    def digits(self) -> Digits:
        """How many digits its numbers show."""
        return Digits(**{field.name: getattr(self, field.name) for field in fields(Digits)})

    @property
    def plain(self) -> str:
        """Whole numbers where no decimals are written."""
        return "int64" if self.most == 0 and self.exponent is None else "float64"

    def read(self, series: pd.Series) -> pd.Series:
        """Return numbers; those that are no text are taken as they are."""
        if pd.api.types.is_numeric_dtype(series.dtype):
            return series
        sample = written(np.array([1234.5]), self.notation, self.digits)[0]
        return read_texts(series, self._read, np.nan, f"a number written like {sample!r}")

    def _read(self, texts: list[str]) -> np.ndarray | None:
        return self.notation.read(texts) if all(map(self.notation.pattern.fullmatch, texts)) else None

    def write(self, plain: pd.Series) -> np.ndarray:
        """Return numbers as text."""
        values = plain.to_numpy(dtype=float, na_value=np.nan)
        missing = np.isnan(values)
        return with_gaps(written(values[~missing], self.notation, self.digits), missing, self.missing)

    @classmethod
    def find(cls, series: pd.Series) -> Found | None:
        """Return how numbers are written, if all cells are some and they are three or more."""
        if not holds_text(series):
            return None
        codes, distinct = distinct_texts(series)
        gaps = gap_texts(distinct)
        texts = distinct if not gaps else [text for text in distinct if text not in set(gaps)]
        if len(texts) < 3 or not all(any(map(str.isdigit, text)) for text in some(texts)):
            return None
        best = _best(texts)
        if best is None:
            return None
        form, values, same = best
        table = np.full(len(distinct) + 1, np.nan)
        table[[text not in GAP_TEXTS for text in distinct] + [False]] = values
        plain = pd.Series(table[codes], index=series.index, name=series.name)
        missing, notes = gap_written(series, gaps, "numbers that stand as text")
        form = replace(form, missing=missing)
        if form.plain == "int64" and not np.isnan(plain.to_numpy()).any():
            plain = plain.astype("int64")
        return Found(form, plain, notes + _notes(form, texts, values, same))


def _best(texts: list[str]) -> tuple[Number, np.ndarray, np.ndarray] | None:
    """Return the format that writes most texts as they are, their numbers, and which it does."""
    best: tuple[Number, np.ndarray, np.ndarray] | None = None
    for notation in _notations(texts):
        if not all(map(notation.pattern.fullmatch, texts)):
            continue
        if any(map(_too_long, texts)):
            return None
        values = notation.read(texts)
        form, same = _shown(notation, texts, values)
        if best is None or same.sum() > best[2].sum():
            best = form, values, same
        if same.all():
            break
    if best is None or not np.isfinite(best[1]).all() or len(np.unique(best[1])) < 3:
        return None
    return None if len(texts) <= FEW_TEXTS and not best[2].all() else best


def _notes(form: Number, texts: list[str], values: np.ndarray, same: np.ndarray) -> tuple[str, ...]:
    """Say of a format what a user should know."""
    if not same.all():
        odd = int(np.argmin(same))
        again = form.write(pd.Series(values[odd : odd + 1]))[0]
        return (
            f"its numbers are not all written alike: {int((~same).sum())} of {len(texts)} distinct ones change, as "
            f"{texts[odd]!r} to {again!r}. To keep them letter by letter, declare the column categorical.",
        )
    if form.thousands == "," and all(re.fullmatch(r"\D*\d{1,3},\d{3}\D*", text) for text in texts):
        return (
            f"the comma of {texts[0]!r} may mark thousands or decimals; it is read as {values[0]:g}. Where that is "
            "wrong, convert the column first, by str.replace and pd.to_numeric.",
        )
    return ()


def _notations(texts: Sequence[str]) -> Iterator[Notation]:
    """Yield notations in which a few of the texts are numbers, the likelier first."""
    few, joined = some(texts), "\n".join(texts)
    before, after = (_shared(pattern, texts[0], few) for pattern in (_BEFORE, _AFTER))
    minus = "()" if "(" in joined else "−" if "−" in joined else "-"
    positive = [text for text in few if not text.lstrip(" ").startswith(("-", "0"))]
    plus = bool(positive) and all(text.startswith("+") for text in positive)
    inside = bool(before) and any(f"{before}{sign}" in joined for sign in "+-−")
    for thousands, decimal in _MARKS:
        notation = Notation(decimal, thousands, before, after, minus, plus, inside=inside)
        if all(map(notation.pattern.fullmatch, few)):
            yield replace(notation, bare=bool(_BARE.search(joined)), minus_zero=bool(_MINUS_ZERO.search(joined)))


def _shared(pattern: re.Pattern[str], first: str, texts: Sequence[str]) -> str:
    """Return what stands beside the digits of every text."""
    match = pattern.match(first) if pattern is _BEFORE else pattern.search(first)
    return match[1] if match and all(match[1] in text for text in texts) else ""


def _too_long(text: str) -> bool:
    return len(text) > MOST_DIGITS and text.strip().isdigit()


def _shown(notation: Notation, texts: list[str], values: np.ndarray) -> tuple[Number, np.ndarray]:
    """Return the format with the digits by which most texts are as they are, and which are."""
    best: tuple[Number, np.ndarray] | None = None
    marks = {f.name: getattr(notation, f.name) for f in fields(notation)}
    wanted = np.array(texts, dtype=object)
    for digits in _digits(notation, texts):
        same = np.array(written(values, notation, digits), dtype=object) == wanted
        if best is None or same.sum() > best[1].sum():
            best = Number(**marks, **{f.name: getattr(digits, f.name) for f in fields(digits)}), same
        if same.all():
            break
    assert best is not None
    return best


def _digits(notation: Notation, texts: list[str]) -> Iterator[Digits]:
    """Yield ways of showing digits that texts suggest."""
    bare = not (notation.prefix or notation.suffix)
    mantissas = [text for text in texts if not ("e" in text or "E" in text)] if bare else texts
    powers = [m for m in map(_EXPONENT.search, texts) if m] if len(mantissas) < len(texts) else []
    least, most = _range(notation, mantissas)
    if not powers:
        yield Digits(least, most if most <= _LONG else None)
        if most <= _LONG:
            yield Digits(least, None)
        return
    signed = any(m[2] == "+" for m in powers) or all(m[2] == "-" for m in powers)
    exponent = f"{powers[0][1]}{'+' if signed else ''}{'0' * min(len(m[3]) for m in powers)}"
    if mantissas:
        yield Digits(min(least, 1), None, exponent, "far")
        yield Digits(min(least, 1), None, exponent, "shorter")
    least, most = _range(notation, [text[: m.start()] for text, m in zip(texts, powers, strict=False)])
    yield Digits(least, most if most <= _LONG else None, exponent, "all")


def _range(notation: Notation, texts: list[str]) -> tuple[int, int]:
    """Return the fewest and the most decimals that texts show."""
    mark, suffix = notation.decimal, len(notation.suffix)
    places = {
        len(text) - at - 1 - suffix if (at := text.rfind(mark)) >= 0 else 0
        for text in (t.strip().rstrip(")") for t in texts)
    }
    return min(places, default=0), max(places, default=0)
