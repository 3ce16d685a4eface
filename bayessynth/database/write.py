"""The frame and the spec of one table: its own columns, beside what they are drawn given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bayessynth.database.covariates import Covariate, FromAbove, Known, RowNumber, summaries
from bayessynth.database.order import LIKE
from bayessynth.database.screen import Judged
from bayessynth.database.structure import Link, Structure
from bayessynth.errors import SpecError
from bayessynth.rules import Floor, Inequality, Rule, Running, determined
from bayessynth.schema import Column, Schema
from bayessynth.spec import Equation, Spec
from bayessynth.spec.auto import write
from bayessynth.spec.expression import quote
from bayessynth.spec.follow import plain_terms
from bayessynth.spec.lags import base, derived

# Owners of owners whose columns a table's are drawn given.
DEPTH = 3
# Fewest owners with several rows for their rows to share an effect.
OWNERS = 5
# Rows of an owner up to which they are counted; where one has more, their number is relative to all.
COUNTED = 30


@dataclass(frozen=True)
class Above:
    """What is known of a table that is modelled already: the columns that others may be drawn given."""

    columns: tuple[Column, ...]


def covariates(
    table: str, structure: Structure, above: Mapping[str, Above], known: Known, taken: Sequence[str]
) -> tuple[Covariate, ...]:
    """Return all that a table's columns may be drawn given, whose names are not among those taken."""
    found: list[Covariate] = []
    for link in structure.owners(table):
        at = known.links[link.label]
        most = int(np.bincount(at[at >= 0], minlength=1).max(initial=0))
        if most > 1:
            found.append(RowNumber(f"row of {link.name}", link.label, most > COUNTED))
        found += _from_above(link, (), link.name, structure, above)
    primary = next((o for o in structure.owners(table) if o.primary), None)
    if primary is not None:
        for link in structure.members(primary.owner):
            there = link.member in known.arrays and link.member != table and not link.inverted
            if there and link.label in known.links:
                found += summaries(primary, link, link.member, above[link.member].columns, known)
    names = dict.fromkeys(c.name for c in found)
    return tuple(c for c in found if c.name not in taken and names.pop(c.name, 0) is None)


def _from_above(
    link: Link, path: tuple[str, ...], prefix: str, structure: Structure, above: Mapping[str, Above]
) -> list[Covariate]:
    path = (*path, link.label)
    found: list[Covariate] = []
    for column in above[link.owner].columns:
        name = f"{prefix}.{column.name}"
        own = replace(column, name=name, missing=True, label=None)
        found.append(FromAbove(name, own, path, link.owner, column.name))
    if len(path) < DEPTH:
        for higher in structure.owners(link.owner):
            found += _from_above(higher, path, f"{prefix}.{higher.name}", structure, above)
    return found


def factor_of(link: Link | None, at: np.ndarray | None, taken: Sequence[str]) -> str | None:
    """Return what the grouping factor of a table's primary owner is called, if its rows share effects."""
    if link is None or at is None:
        return None
    sizes = np.bincount(at[at >= 0], minlength=1)
    if (sizes > 1).sum() < OWNERS:
        return None
    name = link.key.column if not link.inverted else f"key of {link.owner}"
    return name if name not in taken else f"key of {link.owner}"


