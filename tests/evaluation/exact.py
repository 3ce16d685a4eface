"""Fits of a normal column with known posterior: draws from a grid stand for a sampler's."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

import bayessynth as bs
from bayessynth.fitting.posterior import STATS, Posterior
from tests.handmade import handmade

GRID = 120


def spec(intercept: bs.Prior | None = None, sigma: bs.Prior | None = None) -> bs.Spec:
    priors = {
        "Intercept": intercept or bs.Prior("Normal", mu=0, sigma=2),
        "sigma": sigma or bs.Prior("HalfNormal", sigma=2),
    }
    return bs.Spec(bs.Equation("x ~ 1", family="normal", priors=priors))


def draws_of(
    y: np.ndarray, priors: Mapping[str, bs.Prior], shape: tuple[int, int], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Draw intercept and sigma from their posterior on a grid, uniform within its cells."""
    n, mean, sd = len(y), y.mean(), max(float(y.std()), 1e-3)
    centre = float(priors["Intercept"].params["mu"])
    ends = [mean - 8 * sd / np.sqrt(n), mean + 8 * sd / np.sqrt(n)]
    mus = np.linspace(min(ends[0], centre), max(ends[1], centre), 4 * GRID)
    sigmas = np.exp(np.linspace(np.log(sd) - 1.5, np.log(sd + abs(centre - mean)) + 1.5, GRID))
    mu, sigma = np.meshgrid(mus, sigmas, indexing="ij")
    log_density = priors["Intercept"].logp(mu) + priors["sigma"].logp(sigma) + np.log(sigma)
    log_density = log_density - n * np.log(sigma) - (n * (mu - mean) ** 2 + n * y.var()) / (2 * sigma**2)
    mass = np.exp(log_density - log_density.max()).ravel()
    cells = rng.choice(mass.size, size=shape, p=mass / mass.sum())
    step_mu, step_sigma = mus[1] - mus[0], np.log(sigmas[1] / sigmas[0])
    return {
        "x_Intercept": mu.ravel()[cells] + rng.uniform(-0.5, 0.5, shape) * step_mu,
        "x_sigma": sigma.ravel()[cells] * np.exp(rng.uniform(-0.5, 0.5, shape) * step_sigma),
    }


def fit(model: bs.Spec, frame: pd.DataFrame, draws: int = 250, chains: int = 4, seed: int = 0) -> bs.Fitted:
    """Return a Fitted with exact draws."""
    fitted = handmade(model, frame, draws=draws, chains=chains)
    found = draws_of(frame["x"].to_numpy(), fitted.bound["x"].priors, (chains, draws), np.random.default_rng(seed))
    dims = ("chain", "draw")
    posterior = xr.Dataset({k: (dims, v) for k, v in found.items()}, fitted.idata["posterior"].coords)
    fitted.idata["posterior"] = xr.DataTree(posterior)
    return fitted


def posterior(found: Mapping[str, np.ndarray]) -> Posterior:
    """Return draws as an engine does."""
    shape = next(iter(found.values())).shape
    rng = np.random.default_rng(0)
    stats = {name: np.zeros(shape) for name in STATS} | {"energy": rng.normal(size=shape)}
    return Posterior("x", {k: ((), v) for k, v in found.items()}, {}, stats, "grid", 0.0)
