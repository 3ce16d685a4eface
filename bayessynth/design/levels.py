"""The level of every column, and which predictors an equation at a level can have."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from bayessynth.design.grouping import Grouping, level_of
from bayessynth.errors import DataError, SpecError, suggest
from bayessynth.schema import Schema
from bayessynth.spec import Equation, Formula, Spec


def check_levels(
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
