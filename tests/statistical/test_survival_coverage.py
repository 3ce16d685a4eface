"""Pooled log hazard ratios of copies cover the population's as often as they say; latent times recover their truth."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs

BETA = {"x": 0.5, "treat": -0.7}


def trial(rng: np.random.Generator, n: int) -> pd.DataFrame:
    """Return a trial with Weibull times, random censoring that depends on x, and an administrative end."""
    x, treat = rng.normal(size=n), rng.integers(0, 2, n)
    hazard = np.exp(BETA["x"] * x + BETA["treat"] * treat)
    t = (rng.exponential(1.0, n) / hazard) ** (1 / 1.4) * 3.0
    limit = np.minimum(rng.exponential(6.0 * np.exp(-0.3 * x)), 6.0)
    return pd.DataFrame({"x": x, "treat": treat, "t": np.minimum(t, limit), "d": (t <= limit).astype(int)})


def covered(repetitions: int, n: int, m: int) -> pd.Series:
    """Return the share of repetitions in which each pooled 95 % interval holds the truth."""
    rng = np.random.default_rng(11)
    spec = bs.Spec(bs.Equation("x ~ 1", family="normal"), "treat ~ 1", bs.Survival("t ~ x + treat", event="d"))
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for r in range(repetitions):
            data = trial(rng, n)
            fitted = spec.fit(data, draws=100, chains=2, random_seed=r, cores=1, progress=False)
            pooled = fitted.synthesize(m=m, random_seed=r, force=True).pool("t ~ x + treat", model="cox", event="d")
            table = pooled.table
            found.append(
                {name: table.loc[name, "low"] <= value <= table.loc[name, "high"] for name, value in BETA.items()}
            )
    return pd.DataFrame(found).mean()


def test_coverage_of_a_few_repetitions() -> None:
    # Of 24 intervals with a coverage of 95 %, fewer than 18 hold the truth once in two thousand times.
    assert covered(12, 300, 5).mean() * 24 >= 18


@pytest.mark.slow
def test_coverage_of_pooled_log_hazard_ratios() -> None:
    found = covered(400, 300, 5)
    # The standard error of a share of 0.95 in 400 repetitions is 0.011; twice that on either side of 94 to 96 %.
    assert found.between(0.94 - 0.022, 0.96 + 0.022).all(), found.to_string()
