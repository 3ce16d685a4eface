"""A spec and a schema, before any row is looked at: columns, families, links, options."""

from __future__ import annotations

from typing import Any

from bayessynth import families
from bayessynth.design.bound import BoundEquation
from bayessynth.errors import SpecError, suggest
from bayessynth.rules import determined
from bayessynth.schema import Schema
from bayessynth.spec import Call, Equation, Expression, Formula, Name, Spec, quote, text
from bayessynth.spec.language import SEQUENCE


def used_columns(spec: Spec) -> dict[str, str]:
    """Return the columns that a spec names, each with the place that names it."""
    used: dict[str, str] = {c: _place(e) for e in reversed(spec.equations) for c in reversed(e.declares)}
    for equation in spec:
        used |= {c: f"the equation for {equation.response!r}" for c in read_by(equation, spec) if c not in used}
    used |= {c: f"the rule {rule!r}" for rule in spec.rules for c in rule.columns if c not in used}
    used |= {spec.time: "time="} if spec.time and spec.time not in used else {}
    return used | {c: "a group-specific term" if c != spec.unit else "unit=" for factor in spec.factors for c in factor}


def read_by(equation: Equation, spec: Spec) -> tuple[str, ...]:
    """Return the columns of the table that an equation reads, in its own row or, in sequences, in one before."""
    return equation.named if spec.unit else equation.columns


def _place(equation: Equation) -> str:
    if equation.cause is None:
        return "the left side of its equation"
    return f"the survival time {equation.cause.time!r}"


# Kinds that no equation draws.
_UNMODELLED = ("identifier", "group")


def completed(spec: Spec, schema: Schema) -> Spec:
    """Return the spec with an equation for every column, if it says that the rest be drawn by trees.

    A column that a declared equation reads comes before all declared ones; the others come after them, each drawn from
    all columns before it.

    Examples
    --------
    >>> import bayessynth as bs
    >>> schema = bs.Schema(**{c: bs.Count(bounds=(0, 9)) for c in "abc"})
    >>> [str(e.formula) for e in completed(bs.Spec("b ~ a", rest="tree"), schema)]
    ['a ~ 1', 'b ~ a', 'c ~ a + b']
    """
    if spec.rest != "tree" or spec.unit is not None:
        return spec
    factors = {c for factor in spec.factors for c in factor}
    computed = determined(spec.rules)
    free = [
        c
        for c in schema
        if c not in spec and c not in factors and c not in computed and schema[c].kind not in _UNMODELLED
    ]
    read = {c for equation in spec for c in equation.columns}
    first = [c for c in free if c in read]
    order = [*first, *spec.columns, *(c for c in free if c not in read)]
    added = []
    for column in free:
        before = [c for c in order[: order.index(column)] if schema[c].kind != "constant"]
        if schema[column].kind == "constant" and not schema[column].missing:
            added.append(Equation(f"{quote(column)} ~ 1"))
        else:
            added.append(Equation(f"{quote(column)} ~ {' + '.join(map(quote, before)) or '1'}", family="tree"))
    return Spec(*spec.declared, *added, rest="tree", rules=spec.rules)


def resolve_schema(spec: Spec, schema: Schema) -> tuple[Schema, tuple[str, ...]]:
    """Check the spec's columns against the schema and return that of the copies, with the kept columns."""
    group_columns = list(dict.fromkeys(c for factor in spec.factors for c in factor))
    used = used_columns(spec)
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
            if column in read_by(equation, spec):
                raise SpecError(
                    f"Equation for {equation.response!r} uses the grouping factor {column!r} as a common effect, "
                    f"which new groups cannot have; write (1 | {column})."
                )
    computed = determined(spec.rules)
    named = [c for c in used if c not in group_columns and c not in computed and schema[c].kind == "identifier"]
    for column in named:
        raise SpecError(
            f"Column {column!r} ({used[column]}) is an identifier: its values name records and say nothing of them. "
            f"Remove it from the spec, or, if they mean something, use Schema.detect(df).override({column}=…)."
        )
    rest = [c for c in schema if c not in spec and c not in group_columns and c not in computed]
    if rest and spec.rest == "error":
        raise SpecError(_without_equation(rest, schema))
    kept = tuple(rest) if spec.rest == "keep" else ()
    orphans = [(c, e.response) for e in spec for c in read_by(e, spec) if c in rest and c not in kept]
    orphans += [(c, repr(rule)) for rule in spec.rules for c in rule.columns if c in rest and c not in kept]
    for column, response in orphans:
        raise SpecError(
            f"Column {column!r} is read by {response!r} but has no equation, so synthetic records would have "
            f"no value of it. Add one, such as {quote(column) + ' ~ 1'!r}."
        )
    members = [c for c in schema if c in spec or c in group_columns or c in kept or c in computed]
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


