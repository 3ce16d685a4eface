"""Columns that sum up another one over the rows of a group, as they stand."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayessynth.rules.cells import group_codes
from bayessynth.rules.detection.finding import Finding
from bayessynth.rules.detection.table import CHANCE, ROWS, Table
from bayessynth.rules.running import Running, steps, tolerance
from bayessynth.schema.column import plain

# A factor needs so many groups of several rows, a sum and an amount so many values.
GROUPS, VALUES = 5, 10
# Levels of a column that may say whether an amount is taken away, and rows that each of them needs.
SIGNS, SEEN = 20, 5
# An amount must vary so much more than rounding may hide.
PLAIN = 20


def running_sums(table: Table) -> Iterator[Finding]:
    """Yield columns that move by another one from each row of a group to the next, and begin with it."""
    for factor in table.groups:
        codes = group_codes([table.frame[factor]], table.n)
        if (codes < 0).any() or codes.max(initial=-1) + 1 < GROUPS:
            continue
        rule, support = running_sum(table, factor, codes, np.ones(table.n, dtype=bool))
        if rule is not None:
            groups = int(codes.max()) + 1
            yield Finding(rule, f"{rule.explain()[:-1]}, in all {groups:,} groups.", support)


def running_sum(table: Table, factor: str, codes: np.ndarray, told: np.ndarray) -> tuple[Running | None, int]:
    """Return the running sum that holds wherever a row's place after the one before is told, and how many rows say so.

    Parameters
    ----------
    table : Table
    factor : str
    codes : ndarray of int, shape (n,)
        The group of every row.
    told : ndarray of bool, shape (n,)
        Rows of which it is known which row comes before.
    """
    names = [c for c in table.numbers if c in table.names and table.distinct(c) >= VALUES
             and table.schema[c].kind != "datetime" and not table.missing(c).any()]  # fmt: skip
    support = int(told.sum() - len(np.unique(codes[told])))
    if len(names) < 2 or support < max(CHANCE, ROWS):
        return None, 0
    for target in names:
        moved = steps(table.numbers[target], codes)
        for amount in names:
            if amount == target or np.std(table.numbers[amount]) < PLAIN * _slack(table, target, amount):
                continue
            by = np.abs(np.abs(moved) - np.abs(table.numbers[amount])) <= _slack(table, target, amount)
            if not by[told].all():
                continue
            rule = _signed(table, target, amount, factor, moved, told)
            if rule is not None:
                return rule, support
    return None, 0


def _slack(table: Table, target: str, amount: str) -> float:
    return tolerance(table.numbers[target], table.numbers[amount])


def _signed(
    table: Table, target: str, amount: str, factor: str, moved: np.ndarray, told: np.ndarray
) -> Running | None:  # fmt: skip
    """Return the rule, with the column whose levels say whether an amount is added or taken away."""
    slack = _slack(table, target, amount)
    amounts = table.numbers[amount]
    added = np.abs(moved - amounts) <= slack
    if added[told].all():
        return Running(target, amount, factor)
    taken = np.abs(moved + amounts) <= slack
    for sign in table.names:
        levels = len(table.values[sign])
        if sign in table.numbers or levels > SIGNS or table.missing(sign).any():
            continue
        codes = table.codes[sign]
        seen = np.bincount(codes[told], minlength=levels)
        adding = np.bincount(codes[told], added[told], minlength=levels) == seen
        taking = np.bincount(codes[told], taken[told], minlength=levels) == seen
        if (adding | taking).all() and (seen >= SEEN).all() and adding.any():
            minus = tuple(plain(v) for v in np.asarray(table.values[sign], dtype=object)[~adding])
            return Running(target, amount, factor, sign=sign, minus=minus)
    return None
