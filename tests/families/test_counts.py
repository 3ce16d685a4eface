"""Counts where their formulas are fragile: tiny means, saturated zeros, PyMC's own mixtures as an oracle."""

from __future__ import annotations

import numpy as np
import pymc as pm
import pytensor
import pytest
from scipy import special, stats

from bayessynth import families
from bayessynth.families import counts

MODE = pytensor.compile.mode.Mode(linker="py", optimizer="fast_compile")
N = 100_000


@pytest.mark.parametrize("mu", [1e-8, 0.05, 1.3, 30.0])
def test_positive_poisson_has_the_truncated_mean(mu: float) -> None:
    draws = counts.draw_positive_poisson(np.random.default_rng(1), N, mu)
    mean = mu / -np.expm1(-mu)
    assert draws.min() >= 1
    assert draws.mean() == pytest.approx(mean, abs=5 * draws.std() / N**0.5 + 1e-6)


@pytest.mark.parametrize("alpha", [1e-3, 0.2, 1.0, 50.0, 1e8])
@pytest.mark.parametrize("mu", [1e-8, 0.05, 4.0])
def test_positive_negative_binomial_is_the_truncated_one(mu: float, alpha: float) -> None:
    draws = counts.draw_positive_negative_binomial(np.random.default_rng(2), N, mu, alpha)
    assert draws.min() >= 1
    values = np.arange(1, 12)
    zero = counts.negative_binomial_logp(np.array([0.0]), mu, alpha)
    p = np.exp(counts.negative_binomial_logp(values, mu, alpha)) / -np.expm1(zero)
    shares = np.array([(draws == value).mean() for value in values])
    assert np.abs(shares - p).max() < 5 * np.sqrt(0.25 / N)


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("zero_inflated_poisson", "ZeroInflatedPoisson"),
        ("zero_inflated_negative_binomial", "ZeroInflatedNegativeBinomial"),
        ("hurdle_poisson", "HurdlePoisson"),
        ("hurdle_negative_binomial", "HurdleNegativeBinomial"),
    ],
)
def test_mixtures_equal_pymc(name: str, theirs: str) -> None:
    family = families.get(name)
    y = np.array([0, 1, 2, 3, 9])
    values = {"mu": 1.7, "psi": 0.35, "alpha": 0.8}
    params = {p.name: np.full(5, values[p.name]) for p in family.parameters}
    expected = pm.logp(getattr(pm, theirs).dist(**params), y).eval(mode=MODE)
    np.testing.assert_allclose(family.logp(y, **params), expected, rtol=1e-8)


def test_negative_binomial_reaches_the_poisson() -> None:
    y = np.arange(5.0)
    np.testing.assert_allclose(counts.negative_binomial_logp(y, 3.0, 1e12), stats.poisson.logpmf(y, 3.0), rtol=1e-10)


def test_gradients_are_finite_at_saturated_predictors() -> None:
    y = np.array([0, 0, 4])
    for name, link in [("hurdle_poisson", "log"), ("zero_inflated_poisson", "log")]:
        eta = pytensor.shared(np.array([-30.0, 8.0, 3.0]))
        psi = pytensor.shared(0.5)
        with pm.Model() as model:
            mu = families.inverse_graph(link, eta, pm)
            variable = families.get(name).dist(pm, "y", {"mu": mu, "psi": psi}, observed=y)
        logp = model.logp(vars=[variable])
        for slope in pytensor.function([], pytensor.grad(logp, [eta, psi]), mode=MODE)():
            assert np.isfinite(slope).all()


def test_binomial_takes_trials_by_row() -> None:
    family = families.get("binomial")
    trials = np.array([0, 1, 50])
    y = family.sample(np.random.default_rng(1), 3, p=0.5, trials=trials)
    assert (y <= trials).all()
    np.testing.assert_allclose(family.logp(y, p=0.5, trials=trials), stats.binom.logpmf(y, trials, 0.5), atol=1e-12)
    with pytest.raises(ValueError, match=r"row 1: 2\.0.*trials="):
        family.check(np.array([0.0, 2.0, 3.0]), "deaths", trials=trials)


def test_poisson_mean_beyond_64_bits() -> None:
    draws = counts.draw_poisson(np.random.default_rng(1), 10, families.inverse("log", 900.0))
    assert np.isfinite(draws).all()
    assert draws.min() > 0.9 * counts.MAX_MEAN
    assert special.gammaln(draws).max() < np.inf
