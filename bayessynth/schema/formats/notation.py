"""How a number is written as text: marks, signs, decimals, exponents."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

# More digits than this are a name, not a measurement: no float tells such numbers apart.
MOST_DIGITS = 15


@dataclass(frozen=True)
class Notation:
    """The marks of numbers that stand as text.

    Attributes
    ----------
    decimal : str
        The mark before the decimals.
    thousands : str
        The mark between thousands; empty for none.
    prefix, suffix : str
        What stands before and after the digits of every number: a currency, ``%``, a unit.
    minus : str
        ``"-"``, ``"−"``, or ``"()"`` for negative numbers in parentheses.
    plus : bool
        Whether numbers above zero bear a plus sign.
    bare : bool
        Whether no zero stands before the decimals of numbers below one: ``.5``.
    inside : bool
        Whether signs stand between the prefix and the digits: ``$-5``.
    minus_zero : bool
        Whether zeros that lie below zero show a minus: ``-0.0``.
    """

    decimal: str = "."
    thousands: str = ""
    prefix: str = ""
    suffix: str = ""
    minus: str = "-"
    plus: bool = False
    bare: bool = False
    inside: bool = False
    minus_zero: bool = False

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What a number in this notation looks like; leading zeros are a name's."""
        whole = r"(?:0|[1-9]\d*)"
        if self.thousands:
            whole = rf"(?:0|[1-9]\d{{0,2}}(?:{re.escape(self.thousands)}\d{{3}})*)"
        point = re.escape(self.decimal)
        digits = rf"(?:{whole}(?:{point}\d*)?|{point}\d+)"
        exponent = "" if self.thousands or self.prefix or self.suffix else r"(?:[eE][+-]?\d{1,3})?"
        signs = "[(+]?" if self.minus == "()" else f"[{re.escape(self.minus)}+]?"
        # A currency stands before or after the sign.
        before = re.escape(self.prefix)
        head = f"(?:{signs}{before}|{before}{signs})" if self.prefix else signs
        tail = re.escape(self.suffix) + (r"\)?" if self.minus == "()" else "")
        return re.compile(rf"\s*{head}{digits}{exponent}{tail}\s*")

    def read(self, texts: Iterable[str]) -> np.ndarray:
        """Return the numbers that texts in this notation stand for."""
        # What stands beside the digits goes first: it may hold a mark itself.
        swap = [(mark, "") for mark in (self.prefix, self.suffix, self.thousands) if mark]
        if self.decimal != ".":
            swap.append((self.decimal, "."))
        if self.minus == "−":
            swap.append(("−", "-"))
        if self.minus == "()":
            swap += [("(", "-"), (")", "")]
        for old, new in swap:
            texts = [text.replace(old, new) for text in texts]
        return np.array([float(text) for text in texts], dtype=float)


@dataclass(frozen=True)
class Digits:
    """How many digits numbers show.

    Attributes
    ----------
    least : int
        The fewest decimals: zeros fill up to so many.
    most : int or None
        The most decimals, to which numbers are rounded; None for as many as tell a number from its neighbours.
    exponent : str or None
        An exponent as for zero, ``"e+00"`` or ``"E0"``; None where numbers have none.
    when : str
        Which numbers have one: ``"far"`` from one, as Python decides; ``"shorter"`` if that is, as R does; ``"all"``.
    """

    least: int = 0
    most: int | None = 0
    exponent: str | None = None
    when: str = "far"

    def write(self, values: np.ndarray) -> list[str]:
        """Return numbers without a sign as text, with a decimal point.

        >>> Digits(1, 3).write(np.array([2.0, 0.125]))
        ['2.0', '0.125']
        >>> Digits(0, None, "e+00", "shorter").write(np.array([100000.0, 123456.0]))
        ['1e+05', '123456']
        """
        return _WRITERS["plain" if self.exponent is None else self.when](self, values.tolist())


def _plain(digits: Digits, values: list[float]) -> list[str]:
    if digits.most is None:
        return [_filled(np.format_float_positional(value, unique=True, trim="-"), digits.least) for value in values]
    template = f"{{:.{digits.most}f}}".format
    texts = [template(value) for value in values]
    return texts if digits.least == digits.most else [_filled(_stripped(text), digits.least) for text in texts]


def _stripped(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _filled(text: str, least: int) -> str:
    """Fill up with zeros to the fewest decimals."""
    if not least:
        return text
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(least, '0')}"


def _scientific(digits: Digits, value: float) -> str:
    text = np.format_float_scientific(value, unique=True, trim="-", precision=digits.most)
    mantissa, _, power = text.partition("e")
    assert digits.exponent is not None
    letter, sign, width = digits.exponent[0], "+" in digits.exponent, len(digits.exponent.strip("eE+"))
    plus = "-" if int(power) < 0 else "+" if sign else ""
    return f"{_filled(mantissa, digits.least)}{letter}{plus}{abs(int(power)):0{width}d}"


def _all(digits: Digits, values: list[float]) -> list[str]:
    return [_scientific(digits, value) for value in values]


def _far(digits: Digits, values: list[float]) -> list[str]:
    plain = Digits(digits.least, digits.most if digits.most is not None else None)
    bare = Digits(0, digits.most, digits.exponent)
    far = [value != 0 and not 1e-4 <= value < 1e16 for value in values]
    near = iter(_plain(plain, [value for value, away in zip(values, far, strict=True) if not away]))
    return [_scientific(bare, value) if away else next(near) for value, away in zip(values, far, strict=True)]


def _shorter(digits: Digits, values: list[float]) -> list[str]:
    plain = _plain(Digits(digits.least, digits.most), values)
    other = [_scientific(Digits(0, None, digits.exponent), value) for value in values]
    return [b if len(b) < len(a) else a for a, b in zip(plain, other, strict=True)]


_WRITERS: dict[str, Callable[[Digits, list[float]], list[str]]] = {
    "plain": _plain, "far": _far, "shorter": _shorter, "all": _all,
}  # fmt: skip


def written(values: np.ndarray, notation: Notation, digits: Digits) -> list[str]:
    """Return numbers as text.

    >>> written(np.array([-1234.5]), Notation(thousands=",", prefix="$", minus="()"), Digits(2, 2))
    ['($1,234.50)']
    """
    texts = digits.write(np.abs(values))
    if notation.bare:
        texts = [text[1:] if text.startswith("0.") else text for text in texts]
    if notation.thousands or notation.decimal != ".":
        texts = [_marked(text, notation) for text in texts]
    below = np.signbit(values)
    before, after = notation.prefix, notation.suffix
    if not (before or after or notation.plus or below.any()):
        return texts
    opened, closed = ("(", ")") if notation.minus == "()" else (notation.minus, "")
    plus = "+" if notation.plus else ""
    below_zero, above_zero = (before + sign if notation.inside else sign + before for sign in (opened, plus))
    made = []
    for text, negative, value in zip(texts, below.tolist(), values.tolist(), strict=True):
        # What is rounded to zero has no sign.
        if negative and (notation.minus_zero or any(digit in text for digit in "123456789")):
            made.append(f"{below_zero}{text}{after}{closed}")
        else:
            made.append(f"{above_zero if value > 0 else before}{text}{after}")
    return made


def _marked(text: str, notation: Notation) -> str:
    whole, point, decimals = text.partition(".")
    if notation.thousands:
        whole = f"{int(whole or 0):,}".replace(",", notation.thousands) if len(whole) > 3 else whole
    return f"{whole}{notation.decimal if point else ''}{decimals}"
