"""Thirty clinics with a dozen visits each: a column of the clinics, a flag, numbers with group effects, a count."""

from __future__ import annotations

import numpy as np
import pandas as pd

import bayessynth as bs

SITES = 30
SETTINGS = {"draws": 200, "tune": 300, "chains": 2, "random_seed": 1, "progress": False}


def clinics() -> pd.DataFrame:
    """Return the table; ``dose`` and ``pressure`` have no value twice."""
    rng = np.random.default_rng(3)
    site = np.repeat(np.arange(SITES), rng.integers(8, 17, SITES))
    n = len(site)
    dose, female = rng.uniform(-2, 2, n), rng.random(n) < 0.4
    level, slope, often = rng.normal(0, 1.0, SITES), rng.normal(0, 0.5, SITES), rng.normal(0, 0.4, SITES)
    pressure = 25 + 0.5 * dose + level[site] + slope[site] * dose + rng.normal(0, 1.5, n)
    visits = rng.poisson(np.exp(0.3 + 0.4 * female + often[site]))
    return pd.DataFrame(
        {
            "site": np.array([f"ward-{7 * i % 97:02d}q" for i in range(SITES)])[site],
            "beds": rng.poisson(20, SITES)[site],
            "female": female,
            "dose": dose,
            "pressure": pressure,
            "visits": visits,
        }
    )


def spec() -> bs.Spec:
    """Return a spec with four equations to fit; ``dose`` has no parameter."""
    return bs.Spec(
        bs.Equation("beds ~ 1", family="poisson"),
        "female ~ 1",
        bs.Equation("dose ~ 1", family="uniform"),
        bs.Equation("pressure ~ dose + (1 + dose | site)", family="normal"),
        bs.Equation("visits ~ female + (1 | site)", family="poisson"),
    )
