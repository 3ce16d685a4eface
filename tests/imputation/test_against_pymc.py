"""Chains against NUTS on one PyMC model whose missing cells are parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from arviz_stats.base import array_stats
from scipy import special

import bayessynth as bs
from bayessynth.imputation import Gaps, chain
from tests.imputation.tables import blank, by_engine, found

SPEC = bs.Spec("z ~ 1", "x ~ z + (1 | site)", "b ~ x + z", "y ~ x + b + (1 | site)")


def clinics(n: int = 240, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    site, z = rng.integers(0, 12, n), rng.normal(size=n)
    effects = rng.normal(size=(2, 12))
    x = 0.5 * z + 0.6 * effects[0][site] + rng.normal(size=n)
    b = (rng.random(n) < special.expit(0.8 * x)).astype(int)
    y = x + b + effects[1][site] + rng.normal(size=n)
    table = pd.DataFrame({"site": site, "z": z.round(3), "x": x.round(3), "b": b, "y": y.round(3)})
    return blank(table, "x", 0.6 * special.expit(y), rng)


def latent(gaps: Gaps) -> pm.Model:
    """Write the model of x, b and y by hand, with the priors of the bound spec."""
    arrays, site = gaps.frame.arrays, gaps.grouping.codes["site"]
    missing = np.isnan(arrays["x"])
    with pm.Model() as model:
        prior = {c: _priors(gaps, c) for c in ("x", "b", "y")}
        centre = {c: np.asarray(next(iter(gaps.bound[c].predictors.values())).means) for c in prior}
        shift = {c: prior[c]["1|site_sd"] * pm.Normal(f"{c}_raw", shape=12) for c in ("x", "y")}
        mean = prior["x"]["Intercept"] + prior["x"]["z"] * (arrays["z"] - centre["x"][0]) + shift["x"][site]
        raw = pm.Normal("x_missing", shape=int(missing.sum()))
        filled = pm.math.zeros_like(mean) + np.where(missing, 0.0, arrays["x"])
        x = pm.math.pt.set_subtensor(filled[missing], mean[missing] + prior["x"]["sigma"] * raw)
        pm.Normal("x_seen", mean[~missing], prior["x"]["sigma"], observed=arrays["x"][~missing])
        own = prior["b"]
        eta = own["Intercept"] + own["x"] * (x - centre["b"][0]) + own["z"] * (arrays["z"] - centre["b"][1])
        pm.Bernoulli("b_seen", logit_p=eta, observed=arrays["b"])
        own = prior["y"]
        mu = own["Intercept"] + own["x"] * (x - centre["y"][0]) + own["b"] * (arrays["b"] - centre["y"][1])
        pm.Normal("y_seen", mu + shift["y"][site], own["sigma"], observed=arrays["y"])
    return model


def _priors(gaps: Gaps, column: str) -> dict[str, Any]:
    return {name: prior.dist(pm, f"{column}_{name}") for name, prior in gaps.bound[column].priors.items()}


@pytest.mark.slow
def test_every_parameter_agrees_with_nuts():
    gaps = found(SPEC, clinics())
    assert gaps.joined == (("x", "b", "y"),)
    made = [chain(gaps, by_engine, 170, seed) for seed in np.random.SeedSequence(1).spawn(2)]
    with latent(gaps):
        nuts = pm.sample(1000, tune=1000, chains=2, cores=1, nuts_sampler="nutpie", random_seed=1, progressbar=False)
    reference = nuts["posterior"].to_dataset()
    for column in gaps.sampled:
        for key in set(gaps.bound[column].priors) - {"Intercept"}:  # NUTS has intercepts where columns are centred
            name = f"{column}_{key}"
            draws = np.stack([c.draws(column, 20)[name].ravel() for c in made])
            expected = reference[name].values
            errors = [array_stats.mcse(d, method="mean") for d in (draws, expected)]
            assert abs(draws.mean() - expected.mean()) < 4 * np.hypot(*errors), name
            relative = np.hypot(*errors) / expected.std()
            assert abs(np.log(draws.std() / expected.std())) < 4 * relative, name