def resolve_equation(equation: Equation, schema: Schema) -> BoundEquation:
    """Return an equation with its family, links and options; what rows say is left open.

    Raises
    ------
    SpecError
        If the family does not serve the column, or does not take what the equation states.
    """
    column = schema[equation.column]
    family = families.get(equation.family) if equation.family else families.default_for(column)
    equation.check_family(family)
    gaps_only = column.kind == "constant" and column.missing and family.nonparametric
    if column.kind == "constant" and family.name != "point" and not gaps_only:
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
    _check_trials(equation, schema)
    options = _options(equation, family, schema)
    if column.kind == "constant" and not gaps_only:
        return BoundEquation(column.name, family.name, {}, "row", {}, {}, options, None, ())
    links = {p.name: equation.links.get(p.name, equation.links.get("", p.links[0]) if i == 0 else p.links[0])
             for i, p in enumerate(family.parameters)}  # fmt: skip
    if "link" in family.options:
        # The family applies the link itself (to thresholds minus the predictor), so it takes the predictor as it is.
        options["link"] = links[family.parameters[0].name]
        links[family.parameters[0].name] = "identity"
    if family.nonparametric:
        factors = tuple(dict.fromkeys(group.group for group in equation.formula.groups))
        return BoundEquation(column.name, family.name, {}, "row", {}, {}, options, None, (), _plain_columns(equation),
                             factors)  # fmt: skip
    if not family.parameters and (equation.formula.columns or equation.factors):
        raise SpecError(f"Equation for {column.name!r}: family {family.name!r} takes no predictors; write '~ 1'.")
    if family.multinomial and any(g.shared for g in equation.formula.groups):
        raise SpecError(
            f"Equation for {column.name!r}: effects of family {family.name!r} cannot be shared with other equations; "
            "write (1 | g)."
        )
    if family.multinomial and any(g.correlated and len(g.terms) + g.intercept > 1 for g in equation.formula.groups):
        raise SpecError(
            f"Equation for {column.name!r}: correlated group effects are not available for family {family.name!r}; "
            "write (… || g)."
        )
    level_labels = tuple(map(str, column.levels)) if column.levels else ()
    return BoundEquation(equation.response, family.name, links, "row", {}, {}, options, equation.trials, level_labels,
                         cause=equation.cause)  # fmt: skip


def _check_trials(equation: Equation, schema: Schema) -> None:
    """Refuse a number of trials that is no number."""
    if equation.trials is None:
        return
    column = schema[equation.trials]
    values = column.levels or (column.value if column.kind == "constant" else 0,)
    if not all(isinstance(v, int | float) for v in values) or column.kind in ("categorical", "ordinal", "group"):
        raise SpecError(
            f"Equation for {equation.response!r}: its number of trials {column.name!r} is {column.kind}, not a number. "
            f"If its cells are numbers, use Schema.detect(df).override({column.name}='count')."
        )


def _plain_columns(equation: Equation) -> tuple[str, ...]:
    """Return the columns that a nonparametric equation names, refusing whatever is no bare column."""
    formula = equation.formula
    odd = [str(term) for term in formula.terms if not (len(term.factors) == 1 and _is_column(term.factors[0]))]
    odd += [str(group) for group in formula.groups if group.terms or not group.intercept]
    odd += [*map(text, formula.offsets), *([] if formula.intercept else ["0"])]
    if odd:
        raise SpecError(
            f"Equation for {equation.response!r}: family {equation.family!r} finds curves and interactions by itself "
            f"and takes bare columns and (1 | group) only, not {', '.join(odd)}."
        )
    return formula.columns


def _is_column(expression: Expression) -> bool:
    """Tell whether an expression is a column as it stands, or one of a row before."""
    return isinstance(expression, Name) or (isinstance(expression, Call) and expression.function in SEQUENCE)


def formulas_of(equation: Equation, family: families.Family) -> dict[str, Formula]:
    """Return the formula of each of the family's parameters that has one."""
    return {family.parameters[0].name: equation.formula, **equation.distributional} if family.parameters else {}


def _options(equation: Equation, family: families.Family, schema: Schema) -> dict[str, Any]:
    """Return the family's options that follow from the equation or the column."""
    column = schema[equation.column]
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
