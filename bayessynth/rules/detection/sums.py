"""Columns that are sums and differences of others, and sets of columns of which exactly one is 1."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from bayessynth.rules.combinations import Combinations
from bayessynth.rules.derived import Derived
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
from bayessynth.rules.detection.finding import Finding
from bayessynth.rules.detection.pursuit import pursue
from bayessynth.rules.detection.single import VALUES
from bayessynth.rules.detection.table import CHANCE, LOST, ROWS, Table
from bayessynth.rules.grid import decimals

# Terms of a sum, and columns among which sums are looked for.
TERMS, WIDEST = 12, 300


def from_sums(table: Table, known: set[str], aliases: set[str]) -> Iterator[Derived]:
    """Yield columns that are sums of multiples of at least two others.

    What is put together from columns without negative numbers is the total; of columns one of which has negative
    numbers that one is the difference.

    Parameters
    ----------
    table : Table
    known, aliases : set of str
        Columns of which it is known how they are determined; of these, the ones that repeat a single other column.
    """
    pool = [name for name in table.names if table.is_number(name) and name not in aliases]
    if len(pool) > WIDEST:
        return
    open_ = sorted((name for name in pool if _may_be_target(name, table)), key=lambda name: _rank(name, table))
    done = set(known)
    for target in open_:
        inputs = [name for name in pool if name != target and name not in done - known]
        if target in done or not inputs:
            continue
        rule = _sum(target, inputs, table, known)
        if rule is not None:
            done.add(rule.column)
            yield rule


def _may_be_target(name: str, table: Table) -> bool:
    return name in table.numbers and table.distinct(name) >= VALUES


def _rank(name: str, table: Table) -> tuple[bool, float, int]:
    """Return a key that puts differences first, those with most decimals leading; then totals before their parts.

    Of equals the one that stands later in the table was calculated.
    """
    values, digits, place = table.numbers[name], decimals(table.schema[name]), table.names.index(name)
    if (values < 0).any():
        return False, -np.inf if digits is None else -digits, -place
    return True, -float(np.nanmean(values)), -place


def _sum(target: str, inputs: list[str], table: Table, known: set[str]) -> Derived | None:
    inputs, rows = complete(target, inputs, table)
    if len(rows) < ROWS or len(inputs) < 2:
        return None
    slack = table.slack(target)
    values = np.column_stack([table.number(name)[rows] for name in inputs])
    found = pursue(values, table.numbers[target][rows], TERMS, slack**2)
    if found is None:
        return None
    names, coefficients = [inputs[i] for i in found[0]], found[1]
    # A coefficient so small that it moves nothing by more than rounding is that of a column picked in passing.
    moves = [abs(c) * np.ptp(values[:, i]) for i, c in zip(found[0], coefficients, strict=True)]
    kept = [i for i, move in enumerate(moves) if move > 2 * slack]
    simple = _simple([coefficients[i] for i in kept], [moves[i] for i in kept], slack)
    if simple is None or len(kept) < 2:
        return None
    return _best_told(target, [names[i] for i in kept], simple, table, known)


def complete(target: str, inputs: list[str], table: Table) -> tuple[list[str], np.ndarray]:
    """Return those of some columns that are there where a target is, and sampled rows in which they all are."""
    rows = table.rows[~table.missing(target)[table.rows]]
    inputs = [name for name in inputs if table.missing(name)[rows].sum() <= 2 * LOST * len(rows)]
    if inputs:
        rows = rows[~np.any([table.missing(name)[rows] for name in inputs], axis=0)]
    return inputs, rows


def _simple(coefficients: list[float], moves: list[float], slack: float) -> list[float] | None:
    """Return coefficients as simple numbers; of more than two all must be of one size."""
    simple = []
    for value, move in zip(coefficients, moves, strict=True):
        near = (c for c in simplest(value) if abs(c / value - 1) * move <= max(slack, 1e-7 * move))
        simple.append(next(near, None))
    found = [c for c in simple if c is not None]
    if len(found) < len(simple) or (len(found) > 2 and len({round(abs(c), 9) for c in found}) > 1):
        return None
    return found


def _best_told(
    target: str, names: list[str], coefficients: list[float], table: Table, known: set[str]
) -> Derived | None:
    """Return the rule for the column of a sum that is best taken as the result."""
    own = _written(target, names, coefficients, table)
    if own is None or any(abs(c) != 1 for c in coefficients):
        return own
    # target - sum of terms = constant: every column may be written as the result.
    signs = {target: 1.0} | {name: -c for name, c in zip(names, coefficients, strict=True)}
    best = min((n for n in signs if n not in known and _may_be_target(n, table)), key=lambda n: _rank(n, table))
    others = [name for name in signs if name != best]
    told = [-signs[name] / signs[best] for name in others]
    if best == target or (_rank(best, table)[0] and min(told) < 0):
        return own
    return _written(best, others, told, table) or own


def _written(target: str, names: list[str], coefficients: list[float], table: Table) -> Derived | None:
    rest = table.number(target) - sum(c * table.number(n) for n, c in zip(names, coefficients, strict=True))
    rest = rest[np.isfinite(rest)]
    ends = rounding_ends(rest, table.slack(target))
    if ends is None:
        return None
    intercept = between(*ends)
    scale = abs(coefficients[0])
    texts = [quoted(name) for name in names]
    expression = exact(target, partial(linear, coefficients, texts), intercept, rest, table)
    if not intercept and scale != 1 and len({abs(c) for c in coefficients}) == 1:
        inner = linear([c / scale for c in coefficients], texts)
        inverse = round(1 / scale, 6)
        shorter = len(number(inverse)) < len(number(scale))
        expression = f"({inner}) / {number(inverse)}" if shorter else f"{number(scale)} * ({inner})"
    return None if misfit(target, expression, table) else Derived(target, expression)


def indicators(table: Table, leave_out: set[str]) -> Iterator[Finding]:
    """Yield sets of at least three columns of which exactly one is 1 in every row."""
    pool = [name for name in table.names if name not in leave_out and table.schema[name].levels == (0, 1)]
    pool = [name for name in pool if not table.missing(name).any()]
    if not 3 <= len(pool) <= WIDEST or table.n < ROWS:
        return
    done: set[str] = set()
    for target in pool:
        inputs = [name for name in pool if name != target and name not in done]
        if target in done or len(inputs) < 2:
            continue
        values = np.column_stack([table.number(name)[table.rows] for name in inputs])
        found = pursue(values, table.number(target)[table.rows], 3 * TERMS, 1e-12)
        if found is None:
            continue
        members = [target, *(inputs[i] for i, c in zip(*found, strict=True) if abs(c + 1) < 1e-6)]
        total = np.sum([table.number(name) for name in members], axis=0)
        shares = np.array([table.number(name).mean() for name in members])
        if len(members) < 3 or (total != 1).any() or table.n * (1 - shares.max()) < CHANCE:
            continue
        done |= set(members)
        rows = [tuple(int(i == j) for j in range(len(members))) for i in range(len(members))]
        reason = f"In all {table.n:,} rows exactly one of {len(members)} columns is 1."
        yield Finding(Combinations(*members, allowed=rows), reason, table.n)
