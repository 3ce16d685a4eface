"""A spec bound to data: families resolved, levels found, designs learnt, priors scaled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from bayessynth import families
from bayessynth.design.autoregression import autoregressive
from bayessynth.design.bound import Bound, BoundEquation
from bayessynth.design.coding import coded, detected
from bayessynth.design.evaluate import Frame, frame_of
from bayessynth.design.follow import completed_sequence
from bayessynth.design.followup import FollowUp, follow_up, width_of
from bayessynth.design.grouping import Grouping, closure, group, plan_groups
from bayessynth.design.intervals import by_unit, last_rows
from bayessynth.design.levels import check_levels, find_levels
from bayessynth.design.masks import find_masks
from bayessynth.design.predictor import Measures, Predictor, learn_coding, measure, scaled
from bayessynth.design.priors import default_priors, merge_priors
from bayessynth.design.resolve import completed, formulas_of, resolve_equation, resolve_schema, used_columns
from bayessynth.design.shared import Shared
from bayessynth.design.sharing import find_shared, shared_keys
from bayessynth.design.truncation import Truncation, find_truncations, limited
from bayessynth.design.unfold import Unfolded, check_gaps, check_units, in_sequence, unfold
from bayessynth.errors import DataError, MissingDataError, MissingRowsWarning, SpecError, suggest, warn
from bayessynth.families import Moments, Summary
from bayessynth.rules import Rule, closed
from bayessynth.schema import Columns, Schema
from bayessynth.spec import Equation, Spec, Survival
from bayessynth.spec.equation import AR
from bayessynth.spec.shared import without_lone_ids

Missing = Literal["error", "drop", "model"]
WAYS = ("error", "drop", "model")


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
    missing : {"error", "drop", "model"}
        What to do with rows in which a column of an equation is missing: refuse them, leave them out of that
        equation, or model which cells are missing. With the last, nonparametric equations have all rows and parametric
        ones are learnt from complete rows; :func:`bayessynth.imputation.gaps` finds the cells that then have to be
        drawn.

    Returns
    -------
    tuple of Bound and Data

    Raises
    ------
    SpecError, DataError, MissingDataError, SchemaError
        Whatever does not fit, with column, rows and remedy, before anything is fitted.
    """
    check_missing(missing)
    data = _needed(spec, data)
    schema = detected(spec, data) if schema is None else schema
    if spec.unit is not None:
        data, schema = in_sequence(spec, data, schema)
        spec = completed_sequence(spec, data, schema)
    spec = completed(coded(spec, data, schema, missing), schema)
    schema, kept = resolve_schema(spec, schema)
    rules = learnt_rules(spec, data, schema)
    used = modelled(schema)
    schema.validate(data, columns=list(schema))
    columns = schema.encode(data, columns=used, missing="keep")
    grouping = group(columns, closure(spec.factors))
    levels = find_levels(spec, used, columns.arrays, grouping)
    flat = unfold(spec, schema, columns, levels, rules)
    levels |= dict.fromkeys(flat.made, "row")
    frame = frame_of(flat.schema, {c: v for c, v in flat.columns.arrays.items() if flat.schema[c].kind != "group"})
    narrowed = find_truncations(spec, rules, schema, kept, levels, flat.sequences is not None)
    tied = {response: own.columns for response, own in narrowed.items()}
    kept_data = Data(flat.columns, frame, grouping, _rows(flat, grouping, levels, missing, tied))
    survivals = tuple(_followed(own, spec, columns, schema, flat) for own in spec.survivals)
    atoms = {own.censoring: own.times for own in survivals}
    declared = without_lone_ids(tuple(flat.equations))
    equations = tuple(
        _bind_equation(e, flat.schema, kept_data, levels, atoms.get(e.response, ()), narrowed.get(e.response))
        for e in declared
    )
    equations = autoregressive(equations, declared, kept_data, flat.sequences)
    shared = find_shared(equations, declared)
    check_names(equations, shared)
    modelled_gaps = missing == "model" and flat.sequences is None
    masks = find_masks(spec, schema, equations, columns, grouping, levels) if modelled_gaps else ()
    plan = plan_groups(grouping)
    check_units(plan, spec.unit)
    return Bound(spec, schema, equations, plan, levels, kept, columns.n, rules, masks,
                 survivals, shared, flat.sequences), kept_data  # fmt: skip


