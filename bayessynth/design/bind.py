"""A spec bound to data: families resolved, levels found, designs learnt, priors scaled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from bayessynth import families
from bayessynth.design.bound import Bound, BoundEquation
from bayessynth.design.evaluate import Frame, frame_of
from bayessynth.design.grouping import Grouping, closure, group, level_of, plan_groups
from bayessynth.design.predictor import learn_predictor
from bayessynth.design.priors import default_priors, merge_priors
from bayessynth.errors import DataError, MissingDataError, MissingRowsWarning, SpecError, suggest, warn
from bayessynth.families import Summary
from bayessynth.schema import Columns, Schema
from bayessynth.spec import Equation, Formula, Spec, quote

Missing = Literal["error", "drop"]


@dataclass(frozen=True)
class Data:
    """What binding took from a table: encoded columns, their groups, and the rows of each equation."""

    columns: Columns
    frame: Frame
    grouping: Grouping
    rows: Mapping[str, np.ndarray]

    def at(self, column: str) -> Frame:
        """Return the rows that an equation is fitted to."""
        rows = self.rows[column]
        return self.frame.on({name: values[rows] for name, values in self.frame.arrays.items()})


def bind(
    spec: Spec, data: pd.DataFrame, schema: Schema | None = None, missing: Missing = "error"
) -> tuple[Bound, Data]:
    """Bind a spec to a table.

    Parameters
    ----------
    spec : Spec
    data : DataFrame
    schema : Schema, optional
        Detected from the data if not given.
    missing : {"error", "drop"}
        What to do with rows in which a column of an equation is missing.

    Returns
    -------
    tuple of Bound and Data

    Raises
    ------
    SpecError, DataError, MissingDataError, SchemaError
        Whatever does not fit, with column, rows and remedy, before anything is fitted.
    """
    if missing not in ("error", "drop"):
        raise DataError(f"missing={missing!r} is not one of 'error', 'drop'.{suggest(str(missing), ['error', 'drop'])}")
    data = _needed(spec, data)
    schema, kept = resolve_schema(spec, Schema.detect(data) if schema is None else schema)
    used = [c for c in schema if schema[c].kind != "identifier"]
    schema.validate(data, columns=list(schema))
    columns = schema.encode(data, columns=used, missing="keep")
    grouping = group(columns, closure(spec.factors))
    frame = frame_of(schema, {c: columns[c] for c in used if schema[c].kind not in ("group", "constant")})
    levels = _levels(spec, columns, grouping, used)
    rows = _rows(spec, columns, grouping, levels, missing)
    kept_data = Data(columns, frame, grouping, rows)
    equations = tuple(_bind_equation(e, schema, kept_data, levels) for e in spec)
    _check_names(equations)
    return Bound(spec, schema, equations, plan_groups(grouping), levels, kept, columns.n), kept_data


def _used(spec: Spec) -> dict[str, str]:
    """Return the columns that a spec names, each with the place that names it."""
    used: dict[str, str] = {e.response: "the left side of its equation" for e in reversed(spec.equations)}
    for equation in spec:
        used |= {c: f"the equation for {equation.response!r}" for c in equation.columns if c not in used}
    return used | {c: "a group-specific term" for factor in spec.factors for c in factor}


def _needed(spec: Spec, data: pd.DataFrame) -> pd.DataFrame:
    """Leave out columns that the copies will not have: whatever is wrong with them is no concern here."""
    used = _used(spec)
    usable = isinstance(data, pd.DataFrame) and data.columns.is_unique and all(c in data for c in used)
    return data[[c for c in data if c in used]] if usable and spec.rest == "drop" else data


def resolve_schema(spec: Spec, schema: Schema) -> tuple[Schema, tuple[str, ...]]:
    """Check the spec's columns against the schema and return that of the copies, with the kept columns."""
    group_columns = list(dict.fromkeys(c for factor in spec.factors for c in factor))
    used = _used(spec)
    for column, place in used.items():
        if column not in schema:
            raise SpecError(
                f"Column {column!r} ({place}) is not in the data.{suggest(column, schema)} "
                f"The data have: {', '.join(schema)}."
            )
    for column in group_columns:
        if column in spec:
            raise SpecError(
                f"Column {column!r} is a grouping factor and needs no equation: new groups are made from the model of "
                "group sizes. Remove its equation, or the terms (… | " + column + ")."
            )
        for equation in spec:
            if column in equation.columns:
                raise SpecError(
                    f"Equation for {equation.response!r} uses the grouping factor {column!r} as a common effect, "
                    f"which new groups cannot have; write (1 | {column})."
                )
    for column in (c for c in used if c not in group_columns and schema[c].kind == "identifier"):
        raise SpecError(
            f"Column {column!r} ({used[column]}) is an identifier: its values name records and say nothing of them. "
            f"Remove it from the spec, or, if they mean something, use Schema.detect(df).override({column}=…)."
        )
    rest = [c for c in schema if c not in spec and c not in group_columns]
    if rest and spec.rest == "error":
        raise SpecError(_without_equation(rest, schema))
    kept = tuple(rest) if spec.rest == "keep" else ()
    orphans = [(c, e.response) for e in spec for c in e.columns if c in rest and c not in kept]
    for column, response in orphans:
        raise SpecError(
            f"Column {column!r} is a predictor of {response!r} but has no equation, so synthetic records would have "
            f"no value of it. Add one, such as {quote(column) + ' ~ 1'!r}."
        )
    members = [c for c in schema if c in spec or c in group_columns or c in kept]
    subset = schema.subset(members)
    return subset.override(**dict.fromkeys(group_columns, "group")), kept


