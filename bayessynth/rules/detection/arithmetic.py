"""Columns that are calculated from others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayessynth.rules.derived import Derived
from bayessynth.rules.detection.finding import Finding
from bayessynth.rules.detection.products import from_products
from bayessynth.rules.detection.single import clock_parts, from_one
from bayessynth.rules.detection.spans import from_spans
from bayessynth.rules.detection.sums import from_sums
from bayessynth.rules.detection.table import ROWS, Table
from bayessynth.rules.expression import evaluate, parse
from bayessynth.rules.grid import above, natural
from bayessynth.rules.range import Range


def derivations(table: Table, leave_out: set[str]) -> Iterator[Finding]:
    """Yield columns that are an expression of others in all rows, simple expressions first.

    Parameters
    ----------
    table : Table
    leave_out : set of str
        Columns of which it is known already how they are determined.
    """
    if table.n < ROWS:
        return
    known, aliases = set(leave_out), set[str]()
    for rule in (*clock_parts(table), *from_one(table)):
        if rule.column not in known:
            known.add(rule.column)
            aliases.add(rule.column)
            yield _finding(rule, table)
            yield from _guards(rule, table)
    for search in (from_spans, from_sums, from_products):
        for rule in search(table, known, aliases):
            known = known | {rule.column}
            yield _finding(rule, table)
            yield from _guards(rule, table)


def _guards(rule: Derived, table: Table) -> Iterator[Finding]:
    """Yield ranges that keep inputs from zero, where an expression has no value there and the data hold no zero."""
    tree = parse(rule.expression)
    for name in rule.columns[1:]:
        column = table.schema[name]
        if name not in table.numbers or natural(column)[0] > 0 or not np.nanmin(table.numbers[name]) > 0:
            continue
        values = {other: np.array([0.0 if other == name else 1.0]) for other in rule.columns[1:]}
        if not np.isfinite(evaluate(tree, values.__getitem__, lambda function, name: np.ones(1))).all():
            least = float(above(np.zeros(1), column)[0])
            reason = f"No cell of {name!r} is zero, at which {rule.expression} has no value."
            yield Finding(Range(name, int(least) if least == int(least) else least, None), reason, table.n)


def _finding(rule: Derived, table: Table) -> Finding:
    lacking = np.array([table.missing(name) for name in rule.columns])
    rows = int((~lacking.any(axis=0)).sum())
    odd = int((lacking[0] != lacking[1:].any(axis=0)).sum())
    lost = f" In {odd:,} others a cell is missing on one side alone." if odd else ""
    return Finding(rule, f"Holds to the decimal in all {rows:,} rows with all cells.{lost}", rows)
