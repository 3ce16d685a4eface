"""The words of a formula's text, and the placeholders under which formulae sees them.

formulae reads operators; names, strings and numbers it would read by rules of its own (no leading underscore, no
exponents, ``True`` for an intercept). It is handed placeholders for them, so that any column can be named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from bayessynth.errors import FormulaError

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<name>`[^`]+`|[^\W\d][\w.]*)
      | (?P<string>'[^']*'|"[^"]*")
      | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<operator>\|\||\*\*|==|!=|<=|>=|[-+*/:|~(){}\[\],=<>])
      | (?P<dot>\.)
    )""",
    re.VERBOSE,
)


class Token(NamedTuple):
    """A word of a formula and where it stands."""

    kind: str
    value: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """Return the words of a text; two operands side by side are an error.

    >>> [token.value for token in tokens("y ~ log(x)")]
    ['y', '~', 'log', '(', 'x', ')']
    """
    found: list[Token] = []
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None:
            raise FormulaError(f"Formula {text!r} has {text[position:].strip()[:1]!r}, which no formula uses.")
        kind = str(match.lastgroup)
        value = match.group(kind)
        if found and kind != "operator" and (found[-1].kind != "operator" or found[-1].value == ")"):
            raise FormulaError(
                f"Formula {text!r}: {found[-1].value!r} and {value!r} stand side by side; is a '+' or a ':' missing, "
                "or back-ticks around a name with a space?"
            )
        found.append(Token(kind, value, match.start(kind), match.end(kind)))
        position = match.end()
    return found


@dataclass(frozen=True)
class Masked:
    """A text with placeholders, and what they stand for.

    Attributes
    ----------
    text : str
    names, functions, strings : mapping of str to str
        The words behind the placeholders.
    calls : mapping of str to str
        The calls behind the placeholders, as they were written.
    """

    text: str
    names: Mapping[str, str]
    functions: Mapping[str, str]
    strings: Mapping[str, str]
    calls: Mapping[str, str]

    def unmasked(self, message: str) -> str:
        """Return a message of formulae with the words that the user wrote."""
        known = {**self.names, **self.functions, **self.strings, **self.calls}
        return re.sub(r"\b[xfsc]\d+\b", lambda match: known.get(match.group(), match.group()), message)


def mask(text: str, formula: str, whole_calls: bool = True) -> Masked:
    """Put placeholders in place of names, calls and strings, and write numbers without exponents.

    Parameters
    ----------
    text : str
    formula : str
        The formula that it is part of, for messages.
    whole_calls : bool
        Whether a call with all that stands in it gets one placeholder, or its function and arguments one each.

    >>> mask("log(`body mass`) + 1e-2 + age", "").text
    'c0 + 0.01 + x0'
    >>> mask("log(`body mass` + 1)", "", whole_calls=False).text
    'f0(x0 + 1)'
    """
    words = tokens(text)
    _check_powers(words, formula)
    known: dict[str, dict[str, str]] = {"x": {}, "f": {}, "s": {}, "c": {}}
    parts, end, i = [], 0, 0
    while i < len(words):
        word, last, value = words[i], i, words[i].value
        after = words[i + 1].value if i + 1 < len(words) else ""
        called = word.kind == "name" and after == "(" and not value.startswith("`")
        if value == "[" and word.kind == "operator":
            raise FormulaError(f"Formula {formula!r} has '['; to choose a reference level write C(x, 'level').")
        if word.kind == "number":
            value = plain_number(float(value)) if "e" in value.lower() else value
        elif whole_calls and (called or value == "{"):
            last = _closing(words, i + called, formula)
            value = _placeholder(known, "c", _written(words[i : last + 1]))
        elif called:
            value = _placeholder(known, "f", value)
        elif word.kind == "string":
            value = f"'{_placeholder(known, 's', value[1:-1])}'"
        elif word.kind == "name" and after != "=":
            value = _placeholder(known, "x", value.strip("`"))
        parts += [text[end : word.start], value]
        end, i = words[last].end, last + 1
    names, functions, strings, calls = ({v: k for k, v in table.items()} for table in known.values())
    return Masked("".join(parts) + text[end:].rstrip(), names, functions, strings, calls)


def _placeholder(known: dict[str, dict[str, str]], sort: str, word: str) -> str:
    return known[sort].setdefault(word, f"{sort}{len(known[sort])}")


def _written(words: list[Token]) -> str:
    """Write a call so that it is the same text however it was spaced; braces are ``I()``."""
    values = [word.value for word in words]
    if values[0] == "{":
        values = ["I", "(", *values[1:-1], ")"]
    return " ".join(values)


def _closing(words: list[Token], opening: int, formula: str) -> int:
    """Return where the bracket at a word closes."""
    pairs = {"(": ")", "{": "}"}
    depth = 0
    for i in range(opening, len(words)):
        depth += (words[i].value in pairs) - (words[i].value in pairs.values())
        if depth == 0:
            return i
    raise FormulaError(f"Formula {formula!r} cannot be parsed: {words[opening].value!r} is not closed.")


def plain_number(value: float) -> str:
    """Write a number without an exponent.

    >>> plain_number(1e-05)
    '0.00001'
    """
    return format(Decimal(repr(value)), "f")


def _check_powers(words: list[Token], formula: str) -> None:
    """Refuse powers that formulae reads otherwise than Python: ``-x**2`` and ``a**b**c``."""
    for i, word in enumerate(words):
        if word.value != "**" or word.kind != "operator":
            continue
        before = _operand_start(words, i - 1) - 1
        sign = before >= 0 and words[before].value in ("+", "-")
        unary = sign and (before == 0 or (words[before - 1].kind == "operator" and words[before - 1].value != ")"))
        if unary or (before >= 0 and words[before].value == "**"):
            raise FormulaError(
                f"Formula {formula!r}: a power after a sign or another power can be read in two ways; put parentheses, "
                "as in -(x**2) or (-x)**2."
            )


def _operand_start(words: list[Token], last: int) -> int:
    """Return where the operand that ends at a word begins."""
    if words[last].value != ")":
        return last
    depth = 0
    for i in range(last, -1, -1):
        depth += (words[i].value == ")") - (words[i].value == "(")
        if depth == 0:
            return i - 1 if i and words[i - 1].kind == "name" else i
    return 0
