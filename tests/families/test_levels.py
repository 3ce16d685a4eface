"""Ordinal and categorical families where naive formulas lose their digits, and the thresholds' priors."""

from __future__ import annotations

import math

import numpy as np
import pymc as pm
import pytensor
import pytest
from scipy import special, stats

from bayessynth import families
from bayessynth.errors import SpecError
from bayessynth.families import Prior

MODE = pytensor.compile.mode.Mode(linker="py", optimizer="fast_compile")
CUTS = np.array([-0.5, 0.3, 2.0])


@pytest.mark.parametrize(("link", "cdf"), [("logit", special.expit), ("probit", special.ndtr)])
def test_ordinal_probabilities(link: str, cdf: object) -> None:
    mu = 0.4
    edges = cdf(np.concatenate([[-np.inf], CUTS, [np.inf]]) - mu)  # type: ignore[operator]
    logp = families.get("ordinal").logp(np.arange(4), mu=mu, thresholds=CUTS, link=link)
    np.testing.assert_allclose(np.exp(logp), np.diff(edges), rtol=1e-12)


@pytest.mark.parametrize("link", ["logit", "probit"])
@pytest.mark.parametrize("mu", [-35.0, 35.0])
def test_ordinal_far_out_keeps_value_and_gradient(link: str, mu: float) -> None:
    family = families.get("ordinal")
    y = np.arange(4)
    ours = family.logp(y, mu=mu, thresholds=CUTS, link=link)
    assert np.isfinite(ours).all()
    symbol, cuts = pytensor.shared(mu), pytensor.shared(CUTS)
    with pm.Model() as model:
        variable = family.dist(pm, "y", {"mu": symbol, "thresholds": cuts}, link=link, observed=y)
    (logp,) = model.logp(vars=[variable], sum=False)
    theirs, *slopes = pytensor.function([], [logp, *pytensor.grad(logp.sum(), [symbol, cuts])], mode=MODE)()
    np.testing.assert_allclose(theirs, ours, rtol=1e-8, atol=1e-14)
    assert all(np.isfinite(slope).all() for slope in slopes)


def test_categorical_far_out_keeps_value_and_gradient() -> None:
    family = families.get("categorical")
    mu = pytensor.shared(np.array([[1000.0, 0.0], [-900.0, -900.0]]))
    with pm.Model() as model:
        variable = family.dist(pm, "y", {"mu": mu}, observed=np.array([0, 2]))
    (logp,) = model.logp(vars=[variable], sum=False)
    value, slope = pytensor.function([], [logp, pytensor.grad(logp.sum(), mu)], mode=MODE)()
    assert value.tolist() == [-1000.0, -900.0]
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("link", ["logit", "probit"])
@pytest.mark.parametrize("prior", [Prior("Dirichlet", a=1), Prior("Dirichlet", a=[1, 2, 3, 4])])
def test_threshold_density_is_the_dirichlet_with_its_jacobian(link: str, prior: Prior) -> None:
    cdf, density = (special.expit, stats.logistic.pdf) if link == "logit" else (special.ndtr, stats.norm.pdf)
    vector = families.get("ordinal").vectors[0]
    with pm.Model():
        variable = vector.dist(pm, "c", 3, prior, {"link": link}, shape=(3,))
    logp = pm.logp(variable, CUTS).eval(mode=MODE)
    shares = np.diff(cdf(np.concatenate([[-np.inf], CUTS, [np.inf]])))
    a = np.broadcast_to(prior.params["a"], 4)
    assert logp == pytest.approx(stats.dirichlet(a).logpdf(shares) + np.log(density(CUTS)).sum(), rel=1e-10)
    draws = pm.draw(variable, 4000, random_seed=1, mode=MODE)
    means = np.diff(cdf(np.pad(draws, ((0, 0), (1, 1)), constant_values=((0, 0), (-np.inf, np.inf)))), axis=1)
    np.testing.assert_allclose(means.mean(axis=0), a / a.sum(), atol=0.02)


def test_thresholds_take_a_scalar_prior() -> None:
    vector = families.get("ordinal").vectors[0]
    with pm.Model():
        variable = vector.dist(pm, "c", 3, Prior("Normal", mu=0, sigma=2.0), {}, shape=(3,))
    expected = stats.norm(0, 2.0).logpdf(CUTS).sum() + math.log(6.0)
    assert pm.logp(variable, CUTS).eval(mode=MODE) == pytest.approx(expected, rel=1e-7)
    assert (np.diff(pm.draw(variable, 50, random_seed=1, mode=MODE)) > 0).all()
    with pm.Model(), pytest.raises(SpecError, match="Dirichlet prior or one on all real numbers"):
        vector.dist(pm, "c", 3, Prior("HalfNormal", sigma=1), {}, shape=(3,))


def test_unknown_link() -> None:
    with pytest.raises(SpecError, match="Did you mean 'probit'"):
        families.get("ordinal").sample(np.random.default_rng(1), 2, mu=0.0, thresholds=CUTS, link="probt")
