"""Columns calculated from one other: units, logarithms, squares, parts of times."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from bayessynth.rules.derived import Derived, clock_of
from bayessynth.rules.detection.expressions import (
    between,
    exact,
    linear,
    misfit,
    number,
    quoted,
    rounding_ends,
    simplest,
)
from bayessynth.rules.detection.table import LOST, ROWS, Table, roundest
from bayessynth.rules.functions import CLOCKS
from bayessynth.rules.grid import decimals

# Values that a calculated column must have.
VALUES = 8
# Numbers with more than two digits by which units are converted: days of years and months, inches, feet, pounds, miles.
UNITS = (365.25, 365.2425, 30.4375, 2.54, 0.3048, 0.45359237, 2.20462262, 1.609344, 28.3495)
# How an expression rounds: as its column is written, or down to a whole number.
ROUNDED, CUT = "{}", "floor({})"
# A line fitted to rounded values is off by a little more than their rounding.
LOOSE = 1.3


@dataclass(frozen=True)
class Shape:
    """A function of one column, and how an expression writes it."""

    text: str
    apply: Callable[[np.ndarray], np.ndarray]
    signed: bool = True  # whether it ascends over negative numbers too


SHAPES = (
    Shape("{}", lambda x: x),
    Shape("log({})", np.log),
    Shape("{}**2", np.square, signed=False),
    Shape("sqrt({})", np.sqrt),
    Shape("log1p({})", np.log1p),
    Shape("log10({})", np.log10),
    Shape("exp({})", np.exp),
    Shape("1 / {}", lambda x: 1 / x, signed=False),
)


def clock_parts(table: Table) -> Iterator[Derived]:
    """Yield columns that are the year, month or another part of a column of times."""
    targets = [name for name in table.names if table.is_number(name) and table.schema[name].kind != "datetime"]
    for source in (name for name in table.names if table.schema[name].kind == "datetime"):
        times = table.frame[source].iloc[table.rows]
        for function in CLOCKS:
            part, expression = clock_of(function, times), f"{function}({quoted(source)})"
            for name in targets:
                differs = table.number(name)[table.rows] - part
                if not (np.abs(differs) > 0).any() and not misfit(name, expression, table):
                    yield Derived(name, expression)


def from_one(table: Table) -> Iterator[Derived]:
    """Yield columns that are a function of one other, at least as fine.

    On the sample, sorted by the source, the target must ascend or descend.
    """
    rare = np.array([table.is_rarely_missing(name) for name in table.names])
    names = [name for name in table.names if name in table.numbers and table.distinct(name) >= VALUES]
    places = [table.names.index(name) for name in names]
    for source, place in zip(names, places, strict=True):
        rows = table.sampled[:, place] >= 0
        there, gaps = table.sampled[rows], (table.sampled[rows] < 0) & rare
        for signed in {True, not (table.numbers[source] < 0).any()}:
            key = there[:, place] if signed else np.abs(table.values[source][there[:, place]])
            order = np.argsort(key, kind="stable")
            steps = np.diff(there[order][:, places], axis=0)
            gap = gaps[order][:, places]
            steps[gap[1:] | gap[:-1]] = 0
            monotone = (steps >= 0).all(axis=0) | (steps <= 0).all(axis=0)
            for target in (names[i] for i in np.flatnonzero(monotone)):
                if target != source and _is_finer(source, target, table):
                    rule = _fitted(source, target, signed, table)
                    if rule is not None:
                        yield rule


def _is_finer(source: str, target: str, table: Table) -> bool:
    """Tell whether a source has more values; of equal ones, fewer decimals, or else stands first."""

    def key(name: str) -> tuple[int, float, int]:
        digits = decimals(table.schema[name]) if table.schema[name].kind != "datetime" else 0
        return -table.distinct(name), np.inf if digits is None else digits, table.names.index(name)

    return key(source) < key(target)


def _fitted(source: str, target: str, signed: bool, table: Table) -> Derived | None:
    there = ~(table.missing(target) | table.missing(source))
    if there.sum() < ROWS or (table.missing(source) != table.missing(target)).sum() > LOST * table.n:
        return None
    x, y = table.numbers[source][there], table.numbers[target][there]
    for shape in SHAPES:
        if signed < shape.signed or (signed and not shape.signed and (x < 0).any()):
            continue
        with np.errstate(all="ignore"):
            values = shape.apply(x)
        if not np.isfinite(values).all() or np.ptp(values) == 0:
            continue
        text = shape.text.format(quoted(source))
        line = _line(values, y, table.slack(target), decimals(table.schema[target]) == 0)
        if line is None:
            continue
        expression = exact(target, partial(_told, text, line), line.added, y - line.coefficient * values, table)
        if not misfit(target, expression, table):
            return Derived(target, expression)
    return None


class _Line(NamedTuple):
    """How a number is written, as a multiple of another plus a constant."""

    form: str
    coefficient: float
    added: float


def _told(text: str, line: _Line, added: float) -> str:
    return line.form.format(linear([line.coefficient], [text], added))


def _line(x: np.ndarray, y: np.ndarray, slack: float, whole: bool) -> _Line | None:
    """Return y as a multiple of x plus a number, rounded or (where y is whole) cut off; None if it is neither.

    Of what fits, the one with the fewest digits is told.
    """
    told = [*_multiples(x, y, slack, whole), *_sums(x, y, slack, whole)]
    return min(told, key=lambda line: _digits(line.coefficient) + _digits(line.added), default=None)


def _multiples(x: np.ndarray, y: np.ndarray, slack: float, whole: bool) -> Iterator[_Line]:
    """Yield how y is a multiple of x alone; the factors that do it are an interval."""
    if (x < 0).any() or (np.abs(y[x == 0]) > slack).any():
        return
    x, y = x[x > 0], y[x > 0]
    for form, below, beyond in ((ROUNDED, y - slack, y + slack), (CUT, y, y + 1 - 1e-9))[: 1 + whole]:
        low, high = float((below / x).max()), float((beyond / x).min())
        if low < high and not low <= 0 <= high:
            yield _Line(form, _usual(low, high), 0.0)
            yield _Line(form, 1 / _usual(1 / high, 1 / low), 0.0)


def _sums(x: np.ndarray, y: np.ndarray, slack: float, whole: bool) -> Iterator[_Line]:
    """Yield how y is a multiple of x plus a number."""
    centred = x - x.mean()
    slope = float(centred @ (y - y.mean()) / (centred @ centred))
    if slope == 0 or np.ptp(y - slope * x) > 2 * slack * LOOSE + 1e-9 * np.ptp(y):
        return
    for coefficient in simplest(slope):
        rest = y - coefficient * x
        ends = rounding_ends(rest, slack)
        if ends is not None:
            yield _Line(ROUNDED, coefficient, between(*ends))
        if whole and rest.max() < rest.min() + 1:
            added = between(float(rest.max()), float(np.nextafter(rest.min() + 1, -np.inf)))
            yield _Line(CUT, coefficient, added)


def _usual(low: float, high: float) -> float:
    """Return the number between two that people would use: a short one, else that of a unit."""
    short = roundest(low, high)
    return next((unit for unit in UNITS if low < unit <= high and _digits(short) > 2), short)


def _digits(value: float) -> int:
    """Return how many digits a number, or its inverse, has that are no zeros at an end; two for that of a unit."""
    if value in (0, 1, -1):
        return 0
    if any(abs(abs(value) * unit - 1) < 1e-12 or abs(value) == unit for unit in UNITS):
        return 2
    return min(len(number(round(v, 12)).lstrip("-").replace(".", "").strip("0")) for v in (value, 1 / value))
