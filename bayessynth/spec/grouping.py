"""The pre-pass over a formula's text: its two sides and its group-specific terms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from bayessynth.errors import FormulaError
from bayessynth.spec.tokens import tokens


@dataclass(frozen=True)
class GroupedText:
    """What stands left and right of the bar in one group-specific term."""

    effects: str
    factors: tuple[tuple[str, ...], ...]
    correlated: bool
    shared: str | None = None


# Every look at an equation's column asks for it, as often as there are pairs of columns.
@lru_cache(maxsize=1 << 14)
def split_sides(formula: str) -> tuple[str, str]:
    """Split a formula at its tilde and check that the left side is a bare column.

    >>> split_sides("`body mass` ~ age")
    ('body mass', ' age')
    """
    words = tokens(formula)
    tildes = [start for kind, value, start, _ in words if kind == "operator" and value == "~"]
    if len(tildes) != 1:
        raise FormulaError(
            f"Formula {formula!r} needs exactly one '~', with the column on its left: 'y ~ a + b', or 'y ~ 1'."
        )
    left = [token for token in words if token[2] < tildes[0]]
    if len(left) != 1 or left[0][0] != "name":
        raise FormulaError(
            f"Formula {formula!r}: the left side must be one column name (in back-ticks if it is no identifier), "
            "not an expression. To model log(y), choose family='lognormal' for y."
        )
    return left[0][1].strip("`"), formula[tildes[0] + 1 :]


def split_group_terms(right: str, formula: str) -> tuple[str, list[GroupedText]]:
    """Take the ``(… | g)`` terms out of a right side.

    Returns
    -------
    tuple of str and list of GroupedText
        What is left for common effects, and the group-specific terms in order.

    >>> split_group_terms("x + (1 + x || site)", "y ~ x + (1 + x || site)")
    ('x', [GroupedText(effects='1 + x ', factors=(('site',),), correlated=False, shared=None)])
    """
    common, grouped = "", []
    for sign, addend in _addends(right):
        bars = [(v, s, e) for kind, v, s, e in tokens(addend) if kind == "operator" and v in ("|", "||")]
        if not bars:
            common += (sign if common or sign == "-" else "") + addend
            continue
        whole = addend.strip()
        if sign == "-" or not (whole.startswith("(") and _closing(addend) == len(addend.rstrip()) - 1):
            raise FormulaError(
                f"Formula {formula!r}: a group-specific term stands by itself, in parentheses, joined by '+': "
                "'y ~ x + (1 + x | site)'."
            )
        grouped.append(_grouped(addend, bars, formula))
    return common.strip(), grouped


def _grouped(addend: str, bars: list[tuple[str, int, int]], formula: str) -> GroupedText:
    if len(bars) == 2 and all(b[0] == "|" for b in bars):
        return _shared(addend, bars, formula)
    if len(bars) != 1:
        raise FormulaError(f"Formula {formula!r}: one bar separates effects from the factor, as in (1 + x | site).")
    bar, start, end = bars[0]
    effects = addend[addend.index("(") + 1 : start]
    return GroupedText(effects, _factors(addend[end : addend.rindex(")")], formula), bar == "|")


def _shared(addend: str, bars: list[tuple[str, int, int]], formula: str) -> GroupedText:
    """Read a term whose effects share their covariance with those of all terms of the same id: ``(1 |p| g)``."""
    (_, start, end), (_, second, last) = bars
    words = tokens(addend[end:second])
    if [kind for kind, *_ in words] != ["name"] or not words[0].value.isidentifier():
        raise FormulaError(
            f"Formula {formula!r}: between two bars stands the id of effects that are correlated across equations, "
            f"one word as in (1 |p| site), not {addend[end:second].strip()!r}."
        )
    factors = _factors(addend[last : addend.rindex(")")], formula)
    if len(factors) > 1:
        raise FormulaError(
            f"Formula {formula!r}: the effects of one id are of one grouping factor, and "
            f"{addend[last : addend.rindex(')')].strip()!r} is several; write a term, with an id of its own, for each."
        )
    return GroupedText(addend[addend.index("(") + 1 : start], factors, True, words[0].value)


def _factors(text: str, formula: str) -> tuple[tuple[str, ...], ...]:
    """Expand a grouping expression: ``a``, ``a:b``, ``a/b`` (a and a:b) and sums of them."""
    factors: list[tuple[str, ...]] = []
    for part in text.split("+"):
        words = tokens(part)
        columns = tuple(v.strip("`") for kind, v, _, _ in words[::2] if kind == "name")
        joints = {v for _, v, _, _ in words[1::2]}
        if not columns or len(columns) != (len(words) + 1) // 2 or not (joints <= {":"} or joints <= {"/"}):
            raise FormulaError(
                f"Formula {formula!r}: {part.strip()!r} is no grouping factor; write a column, a:b, or a/b "
                "for b nested in a."
            )
        factors += [columns[: i + 1] for i in range(len(columns))] if joints == {"/"} else [columns]
    return tuple(dict.fromkeys(factors))


def _addends(right: str) -> Iterator[tuple[str, str]]:
    """Split at the plus and minus signs that stand outside all parentheses."""
    depth, start, sign = 0, 0, "+"
    previous = "operator"
    for kind, value, begin, end in tokens(right):
        if value in ("(", "{", "["):
            depth += 1
        elif value in (")", "}", "]"):
            depth -= 1
        elif depth == 0 and value in ("+", "-") and kind == "operator":
            if right[start:begin].strip():
                yield sign, right[start:begin]
            elif previous == "operator" and begin > 0 and right[:begin].strip():
                raise FormulaError(f"Formula part {right!r}: {value!r} follows another operator.")
            start, sign = end, value
        previous = "operator" if kind == "operator" and value != ")" else "operand"
    if right[start:].strip():
        yield sign, right[start:]
    elif right.strip():
        raise FormulaError(f"Formula part {right.strip()!r} ends with an operator.")


def _closing(text: str) -> int:
    """Return where the first opening parenthesis closes."""
    depth = 0
    for _, value, start, _ in tokens(text):
        depth += (value == "(") - (value == ")")
        if depth == 0 and value == ")":
            return start
    return -1
