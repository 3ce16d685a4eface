"""Parameters of a family at one posterior draw, for any rows: the same road for synthesis and for log densities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayessynth import families
from bayessynth.design.bound import BoundEquation
from bayessynth.design.evaluate import Frame
from bayessynth.design.names import safe
from bayessynth.design.predictor import GroupDesign, Predictor

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Effects:
    """Group-specific effects of one equation at one draw.

    Attributes
    ----------
    values : mapping
        By predictor and position of the term in it: effects of every group, shape (groups, effects) or, for
        categories, (groups, effects, K-1).
    index : mapping of str to ndarray
        Group of every row, by factor.
    """

    values: Mapping[tuple[str, int], np.ndarray]
    index: Mapping[str, np.ndarray]

    def on(self, rows: slice) -> Effects:
        """Return the same effects for some of the rows."""
        return Effects(self.values, {factor: codes[rows] for factor, codes in self.index.items()})


def observed_effects(equation: BoundEquation, values: Values) -> dict[tuple[str, int], np.ndarray]:
    """Collect the effects of the observed groups from a draw."""
    found = {}
    for parameter, predictor in equation.predictors.items():
        prefix = equation.prefixes[parameter]
        for i, group in enumerate(predictor.groups):
            columns = [values[safe(f"{prefix}{effect}|{group.factor}")] for effect in group.effects]
            found[parameter, i] = np.stack(columns, axis=1)
    return found


def new_effects(
    equation: BoundEquation, values: Values, sizes: Mapping[str, int], rng: np.random.Generator
) -> dict[tuple[str, int], np.ndarray]:
    """Draw the effects of new groups from the group distribution."""
    found = {}
    for parameter, predictor in equation.predictors.items():
        prefix = equation.prefixes[parameter]
        for i, group in enumerate(predictor.groups):
            sds = np.stack([values[safe(f"{prefix}{effect}|{group.factor}_sd")] for effect in group.effects])
            z = rng.standard_normal((sizes[group.factor], *sds.shape))
            if group.correlated:
                z = z @ root_of(values[safe(f"{prefix}{group.factor}_corr")]).T
            found[parameter, i] = z * sds
    return found


def root_of(correlation: np.ndarray) -> np.ndarray:
    """Return a square root A of a correlation matrix, A Aᵀ, that may lie on the boundary up to rounding.

    >>> root = root_of(np.array([[1.0, 0.5], [0.5, 1.0]]))
    >>> (root @ root.T).round(3).tolist()
    [[1.0, 0.5], [0.5, 1.0]]
    """
    eigenvalues, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(eigenvalues, 0, None))
    return np.asarray(root)


def parameters(
    equation: BoundEquation, frame: Frame, n: int, values: Values, effects: Effects
) -> dict[str, np.ndarray | float]:
    """Return the family's parameters for every row at one draw.

    Parameters
    ----------
    equation : BoundEquation
    frame : Frame
        Columns that the equation reads, n rows.
    n : int
    values : mapping of str to ndarray
        One draw of every variable, by its name in the posterior.
    effects : Effects

    Returns
    -------
    dict
        Arguments for the family's ``sample`` and ``logp``: each of shape (n,), or a scalar, or a vector.
    """
    family = families.get(equation.family)
    column = safe(equation.response)
    found: dict[str, Any] = {}
    for parameter in family.parameters:
        name = parameter.name
        if name in equation.predictors:
            eta = _predictor(equation, equation.predictors[name], frame, n, values, effects)
            found[name] = families.inverse(equation.links[name], eta)
        else:
            found[name] = float(values[f"{column}_{name}"])
    for vector in family.vectors:
        key = f"{column}_{vector.name}"
        if key in values:
            found[vector.name] = values[key]
    return found | dict(equation.options) | equation.beside(frame, n)


def _predictor(
    equation: BoundEquation, predictor: Predictor, frame: Frame, n: int, values: Values, effects: Effects
) -> np.ndarray:
    prefix = equation.prefixes[predictor.parameter]
    family = families.get(equation.family)
    categories = len(equation.levels) - 1 if family.multinomial else 0
    eta = np.zeros((n, categories) if categories else n)
    first = predictor.parameter == family.parameters[0].name
    if predictor.intercept and not (first and not family.intercept):
        eta += values[safe(f"{prefix}Intercept")]
    for term in predictor.terms:
        coefficients = values[safe(f"{prefix}{term.name}")].reshape(term.width, -1)
        if categories:
            for k in range(categories):
                eta[:, k] += term.contribution(frame, coefficients[:, k])
        else:
            eta += term.contribution(frame, coefficients[:, 0])
    offset = predictor.offset(frame, n)
    if offset is not None:
        eta += offset[:, None] if categories else offset
    for i, group in enumerate(predictor.groups):
        eta += _group_part(group, frame, n, effects.values[predictor.parameter, i], effects.index[group.factor])
    return eta


def _group_part(group: GroupDesign, frame: Frame, n: int, effects: np.ndarray, index: np.ndarray) -> np.ndarray:
    if group.effects == ("1",):
        return effects[index, 0]
    columns = group.matrix(frame, n)
    own = effects[index]
    return np.einsum("nq,nq...->n...", columns, own)
