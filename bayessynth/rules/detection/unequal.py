"""Numbers and times that are never greater than another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy.special import ndtr

from bayessynth.rules.detection.finding import Finding
from bayessynth.rules.detection.table import CHANCE, Table
from bayessynth.rules.grid import decimals
from bayessynth.rules.inequality import Inequality
from bayessynth.rules.ordered import Ordered
from bayessynth.rules.rule import Rule

# Rows that must speak for an inequality, values that either column must have, and the share of rows that would break
# it if the columns had nothing to do with each other.
ROWS, VALUES, SHARE = 200, 5, 0.02
# Columns of which one spreads so much more than the other are of different units.
ALIKE = 30
# So many rows that would break it are enough, however alike the columns are: at least the first, and the second for
# every column that is compared.
MANY, MANY_EACH = 100, 10


def inequalities(table: Table, leave_out: set[str]) -> Iterator[Finding]:
    """Yield inequalities between columns; several in a row as one order.

    Parameters
    ----------
    table : Table
    leave_out : set of str
        Columns that are computed, and so cannot be limited.
    """
    names = [
        name for name in table.numbers
        if name in table.names and name not in leave_out and table.distinct(name) >= VALUES
    ]  # fmt: skip
    edges: dict[tuple[str, str], int] = {}
    for kind in sorted({_written(name, table) for name in names}):
        like = [name for name in names if _written(name, table) == kind]
        sample = np.column_stack([table.numbers[name][table.rows] for name in like])
        for i, name in enumerate(like):
            with np.errstate(invalid="ignore"):
                broken = (sample[:, [i]] > sample).any(axis=0)
            for j in np.flatnonzero(~broken):
                rows = 0 if i == j else _support(name, like[j], table, len(like))
                if rows:
                    edges[name, like[j]] = rows
    for chain in _chains(set(edges)):
        strict = all((table.numbers[a] < table.numbers[b])[_both(a, b, table)].all() for a, b in _pairs(chain))
        rule: Rule = Inequality(*chain, strict=strict) if len(chain) == 2 else Ordered(*chain, strict=strict)
        rows = min(edges[pair] for pair in _pairs(chain))
        yield Finding(rule, f"Holds in all {rows:,} rows in which the cells are present.", rows)


def _written(name: str, table: Table) -> str:
    """Return what a column and one that it may be compared with have in common: both times, whole, or with decimals."""
    if table.schema[name].kind == "datetime":
        return "times"
    return "whole" if decimals(table.schema[name]) == 0 else "decimals"


def _pairs(chain: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(pairwise(chain))


def _both(low: str, high: str, table: Table) -> np.ndarray:
    return ~(table.missing(low) | table.missing(high))


def _support(low: str, high: str, table: Table, compared: int) -> int:
    """Return the rows in which both cells are present, or 0 if the inequality fails or may hold by chance.

    If the columns had nothing to do with each other, many rows would break it. Columns that are alike, and one of them
    mostly greater, seldom break it in any case. Then the differences, and of positive numbers their ratios too, must
    end too early for a normal distribution, at which of some pairs none would end by chance. Numbers with decimals
    that recur are those of groups of rows; they count once.
    """
    both = _both(low, high, table)
    a, b = table.numbers[low][both], table.numbers[high][both]
    if len(a) < ROWS or (a > b).any() or (a == b).all() or not 1 / ALIKE <= a.std() / max(b.std(), 1e-300) <= ALIKE:
        return 0
    # The share of pairs of a row of one column with a row of the other in which the first is greater.
    ordered = np.sort(b)
    chance = float(np.searchsorted(ordered, a, side="left").mean()) / len(b)
    if chance < SHARE or chance * len(a) < CHANCE:
        return 0
    size = len(np.unique(a + 1j * b)) if _written(low, table) == "decimals" else len(a)
    early = size * min(_share_below(b - a), _share_below(np.log(b / a)) if a.min() > 0 else 1.0)
    enough = early >= 3 + 2 * np.log(compared) or chance * size >= max(MANY, MANY_EACH * compared)
    return len(a) if enough else 0


def _share_below(gaps: np.ndarray) -> float:
    """Return which share of a normal distribution with the mean and the spread of some gaps lies below zero."""
    spread = float(gaps.std())
    return float(ndtr(-gaps.mean() / spread)) if spread > 0 else 0.0


def _chains(edges: set[tuple[str, str]]) -> Iterator[tuple[str, ...]]:
    """Yield orders that state all edges, none that follows from two others stated on its own."""
    needed = {(a, c) for a, c in edges if not any((a, b) in edges and (b, c) in edges for b in {x for x, _ in edges})}
    while needed:
        starts = [a for a, _ in needed if not any(a == c for _, c in needed)]
        chain = [min(starts)]
        while following := sorted(c for a, c in needed if a == chain[-1]):
            # A column after which the chain has a choice may end it: every pair of a chain must be an edge.
            step = next((c for c in following if all((a, c) in edges for a in chain)), None)
            if step is None:
                break
            chain.append(step)
        needed -= set(_pairs(tuple(chain)))
        yield tuple(chain)
