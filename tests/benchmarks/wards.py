"""A table of ten mixed columns in groups, and a spec of it whose priors say what a fit would: rows without a fit."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

import bayessynth as bs


def near(value: float) -> bs.Prior:
    """Return a prior close to a value."""
    return bs.Prior("Normal", mu=value, sigma=0.01 * max(abs(value), 0.1))


def about(value: float) -> bs.Prior:
    """Return a prior close to a value above zero."""
    return bs.Prior("LogNormal", mu=round(math.log(value), 3), sigma=0.01)


def wards(sites: int = 300) -> pd.DataFrame:
    """Return a table with about a hundred rows a site."""
    rng = np.random.default_rng(1)
    site = np.repeat(np.arange(sites), 1 + rng.negative_binomial(4, 4 / 104, sites))
    n = len(site)
    words = np.array(["never", "former", "current"])
    stages = pd.Categorical(np.array(["I", "II", "III", "IV"])[rng.integers(0, 4, n)], ordered=True)
    return pd.DataFrame(
        {
            "site": np.array([f"ward {i}" for i in range(sites)])[site],
            "beds": rng.poisson(20, sites)[site],
            "female": rng.random(n) < 0.5,
            "age": rng.integers(18, 91, n),
            "smoker": words[rng.integers(0, 3, n)],
            "stage": stages,
            "bmi": rng.normal(27, 4, n).round(1),
            "income": rng.lognormal(3, 0.5, n).round(2),
            "visits": rng.negative_binomial(2, 0.4, n),
            "cost": np.where(rng.random(n) < 0.4, 0, rng.lognormal(5, 1, n)).round(2),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 700, n), "D"),
        }
    )


SPEC = bs.Spec(
    bs.Equation("beds ~ 1", family="poisson", priors={"Intercept": near(3)}),
    bs.Equation("female ~ 1", priors={"Intercept": near(0.1)}),
    bs.Equation(
        "age ~ female", family="normal", priors={"Intercept": near(54), "female": near(2), "sigma": about(15)}
    ),
    bs.Equation("smoker ~ female + age", priors={"Intercept": near(0.3), "female": near(-0.4), "age": near(0.01)}),
    bs.Equation("stage ~ age + smoker", priors={"age": near(0.02), "smoker": near(0.5)}),
    bs.Equation(
        "bmi ~ female + age + (1 | site)",
        family="normal",
        priors={
            "Intercept": near(26), "female": near(1), "age": near(0.03), "1|site_sd": about(1), "sigma": about(4),
        },
    ),
    bs.Equation(
        "income ~ age + smoker + (1 + female | site)",
        family="lognormal",
        priors={
            "Intercept": near(3), "age": near(0.01), "smoker": near(-0.1), "1|site_sd": about(0.3),
            "female|site_sd": about(0.1), "sigma": about(0.4),
        },
    ),
    bs.Equation(
        "visits ~ female + bmi + stage + (1 | site)",
        family="negative_binomial",
        priors={
            "Intercept": near(0.8), "female": near(0.3), "bmi": near(0.02), "stage": near(0.2), "1|site_sd": about(0.3),
            "alpha": about(1.5),
        },
    ),
    bs.Equation(
        "cost ~ log1p(visits) + smoker + (1 | site)",
        "psi ~ log1p(visits)",
        family="semicontinuous",
        priors={
            "Intercept": near(4), "log1p(visits)": near(0.6), "smoker": near(0.1), "1|site_sd": about(0.3),
            "psi_Intercept": near(-1), "psi_log1p(visits)": near(1.5), "sigma": about(0.8),
        },
    ),
    bs.Equation("day ~ 1", family="uniform"),
)  # fmt: skip


def copies(k: int, m: int = 1) -> bs.SyntheticData:
    """Return copies that were not drawn yet."""
    return SPEC.synthesize_prior(wards(), m=m, k=k, random_seed=1)
