"""Rows of an owner in the order of time: which tables have it, and in which order rows of the same time stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayessynth.database.covariates import by_owner
from bayessynth.database.structure import Structure, positions
from bayessynth.rules import Running
from bayessynth.rules.detection import Table, prepare, running_sum
from bayessynth.schema import Column, Schema
from bayessynth.schema.column import NUMBERS

# What the number of a row among those of its owner is called, by which a sequence is ordered: times may be tied.
PLACE = "place in order"
# Steps forward in time without one back that are no chance.
STEPS = 20
# Rows an owner has, on average, for its rows to follow each other rather than stand beside each other; and owners.
ROWS, OWNERS = 4.0, 20
# What the lowest of an owner's sums, the number of its row, their mean and standard deviation are called.
LOWEST, REACHED, MEAN, SPREAD = "lowest {}", "row of lowest {}", "mean {}", "spread of {}"
LIKE = (LOWEST, REACHED, MEAN, SPREAD)
# What the owner's rows are called while they are put in order.
_OWNER = "owner of the row"


@dataclass(frozen=True)
class InTime:
    """How the rows of each owner follow each other.

    Attributes
    ----------
    column : str
        Of times.
    total : Running or None
        The running sum among the table's columns, of the owner by a name of its own.
    """

    column: str
    total: Running | None

    def of_owner(self, frame: pd.DataFrame, at: np.ndarray) -> dict[str, np.ndarray]:
        """Return what the sums of an owner are like, on each of its rows: lowest and where, mean, standard deviation.

        They are drawn once for each owner and before its rows, which are drawn given them: how low a balance falls,
        where it returns to and how far it moves is the owner's own, and no row before tells it.
        """
        if self.total is None or self.total.sign is None:
            return {}
        sums = frame[self.total.column].astype(float).groupby(at)
        lowest = sums.transform("min")
        number = (sums.cumcount() + 1).where(frame[self.total.column] == lowest)
        found = {LOWEST: lowest, REACHED: number.groupby(at).transform("min"), MEAN: sums.transform("mean"),
                 SPREAD: sums.transform("std", ddof=0)}  # fmt: skip
        return {name.format(self.total.column): values.to_numpy(dtype=float) for name, values in found.items()}


def in_order(
    tables: Mapping[str, pd.DataFrame], structure: Structure
) -> tuple[dict[str, pd.DataFrame], dict[str, InTime]]:
    """Return the tables with rows of the same time in the order that their sums tell, and which have a column of time.

    Parameters
    ----------
    tables : mapping of str to DataFrame
    structure : Structure

    Returns
    -------
    tuple of dict of str to DataFrame and dict of str to InTime
        The tables, and how rows follow each other in those where they do.
    """
    ordered: dict[str, pd.DataFrame] = dict(tables)
    times: dict[str, InTime] = {}
    for table in structure.order:
        link = next((o for o in structure.owners(table) if o.primary and not o.inverted), None)
        if link is None:
            continue
        at = positions(link.key, tables)
        owners = len(np.unique(at[at >= 0]))
        if owners < OWNERS or len(at) < ROWS * owners or (at < 0).any():
            continue
        keys = {key.column for key in structure.keys(table)} | {structure.primary.get(table)}
        frame = tables[table].drop(columns=[c for c in tables[table] if c in keys])
        if not len(frame.columns):
            continue
        schema = Schema.detect(frame)
        time = time_of(frame, schema, at)
        if time is not None:
            places = told_by_sums(frame, schema, at, time)
            ordered[table] = tables[table].iloc[places].reset_index(drop=True)
            times[table] = InTime(time, sums_of(frame.iloc[places], schema, at))
    return ordered, times


def sums_of(frame: pd.DataFrame, schema: Schema, at: np.ndarray) -> Running | None:
    """Return the running sum among the columns of a table whose rows stand in order, if it has one.

    >>> frame = pd.DataFrame({"sold": np.arange(120) % 11 + 1, "day": np.tile(np.arange(20), 6)})
    >>> frame["total"] = frame["sold"].groupby(np.repeat(np.arange(6), 20)).cumsum()
    >>> sums_of(frame, Schema.detect(frame), np.repeat(np.arange(6), 20))
    Running('total', 'sold', 'owner of the row')
    """
    order, _ = by_owner(at)
    return running_sum(_prepared(frame, schema, order, at[order]), _OWNER, at[order], np.ones(len(at), dtype=bool))[0]


def _prepared(frame: pd.DataFrame, schema: Schema, order: np.ndarray, owner: np.ndarray) -> Table:
    names = [c for c in schema if schema[c].kind in NUMBERS or schema[c].levels]
    columns = [*schema.subset(names).values(), Column(_OWNER, "group", "int64", labels="int")]
    rows = frame[names].iloc[order].reset_index(drop=True).assign(**{_OWNER: owner})
    return prepare(rows, Schema._of(columns, schema._seen), (_OWNER,))


def time_of(frame: pd.DataFrame, schema: Schema, at: np.ndarray) -> str | None:
    """Return the first column of times in whose order the rows of each owner stand, where that is no chance.

    Parameters
    ----------
    frame : DataFrame
    schema : Schema
    at : ndarray of int, shape (n,)
        The owner of every row.

    Examples
    --------
    >>> days = pd.date_range("2020-01-01", periods=30)
    >>> frame = pd.DataFrame({"x": np.arange(60) % 7, "day": [*days, *days]})
    >>> time_of(frame, Schema.detect(frame), np.repeat([0, 1], 30))
    'day'
    """
    order, starts = by_owner(at)
    inside = np.ones(len(order), dtype=bool)
    inside[starts] = False
    names = [c for c in schema if schema[c].kind == "datetime"]
    names += [c for c in schema if schema[c].kind in NUMBERS - {"datetime"} and not schema[c].missing]
    for column, values in schema.encode(frame, columns=names, missing="keep").arrays.items():
        moved = np.diff(values[order])[inside[1:]]
        if not np.isnan(values).any() and (moved >= 0).all() and (moved > 0).sum() >= max(STEPS, len(starts)):
            return str(column)
    return None


def told_by_sums(frame: pd.DataFrame, schema: Schema, at: np.ndarray, time: str) -> np.ndarray:
    """Return an order of the rows in which those of one owner and one time stand as a running sum tells.

    A balance is the balance before and an amount: of rows of one day that says which comes first, whatever their order
    in the table. The order is the table's where there is no such sum, or it does not hold from the first row to the
    last.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> at, amount = np.repeat(np.arange(20), 10), rng.normal(size=200).round(2)
    >>> frame = pd.DataFrame({"day": np.tile(np.r_[0:9, 8], 20), "amount": amount})
    >>> frame["balance"] = frame["amount"].groupby(at).cumsum().round(2)
    >>> mixed = frame.iloc[[*range(8), 9, 8, *range(10, 200)]].reset_index(drop=True)
    >>> told_by_sums(mixed, Schema.detect(mixed), at, "day")[:12].tolist()
    [0, 1, 2, 3, 4, 5, 6, 7, 9, 8, 10, 11]
    """
    kept = np.arange(len(at))
    order, _ = by_owner(at)
    moments = schema.encode(frame, columns=[time], missing="keep")[time][order]
    owner = at[order]
    tied = (np.diff(moments) == 0) & (np.diff(owner) == 0)
    alone = ~(np.r_[tied, False] | np.r_[False, tied])
    told = alone & (np.r_[True, alone[:-1]] | np.r_[True, np.diff(owner) != 0])
    if alone.all():
        return kept
    table = _prepared(frame, schema, order, owner)
    rule, _ = running_sum(table, _OWNER, owner, told)
    if rule is None:
        return kept
    amounts = table.numbers[rule.amount]
    if rule.sign is not None:
        amounts = np.where(table.frame[rule.sign].isin(rule.minus), -amounts, amounts)
    chained = _chained(table.numbers[rule.column], amounts, owner, tied)
    in_turn = table.frame.iloc[chained].reset_index(drop=True).assign(**{_OWNER: owner})
    if rule.violations(in_turn).any():
        return kept
    kept[order] = order[chained]
    return kept


def _chained(sums: np.ndarray, amounts: np.ndarray, owner: np.ndarray, tied: np.ndarray) -> np.ndarray:
    """Return rows in an order in which each begins, as nearly as can be, where the one before it ends.

    Parameters
    ----------
    sums, amounts, owner : ndarray of shape (n,)
        Of rows sorted by owner and time.
    tied : ndarray of bool, shape (n - 1,)
        Whether a row has the owner and the time of the one before.
    """
    begins = sums - amounts
    found = np.arange(len(sums))
    firsts = np.flatnonzero(np.r_[True, ~tied])
    ends = np.r_[firsts[1:], len(sums)]
    for first, end in zip(firsts[ends - firsts > 1], ends[ends - firsts > 1], strict=True):
        fresh = first == 0 or owner[first] != owner[first - 1]
        now = 0.0 if fresh else float(sums[found[first - 1]])
        left = list(range(first, end))
        for place in range(first, end):
            nearest = min(left, key=lambda row: abs(begins[row] - now))
            left.remove(nearest)
            found[place] = nearest
            now = float(sums[nearest])
    return found
