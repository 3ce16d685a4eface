"""Equations that share group effects as one PyMC model: all their likelihoods, one covariance of the shared effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pymc as pm

from bayessynth.design import Component, Shared, dim, safe
from bayessynth.graph.build import Builder


def build_joint(components: Sequence[Component], shared: Sequence[Shared]) -> pm.Model:
    """Build the PyMC model of equations that share group effects.

    For every group g, the effects of all terms with an id are b_g = diag(σ) L z_g with z_g ~ N(0, I) and
    L Lᵀ ~ LKJ(η), so that b_g ~ N(0, diag(σ) L Lᵀ diag(σ)) (Bürkner 2018; Stan User's Guide, "Multivariate priors for
    hierarchical models").

    Parameters
    ----------
    components : sequence of Component
        All equations that :meth:`bayessynth.design.Bound.together` joins.
    shared : sequence of Shared
        Those of their effects.

    Returns
    -------
    pymc.Model
        With dims ``<column>_row``, since every equation has rows of its own, the grouping factors, and
        ``<factor>_<id>_corr_effect`` for the effects of an id.

    Examples
    --------
    >>> import bayessynth as bs
    >>> import pandas as pd
    >>> table = pd.DataFrame({"site": [1, 1, 2, 2, 3, 3], "y": [1.5, 2.0, 2.5, 4.0, 3.5, 3.0],
    ...                       "z": [0.5, 1.0, 3.5, 2.0, 2.5, 4.5]})
    >>> models = bs.Spec("y ~ (1 |p| site)", "z ~ (1 |p| site)").to_pymc(table)
    >>> models["y"] is models["z"], [rv.name for rv in models["y"].observed_RVs]
    (True, ['y', 'z'])
    """
    builders = {c.equation.response: Builder(c.expanded(), f"{safe(c.equation.response)}_row") for c in components}
    coords: dict[str, Any] = {}
    for builder in builders.values():
        coords |= builder.coords()
    with pm.Model(coords=coords) as model:
        for builder in builders.values():
            builder.prepare()
        for block in shared:
            _effects(block, builders)
        for builder in builders.values():
            builder.fill()
    return model


def _effects(block: Shared, builders: Mapping[str, Builder]) -> None:
    """Make the effects of one id and hand each term its own.

    Effect by effect, each given those before it: where the data say much of a group's level it is sampled around the
    predictor's centre, b_j + centre ~ N(centre + σ_j Σ_{k<j} L_jk z_k, σ_j L_jj), else by its z_j ~ N(0, 1).
    """
    model, factor = pm.modelcontext(None), dim(block.factor)
    for side in block.dims:
        model.add_coord(side, list(block.labels))
    sds = [sd for m in block.members for sd in builders[m.response].deviations(m.parameter, m.position)]
    cholesky = block.prior.dist(pm, f"{block.name}~cholesky", n=len(block.labels))
    pm.Deterministic(block.name, cholesky @ cholesky.T, dims=block.dims)
    standard: list[Any] = []
    for member in block.members:
        builder = builders[member.response]
        made = builder.shared.setdefault(member.key, [])
        for j, effect in enumerate(member.effects):
            i = len(standard)
            name = builder.named(f"{builder.prefix(member.parameter)}{effect}|{block.factor}")
            given: Any = sum((cholesky[i, k] * z for k, z in enumerate(standard)), start=0.0)
            centre = builder.centre_of(member.parameter, member.position) if j == 0 else None
            if centre is None:
                z = pm.Normal(f"{name}~offset", 0.0, 1.0, dims=factor)
                value = sds[i] * (given + cholesky[i, i] * z)
            else:
                around = pm.Normal(f"{name}~around", centre + sds[i] * given, sds[i] * cholesky[i, i], dims=factor)
                value = around - centre
                z = (value / sds[i] - given) / cholesky[i, i]
            standard.append(z)
            made.append(pm.Deterministic(name, value, dims=factor))