def _without_equation(rest: list[str], schema: Schema) -> str:
    """Say which columns have no equation, and what to do."""
    listed = f"No equation for column{'s' if len(rest) > 1 else ''} {', '.join(map(repr, rest))}."
    identifiers = [c for c in rest if schema[c].kind == "identifier"]
    others = [c for c in rest if c not in identifiers]
    add = f" Add one (such as {quote(others[0]) + ' ~ 1'!r})." if others else ""
    note = f" {', '.join(map(repr, identifiers))} only names records and needs none." if identifiers else ""
    return (
        f"{listed}{note}{add} Spec(…, rest='drop') leaves such columns out of the copies; rest='keep' keeps the "
        "original's (partial synthesis)."
    )


def _levels(spec: Spec, columns: Columns, grouping: Grouping, used: Iterable[str]) -> dict[str, str]:
    """Find the level of every column: declared, or the coarsest factor within whose groups it is constant."""
    levels: dict[str, str] = {}
    group_columns = {c for factor in spec.factors for c in factor}
    for column in used:
        if column in group_columns:
            continue
        declared = spec[column].level if column in spec else None
        detected = level_of(columns[column], grouping)
        if declared in (None, detected, "row"):
            levels[column] = declared or detected
        elif declared not in grouping.codes:
            raise SpecError(
                f"Equation for {column!r}: level={declared!r} is no grouping factor of the spec."
                f"{suggest(str(declared), [*grouping.codes, 'row'])} "
                f"Its factors are: {', '.join(grouping.codes) or 'none'}."
            )
        else:
            _check_constant(column, str(declared), columns[column], grouping)
            levels[column] = str(declared)
    return levels


def _check_constant(column: str, factor: str, values: np.ndarray, grouping: Grouping) -> None:
    filled = np.nan_to_num(values.astype(float), nan=-np.inf)
    varies = filled != filled[grouping.first[factor]][grouping.codes[factor]]
    if varies.any():
        row = int(np.flatnonzero(varies)[0])
        label = grouping.labels[factor][grouping.codes[factor][row]]
        count = len(np.unique(grouping.codes[factor][varies]))
        raise SpecError(
            f"Equation for {column!r}: level={factor!r}, but the column varies within {count} of "
            f"{grouping.size(factor)} groups, the first is {label!r} (row {row}). Drop level=, or mend the data."
        )


def _rows(
    spec: Spec, columns: Columns, grouping: Grouping, levels: Mapping[str, str], missing: Missing
) -> dict[str, np.ndarray]:
    """Return the rows that each equation is fitted to, at its level, without missing cells."""
    gaps = {c: columns.missing(c) for e in spec for c in (e.response, *e.columns)}
    counts = {c: int(mask.sum()) for c, mask in gaps.items() if mask.any()}
    if counts and missing == "error":
        listed = ", ".join(f"{c!r} ({k} of {columns.n} rows)" for c, k in counts.items())
        raise MissingDataError(
            f"Missing cells in column{'s' if len(counts) > 1 else ''} {listed}. Say missing='drop' to leave such rows "
            "out of the equations that use them (copies are then complete), or fill the cells first."
        )
    rows: dict[str, np.ndarray] = {}
    for equation in spec:
        level_rows = grouping.rows(levels[equation.response])
        incomplete = np.zeros(len(level_rows), dtype=bool)
        for c in (equation.response, *equation.columns):
            incomplete |= gaps[c][level_rows]
        if incomplete.any():
            _warn_dropped(equation, counts, incomplete)
        rows[equation.response] = level_rows[~incomplete]
        if len(rows[equation.response]) < 2:
            raise DataError(f"Equation for {equation.response!r}: fewer than 2 rows are left without missing cells.")
    return rows


def _warn_dropped(equation: Equation, counts: Mapping[str, int], incomplete: np.ndarray) -> None:
    share = incomplete.mean()
    columns = [c for c in dict.fromkeys((equation.response, *equation.columns)) if c in counts]
    warn(
        f"Equation for {equation.response!r}: {incomplete.sum()} of {len(incomplete)} rows ({share:.1%}) left out "
        f"because cells are missing in {', '.join(columns)}. This is valid if missingness does not depend on "
        f"{equation.response!r} given its predictors.",
        MissingRowsWarning,
    )


