"""Sufficient statistics bound: levels, means, scales and default priors as all rows have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayessynth import families
from bayessynth.design import Bound, BoundEquation, Component, Grouping, coordinate, frame_of
from bayessynth.design.bind import check_names, check_response, complete, draft, modelled
from bayessynth.design.component import assemble
from bayessynth.design.grouping import plan_groups
from bayessynth.design.levels import check_levels, find_levels
from bayessynth.design.predictor import measure
from bayessynth.design.resolve import formulas_of, resolve_equation
from bayessynth.errors import DataError
from bayessynth.families import Moments
from bayessynth.schema import Columns, Schema
from bayessynth.spec import Equation
from bayessynth.suffstats.collect import Part
from bayessynth.suffstats.gram import Gram
from bayessynth.suffstats.measures import measures_of
from bayessynth.suffstats.statistics import SufficientStatistics, final_schema
from bayessynth.suffstats.structure import Structure

Labels = Mapping[str, tuple[str, ...] | tuple[int, ...]]


@dataclass(frozen=True)
class Sums:
    """A Gaussian equation with its sums of products.

    Attributes
    ----------
    equation : BoundEquation
    labels : mapping of str to tuple
        Labels of the groups, by factor.
    gram : Gram
    """

    equation: BoundEquation
    labels: Labels
    gram: Gram


@dataclass(frozen=True)
class BoundStatistics:
    """Statistics with all that a fit needs of them.

    Attributes
    ----------
    bound : Bound
    grouping : Grouping
        Of the combinations of groups, each standing for its rows.
    inputs : mapping of str to Component or Sums
        By the equation's column; equations without parameters have none.
    rows : mapping of str to int
        Rows that each equation is fitted to.
    """

    bound: Bound
    grouping: Grouping
    inputs: Mapping[str, Component | Sums]
    rows: Mapping[str, int]


def bind_statistics(statistics: SufficientStatistics) -> BoundStatistics:
    """Bind sufficient statistics, as :func:`bayessynth.design.bind` binds a table.

    Raises
    ------
    SpecError, DataError
        Whatever does not fit: a factor of one group, a column that does not vary, collinear columns, …
    """
    return _Binder(statistics).all()


class _Binder:
    def __init__(self, statistics: SufficientStatistics) -> None:
        self.statistics = statistics
        self.spec = statistics.spec
        self.schema: Schema = final_schema(statistics)
        self.structure: Structure
        self.structure, self.places = statistics.structure.ordered()
        self.grouping = self.structure.grouping(self.spec)
        self.used = modelled(self.schema)
        for column in self.used:
            known = statistics.facts.get(column)
            if known and known.missing == statistics.n:
                raise DataError(f"Column {column!r}: all {statistics.n} cells are missing; drop it.")
        self.levels = find_levels(self.spec, self.used, self._constant(), self.grouping)

    def _constant(self) -> dict[str, np.ndarray]:
        """Return the columns that are constant within combinations; columns of one value are so anyway."""
        n = len(self.structure.counts)
        constants = {c: np.zeros(n) for c in self.used if self.schema[c].kind == "constant"}
        return {**self.structure.constant, **constants} if self.structure.labels else constants

    def all(self) -> BoundStatistics:
        equations, inputs, rows = [], {}, {}
        for equation in self.spec:
            column = equation.response
            resolved = replace(resolve_equation(equation, self.schema), level=self.levels[column])
            rows[column] = self.statistics.n
            if self.schema[column].kind == "constant":
                equations.append(resolved)
                continue
            for formula in formulas_of(equation, families.get(resolved.family)).values():
                check_levels(equation, formula, self.grouping, self.levels, self.schema)
            part = self.statistics.parts.get(column)
            if resolved.level != "row":
                found: Component | Sums = self._of_groups(equation, resolved)
            elif part is None:
                raise DataError(f"Equation for {column!r}: its rows were not kept, since level= names a factor.")
            else:
                found = self._of_rows(equation, resolved, part)
            equations.append(found.equation)
            rows[column] = found.gram.n if isinstance(found, Sums) else _total(found)
            if families.get(resolved.family).parameters:
                inputs[column] = found
        check_names(tuple(equations))
        learnt = self.statistics.learnt
        bound = Bound(self.spec, self.schema, tuple(equations), plan_groups(self.grouping), self.levels, learnt.kept,
                      self.statistics.n)  # fmt: skip
        return BoundStatistics(bound, self.grouping, inputs, rows)

    def _of_rows(self, equation: Equation, resolved: BoundEquation, part: Part) -> Component | Sums:
        column = equation.response
        kept = part.statistic
        if kept.n < 2:
            raise DataError(f"Equation for {column!r}: fewer than 2 rows are left without missing cells.")
        drafted = replace(resolved, predictors=self.statistics.learnt.drafts[column].predictors,
                          priors=dict(equation.priors))  # fmt: skip
        labels = self._labels(drafted.factors)
        if isinstance(kept, Gram):
            assert part.moments is not None
            own = complete(equation, drafted, measures_of(kept, drafted), part.moments)
            codes = {name: self.places[name][found] for name, found in kept.codes.items()}
            return Sums(own, labels, replace(kept, codes=self._index(drafted.factors, codes)))
        kept = kept.recoded(self.places)
        rows, weights = (kept, None) if kept.weights is None else (kept.distinct, kept.weights)
        arrays = {c: values if values.dtype.kind == "f" else values.astype(np.int64)
                  for c, values in rows.columns.items()}  # fmt: skip
        codes = {name: found.astype(np.int64) for name, found in rows.groups.items()}
        return self._component(equation, drafted, arrays, self._index(drafted.factors, codes), labels, weights)

    def _of_groups(self, equation: Equation, resolved: BoundEquation) -> Component:
        """Bind an equation with one value a group: its rows are the groups."""
        column, first = equation.response, self.grouping.first[resolved.level]
        names = [c for c in dict.fromkeys((column, *equation.columns)) if self.schema[c].kind != "constant"]
        arrays = {c: self.structure.constant[c][first] for c in names}
        complete_ = np.ones(len(first), dtype=bool)
        for c, values in arrays.items():
            coded = bool(self.schema[c].levels)
            complete_ &= values >= 0 if coded else ~np.isnan(values)
            arrays[c] = np.nan_to_num(values, nan=-1.0).astype(np.int64) if coded else values
        if complete_.sum() < 2:
            raise DataError(f"Equation for {column!r}: fewer than 2 rows are left without missing cells.")
        index = {f: self.grouping.within(resolved.level, f)[complete_] for f in (":".join(n) for n in equation.factors)}
        arrays = {c: values[complete_] for c, values in arrays.items()}
        frame = frame_of(self.schema, arrays)
        check_response(resolved, arrays[column], frame)
        drafted = draft(equation, resolved, frame)
        return self._component(equation, drafted, arrays, index, self._labels(drafted.factors), None)

    def _component(
        self, equation: Equation, drafted: BoundEquation, arrays: Mapping[str, np.ndarray],
        index: Mapping[str, np.ndarray], labels: Labels, weights: np.ndarray | None,
    ) -> Component:  # fmt: skip
        y = arrays[equation.response]
        frame = frame_of(self.schema, arrays)
        check_response(drafted, y, frame)
        learn = families.get(drafted.family).learn
        if learn is not None:
            every = y if weights is None else np.repeat(y, weights)
            drafted = replace(drafted, options={**drafted.options, **learn(every)})
        measures = {name: measure(p, frame, len(y), weights) for name, p in drafted.predictors.items()}
        own = complete(equation, drafted, measures, Moments.of(y.astype(float), weights))
        return assemble(own, frame, y, index, labels, weights)

    def _labels(self, factors: tuple[str, ...]) -> Labels:
        return {factor: coordinate(self.grouping.labels[factor]) for factor in factors}

    def _index(self, factors: tuple[str, ...], codes: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the group of every row, by factor, from the label codes of the grouping columns."""
        return {f: _place(self.grouping.columns[f], codes, self.structure) for f in factors}


