"""Columns that follow from the rows of a group: statistics, sizes, running numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayessynth.rules.aggregate import Aggregate, statistics
from bayessynth.rules.cells import group_codes, is_number
from bayessynth.rules.detection.finding import Finding
from bayessynth.rules.detection.table import CHANCE, ROWS, Table
from bayessynth.rules.numbered import Numbered
from bayessynth.schema.column import plain

# Statistics that are looked for.
HOWS = ("mean", "sum", "min", "max")
# A factor needs so many groups of several rows, and a statistic so many values.
GROUPS, VALUES = 5, 5


def aggregates(table: Table) -> Iterator[Finding]:
    """Yield columns that are, in every group, a statistic of another column, the group's size, or a level's share."""
    for factor in table.groups:
        codes = group_codes([table.frame[factor]], table.n)
        size = int(codes.max(initial=-1)) + 1
        if size < GROUPS or (codes < 0).any() or table.n < ROWS:
            continue
        first = np.unique(codes, return_index=True)[1]
        for target in table.numbers:
            if target not in table.names or table.distinct(target) < VALUES or table.missing(target).any():
                continue
            wanted = table.numbers[target][first]
            if np.array_equal(wanted[codes], table.numbers[target]):
                rule = _statistic(target, wanted, factor, codes, size, table)
                if rule is not None:
                    reason = f"{rule.explain()[:-1]}, in all {size:,} groups."
                    yield Finding(rule, reason, size)


def _statistic(
    target: str, wanted: np.ndarray, factor: str, codes: np.ndarray, size: int, table: Table
) -> Aggregate | None:
    slack = table.slack(target)

    def agrees(found: np.ndarray) -> bool:
        return bool((np.abs(found - wanted) <= slack).all())

    if agrees(np.bincount(codes, minlength=size)):
        return Aggregate(target, None, factor, how="count")
    for source in table.names:
        if source == target or table.missing(source).any():
            continue
        if source in table.numbers:
            values = table.numbers[source]
            # What does not vary within groups is a group's own column, of which the statistic says nothing.
            if np.array_equal(values[np.unique(codes, return_index=True)[1]][codes], values):
                continue
            for how in HOWS:
                if agrees(statistics(how)(values, codes, size)):
                    return Aggregate(target, source, factor, how=how)
        elif table.distinct(source) <= 10:
            for code, level in enumerate(table.values[source]):
                if agrees(statistics("mean")((table.codes[source] == code).astype(float), codes, size)):
                    return Aggregate(target, source, factor, how="share", level=plain(level))
    return None


def running_numbers(table: Table) -> Iterator[Finding]:
    """Yield columns that count the rows of groups in the order in which they stand."""
    for factor in table.groups:
        codes = group_codes([table.frame[factor]], table.n)
        groups = int(codes.max(initial=-1)) + 1
        if groups < GROUPS or table.n - groups < max(CHANCE, ROWS):
            continue
        place = pd.Series(codes).groupby(codes).cumcount().to_numpy()
        for target in table.codes:
            column = table.schema[target]
            if target == factor or not is_number(column) or column.kind == "datetime" or table.missing(target).any():
                continue
            values = table.values[target][table.codes[target]].astype(float)
            start = values[0]
            if start == int(start) and np.array_equal(values - place, np.full(table.n, start)):
                rule = Numbered(target, factor, start=int(start))
                yield Finding(rule, f"{rule.explain()[:-1]}, in all {groups:,} groups.", table.n - groups)
