"""Columns that name the rows, and columns that are the same in all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayessynth.rules.constant import Constant
from bayessynth.rules.detection.finding import Finding
from bayessynth.rules.detection.table import CHANCE, ROWS, Table
from bayessynth.rules.pattern import parse
from bayessynth.rules.unique import Unique

# Neighbours among which it is counted how many values would meet by chance.
WINDOW = 20


def keys(table: Table) -> Iterator[Finding]:
    """Yield columns of which no value occurs twice, where that is no chance: identifiers and numbers that name rows."""
    for name in table.schema:
        column = table.schema[name]
        cells = table.frame[name]
        if name in table.groups or column.kind not in ("identifier", "count") or table.n < ROWS:
            continue
        if cells.isna().any() or not cells.is_unique:
            continue
        if column.kind == "count" and _met_by_chance(np.sort(table.numbers[name])) < CHANCE:
            continue
        if column.free_text or column.format is not None:
            continue
        rule = Unique(name).learn(table.frame, table.schema)
        if rule.pattern is not None and not _is_code(rule.pattern):
            continue
        yield Finding(rule, f"No value of {name!r} occurs twice in {table.n:,} rows.", table.n)


def _is_code(pattern: str) -> bool:
    """Tell keys that are made by a scheme from names: a scheme lets the number of digits vary, not that of letters."""
    return all(token.least == token.most or token.alphabet.isdigit() for token in parse(pattern))


def _met_by_chance(ascending: np.ndarray) -> float:
    """Return how many pairs of values would be equal if they fell where they do, but independently."""
    window = min(WINDOW, len(ascending) - 1)
    span = ascending[window:] - ascending[:-window]
    return float((0.5 * window / np.maximum(span, 1)).sum())


def constants(table: Table) -> Iterator[Finding]:
    """Yield columns that hold one value in every row."""
    for name in table.schema:
        column = table.schema[name]
        if column.kind == "constant" and not table.frame[name].isna().any() and table.n >= ROWS:
            rule = Constant(name, column.value)
            yield Finding(rule, f"All {table.n:,} rows hold {column.value!r}.", table.n)
