"""What the automatic spec says of rows that follow each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError, suggest
from bayessynth.rules import Ends, Rule, Running
from bayessynth.schema import Columns, Schema
from bayessynth.spec.auto.explain import Choice
from bayessynth.spec.auto.groups import GroupFinding, find_groups
from bayessynth.spec.auto.lags import LAGS, screened
from bayessynth.spec.auto.lines import Panel, line
from bayessynth.spec.follow import as_numbers, clock, has_mean, numbered, row_reads

# A level that was seen this often, always in last rows, ends a sequence if chance would hardly have it so.
_OFTEN, _CHANCE = 10, 1e-6


def sorted_by(data: pd.DataFrame, schema: Schema, unit: str, time: str) -> tuple[pd.DataFrame, Schema]:
    """Return a table sorted by unit and time, and a schema in which the unit is a group.

    Raises
    ------
    SpecError
        If one of the columns is not there.
    """
    for column, word in ((unit, "unit"), (time, "time")):
        if column not in data or column not in schema:
            raise SpecError(f"{word}={column!r} is no column of the data.{suggest(column, schema)}")
    moments = schema.plain(data[[time]])[time] if schema[time].format is not None else data[time]
    schema = schema.override(**{unit: "group"})
    places = np.lexsort((moments.to_numpy(), schema.encode(data, columns=[unit], missing="keep")[unit]))
    return data.iloc[places].reset_index(drop=True), schema


def groups_above(
    data: pd.DataFrame, columns: Columns, schema: Schema, groups: Sequence[str] | Literal["detect"] | None, unit: str
) -> tuple[GroupFinding, ...]:
    """Return the unit, and the factors within whose groups units lie."""
    if groups is None:
        wanted: list[str] = []
    elif groups == "detect":
        wanted = [finding.factor for finding in find_groups(data, columns, schema, None)]
    else:
        wanted = [groups] if isinstance(groups, str) else list(groups)
    found = find_groups(data, columns, schema, (unit, *(g for g in wanted if g != unit)))
    own = next(finding for finding in found if finding.factor == unit)
    return tuple(finding for finding in found if finding.factor in (unit, *own.within))


def follow(
    data: pd.DataFrame, schema: Schema, unit: str, time: str, explained: Sequence[Choice], rules: tuple[Rule, ...]
) -> tuple[tuple[Choice, ...], tuple[Rule, ...]]:  # fmt: skip
    """Add the time, and what rows before tell, to what was chosen for a table's columns.

    Parameters
    ----------
    data : DataFrame
        Sorted by unit and time.
    schema : Schema
    unit, time : str
    explained : sequence of Choice
        For all columns but the time.
    rules : tuple of Rule

    Returns
    -------
    tuple of tuple of Choice and tuple of Rule
        With those that say which values end a sequence.
    """
    number = numbered(data, unit)
    upper = [c for c in explained if c.family is not None and c.level != "row"]
    rows = [c for c in explained if c.family is not None and c.level == "row"]
    varying = [c.column for c in rows if schema[c.column].kind != "constant"]
    sums = {rule.column: rule for rule in rules if isinstance(rule, Running) and unit in rule.columns}
    numbers = as_numbers(data, schema, [*varying, *sums, time])
    lags = screened(numbers, number, [*varying, *sums])
    for column, rule in sums.items():
        # How much may be added or taken away depends on what there is.
        for part in rule.summed & lags.keys():
            lags[part] = [*dict.fromkeys([column, *lags[part]])]
    timed = screened({**numbers, time: np.r_[np.nan, np.diff(numbers[time])]}, number, [time, *varying], 2 * LAGS)[time]
    fixed = [c.column for c in upper if schema[c.column].kind != "constant"]
    read = (clock(time)[0], f"lag({time})", *fixed, *(f"lag({c})" for c in timed))
    own = Choice(time, schema[time].kind, "tree", read, "row",
                 f"The time of a {unit}'s rows: the first, then what elapses to the next.")  # fmt: skip
    factors = [c for c in explained if c.family is None]
    panel = Panel(schema, unit, time, numbers | as_numbers(data, schema, fixed), number)
    ruled = {c for rule in rules for c in rule.columns}
    later = []
    for choice in rows:
        if choice.column not in varying:
            later.append(choice)
            continue
        above = [c for c in choice.predictors if c in fixed]
        before = [c for c in choice.predictors if c not in fixed]
        straight = line(panel, choice.column, above, before, [c.column for c in factors], ruled)
        if straight is not None:
            told = f" {len(data)} rows are few: each {unit} has a line in {time}; residuals follow each other."
            later.append(replace(choice, family=straight.family, predictors=straight.columns, equation=straight,
                                 reason=choice.reason + told))  # fmt: skip
            continue
        number_like = has_mean(schema[choice.column])
        reads = row_reads(choice.column, time, above, before, lags[choice.column], number_like)
        told = f" Of the row before it reads itself{''.join(f', {c}' for c in lags[choice.column])}."
        later.append(replace(choice, predictors=tuple(reads), reason=choice.reason + told))
    return (*factors, *upper, own, *later), (*rules, *_endings(data, schema, varying, number))


def _endings(data: pd.DataFrame, schema: Schema, columns: Sequence[str], number: np.ndarray) -> list[Rule]:
    """Return rules for levels that no row follows, where that is no chance."""
    last = np.r_[number[1:] == 0, True]
    found: list[Rule] = []
    if last.all():
        return found
    for column in (c for c in columns if schema[c].levels):
        codes = schema.encode(data, columns=[column], missing="keep")[column]
        counts = np.bincount(codes[codes >= 0], minlength=len(schema[column].levels))
        ends = np.bincount(codes[(codes >= 0) & last], minlength=len(schema[column].levels))
        terminal = (counts == ends) & (counts >= _OFTEN) & (counts * np.log(last.mean()) < np.log(_CHANCE))
        if terminal.any():
            found.append(Ends(column, tuple(schema[column].levels[i] for i in np.flatnonzero(terminal))))
    return found
