"""A hierarchical regression: 12 sites of 15 to 250 rows, moments released by site at epsilon = 1."""

from __future__ import annotations

import numpy as np

import bayessynth as bs
from bayessynth.fitting.engines.noise_aware import sample
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.posterior import Posterior
from tests.fitting.noise_aware.releases import UNIT, bound_to, noise, release

TRUTH = {"y_x": 0.4, "y_1|site_sd": 0.15, "y_sigma": 0.28}
SIZES = np.round(np.linspace(15, 250, 12)).astype(int)
# Standard deviations with densities that are uniform in the moments they scale (see coverage.py).
SPEC = bs.Spec(
    bs.Equation("x ~ 1", priors={"sigma": bs.Prior("Beta", alpha=3, beta=1)}),
    bs.Equation("y ~ x + (1 | site)", priors={"sigma": bs.Prior("Beta", alpha=2, beta=1)}),
)


def fit(rng: np.random.Generator, settings: Settings) -> Posterior:
    """Draw a table, release it, and return the posterior of y's equation."""
    site = np.repeat(np.arange(12), SIZES)
    x = rng.normal(0.0, 1 / 3, len(site))
    effects = TRUTH["y_1|site_sd"] * rng.standard_normal(12)
    y = TRUTH["y_x"] * x + effects[site] + rng.normal(0.0, TRUTH["y_sigma"], len(site))
    columns = {name: np.clip(values, *UNIT) for name, values in (("x", x), ("y", y))}
    released = release(columns, noise(1.0), rng, group=site)
    return sample(bound_to(SPEC, ("site",)), released, dict.fromkeys("xy", UNIT), settings, 1).posteriors["y"]