def _place(names: tuple[str, ...], codes: Mapping[str, np.ndarray], structure: Structure) -> np.ndarray:
    """Number combinations of labels as :func:`bayessynth.design.grouping.group` does: those that occur, in order."""
    columns = Columns(structure.cells, len(structure.counts), structure.labels)
    known = _joint(names, columns.arrays, structure)
    return np.searchsorted(np.unique(known), _joint(names, codes, structure))


def _joint(names: tuple[str, ...], codes: Mapping[str, np.ndarray], structure: Structure) -> np.ndarray:
    joint = codes[names[0]]
    for name in names[1:]:
        joint = joint * (len(structure.labels[name]) + 1) + codes[name]
    return joint


def _total(component: Component) -> int:
    return len(component.y) if component.weights is None else int(component.weights.sum())


def summary_of(statistics: SufficientStatistics) -> dict[str, Any]:
    """Return what a fit's provenance says of the statistics that it was made from."""
    learnt = statistics.learnt
    return {
        "made_of": list(statistics.sources),
        "kinds": {c: what for c, what, *_ in statistics.table()},
        "bytes": statistics.size,
        "exact": statistics.exact,
        "learnt_from_rows": learnt.rows,
        "schema": "detected on these rows" if learnt.detected else "given",
        "note": "Coding, knots and centres of transforms were learnt from the first chunk.",
    }
