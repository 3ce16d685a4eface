"""Unconstrained draws of an equation's parameters to its posterior."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayessynth.design import Predictor
from bayessynth.fitting.density import Density
from bayessynth.fitting.parameters import coefficients, raw_name, scalar_parameters, standard_deviations
from bayessynth.fitting.posterior import Posterior
from bayessynth.fitting.program import Term, correlation
from bayessynth.fitting.report import PredictorDraws, report
from bayessynth.spec.equation import AR


def posterior_of(
    density: Density, theta: np.ndarray, effects: Mapping[str, np.ndarray] | None = None, **kwargs: Any
) -> Posterior:
    """Return the posterior that draws of a density's parameters make.

    Parameters
    ----------
    density : Density
    theta : ndarray of shape (S, size)
    effects : mapping of str to ndarray of shape (S, G, q)
        Standardised effects of the factor that the density is without, by the name of their raw block.
    **kwargs
        Handed to :func:`bayessynth.fitting.report.report`.
    """
    x = density.parameters.elements.constrain(theta[:, : len(density.parameters.elements)])
    predictors = {name: _draws(density, p, theta, x, effects or {}) for name, p in density.equation.predictors.items()}
    blocks = density.parameters.blocks
    scalars = {p.name: x[:, blocks[p.name].rows.start] for p in scalar_parameters(density.equation)}
    if density.equation.ar:
        scalars[AR] = x[:, blocks[AR].rows.start]
    vectors = {name: v.forward(theta[:, blocks[name].rows]) for name, v in density.vectors.items()}
    return report(density.equation, density.component.labels, predictors, scalars, vectors, **kwargs)


def _draws(
    density: Density, predictor: Predictor, theta: np.ndarray, x: np.ndarray, effects: Mapping[str, np.ndarray]
) -> PredictorDraws:
    p = density.parameters
    prefix = p.prefix(predictor.parameter)
    slopes = coefficients(p, predictor, x)
    intercept = x[:, p.blocks[f"{prefix}Intercept"].rows] if p.intercept(predictor.parameter) else None
    own_terms = [t for t in density.program.terms if t.parameter == predictor.parameter]
    terms = []
    for group in predictor.groups:
        made, factor = correlation(p, predictor, group), None
        if made is not None:
            factor = made.forward(theta[:, p.blocks[f"{prefix}{group.factor}_corr"].rows])
        sds = standard_deviations(p, prefix, group, x)
        raw = next((t for t in own_terms if t.group is group), None)
        if raw is not None:
            z = _standardised(density, raw, prefix, theta, sds, intercept, slopes)
        else:
            z = effects[raw_name(prefix, group)][..., None]
        own = z if factor is None else np.einsum("sjk,sgkc->sgjc", factor, z)
        terms.append((sds, factor, own * sds[:, None]))
    single = not density.family.multinomial
    return PredictorDraws(
        None if intercept is None else _plain(intercept, single), _plain(slopes, single),
        tuple(_plain(sds, single) for sds, _, _ in terms), tuple(factor for _, factor, _ in terms),
        tuple(_plain(own, single) for _, _, own in terms),
    )  # fmt: skip


def _plain(values: np.ndarray, single: bool) -> np.ndarray:
    """Drop the axis of categories where there is one predictor."""
    return values[..., 0] if single else values


def _standardised(
    density: Density, t: Term, prefix: str, theta: np.ndarray, sds: np.ndarray, intercept: np.ndarray | None,
    slopes: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Return a term's raw effects as standard normal ones, shape (S, G, q, K-1)."""
    p, q = density.parameters, len(t.group.effects)
    z = theta[:, p.blocks[raw_name(prefix, t.group)].rows].reshape(len(theta), t.groups, q, p.categories).copy()
    if t.centred:
        centre = np.zeros(1)
        if t.centred == 2:
            level = 0.0 if intercept is None else intercept[:, None]
            centre = level + np.einsum("gp,spc->sgc", t.around, slopes)
        z[:, :, 0] = (z[:, :, 0] - centre) / sds[:, None, 0]
    return z
