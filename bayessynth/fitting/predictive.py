"""What ArviZ needs of the data, for one equation: log likelihood, log prior, observed and replicated data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayessynth import families
from bayessynth.design import Component, Effects, Frame, Predictor, dim, observed_effects, parameters, safe
from bayessynth.design.autoregression import followed
from bayessynth.errors import FitError


def with_data(tree: xr.DataTree, component: Component, frame: Frame, m: int, rng: np.random.Generator) -> xr.DataTree:
    """Add log_likelihood, log_prior, observed_data and posterior_predictive to a component's DataTree."""
    if isinstance(m, bool) or not isinstance(m, int | np.integer) or m < 1:
        raise FitError(f"m={m!r} must be a whole number above zero.")
    posterior = tree["posterior"].to_dataset()
    equation, family = component.equation, component.family
    if any(dim(f) not in posterior.dims for f in equation.factors):
        raise FitError(
            f"The effects of the observed groups ({', '.join(equation.factors)}) are not in this fit: they are saved "
            "only with keep_groups=True."
        )
    chains, draws, n = posterior.sizes["chain"], posterior.sizes["draw"], len(component.y)
    chosen = {(s % chains, (s // chains) * draws // max(1, -(-m // chains))) for s in range(m)}
    log_likelihood = np.empty((chains, draws, n))
    replicated: list[np.ndarray] = []
    for chain in range(chains):
        for draw in range(draws):
            values = {str(k): v.values[chain, draw] for k, v in posterior.data_vars.items()}
            params = parameters(
                equation, frame, n, values, Effects(observed_effects(equation, values), component.index)
            )
            if component.chain is not None:
                params = followed(equation, component.chain, component.y, params, values)
            log_likelihood[chain, draw] = family.logp(component.y, **params)
            if (chain, draw) in chosen:
                replicated.append(family.sample(rng, n, **params))
    name, dims = safe(equation.response), ("chain", "draw", "row")
    groups: dict[str, xr.Dataset] = {
        "posterior": posterior,
        "sample_stats": tree["sample_stats"].to_dataset(),
        "log_likelihood": xr.Dataset({name: (dims, log_likelihood)}, posterior.coords),
        "log_prior": _log_prior(posterior, component),
        "observed_data": xr.Dataset({name: ("row", component.y)}),
        "posterior_predictive": xr.Dataset({name: (dims, np.stack(replicated)[None])}),
    }
    return xr.DataTree.from_dict({key: value.assign_coords(row=np.arange(n)) if "row" in value.dims else value
                                  for key, value in groups.items()})  # fmt: skip


def join(trees: Mapping[str, xr.DataTree], idata: xr.DataTree) -> xr.DataTree:
    """Join the DataTrees of several equations; each has its own dim of rows."""
    joined: dict[str, xr.Dataset] = {key: idata[key].to_dataset() for key in ("posterior", "sample_stats")}
    for key in ("log_likelihood", "log_prior", "observed_data", "posterior_predictive"):
        parts = [tree[key].to_dataset() for tree in trees.values()]
        named = [p.rename(row=f"{name}_row") if "row" in p.dims else p for name, p in zip(trees, parts, strict=True)]
        joined[key] = xr.merge(named, join="exact", compat="equals")
    return xr.DataTree.from_dict(joined)


def _log_prior(posterior: xr.Dataset, component: Component) -> xr.Dataset:
    """Evaluate the priors of all scalar parameters; power-scaling (psense) needs those that the user chose."""
    equation = component.equation
    found: dict[str, Any] = {}
    walks = {v.name for v in families.get(equation.family).vectors if v.constraint == "walk"}
    for key, prior in equation.priors.items():
        name = f"{safe(equation.response)}_{safe(key)}"
        if prior.name in ("LKJ", "Dirichlet") or name not in posterior or key in walks:
            continue
        variable = posterior[name]
        values = variable.values
        for parameter, predictor in equation.predictors.items():
            prefix = equation.prefixes[parameter]
            if predictor.centred and name == safe(f"{prefix}Intercept"):
                values = values + _at_means(posterior, predictor, prefix).reshape(values.shape)
        found[name] = (variable.dims, prior.logp(values))
    return xr.Dataset(found, posterior.coords)


def _at_means(posterior: xr.Dataset, predictor: Predictor, prefix: str) -> np.ndarray:
    """Return the common part of the predictor at the columns' means, shape (chains, draws, categories or 1)."""
    total: Any = 0.0
    for term in predictor.terms:
        values = posterior[safe(prefix + term.name)].values
        values = values.reshape(*values.shape[:2], term.width, -1)
        means = np.asarray(predictor.means)[predictor.slices[term.name]]
        total = total + np.einsum("cdpk,p->cdk", values, means)
    return np.asarray(total)
