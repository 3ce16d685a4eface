"""A fit without sampling: draws of the prior stand for the posterior's, so a test of generation compiles nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import bayessynth as bs
from bayessynth import families
from bayessynth.design import Bound, Grouping, bind, coordinate, dim, new_effects, safe
from bayessynth.fitting.diagnose import Diagnosis, Verdict
from bayessynth.fitting.fingerprint import fingerprint
from bayessynth.fitting.groups import fit_groups
from bayessynth.fitting.posterior import STATS, Posterior, to_datatree
from bayessynth.synthesis.prior import prior_draws


def handmade(
    spec: bs.Spec, frame: pd.DataFrame, *, draws: int = 60, chains: int = 2, keep_groups: bool = True,
    schema: bs.Schema | None = None, missing: Any = "error", seed: int = 0, verdict: Verdict = "pass",
) -> bs.Fitted:  # fmt: skip
    """Return a Fitted whose draws are independent draws from the prior, effects of observed groups included."""
    bound, data = bind(spec, frame, schema, missing)
    rng = np.random.default_rng(seed)
    flat = {name: values[0] for name, values in prior_draws(bound, chains * draws, rng).items()}
    posteriors = [
        _posterior(bound, column.response, flat, data.grouping, (chains, draws), rng)
        for column in bound.equations
        if families.get(column.family).parameters
    ]
    structure = fit_groups(bound.plan, data.grouping, chains * draws, rng, keep_groups)
    record = {
        "draws": draws, "chains": chains, "missing": missing, "groups_kept": keep_groups, "random_seed": seed,
        "data": fingerprint(frame, list(bound.schema)),
    }  # fmt: skip
    fitted = bs.Fitted(bound, to_datatree(posteriors), structure, record)
    fitted.__dict__["_diagnosis"] = Diagnosis(verdict, (), pd.DataFrame())  # few draws: their diagnostics are noise
    return fitted


def _posterior(
    bound: Bound, column: str, flat: dict[str, np.ndarray], grouping: Grouping, shape: tuple[int, int],
    rng: np.random.Generator,
) -> Posterior:  # fmt: skip
    equation = bound[column]
    sizes = {factor: grouping.size(factor) for factor in equation.factors}
    own = {name: flat[name] for name in equation.variables if name in flat}
    variables: dict[str, Any] = {
        name: (tuple(f"{name}_{i}" for i in range(values.ndim - 1)), values.reshape(*shape, *values.shape[1:]))
        for name, values in own.items()
    }
    n = shape[0] * shape[1]
    effects = [new_effects(equation, {k: v[i] for k, v in own.items()}, sizes, rng) for i in range(n)]
    for (parameter, position), first in effects[0].items():
        group = equation.predictors[parameter].groups[position]
        for j, effect in enumerate(group.effects):
            values = np.stack([draw[parameter, position][:, j] for draw in effects])
            name = safe(f"{equation.prefixes[parameter]}{effect}|{group.factor}")
            dims = (dim(group.factor), *(f"{name}_{i}" for i in range(first.ndim - 2)))
            variables[name] = (dims, values.reshape(*shape, *values.shape[1:]))
    coords = {dim(f): coordinate(grouping.labels[f]) for f in equation.factors}
    stats = {name: np.zeros(shape) for name in STATS}
    stats["energy"] = rng.normal(size=shape)
    return Posterior(column, variables, coords, stats, "handmade", 0.0)