def groups_of(at: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the group of every row, numbered without gaps, and how many there are; rows without owner are alone.

    >>> groups_of(np.array([4, -1, 4, 7, -1]))
    (array([0, 2, 0, 1, 3]), 4)
    """
    there = at >= 0
    used, codes = np.unique(at[there], return_inverse=True)
    groups = np.empty(len(at), dtype=np.int64)
    groups[there] = codes
    groups[~there] = len(used) + np.arange((~there).sum())
    return groups, len(used) + int((~there).sum())


def frame_of_table(own: pd.DataFrame, given: Mapping[str, tuple[Column, np.ndarray]]) -> pd.DataFrame:
    """Return a table's own columns after those that it is drawn given."""
    schema = Schema._of(column for column, _ in given.values())
    beside = schema.decode({name: values for name, (_, values) in given.items()})
    return pd.concat([beside.reset_index(drop=True), own.reset_index(drop=True)], axis=1)


def judged(given: Sequence[Covariate], known: Known, beside: Mapping[str, np.ndarray]) -> dict[str, Judged]:
    """Return covariates with what they are constant within."""
    return {c.name: Judged(beside[c.name], len(c.column.levels), c.clusters(known), isinstance(c, RowNumber))
            for c in given if c.name in beside}  # fmt: skip


def spec_of_table(
    frame: pd.DataFrame, schema: Schema, given: Sequence[str], factor: str | None, heard: Mapping[str, Sequence[str]]
) -> Spec:
    """Write the spec of a table, in which nothing draws the columns that are given.

    Parameters
    ----------
    frame : DataFrame
    schema : Schema
    given : sequence of str
    factor : str or None
    heard : mapping of str to sequence of str
        By own column: the given ones that tell something of it.
    """
    own = [column for column in frame if column not in given and column != factor]
    if not given and factor is None:
        return Spec.auto(frame[own], schema=schema.subset(own))
    drawn, found = write(frame, schema=schema, groups=(factor,) if factor else None, given=given)
    equations = []
    for equation in drawn:
        if equation.response in given:
            continue
        deaf = set(given) - set(heard.get(equation.response, given))
        equations.append(_at_rows(_without(equation, deaf), frame, factor))
    rules = [rule for rule in drawn.rules
             if rule.determines not in given and set(rule.columns) & set(own)]  # fmt: skip
    equations += [Equation(f"{quote(column)} ~ 1", family="given") for column in given]
    spec = Spec(*equations, rest="drop", rules=rules)
    spec._choices = tuple(choice for choice in found if choice.column in own)
    return spec


def spec_in_order(
    frame: pd.DataFrame, schema: Schema, given: Sequence[str], factor: str, place: str,
    pace: Mapping[str, Sequence[str]], heard: Mapping[str, Sequence[str]], total: Running | None = None,
    rows: Sequence[str] = (),
) -> Spec:  # fmt: skip
    """Write the spec of a table whose rows of one owner follow each other.

    Parameters
    ----------
    frame : DataFrame
    schema : Schema
    given : sequence of str
    factor : str
        The owner.
    place : str
        The column with the number of a row among those of its owner.
    pace : mapping of str to sequence of str
        For columns that time passes in: the given ones that say how many rows are left for it.
    heard : mapping of str to sequence of str
        By own column: the given ones that tell something of it.
    total : Running, optional
        The running sum of the table, of whose owners the frame has what it is like.
    rows : sequence of str
        The given column that holds how many rows the owner has, if there is one.
    """
    signed = total is not None and total.sign is not None
    like = [name.format(total.column) for name in LIKE] if total is not None and signed else []
    kept = [*given, *like]
    drawn, found = write(frame, schema=schema, groups=(factor,), given=kept, unit=factor, time=place)
    equations = []
    for equation in drawn:
        column = equation.response
        if column in given:
            continue
        told = set(heard.get(column, given))
        read = [c for c in equation.columns if base(c) not in given or (c in told and not derived(c))]
        if column in like:  # the screen of rows does not see how few owners there are
            read = [c for c in given if c in told] + like[: like.index(column)]
        # What is added or taken away is drawn towards what the owner's sums are like.
        more = like if total is not None and column in total.summed else pace.get(column, ())
        read = [*dict.fromkeys([*read, *more])]
        level = None if column in like else "row"
        equations.append(Equation(f"{quote(column)} ~ {plain_terms(read)}", family=equation.family, level=level))
    own = [column for column in frame if column not in (*given, factor)]
    # What owners' columns are like beside each other, in a few owners, is no rule.
    by_chance = [rule for rule in drawn.rules if {*rule.columns} & {*like} and {*rule.columns} & {*given}]
    rules = [rule for rule in drawn.rules if rule.determines not in given and set(rule.columns) & set(own)
             and rule not in by_chance]  # fmt: skip
    if total is not None and total.sign is not None and total.column in determined(rules):
        rules.append(Floor(total.amount, total.column, like[0], total.sign, total.minus, like[1], place))
        rules += [Inequality(like[1], column) for column in rows if column in frame]
    equations += [Equation(f"{quote(column)} ~ 1", family="given") for column in given]
    spec = Spec(*equations, rest="drop", rules=rules, unit=factor, time=place)
    spec._choices = tuple(choice for choice in found if choice.column in own)
    return spec


def with_rules(spec: Spec, rules: Sequence[Rule]) -> Spec:
    """Return a spec that was written for a table with other rules."""
    if list(rules) == list(spec.rules):
        return spec
    found = Spec(*spec, rest=spec.rest, rules=rules, unit=spec.unit, time=spec.time)
    found._choices = spec._choices
    return found


def _without(equation: Equation, columns: AbstractSet[str]) -> Equation:
    """Return a tree equation that does not read some columns."""
    if not columns & set(equation.columns):
        return equation
    read = [quote(column) for column in equation.columns if column not in columns]
    effects = [f"(1 | {quote(factor[0])})" for factor in equation.factors]
    return Equation(f"{quote(equation.response)} ~ {' + '.join([*read, *effects]) or '1'}", family=equation.family)


def _at_rows(equation: Equation, frame: pd.DataFrame, factor: str | None) -> Equation:
    """Say that a column may vary within groups where it does not happen to, and its equation has their effect."""
    if factor is None or (factor,) not in equation.factors:
        return equation
    constant = bool((frame.groupby(factor)[equation.response].nunique(dropna=False) <= 1).all())
    return Equation(*equation.formulas, family=equation.family, level="row") if constant else equation


def read_by(spec: Spec, given: Sequence[str], heard: Sequence[str]) -> list[str]:
    """Return which covariates a spec that the user wrote needs: those that it names, or all for ``rest="tree"``."""
    read = {c for equation in spec for c in equation.columns} | {c for rule in spec.rules for c in rule.columns}
    return [c for c in given if c in read or (spec.rest == "tree" and c in heard)]


def check_own(spec: Spec, table: str, given: Sequence[str]) -> None:
    """Raise a SpecError if a spec that the user wrote has an equation for what is given."""
    for equation in spec:
        if equation.response in given:
            raise SpecError(
                f"Table {table!r}: {equation.response!r} is a column of another table, which is drawn there; take the "
                "equation out."
            )


def checked_spec(spec: Spec, frame: pd.DataFrame, given: Sequence[str], internal: Sequence[str]) -> Spec:
    """Complete a spec that the user wrote: what it reads of other tables is given, numbers of children are drawn."""
    more = [Equation(f"{quote(c)} ~ 1", family="given") for c in given]
    known, computed = [quote(c) for c in _readable(spec, frame)], determined(spec.rules)
    counts = []
    for number, column in enumerate(internal):
        if column not in spec and column not in computed:
            before = [quote(c) for c in internal[:number] if frame[c].nunique() > 1]
            formula = f"{quote(column)} ~ {' + '.join([*known, *before]) or '1'}"
            counts.append(Equation(formula, family="tree" if frame[column].nunique() > 1 else None))
    return Spec(*spec, *more, *counts, rest=spec.rest, rules=spec.rules, unit=spec.unit, time=spec.time)


def _readable(spec: Spec, frame: pd.DataFrame) -> list[str]:
    constant = {c for c in frame if frame[c].nunique(dropna=False) <= 1}
    return [e.response for e in spec if e.response not in constant]
