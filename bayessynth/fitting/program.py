"""A component's predictors and group-specific terms as the arrays that the compiled structure reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayessynth.design import Component, GroupDesign, Predictor
from bayessynth.design.centring import RELIABLE, reliability
from bayessynth.fitting.kernels.vectors import Cholesky
from bayessynth.fitting.parameters import Parameters, raw_name, sd_rows, slope_rows


@dataclass(frozen=True)
class Term:
    """A group-specific term whose raw effects are parameters.

    Attributes
    ----------
    parameter : str
        The family's parameter whose predictor it belongs to.
    group : GroupDesign
    groups : int
    centred : int
        0: raw effects are standard normal. Else the first one is sampled around its centre; 1: zero, 2: the intercept
        and the common columns that are constant within groups.
    around : ndarray of shape (G, p)
        Those columns, zero elsewhere.
    correlation : Cholesky or None
    """

    parameter: str
    group: GroupDesign
    groups: int
    centred: int
    around: np.ndarray
    correlation: Cholesky | None


@dataclass(frozen=True)
class Program:
    """Arguments of :mod:`bayessynth.fitting.kernels.structure`, and the terms that they describe."""

    terms: tuple[Term, ...]
    predictor_table: np.ndarray
    term_table: np.ndarray
    matrix: np.ndarray
    offsets: np.ndarray
    index: np.ndarray
    columns: np.ndarray
    columns_of: np.ndarray
    around: np.ndarray
    shapes: np.ndarray
    widest: int


def program(component: Component, parameters: Parameters, without: str | None = None) -> Program:
    """Lay a component out.

    Parameters
    ----------
    component : Component
    parameters : Parameters
    without : str, optional
        A factor whose terms are left out.
    """
    equation, n = component.equation, len(component.y)
    rows = {p.name: i for i, p in enumerate(component.family.parameters)}
    predictors = [equation.predictors[name] for name in rows if name in equation.predictors]
    matrices = [component.matrices[p.parameter].T for p in predictors]
    offsets = [component.offsets[p.parameter] for p in predictors if p.parameter in component.offsets]
    first = np.cumsum([0, *(len(m) for m in matrices)])
    having = [p.parameter for p in predictors if p.parameter in component.offsets]
    table = [_predictor_row(parameters, p, rows[p.parameter], int(first[k]), having) for k, p in enumerate(predictors)]
    factors = [factor for factor in component.index if factor != without]
    terms = _terms(component, parameters, predictors, factors)
    term_table, columns, columns_of, around = _term_rows(component, parameters, predictors, factors, terms)
    return Program(
        terms, np.array(table, dtype=np.int64).reshape(-1, 6), term_table,
        _stacked(matrices, n), _stacked([o[None] for o in offsets], n),
        _stacked([component.index[f][None] for f in factors], n).astype(np.int64), _stacked(columns, n), columns_of,
        around, np.array([t.correlation.eta if t.correlation else 0.0 for t in terms]),
        max((len(t.group.effects) for t in terms), default=1),
    )  # fmt: skip


def _stacked(parts: list[np.ndarray], n: int) -> np.ndarray:
    return np.ascontiguousarray(np.concatenate(parts)) if parts else np.empty((0, n))


def _predictor_row(
    parameters: Parameters, predictor: Predictor, row: int, matrix: int, with_offset: list[str]
) -> list[int]:
    name = predictor.parameter
    block = parameters.blocks.get(f"{parameters.prefix(name)}Intercept")
    offset = with_offset.index(name) if name in with_offset else -1
    p = sum(term.width for term in predictor.terms)
    return [row, block.rows.start if block else -1, slope_rows(parameters, predictor).start, p, matrix, offset]


def _terms(
    component: Component, parameters: Parameters, predictors: list[Predictor], factors: list[str]
) -> tuple[Term, ...]:
    """Collect the terms, with what ``graph.build`` samples their first effect around."""
    trusted = {factor: reliability(component, factor) for factor in factors}
    found = []
    for predictor in predictors:
        groups = [g for g in predictor.groups if g.factor in factors]
        centred = [g for g in groups if g.intercept and trusted[g.factor] > RELIABLE]
        around = max(centred, key=lambda g: trusted[g.factor], default=None)
        for group in groups:
            how = 0 if group not in centred else 2 if group is around else 1
            found.append(
                Term(
                    predictor.parameter, group, len(component.labels[group.factor]), how,
                    _constant(component, predictor, group.factor),
                    correlation(parameters, predictor, group),
                )
            )  # fmt: skip
    return tuple(found)


def _constant(component: Component, predictor: Predictor, factor: str) -> np.ndarray:
    """Return the common columns that are constant within groups, one row a group; zero elsewhere."""
    matrix, index = component.matrices[predictor.parameter], component.index[factor]
    rows = np.zeros(len(component.labels[factor]), dtype="int64")
    rows[index] = np.arange(len(index))
    return np.where((matrix == matrix[rows][index]).all(axis=0), matrix[rows], 0.0)


def correlation(parameters: Parameters, predictor: Predictor, group: GroupDesign) -> Cholesky | None:
    """Return the correlation of a term's effects, if they have one."""
    if not group.correlated:
        return None
    prior = parameters.equation.priors[f"{parameters.prefix(predictor.parameter)}{group.factor}_corr"]
    return Cholesky(len(group.effects), float(prior.params["eta"]))  # type: ignore[arg-type]


def _term_rows(
    component: Component, parameters: Parameters, predictors: list[Predictor], factors: list[str],
    terms: tuple[Term, ...],
) -> tuple[np.ndarray, list[np.ndarray], np.ndarray, np.ndarray]:  # fmt: skip
    names = [p.parameter for p in predictors]
    table: list[list[int]] = []
    columns: list[np.ndarray] = []
    columns_of: list[int] = []
    around = [np.empty(0)]
    for term in terms:
        prefix, group = parameters.prefix(term.parameter), term.group
        predictor = predictors[names.index(term.parameter)]
        place = parameters.blocks[f"{prefix}{group.factor}_corr"].rows.start if term.correlation else -1
        table.append([
            names.index(term.parameter), factors.index(group.factor), term.groups, len(group.effects),
            sd_rows(parameters, prefix, group).start, parameters.blocks[raw_name(prefix, group)].rows.start, place,
            len(columns_of), term.centred, sum(map(len, around)),
        ])  # fmt: skip
        around.append(term.around.ravel())
        for column in component.effects[term.parameter][predictor.groups.index(group)].T:
            columns_of.append(-1 if (column == 1.0).all() else len(columns))
            if columns_of[-1] >= 0:
                columns.append(column[None])
    return (
        np.array(table, dtype=np.int64).reshape(-1, 10), columns, np.array(columns_of, dtype=np.int64),
        np.concatenate(around),
    )  # fmt: skip
