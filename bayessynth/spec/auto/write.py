"""A spec for any table, written from the table."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Literal, get_args

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError, TableWarning, suggest, warn
from bayessynth.rules import Finding, Rule, after, detect, determined
from bayessynth.schema import Columns, Schema, check_modelled
from bayessynth.spec.auto.dependence import Dependence, associations
from bayessynth.spec.auto.explain import Choice, choices
from bayessynth.spec.auto.groups import GroupFinding, find_groups, levels_of
from bayessynth.spec.auto.order import visiting_order
from bayessynth.spec.auto.screen import screen
from bayessynth.spec.auto.sequences import follow, groups_above, sorted_by
from bayessynth.spec.auto.strata import strata_of
from bayessynth.spec.equation import Equation
from bayessynth.spec.expression import quote
from bayessynth.spec.follow import plain_terms
from bayessynth.spec.lags import base
from bayessynth.spec.spec import Spec

Order = Literal["table", "dependence"]


def write(
    data: pd.DataFrame,
    *,
    schema: Schema | None = None,
    groups: Sequence[str] | Literal["detect"] | None = "detect",
    strata: str | Sequence[str] | None = None,
    order: Order = "table",
    random_seed: int = 0,
    given: Collection[str] = (),
    unit: str | None = None,
    time: str | None = None,
) -> tuple[Spec, tuple[Choice, ...]]:
    """Write a spec: an order of the columns by how they depend on each other, and a tree equation for each.

    Columns that are functions of others, keys and constants become rules, which compute them; groups (a person's
    visits, a school's pupils) are noticed, and each row-level column differs between them.

    Parameters
    ----------
    data : DataFrame
    schema : Schema, optional
        Detected if not given.
    groups : "detect", sequence of str, or None
        Columns that name groups; found by themselves by default; None for no groups.
    strata : str or sequence of str, optional
        Columns that come first and that every other one is drawn from.
    order : {"table", "dependence"}
        Columns are drawn in the order of the table, whose maker mostly had causes before effects in mind, or each next
        to the one that it depends on most. Columns of groups come first, and what a rule needs before what it rules.
    random_seed : int
        Draws the rows that dependence is measured on, where there are many.
    given : collection of str
        Columns that copies are handed, so that no rule computes them.
    unit, time : str, optional
        Columns that make sequences of the rows, as in :class:`Spec`. Each column of a row is then drawn from the unit's
        columns, the time, the row's number, the columns before it in its row, its own first and last value, and those
        columns of the row before that tell most of it. In short tables a number that follows a line in time, with
        normal residuals, has a hierarchical equation instead: levels and slopes of units, autocorrelated residuals.

    Returns
    -------
    tuple of Spec and tuple of Choice

    Raises
    ------
    SpecError
        If a column that is named does not exist, or nothing is left to model.
    SchemaError
        If a column holds free text.
    """
    _check_names(data)
    schema = Schema.detect(data) if schema is None else schema
    if unit is not None and time is not None:
        data, schema = sorted_by(data, schema, unit, time)
    check_modelled(schema.values())
    present = [c for c in schema if c in data]
    encoded = [c for c in present if schema[c].kind != "identifier"]
    columns = schema.encode(data, columns=encoded, missing="keep")
    found = _groups(data, columns, schema, groups, unit)
    factors = tuple(finding.factor for finding in found)
    findings = tuple(f for f in detect(data, schema, groups=factors)
                     if not {*factors, *given, time} & set(determined([f.rule])))  # fmt: skip
    rules = tuple(f.rule for f in findings)
    computed = determined(rules)
    _tell_named(schema, [c for c in present if c not in computed])
    modelled = [c for c in present if c not in computed and schema[c].kind != "identifier"]
    dependence = associations(_only(columns, modelled), schema, np.random.default_rng(random_seed))
    first = strata_of(strata if strata is None or isinstance(strata, str) else list(strata), schema)
    visited = _visited(order, modelled, first, rules, dependence, schema, found)
    visited = [c for c in visited if c != time]
    predictors = screen(dependence, visited, always=first, groups=found)
    explained = choices(dependence, schema, predictors, groups=found, strata=first)
    levels = {choice.column: choice.level for choice in explained}
    if unit is not None and time is not None:
        explained, rules = follow(data, schema, unit, time, explained, rules)
        predictors = {choice.column: choice.predictors for choice in explained}
        visited = [c for c in predictors if c not in factors]
    own = {choice.column: choice.equation for choice in explained if choice.equation}
    equations = [own.get(c) or _equation(c, predictors[c], schema, levels.get(c, "row"), found, unit) for c in visited]
    if not equations:
        raise SpecError("No column is left to model: all are identifiers, constants or computed from others.")
    return Spec(*equations, rest="drop", rules=rules, unit=unit, time=time), (*explained, *_computed(findings, schema))


def _check_names(data: pd.DataFrame) -> None:
    odd = [name for name in data if not isinstance(name, str)]
    if odd:
        raise SpecError(
            f"Formulas name columns by text, and {len(odd)} columns have other names, the first is {odd[0]!r}. Rename "
            "them first: df.columns = df.columns.map(str)."
        )


def _groups(
    data: pd.DataFrame, columns: Columns, schema: Schema, groups: Sequence[str] | Literal["detect"] | None,
    unit: str | None,
) -> tuple[GroupFinding, ...]:  # fmt: skip
    if unit is not None:
        return groups_above(data, columns, schema, groups, unit)
    if groups is None:
        return ()
    if isinstance(groups, str) and groups != "detect":
        groups = (groups,)
    return find_groups(data, columns, schema, None if groups == "detect" else tuple(groups))


def _visited(
    order: Order, modelled: Sequence[str], first: Sequence[str], rules: Sequence[Rule], dependence: Dependence,
    schema: Schema, groups: Sequence[GroupFinding],
) -> list[str]:  # fmt: skip
    """Return the columns in the order in which they are drawn."""
    if order not in ("table", "dependence"):
        raise SpecError(f"order={order!r} is not one of 'table', 'dependence'.{suggest(str(order), get_args(Order))}")
    waits = _waits(after(rules), modelled)
    if order == "table":
        return _table_order(modelled, first, waits, groups)
    return visiting_order(dependence, schema, fixed_first=first, after=waits, groups=groups)


def _waits(waits: Mapping[str, AbstractSet[str]], modelled: Collection[str]) -> dict[str, set[str]]:
    """Return for modelled columns which others must precede them: for a computed one, what it is computed from."""

    def sources(column: str) -> set[str]:
        return {column} if column in modelled else set().union(*map(sources, waits.get(column, ())))

    return {c: set().union(*map(sources, earlier)) - {c} for c, earlier in waits.items() if c in modelled}


def _table_order(
    modelled: Sequence[str], first: Sequence[str], waits: Mapping[str, AbstractSet[str]],
    groups: Sequence[GroupFinding],
) -> list[str]:  # fmt: skip
    """Return columns in the order of the table: those of larger groups first, each after those that it waits for."""
    factors = {finding.factor: place for place, finding in enumerate(groups)}
    levels = levels_of(modelled, groups)
    left = [*first, *(c for c in modelled if c not in first and c not in factors)]
    left.sort(key=lambda c: (c not in first, factors.get(levels[c], len(factors))))
    order: list[str] = []
    while left:
        order.append(next(c for c in left if waits.get(c, frozenset()) <= {*order, *factors}))
        left.remove(order[-1])
    return order


def _tell_named(schema: Schema, left: Sequence[str]) -> None:
    """Warn of columns that name records, in a form that nothing says how to write anew."""
    for name in left:
        if schema[name].kind == "identifier":
            warn(
                f"Column {name!r} names records, in a form that was not recognised: it is left out of the copies. To "
                f"keep it, give its pattern, rules=[bs.Unique({name!r}, …)], or say what it is, "
                f"Schema.detect(df).override({name}=…).",
                TableWarning,
            )


def _only(columns: Columns, names: Sequence[str]) -> Columns:
    return Columns(
        {name: columns[name] for name in names}, columns.n,
        {name: levels for name, levels in columns.levels.items() if name in names},
    )  # fmt: skip


def _equation(
    column: str, predictors: Sequence[str], schema: Schema, level: str, groups: Sequence[GroupFinding], unit: str | None
) -> Equation:
    if schema[column].kind == "constant" and not schema[column].missing:
        return Equation(f"{quote(column)} ~ 1")
    read = [plain_terms([name]) for name in predictors if schema[base(name)].kind != "constant"]
    own = next((finding for finding in groups if finding.factor == level), None)
    above = [finding.factor for finding in groups] if level == "row" else list(own.within) if own else []
    # Of a unit's rows the first value and the row before tell more than an effect of the unit would.
    effects = [f"(1 | {quote(factor)})" for factor in above if factor != unit]
    return Equation(f"{quote(column)} ~ {' + '.join([*read, *effects]) or '1'}", family="tree")


def _computed(findings: Sequence[Finding], schema: Schema) -> tuple[Choice, ...]:
    """Say of which rule each computed column is."""
    found = []
    for finding in findings:
        column = finding.rule.determines
        if column is not None:
            read = tuple(name for name in finding.rule.columns if name != column)
            found.append(Choice(column, schema[column].kind, "rule", read, "row", finding.reason))
    return tuple(found)
