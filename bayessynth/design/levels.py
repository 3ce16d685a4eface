"""The level of every column, and which predictors an equation at a level can have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from bayessynth.design.grouping import Grouping, level_of
from bayessynth.errors import DataError, SpecError, suggest
from bayessynth.schema import Schema
from bayessynth.spec import Equation, Formula, Spec


def find_levels(
    spec: Spec, columns: Iterable[str], values: Mapping[str, np.ndarray], grouping: Grouping
) -> dict[str, str]:
    """Find the level of every column: declared, or the coarsest factor within whose groups it is constant.

    Parameters
    ----------
    spec : Spec
    columns : iterable of str
    values : mapping of str to ndarray
        Encoded columns on the rows of the grouping; a column that is not in it varies within the finest groups.
    grouping : Grouping

    Raises
    ------
    SpecError
        If a declared level is no factor, or the column varies within its groups.
    """
    levels: dict[str, str] = {}
    group_columns = {c for factor in spec.factors for c in factor}
    for column in (c for c in columns if c not in group_columns):
        declared = spec[column].level if column in spec else None
        detected = level_of(values[column], grouping) if column in values else "row"
        if declared in (None, detected, "row"):
            levels[column] = declared or detected
        elif declared not in grouping.codes:
            raise SpecError(
                f"Equation for {column!r}: level={declared!r} is no grouping factor of the spec."
                f"{suggest(str(declared), [*grouping.codes, 'row'])} "
                f"Its factors are: {', '.join(grouping.codes) or 'none'}."
            )
        else:
            _check_constant(column, str(declared), values.get(column), grouping)
            levels[column] = str(declared)
    return levels


def _check_constant(column: str, factor: str, values: np.ndarray | None, grouping: Grouping) -> None:
    """Refuse a column at a level within whose groups it varies; without its values, it is known to vary."""
    within = "some"
    if values is not None:
        filled = np.nan_to_num(values.astype(float), nan=-np.inf)
        varies = filled != filled[grouping.first[factor]][grouping.codes[factor]]
        if not varies.any():
            return
        row = int(np.flatnonzero(varies)[0])
        within = f"{len(np.unique(grouping.codes[factor][varies]))}"
    listed = f"{within} of {grouping.size(factor)} groups"
    if values is not None and grouping.weights is None:
        listed += f", the first is {grouping.labels[factor][grouping.codes[factor][row]]!r} (row {row})"
    raise SpecError(
        f"Equation for {column!r}: level={factor!r}, but the column varies within {listed}. Drop level=, or mend the "
        "data."
    )


def check_levels(
    equation: Equation, formula: Formula, grouping: Grouping, levels: Mapping[str, str], schema: Schema
) -> None:
    """Refuse predictors below the response's level, constants, and group effects that cannot be told apart."""
    level = levels[equation.column]
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
        if level == "row" and grouping.size(factor) == grouping.total:
            raise DataError(
                f"{where}: every group of {factor!r} is seen once, so its effects cannot be told from the residual; "
                f"remove (… | {factor}), or group by a coarser column."
            )
