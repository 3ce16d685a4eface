"""Cells that are missing because of another cell."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayessynth.rules.detection.finding import Finding
from bayessynth.rules.detection.table import CHANCE, ROWS, Table
from bayessynth.rules.skip import Skip
from bayessynth.schema.column import plain

# A column with more values than this decides on nothing that is listed by value.
MOST_VALUES = 40
# Where a cell is missing with some values always, it must be so with others at most in this share of rows.
ELSEWHERE = 0.5


def skips(table: Table) -> Iterator[Finding]:
    """Yield for every column with missing cells the column that decides where they are, if one does.

    Columns that are missing in the same rows are compared by the bytes of their masks; else every value of a coarse
    column is looked at: whether all of its rows, and at least 50, lack the cell.
    """
    masks = {name: table.missing(name) for name in table.names}
    holed = [name for name in table.names if ROWS <= masks[name].sum() <= table.n - ROWS]
    first: dict[bytes, str] = {}
    for name in holed:
        key = np.packbits(masks[name]).tobytes()
        if key in first:
            rows = int(masks[name].sum())
            reason = f"{name!r} and {first[key]!r} are missing in the same {rows:,} rows."
            yield Finding(Skip(name, first[key], missing=True), reason, table.n)
        else:
            first[key] = name
    deciding = [name for name in table.names if table.distinct(name) <= MOST_VALUES]
    for key, name in first.items():
        others = [other for other in deciding if np.packbits(masks[other]).tobytes() != key]
        found = [skip for other in others if (skip := _decided(name, other, masks, table))]
        if found:
            yield max(found, key=lambda pair: pair[0])[1]


def _decided(
    name: str, other: str, masks: dict[str, np.ndarray], table: Table
) -> tuple[tuple[bool, int, int], Finding] | None:
    """Return how well a column explains where another one is missing, and the finding."""
    codes = table.codes[other] + 1
    size = table.distinct(other) + 1
    rows = np.bincount(codes, minlength=size)
    gaps = np.bincount(codes, masks[name], minlength=size)
    always = (gaps == rows) & (rows > 0)
    covered, total = int(gaps[always].sum()), int(masks[name].sum())
    outside = table.n - covered
    exact = covered == total
    always &= (rows >= ROWS) | exact
    covered = int(gaps[always].sum())
    share = total / table.n
    if covered < ROWS or outside == 0 or covered * (1 - share) < CHANCE:
        return None
    if not exact and (total - covered) / (table.n - covered) > ELSEWHERE:
        return None
    values = tuple(plain(v) if table.schema[other].levels else float(v) for v in table.values[other][always[1:]])
    values = tuple(int(v) if isinstance(v, float) and v == int(v) else v for v in values)
    if not values and not exact:
        return None  # a part of the gaps in the same rows: a coincidence of gaps is no question that is skipped
    rule = Skip(name, other, values=values, missing=bool(always[0]), others=not exact)
    reason = f"{name!r} is missing in all {covered:,} rows in which {rule.explain().partition(' where ')[2]}"
    return (exact, covered, -table.distinct(other)), Finding(rule, reason, table.n if exact else covered)
