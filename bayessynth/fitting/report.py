"""Draws of an equation's parameters, from any engine that is not PyMC, as a posterior: the same names and dims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayessynth import families
from bayessynth.design import BoundEquation, GroupDesign, Predictor, dim, safe
from bayessynth.fitting.posterior import STATS, Posterior

Labels = Mapping[str, Sequence[Any]]
Variable = tuple[tuple[str, ...], np.ndarray]


@dataclass(frozen=True)
class PredictorDraws:
    """S draws of all that one linear predictor has; of a multinomial family each array has a last axis of K-1.

    Attributes
    ----------
    intercept : ndarray of shape (S,) or None
        At the means of the columns where the predictor is centred.
    slopes : ndarray of shape (S, p)
        Coefficients of all terms side by side, as in the common matrix.
    sds : tuple of ndarray of shape (S, q)
        One a group-specific term.
    cholesky : tuple of ndarray of shape (S, q, q) or None
        Factors of the correlation matrices of correlated terms.
    effects : tuple of ndarray of shape (S, G, q)
    """

    intercept: np.ndarray | None
    slopes: np.ndarray
    sds: tuple[np.ndarray, ...]
    cholesky: tuple[np.ndarray | None, ...]
    effects: tuple[np.ndarray, ...]


def report(
    equation: BoundEquation,
    labels: Labels,
    predictors: Mapping[str, PredictorDraws],
    scalars: Mapping[str, np.ndarray],
    vectors: Mapping[str, np.ndarray],
    *,
    chains: int,
    stats: Mapping[str, np.ndarray],
    engine: str,
    seconds: float,
    k_hat: float | None = None,
    ess: float | None = None,
) -> Posterior:
    """Return draws under the names and dims that the equation's PyMC model gives them.

    Parameters
    ----------
    equation : BoundEquation
    labels : mapping of str to sequence
        Labels of the groups, by factor.
    predictors : mapping of str to PredictorDraws
        By the family's parameter.
    scalars : mapping of str to ndarray of shape (S,)
        Parameters without a formula, on their own scale.
    vectors : mapping of str to ndarray of shape (S, K)
        Vector-valued parameters; thresholds at the means of the columns where the predictor is centred.
    chains : int
        Draws are ordered by chain; S is a multiple of it.
    stats : mapping of str to ndarray of shape (chains, draws)
        Statistics of the sampler; those of :data:`STATS` that it lacks become NaN.
    engine, seconds, k_hat, ess
        As in :class:`Posterior`.
    """
    coords: dict[str, Sequence[Any]] = {}
    found: dict[str, Variable] = {}
    for parameter, draws in predictors.items():
        found |= _predictor(equation, equation.predictors[parameter], draws, labels, coords)
    column = safe(equation.response)
    found |= {f"{column}_{name}": ((), values) for name, values in scalars.items()}
    for name, values in vectors.items():
        found |= _vector(equation, name, values, predictors, coords)
    variables = {name: (dims, _by_chain(values, chains)) for name, (dims, values) in found.items()}
    drawn = [*(values for _, values in variables.values()), *stats.values()]
    nothing = np.full(drawn[0].shape[:2], np.nan)
    kept = {name: np.asarray(stats.get(name, np.zeros_like(nothing, dtype=bool) if name == "diverging" else nothing))
            for name in STATS}  # fmt: skip
    return Posterior(equation.response, variables, coords, kept, engine, seconds, k_hat, ess)


def _by_chain(values: np.ndarray, chains: int) -> np.ndarray:
    return values.reshape(chains, -1, *values.shape[1:])


def _predictor(
    equation: BoundEquation, predictor: Predictor, draws: PredictorDraws, labels: Labels, coords: dict[str, Any]
) -> dict[str, Variable]:
    prefix = equation.prefixes[predictor.parameter]
    category = _category(equation, coords)
    found: dict[str, Variable] = {}
    if draws.intercept is not None:
        value = draws.intercept
        if predictor.centred:
            value = value - np.einsum("p,sp...->s...", np.asarray(predictor.means), draws.slopes)
        found[safe(f"{prefix}Intercept")] = (category, value)
    for term in predictor.terms:
        values, name = draws.slopes[:, predictor.slices[term.name]], safe(f"{prefix}{term.name}")
        if term.labels:
            level = dim(f"{name}_level")
            coords[level] = list(term.labels)
            found[name] = ((level, *category), values)
        else:
            found[name] = (category, values[:, 0])
    for i, group in enumerate(predictor.groups):
        found |= _group(prefix, group, draws, i, category, coords)
        coords[dim(group.factor)] = list(labels[group.factor])
    return found


def _group(
    prefix: str, group: GroupDesign, draws: PredictorDraws, i: int, category: tuple[str, ...], coords: dict[str, Any]
) -> dict[str, Variable]:
    found: dict[str, Variable] = {}
    for j, effect in enumerate(group.effects):
        name = safe(f"{prefix}{effect}|{group.factor}")
        found[f"{name}_sd"] = (category, draws.sds[i][:, j])
        found[name] = ((dim(group.factor), *category), draws.effects[i][:, :, j])
    factor = draws.cholesky[i]
    if factor is not None:
        name = safe(f"{prefix}{group.factor}_corr")
        sides = (dim(f"{name}_effect"), dim(f"{name}_effect_bis"))
        coords |= {side: list(group.effects) for side in sides}
        found[name] = (sides, factor @ factor.transpose(0, 2, 1))
    return found


def _category(equation: BoundEquation, coords: dict[str, Any]) -> tuple[str, ...]:
    """Return the dim of the levels after the first, for a multinomial family."""
    if not families.get(equation.family).multinomial:
        return ()
    name = dim(f"{safe(equation.response)}_category")
    coords[name] = list(equation.levels[1:])
    return (name,)


def _vector(
    equation: BoundEquation, name: str, values: np.ndarray, predictors: Mapping[str, PredictorDraws],
    coords: dict[str, Any],
) -> dict[str, Variable]:  # fmt: skip
    """Return a vector; thresholds are moved from the means of the columns to where all columns are zero."""
    family = families.get(equation.family)
    vector = next(v for v in family.vectors if v.name == name)
    key = f"{safe(equation.response)}_{name}"
    level = dim(f"{key}_level")
    coords[level] = list(range(1, values.shape[1] + 1))
    parent = family.parameters[0].name
    if vector.constraint == "ordered" and equation.predictors[parent].centred:
        shift = predictors[parent].slopes @ np.asarray(equation.predictors[parent].means)
        values = values + shift[:, None]
    return {key: ((level,), values)}
