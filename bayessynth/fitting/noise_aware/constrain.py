"""Unconstrained draws of a chain's parameters to the posteriors of its equations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayessynth.design import GroupDesign
from bayessynth.fitting.noise_aware.chain import Chain, Part
from bayessynth.fitting.parameters import coefficients, raw_name, standard_deviations
from bayessynth.fitting.posterior import Posterior
from bayessynth.fitting.report import PredictorDraws, report


def posteriors_of(chain: Chain, theta: np.ndarray, **kwargs: Any) -> Mapping[str, Posterior]:
    """Return the posteriors that draws make, by response.

    Parameters
    ----------
    chain : Chain
    theta : ndarray of shape (S, size)
    **kwargs
        Handed to :func:`bayessynth.fitting.report.report`.
    """
    x = chain.constrain(theta)
    labels = {chain.factor: chain.labels} if chain.factor else {}
    found = {}
    for part in chain.parts:
        own = x[:, part.own]
        predictors = {part.predictor.parameter: _draws(part, own, theta[:, part.raw])}
        scalars = {} if part.column.binary else {"sigma": own[:, part.parameters.blocks["sigma"].rows.start]}
        found[part.column.name] = report(part.equation, labels, predictors, scalars, {}, **kwargs)
    return found


def rows_of(chain: Chain, theta: np.ndarray) -> np.ndarray:
    """Return the draws of the numbers of rows, shape (S, groups)."""
    if len(chain.tables.rows):
        return np.broadcast_to(chain.tables.rows, (len(theta), 1))
    return np.exp(theta[:, chain.tables.first[1] :])


def _draws(part: Part, x: np.ndarray, raw: np.ndarray) -> PredictorDraws:
    p, predictor = part.parameters, part.predictor
    intercept = x[:, p.blocks["Intercept"].rows.start] if p.intercept(predictor.parameter) else None
    sds = tuple(standard_deviations(p, "", g, x)[..., 0] for g in predictor.groups)
    effects = tuple(_raw(part, g, raw) * sd[:, None] for g, sd in zip(predictor.groups, sds, strict=True))
    return PredictorDraws(intercept, coefficients(p, predictor, x)[..., 0], sds, (None,) * len(sds), effects)


def _raw(part: Part, group: GroupDesign, raw: np.ndarray) -> np.ndarray:
    """Return a term's standardised effects, shape (S, G, q)."""
    block, before = part.parameters.blocks[raw_name("", group)], len(part.parameters.elements)
    return raw[:, block.rows.start - before : block.rows.stop - before].reshape(len(raw), -1, len(group.effects))
