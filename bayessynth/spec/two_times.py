"""The left side of a formula of survival: a column of times, or two, between which a row was watched."""

from __future__ import annotations

from dataclasses import replace

from bayessynth.errors import FormulaError
from bayessynth.spec.expression import quote
from bayessynth.spec.formula import has_dot, parse
from bayessynth.spec.grouping import split_sides
from bayessynth.spec.tokens import tokens


def two_times(formula: str) -> tuple[str | None, str, str]:
    """Return the column of starts (None without one), that of times, and the right side.

    Raises
    ------
    FormulaError
        If the left side is neither one column nor two in brackets.

    Examples
    --------
    >>> two_times("(start, stop) ~ treat + (1 | id)")
    ('start', 'stop', ' treat + (1 | id)')
    >>> two_times("time ~ treat")
    (None, 'time', ' treat')
    """
    words = tokens(formula)
    tilde = next((start for kind, value, start, _ in words if kind == "operator" and value == "~"), 0)
    left = [(kind, value) for kind, value, start, _ in words if start < tilde]
    if not left or left[0][1] != "(":
        time, right = split_sides(formula)
        return None, time, right
    kinds, values = [kind for kind, _ in left], [value for _, value in left]
    if len(left) != 5 or [values[i] for i in (0, 2, 4)] != ["(", ",", ")"] or {kinds[1], kinds[3]} != {"name"}:
        raise FormulaError(
            f"Formula {formula!r}: the left side of a survival time is one column, or two in brackets, between which "
            "each row was watched: '(start, stop) ~ treat'."
        )
    return values[1].strip("`"), values[3].strip("`"), formula[tilde + 1 :]


def of_one(time: str, right: str) -> str:
    """Return a formula of one column of times.

    >>> of_one("stop", " treat")
    'stop ~ treat'
    """
    return f"{quote(time)} ~ {right.strip()}"


def of_two(start: str | None, formula: str) -> str:
    """Return a formula with the column of starts on its left, if there is one.

    >>> of_two("start", "stop ~ treat")
    '(start, stop) ~ treat'
    """
    left, right = formula.split("~", 1)
    return formula if start is None else f"({quote(start)}, {left.strip()}) ~ {right.strip()}"


def without_groups(right: str) -> str:
    """Return a right side without its group-specific terms; as it is where a dot is yet to be replaced.

    >>> without_groups("treat + (1 | id)"), without_groups("(1 | id)")
    ('treat', '1')
    """
    whole = f"_ ~ {right.strip()}"
    return right.strip() if has_dot(whole) else str(replace(parse(whole), groups=())).split("~", 1)[1].strip()


def with_term(right: str, column: str) -> str:
    """Return a right side, with its tilde, that has a column among its terms.

    >>> with_term("~ age + (1 | site)", "stage"), with_term("~ age * stage", "stage")
    ('~ age + (1 | site) + stage', '~ age * stage')
    """
    whole = f"_ {right}"
    there = not has_dot(whole) and column in parse(whole).columns
    return right if there else f"{right} + {quote(column)}"
