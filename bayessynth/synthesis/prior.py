"""Draws of a spec's parameters from their priors, with NumPy: the graph's priors without the graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayessynth import families
from bayessynth.design import Bound, BoundEquation, Predictor, safe
from bayessynth.families import Vector
from bayessynth.spec.equation import AR


def prior_draws(bound: Bound, draws: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw every variable of the posterior from its prior instead, each of shape (1, draws, …)."""
    found: dict[str, np.ndarray] = {}
    for equation in bound.equations:
        family = families.get(equation.family)
        categories = (len(equation.levels) - 1,) if family.multinomial else ()
        column = safe(equation.response)
        for parameter in family.parameters:
            if parameter.name in equation.predictors:
                predictor = equation.predictors[parameter.name]
                found |= _of_predictor(equation, predictor, categories, draws, rng)
            else:
                found[f"{column}_{parameter.name}"] = equation.priors[parameter.name].sample(rng, draws)
        for vector in family.vectors:
            length = vector.length(len(equation.levels), equation.options)
            if length:
                shift = _shift(equation, found) if vector.constraint == "ordered" else 0.0
                drawn = _vector(vector, equation, length, draws, rng)
                found[f"{column}_{vector.name}"] = drawn + shift
        if equation.ar is not None:
            found[f"{column}_{AR}"] = equation.priors[AR].sample(rng, draws)
    for block in bound.shared:
        found[block.name] = _lkj(len(block.labels), block.prior.params["eta"], draws, rng)
    return {name: values[None] for name, values in found.items()}


def _of_predictor(
    equation: BoundEquation, predictor: Predictor, categories: tuple[int, ...], draws: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    prefix = equation.prefixes[predictor.parameter]
    key = prefix.removeprefix(f"{equation.response}_")
    found = {}
    for term in predictor.terms:
        shape = ((term.width,) if term.labels else ()) + categories
        found[safe(prefix + term.name)] = equation.priors[key + term.name].sample(rng, (draws, *shape))
    if f"{key}Intercept" in equation.priors:
        intercept = equation.priors[f"{key}Intercept"].sample(rng, (draws, *categories))
        if predictor.centred:
            intercept = intercept - _at_means(predictor, prefix, found, draws, categories)
        found[safe(f"{prefix}Intercept")] = intercept
    for group in predictor.groups:
        for effect in group.effects:
            name = f"{effect}|{group.factor}_sd"
            found[safe(prefix + name)] = equation.priors[key + name].sample(rng, (draws, *categories))
        if group.correlated:
            name, size = f"{group.factor}_corr", len(group.effects)
            found[safe(prefix + name)] = _lkj(size, equation.priors[key + name].params["eta"], draws, rng)
    return found


def _at_means(
    predictor: Predictor, prefix: str, found: dict[str, np.ndarray], draws: int, categories: tuple[int, ...]
) -> np.ndarray:
    """Return the common part of the predictor at the columns' means."""
    parts = [found[safe(prefix + t.name)].reshape(draws, t.width, *categories) for t in predictor.terms]
    return np.asarray(np.einsum("p,dp...->d...", np.asarray(predictor.means), np.concatenate(parts, axis=1)))


def _shift(equation: BoundEquation, found: dict[str, np.ndarray]) -> Any:
    predictor = equation.predictors[families.get(equation.family).parameters[0].name]
    if not predictor.centred:
        return 0.0
    prefix = equation.prefixes[predictor.parameter]
    draws = len(found[safe(prefix + predictor.terms[0].name)])
    return _at_means(predictor, prefix, found, draws, ())[:, None]


def _vector(vector: Vector, equation: BoundEquation, length: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    prior = equation.priors[vector.name]
    if vector.constraint == "walk":
        return np.cumsum(prior.sample(rng, (draws, length)), axis=1)
    if prior.name != "Dirichlet":
        return np.sort(prior.sample(rng, (draws, length)), axis=1)
    entries = length if vector.constraint == "simplex" else length + 1
    shares = rng.dirichlet(np.broadcast_to(np.asarray(prior.params["a"], dtype=float), (entries,)), draws)
    if vector.constraint == "simplex":
        return shares
    # Thresholds cut the latent variable so that the levels have these shares where the predictor is zero.
    below = np.clip(np.cumsum(shares, axis=1)[:, :-1], 1e-12, 1 - 1e-12)
    return families.forward(equation.options["link"], below)


def _lkj(size: int, eta: Any, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Draw correlation matrices by the onion method (Lewandowski, Kurowicka & Joe 2009, section 3.2)."""
    matrices = np.empty((draws, size, size))
    for d in range(draws):
        beta = eta + (size - 2) / 2
        r = 2 * rng.beta(beta, beta) - 1
        corr = np.array([[1.0, r], [r, 1.0]])
        for k in range(2, size):
            beta -= 0.5
            radius = np.sqrt(rng.beta(k / 2, beta))
            direction = rng.standard_normal(k)
            new = np.linalg.cholesky(corr) @ (radius * direction / np.linalg.norm(direction))
            corr = np.block([[corr, new[:, None]], [new[None], np.ones((1, 1))]])
        matrices[d] = corr
    return matrices