def _bind_equation(equation: Equation, schema: Schema, data: Data, levels: Mapping[str, str]) -> BoundEquation:
    column = schema[equation.response]
    family = families.get(equation.family) if equation.family else families.default_for(column)
    equation.check_family(family)
    if column.kind == "constant" and family.name != "point":
        raise SpecError(
            f"Equation for {column.name!r}: the column is constant ({column.value!r}), so family {family.name!r} has "
            "nothing to learn; leave family= out, or drop the column."
        )
    if column.kind not in family.kinds:
        serving = [name for name in families.names() if column.kind in families.get(name).kinds]
        raise SpecError(
            f"Equation for {column.name!r}: family {family.name!r} does not serve a column of kind {column.kind!r}. "
            f"Families that do: {', '.join(serving) or 'none'}. If the kind is wrong, use Schema.detect(df).override("
            f"{column.name}=…)."
        )
    rows = data.rows[column.name]
    options = _options(equation, family, schema)
    if column.kind == "constant":
        return BoundEquation(column.name, family.name, {}, levels[column.name], {}, {}, options, None, ())
    values = data.columns[column.name][rows]
    level_labels = tuple(map(str, column.levels)) if column.levels else ()
    summary = Summary.from_array(values, n_levels=len(level_labels))
    trials = {"trials": data.columns[equation.trials][rows]} if equation.trials else {}
    family.check(values, column.name, **options, **trials)
    links = {p.name: equation.links.get(p.name, equation.links.get("", p.links[0]) if i == 0 else p.links[0])
             for i, p in enumerate(family.parameters)}  # fmt: skip
    if "link" in family.options:
        # The family applies the link itself (to thresholds minus the predictor), so it takes the predictor as it is.
        options["link"] = links[family.parameters[0].name]
        links[family.parameters[0].name] = "identity"
    formulas = {family.parameters[0].name: equation.formula, **equation.distributional} if family.parameters else {}
    if not family.parameters and (equation.formula.columns or equation.factors):
        raise SpecError(f"Equation for {column.name!r}: family {family.name!r} takes no predictors; write '~ 1'.")
    if family.multinomial and any(g.correlated and len(g.terms) + g.intercept > 1 for g in equation.formula.groups):
        raise SpecError(
            f"Equation for {column.name!r}: correlated group effects are not available for family {family.name!r}; "
            "write (… || g)."
        )
    frame = data.at(column.name)
    predictors = {}
    for parameter, formula in formulas.items():
        _check_levels(equation, formula, data.grouping, levels, schema)
        predictors[parameter] = learn_predictor(parameter, formula, frame, len(rows), column.name)
    defaults = default_priors(family, links, predictors, summary, len(level_labels), options)
    ordered = frozenset(v.name for v in family.vectors if v.constraint == "ordered")
    priors = merge_priors(column.name, equation.priors, defaults, ordered)
    return BoundEquation(column.name, family.name, links, levels[column.name], predictors, priors, options,
                         equation.trials, level_labels)  # fmt: skip


def _check_names(equations: tuple[BoundEquation, ...]) -> None:
    """Refuse columns whose names make two parameters of one name (``a`` with a term ``b_sigma``, and ``a_b``)."""
    owner: dict[str, str] = {}
    for equation in equations:
        for name in equation.variables:
            if owner.setdefault(name, equation.response) != equation.response:
                raise SpecError(
                    f"The equations for {owner[name]!r} and {equation.response!r} both have a parameter {name!r}; "
                    "rename one of the columns."
                )


def _options(equation: Equation, family: families.Family, schema: Schema) -> dict[str, Any]:
    """Return the family's options that follow from the equation or the column."""
    column = schema[equation.response]
    options: dict[str, Any] = {}
    if "points" in family.options:
        options["points"] = equation.points if equation.points is not None else (0.0,)
    if "bounds" in family.options:
        if column.bounds is None:
            raise SpecError(f"Equation for {column.name!r}: family {family.name!r} needs bounds in the schema.")
        options["bounds"] = tuple(column.bounds)
    if "value" in family.options:
        options["value"] = 0.0
    return options


def _check_levels(
    equation: Equation, formula: Formula, grouping: Grouping, levels: Mapping[str, str], schema: Schema
) -> None:
    """Refuse predictors below the response's level, constants, and group effects that cannot be told apart."""
    level = levels[equation.response]
    where = f"Equation for {equation.response!r}"
    for column in formula.columns:
        kind = schema[column].kind
        if kind in ("constant", "identifier"):
            raise SpecError(f"{where}: {column!r} is {kind} and explains nothing; remove it.")
        if level != "row" and not (levels[column] != "row" and grouping.determines(level, levels[column])):
            raise SpecError(
                f"{where}: the column is constant within each {level!r}, so it has one value a group, but its "
                f"predictor {column!r} varies within groups. Remove the predictor (or use a group-level one), or say "
                f"level='row' if the column may vary within groups in the copies."
            )
    for names in formula.factors:
        factor = ":".join(names)
        if level == factor or not grouping.determines(level, factor):
            raise SpecError(
                f"{where}: the column has one value for each {level!r}, so effects of {factor!r} cannot be told from "
                f"its residual; remove (… | {factor})."
            )
        if level == "row" and grouping.size(factor) == grouping.n:
            raise DataError(
                f"{where}: every group of {factor!r} is seen once, so its effects cannot be told from the residual; "
                f"remove (… | {factor}), or group by a coarser column."
            )
