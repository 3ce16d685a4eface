"""Numbers that are the time between two others: in years, months or weeks, or the day of a trial, which knows no zero.

Days of a study are counted as centuries are: the first is day 1, and the one before it day -1 (CDISC 2021, Study Data
Tabulation Model Implementation Guide 3.4, section 4.4.4).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from bayessynth.rules.derived import Derived
from bayessynth.rules.detection.expressions import misfit, quoted
from bayessynth.rules.detection.single import VALUES
from bayessynth.rules.detection.table import LOST, ROWS, Table
from bayessynth.rules.grid import decimals

# Days of a year, a month, a week.
UNITS = ("365.25", "365", "365.2425", "30.4375", "30", "7")
# Days between two times, and one more from the first day on.
STUDY_DAY = "{0} + min(max({0} + 1, 0), 1)"
# Columns of times among which pairs are looked at.
WIDEST = 20


def from_spans(table: Table, known: set[str], aliases: set[str]) -> Iterator[Derived]:
    """Yield numbers that are the time between two others divided by a unit, rounded or in full units, or study days.

    Of pairs of times that fit in all rows, the one that leaves least to rounding is it: a visit a week later may give
    nearly all the same ages.

    Parameters
    ----------
    table : Table
    known, aliases : set of str
        Columns of which it is known how they are determined; of these, the ones that repeat a single other column.
    """
    times = [name for name in table.numbers if table.schema[name].kind == "datetime" and name not in aliases]
    if not 2 <= len(times) <= WIDEST:
        return
    for target in table.numbers:
        numeric = table.schema[target].kind != "datetime" and table.distinct(target) >= VALUES
        if numeric and target not in known and (rule := _span(target, times, table)) is not None:
            yield rule


def _span(target: str, times: list[str], table: Table) -> Derived | None:
    rows = table.rows[~table.missing(target)[table.rows]]
    if len(rows) < ROWS:
        return None
    values, slack = table.number(target)[rows], table.slack(target)
    found = []
    for late, early in permutations(times, 2):
        days = table.number(late)[rows] - table.number(early)[rows]
        there = ~np.isnan(days)
        if (~there).sum() > LOST * len(rows) or not np.ptp(days[there]):
            continue
        counted, both = np.where(days >= 0, days + 1, days), days[there].min() < 0 <= days[there].max()
        if both and (np.abs(counted[there] - values[there]) <= slack).all():
            found.append((0.0, STUDY_DAY.format(f"({quoted(late)} - {quoted(early)})")))
        for unit in UNITS:
            span = days[there] / float(unit)
            left = span - values[there]
            between = f"({quoted(late)} - {quoted(early)}) / {unit}"
            if np.abs(left).max() <= slack:
                found.append((float(np.ptp(left)), between))
            elif left.min() >= 0 and left.max() < 1 and decimals(table.schema[target]) == 0:
                found.append((float(np.ptp(left)), f"floor({between})"))
    fits = (expression for _, expression in sorted(found) if not misfit(target, expression, table))
    expression = next(fits, None)
    return None if expression is None else Derived(target, expression)