def _followed(own: Survival, spec: Spec, columns: Columns, schema: Schema, flat: Unfolded) -> FollowUp:
    """Return how records end; where they are rows of a unit, how its last one does."""
    if own.start is None or flat.sequences is None:
        return follow_up(own, columns.arrays, schema)
    found = follow_up(own, by_unit(own, columns.arrays, columns[str(spec.unit)]), schema)
    goes_on = ~last_rows(columns[str(spec.unit)])
    between = float(columns[own.event][goes_on][0]) if goes_on.any() else found.between
    return replace(found, due=(flat.sequences.due, flat.sequences.more), between=between)


def learnt_rules(spec: Spec, data: pd.DataFrame, schema: Schema) -> tuple[Rule, ...]:
    """Return a spec's rules as the data fill them in, after a look at whether the data obey them.

    Raises
    ------
    DataError
        If a rule does not hold in the data.
    SpecError, SchemaError
        If a rule does not fit the schema or another rule.
    """
    if not spec.rules:
        return ()
    declared = tuple(rule.learn(data, schema) for rule in spec.rules)
    cells = schema.plain(data)
    for rule in declared:
        broken = np.asarray(rule.violations(cells))
        if broken.any():
            raise DataError(
                f"The rule {rule!r} does not hold in {int(broken.sum())} of {len(data)} rows, the first is row "
                f"{int(np.flatnonzero(broken)[0])}. Mend the data, or drop the rule."
            )
    return closed(declared, schema)


def check_missing(missing: str) -> None:
    """Raise unless ``missing`` is one of the known ways."""
    if missing not in WAYS:
        raise DataError(f"missing={missing!r} is not one of {', '.join(map(repr, WAYS))}.{suggest(str(missing), WAYS)}")


def modelled(schema: Schema) -> list[str]:
    """Return the columns that are encoded: all but identifiers."""
    return [c for c in schema if schema[c].kind != "identifier"]


def _needed(spec: Spec, data: pd.DataFrame) -> pd.DataFrame:
    """Leave out columns that the copies will not have: whatever is wrong with them is no concern here."""
    used = used_columns(spec)
    usable = isinstance(data, pd.DataFrame) and data.columns.is_unique and all(c in data for c in used)
    return data[[c for c in data if c in used]] if usable and spec.rest == "drop" else data


def _rows(
    flat: Unfolded, grouping: Grouping, levels: Mapping[str, str], missing: Missing,
    tied: Mapping[str, tuple[str, ...]],
) -> dict[str, np.ndarray]:  # fmt: skip
    """Return the rows that each equation is learnt from, at its level: all for trees, else those that are complete."""
    columns = flat.columns
    cells = {e.response: (*e.cells, *tied.get(e.response, ())) for e in flat.equations}
    gaps = {c: columns.missing(c) for own in cells.values() for c in own}
    counts = {c: int(mask.sum()) for c, mask in gaps.items() if mask.any() and c not in flat.made}
    if counts and missing == "error":
        listed = ", ".join(f"{c!r} ({k} of {columns.n} rows)" for c, k in counts.items())
        raise MissingDataError(
            f"Missing cells in column{'s' if len(counts) > 1 else ''} {listed}. Say missing='drop' to leave such rows "
            "out of the equations that use them (copies are then complete), missing='model' to draw them with the "
            "parameters and to model which cells are missing, or fill the cells first."
        )
    if missing == "model":
        check_gaps(flat, counts)
    rows: dict[str, np.ndarray] = {}
    for equation in flat.equations:
        level_rows = flat.rows.get(equation.response, grouping.rows(levels[equation.column]))
        tree = bool(equation.family) and families.get(str(equation.family)).nonparametric
        if missing == "model" and tree:
            rows[equation.response] = level_rows
            continue
        incomplete = np.zeros(len(level_rows), dtype=bool)
        for c in cells[equation.response]:
            # Trees take what first rows lack as a value among others.
            incomplete |= gaps[c][level_rows] & (not (tree and c in flat.made))
        if incomplete.any() and missing == "drop":
            _warn_dropped(equation, [c for c in dict.fromkeys(cells[equation.response]) if c in counts], incomplete)
        rows[equation.response] = level_rows[~incomplete]
        if len(rows[equation.response]) < 2:
            raise DataError(f"Equation for {equation.response!r}: fewer than 2 rows are left without missing cells.")
    return rows


def _warn_dropped(equation: Equation, columns: list[str], incomplete: np.ndarray) -> None:
    share = incomplete.mean()
    warn(
        f"Equation for {equation.response!r}: {incomplete.sum()} of {len(incomplete)} rows ({share:.1%}) left out "
        f"because cells are missing in {', '.join(columns)}. This is valid if missingness does not depend on "
        f"{equation.response!r} given its predictors.",
        MissingRowsWarning,
    )


