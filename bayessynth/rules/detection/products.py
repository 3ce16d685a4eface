"""Columns that are products of powers of others, such as a body mass index."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayessynth.rules.derived import Derived
from bayessynth.rules.detection.expressions import agreeing, misfit, number, quoted
from bayessynth.rules.detection.pursuit import pursue
from bayessynth.rules.detection.single import VALUES
from bayessynth.rules.detection.sums import WIDEST, complete
from bayessynth.rules.detection.table import ROWS, Table, roundest
from bayessynth.rules.grid import decimals

# Factors of a product, and how far a power may lie from a half or whole number.
FACTORS, OFF = 3, 0.02


def from_products(table: Table, known: set[str], aliases: set[str]) -> Iterator[Derived]:
    """Yield columns that are a number times powers of at least two others, all of them above zero.

    The one with the most decimals is taken as the result: it is the one that was calculated.

    Parameters
    ----------
    table : Table
    known, aliases : set of str
        Columns of which it is known how they are determined; of these, the ones that repeat a single other column.
    """
    pool = [
        name for name in table.numbers
        if name in table.names and name not in aliases and table.schema[name].kind != "datetime"
        and table.distinct(name) >= VALUES and np.nanmin(table.numbers[name]) > 0
    ]  # fmt: skip
    if len(pool) > WIDEST:
        return
    pool = sorted(pool, key=lambda name: (-_digits(name, table), -table.names.index(name)))
    done = set(known)
    for target in (name for name in pool if name not in known):
        rule = _product(target, [name for name in pool if name != target and name not in done - known], table)
        if rule is not None:
            done.add(target)
            yield rule


def _digits(name: str, table: Table) -> float:
    digits = decimals(table.schema[name])
    return np.inf if digits is None else digits


def _product(target: str, inputs: list[str], table: Table) -> Derived | None:
    inputs, rows = complete(target, inputs, table)
    if len(rows) < ROWS or len(inputs) < 2:
        return None
    y = table.numbers[target][rows]
    logs = np.log(np.column_stack([table.numbers[name][rows] for name in inputs]))
    found = pursue(logs, np.log(y), FACTORS, float(((table.slack(target) / y) ** 2).mean()))
    if found is None:
        return None
    powers = np.round(2 * found[1]) / 2
    if (np.abs(powers - found[1]) > OFF).any():
        return None
    factors = [(inputs[i], float(p)) for i, p in zip(found[0], powers, strict=True) if p]
    return _written(target, factors, table) if len(factors) > 1 else None


def _written(target: str, factors: list[tuple[str, float]], table: Table) -> Derived | None:
    product = np.ones(table.n)
    for name, power in factors:
        product = product * table.numbers[name] ** power
    there = np.isfinite(product) & ~table.missing(target)
    product, y, slack = product[there], table.numbers[target][there], table.slack(target)
    low, high = ((y - slack) / product).max(), ((y + slack) / product).min()
    if not low <= high:
        return None
    spelt = [text for text in _spellings(factors, low, high) if not misfit(target, text, table)]
    return Derived(target, max(spelt, key=lambda text: agreeing(target, text, table))) if spelt else None


def _spellings(factors: list[tuple[str, float]], low: float, high: float) -> Iterator[str]:
    """Yield a product times a number between two: with the number in front, and within each power that can hold it."""
    powers = {quoted(name): power for name, power in factors}
    scale, inverse = roundest(low, high), roundest(1 / high, 1 / low)
    shorter = len(number(inverse)) < len(number(scale))
    yield _spelt(powers, 1.0, inverse) if shorter else _spelt(powers, scale, 1.0)
    for text, power in powers.items():
        unit = roundest(*sorted((low ** (-1 / power), high ** (-1 / power))))
        if abs(power) > 1 and unit != 1:
            inside = f"({text} / {number(unit)})"
            yield _spelt({inside if t == text else t: p for t, p in powers.items()}, 1.0, 1.0)


def _spelt(powers: dict[str, float], scale: float, divisor: float) -> str:
    above = [_power(text, power) for text, power in powers.items() if power > 0]
    under = [_power(text, -power) for text, power in powers.items() if power < 0]
    above = [number(scale), *above] if scale != 1 or not above else above
    under = [number(divisor), *under] if divisor != 1 else under
    return " / ".join([" * ".join(above), *under])


def _power(text: str, power: float) -> str:
    return text if power == 1 else f"{text}**{number(power)}"
