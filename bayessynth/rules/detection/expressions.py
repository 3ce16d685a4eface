"""Expressions written from coefficients, and their verification on all rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from bayessynth.rules.derived import clock_of
from bayessynth.rules.detection.table import LOST, Table, roundest
from bayessynth.rules.expression import evaluate, names, parse
from bayessynth.rules.grid import decimals

# Digits that a coefficient may have.
DIGITS = 6


def quoted(name: str) -> str:
    """Return a column's name as an expression writes it.

    >>> quoted("age"), quoted("hours-per-week")
    ('age', '`hours-per-week`')
    """
    return name if all(part.isidentifier() for part in name.split(".")) else f"`{name}`"


def number(value: float) -> str:
    """Return a number as it is written, without a needless decimal point.

    >>> number(12.0), number(0.5)
    ('12', '0.5')
    """
    return str(int(value)) if value == int(value) else repr(float(value))


def term(coefficient: float, text: str) -> str:
    """Return a text times a number, or divided by one where that is shorter.

    >>> term(1 / 12, "months"), term(2.0, "x"), term(1.0, "x")
    ('months / 12', '2 * x', 'x')
    """
    if coefficient == 1:
        return text
    inverse = round(1 / coefficient, 6)
    if len(number(inverse)) < len(number(coefficient)):
        return f"{text} / {number(inverse)}"
    return f"{number(coefficient)} * {text}"


def linear(coefficients: Sequence[float], texts: Sequence[str], intercept: float = 0.0) -> str:
    """Return a sum of multiples.

    >>> linear([1, -0.5], ["a", "b"], 3)
    'a - b / 2 + 3'
    """
    order = sorted(range(len(texts)), key=lambda i: coefficients[i] < 0)
    parts = [(coefficients[i] < 0, term(abs(coefficients[i]), texts[i])) for i in order]
    parts += [(intercept < 0, number(abs(intercept)))] if intercept else []
    if parts[0][0] and intercept > 0:
        parts = [parts[-1], *parts[:-1]]
    first = f"-{parts[0][1]}" if parts[0][0] else parts[0][1]
    return first + "".join(f" {'-' if minus else '+'} {text}" for minus, text in parts[1:])


def simplest(value: float) -> Iterator[float]:
    """Yield numbers near a value, simple ones first: rounded to ever more digits, or such that its inverse is.

    >>> from itertools import islice
    >>> list(islice(simplest(0.083335), 4))
    [0.08, 0.1, 0.083, 0.08333333333333333]
    """
    for digits in range(1, DIGITS + 1):
        yield rounded(value, digits)
        yield 1 / rounded(1 / value, digits)


def rounded(value: float, digits: int) -> float:
    """Round a number to significant digits.

    >>> rounded(365.2487, 5)
    365.25
    """
    return float(f"{value:.{digits - 1}e}")


def rounding_ends(rest: np.ndarray, slack: float) -> tuple[float, float] | None:
    """Return between which numbers the one lies that has to be added, so that rounding gives what is left; or None.

    What would have to lie on halves in all cases is no rounding.

    Examples
    --------
    >>> rounding_ends(np.array([0.9, 1.2]), 0.5), rounding_ends(np.array([0.0, 1.0]), 0.5)
    ((0.7, 1.4), None)
    """
    low, high = float(rest.max()) - slack, float(rest.min()) + slack
    return (low, high) if high - low > 1e-6 * slack else None


def between(low: float, high: float) -> float:
    """Return the number between two that is written most shortly, zero if it lies there.

    >>> between(0.7, 1.4), between(-1, 2)
    (1.0, 0.0)
    """
    return 0.0 if low <= 0 <= high else roundest(low, high)


def _wanted(expression: str, table: Table) -> np.ndarray:
    def clock(function: str, name: str) -> np.ndarray:
        return clock_of(function, table.frame[name])

    return np.asarray(evaluate(parse(expression), table.number, clock))


def agreeing(target: str, expression: str, table: Table) -> int:
    """Return in how many rows an expression gives the very number of a column, to its last bit.

    The order of operations decides on the last bits, by which a copy that was calculated otherwise can be told.
    """
    return int((_wanted(expression, table) == table.number(target)).sum())


def exact(
    target: str, write: Callable[[float], str], short: float, rest: np.ndarray, table: Table
) -> str:  # fmt: skip
    """Return an expression with the constant that gives the very numbers of a column in most rows.

    That is a short one, or, of a column that is written to the last bit, what is left of it most often: a centred
    column was computed from a mean of many digits.

    Parameters
    ----------
    target : str
    write : callable
        What writes the expression with a constant.
    short : float
        The constant that is written most shortly.
    rest : ndarray
        What is left of the column without it.
    table : Table
    """
    if not short or decimals(table.schema[target]) is not None:
        return write(short)
    values, counts = np.unique(rest, return_counts=True)
    texts = [write(short), write(float(values[counts.argmax()]))]
    return max(texts, key=lambda text: agreeing(target, text, table))


def misfit(target: str, expression: str, table: Table) -> bool:
    """Tell whether an expression differs from a column in any row, beyond the rounding of what is written.

    It does too if it has no value although its inputs do, or if cells are missing on one side in too many rows.
    """
    wanted = _wanted(expression, table)
    known = ~np.any([table.missing(name) for name in names(parse(expression))], axis=0)
    both = known & ~table.missing(target)
    with np.errstate(invalid="ignore"):
        fits = np.abs(wanted - table.number(target)) <= table.slack(target)
    lost = (known != ~table.missing(target)).sum()
    return bool(not fits[both].all() or not np.isfinite(wanted[known]).all() or lost > LOST * table.n)