def _bind_equation(
    equation: Equation, schema: Schema, data: Data, levels: Mapping[str, str], atoms: tuple[float, ...] = (),
    truncation: Truncation | None = None,
) -> BoundEquation:  # fmt: skip
    column = equation.column
    resolved = replace(resolve_equation(equation, schema), level=levels[column])
    if resolved.cause is not None:
        width = width_of(data.columns[column]) if resolved.cause.strata else 0.0
        resolved = replace(resolved, cause=replace(resolved.cause, atoms=atoms, width=width))
    if families.get(resolved.family).nonparametric:
        check_levels(equation, equation.formula, data.grouping, levels, schema)
        return resolved
    if schema[column].kind == "constant":
        return resolved
    values, frame = data.columns[column][data.rows[equation.response]], data.at(equation.response)
    resolved = limited(resolved, truncation, frame.arrays, len(values))
    check_response(resolved, values, frame)
    learn = families.get(resolved.family).learn
    if learn is not None:
        learnt = learn(values, **resolved.beside(frame, len(values)))
        resolved = replace(resolved, options={**resolved.options, **learnt})
    for formula in formulas_of(equation, families.get(resolved.family)).values():
        check_levels(equation, formula, data.grouping, levels, schema)
    drafted = draft(equation, resolved, frame)
    measures = {name: measure(p, frame, len(values)) for name, p in drafted.predictors.items()}
    return complete(equation, drafted, measures, Moments.of(values))


def check_response(equation: BoundEquation, values: np.ndarray, frame: Frame | None) -> None:
    """Raise a DataError for values of a response that its family cannot have.

    Parameters
    ----------
    equation : BoundEquation
    values : ndarray of shape (n,)
    frame : Frame or None
        Columns of the same rows, with what stands beside the values; None where nothing does.
    """
    options = {k: v for k, v in equation.options.items() if k != "link"}
    beside = equation.beside(frame, len(values)) if frame else {}
    families.get(equation.family).check(values, equation.column, **options, **beside)


def draft(equation: Equation, resolved: BoundEquation, frame: Frame) -> BoundEquation:
    """Return an equation whose predictors have learnt coding and transforms from rows, but no means and scales.

    Its priors are those that are declared.

    Parameters
    ----------
    equation : Equation
    resolved : BoundEquation
        As :func:`bayessynth.design.resolve.resolve_equation` returned it.
    frame : Frame
        Rows to learn from.
    """
    formulas = formulas_of(equation, families.get(resolved.family))
    predictors = {name: learn_coding(name, f, frame, equation.response) for name, f in formulas.items()}
    return replace(resolved, predictors=predictors, priors=dict(equation.priors))


def complete(
    equation: Equation, drafted: BoundEquation, measures: Mapping[str, Measures], moments: Moments
) -> BoundEquation:
    """Return a drafted equation with means, scales and default priors as its rows have them.

    Parameters
    ----------
    equation : Equation
    drafted : BoundEquation
    measures : mapping of str to Measures
        Of each predictor.
    moments : Moments
        Of the response.

    Raises
    ------
    SpecError
        If columns of a predictor do not vary or are combinations of each other, or a declared prior does not fit.
    """
    family, n_levels, column = families.get(drafted.family), len(drafted.levels), drafted.response
    summary = Summary.from_moments(moments, n_levels)
    predictors: dict[str, Predictor] = {n: scaled(p, measures[n], column) for n, p in drafted.predictors.items()}
    defaults = default_priors(family, drafted.links, predictors, summary, n_levels, drafted.options)
    ordered = frozenset(v.name for v in family.vectors if v.constraint in ("ordered", "walk"))
    own = {name: prior for name, prior in equation.priors.items() if name not in shared_keys(equation)
           and not (equation.ar and name == AR)}  # fmt: skip
    priors = merge_priors(column, own, defaults, ordered)
    return replace(drafted, predictors=predictors, priors=priors)


def check_names(equations: tuple[BoundEquation, ...], shared: tuple[Shared, ...] = ()) -> None:
    """Refuse columns whose names make two parameters of one name (``a`` with a term ``b_sigma``, and ``a_b``)."""
    owner: dict[str, str] = {block.name: block.responses[0] for block in shared}
    for equation in equations:
        for name in equation.variables:
            if owner.setdefault(name, equation.response) != equation.response:
                raise SpecError(
                    f"The equations for {owner[name]!r} and {equation.response!r} both have a parameter {name!r}; "
                    "rename one of the columns."
                )
