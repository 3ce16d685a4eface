"""Residuals that depend on those of the row before, as part of a PyMC model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pymc as pm

from bayessynth.design.autoregression import Chain
from bayessynth.spec.equation import AR

if TYPE_CHECKING:
    from bayessynth.graph.build import Builder


def followed(builder: Builder, chain: Chain, params: dict[str, Any]) -> dict[str, Any]:
    """Make ρ, and return mean and standard deviation of every row given the unit's row before.

    What they are stands in :mod:`bayessynth.design.autoregression`.

    Parameters
    ----------
    builder : Builder
        Of a component whose family is normal in a function of the values.
    chain : Chain
    params : dict
        The family's parameters as its linear predictors have them.
    """
    assert builder.family.gaussian is not None
    n = len(builder.component.y)
    values = np.asarray(builder.family.gaussian(builder.component.y), dtype=float)
    rho = builder.prior(AR)
    before = pm.Data(builder.named("before"), np.maximum(chain.before, 0).astype("int64"), dims=builder.row)
    follows = pm.Data(builder.named("follows"), (~chain.first).astype(float), dims=builder.row)
    known = pm.Data(builder.named("value_before"), values[np.maximum(chain.before, 0)], dims=builder.row)
    share: Any = rho * follows
    if not (chain.power == 1.0).all():
        power = pm.Data(builder.named("power"), chain.power, dims=builder.row)
        share = rho**power * follows
    mean = params["mu"] + np.zeros(n)
    return {
        "mu": mean + share * (known - mean[before]),
        "sigma": params["sigma"] * pm.math.sqrt((1 - share**2) / (1 - rho**2)),
    }
