"""Priors, links, summaries and the registry."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import numpy as np
import pymc as pm
import pytest

from bayessynth import families
from bayessynth.errors import DataError, SpecError
from bayessynth.families import Prior, Summary, links

SCALAR = [
    Prior("Normal", mu=1, sigma=2.5),
    Prior("StudentT", nu=3, mu=1, sigma=2.5),
    Prior("Cauchy", alpha=1, beta=2.5),
    Prior("Laplace", mu=1, b=2.5),
    Prior("HalfNormal", sigma=2.5),
    Prior("HalfStudentT", nu=3, sigma=2.5),
    Prior("HalfCauchy", beta=2.5),
    Prior("Exponential", lam=2.5),
    Prior("Exponential", scale=2.5),
    Prior("Gamma", alpha=2, beta=0.1),
    Prior("Gamma", mu=2, sigma=0.7),
    Prior("InverseGamma", alpha=0.4, beta=0.3),
    Prior("InverseGamma", mu=2, sigma=0.7),
    Prior("LogNormal", mu=0.3, sigma=0.7),
    Prior("Beta", alpha=2, beta=3),
    Prior("Beta", mu=0.3, sigma=0.2),
    Prior("Beta", mu=0.3, nu=7),
    Prior("Uniform", lower=-1, upper=3),
]


@pytest.mark.parametrize("prior", SCALAR, ids=repr)
def test_priors_equal_pymc_and_their_draws(prior: Prior) -> None:
    x = np.array([0.2, 0.7])
    np.testing.assert_allclose(prior.logp(x), pm.logp(prior.dist(pm), x).eval(mode="FAST_COMPILE"), rtol=1e-6)
    draws = prior.sample(np.random.default_rng(1), (50, 2))
    low, high = prior.support
    assert draws.shape == (50, 2)
    assert ((draws >= low) & (draws <= high)).all()
    assert np.isfinite(prior.logp(draws)).all()


@pytest.mark.parametrize("prior", [*SCALAR, Prior("LKJ", eta=2), Prior("Dirichlet", a=[1, 2.5])], ids=repr)
def test_priors_round_trip_and_hash(prior: Prior) -> None:
    again = Prior.from_json(json.loads(json.dumps(prior.to_json())))
    assert again == prior
    assert hash(again) == hash(prior)


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("Norml", {"mu": 0, "sigma": 1}, "Did you mean 'Normal'"),
        ("Normal", {"mu": 0, "sigm": 1}, "Did you mean 'sigma'"),
        ("Normal", {"mu": 0}, r"takes \(mu, sigma\), not \(mu\)"),
        ("Gamma", {"alpha": 1, "sigma": 1}, r"\(alpha, beta\) or \(mu, sigma\)"),
        ("Normal", {"mu": 0, "sigma": -1}, "sigma must be above 0, not -1"),
        ("Normal", {"mu": float("nan"), "sigma": 1}, "finite number"),
        ("Normal", {"mu": "0", "sigma": 1}, "finite number, not '0'"),
        ("Uniform", {"lower": 1, "upper": 1}, "not below upper"),
        ("Beta", {"mu": 0.5, "sigma": 0.6}, "sigma\\*\\*2 below"),
        ("Dirichlet", {"a": []}, "above 0"),
    ],
)
def test_wrong_priors(name: str, params: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Prior(name, **params)


def test_prior_json_and_scalar_errors() -> None:
    with pytest.raises(SpecError, match="A prior is written as"):
        Prior.from_json({"name": "Normal"})
    with pytest.raises(SpecError, match="one number"):
        Prior("LKJ", eta=1).sample(np.random.default_rng(1), 2)


def test_lkj_builds_correlations() -> None:
    with pm.Model() as model:
        Prior("LKJ", eta=2).dist(pm, "corr", n=3)
    assert [variable.name for variable in model.free_RVs] == ["corr"]


@pytest.mark.parametrize("link", links.names())
def test_links_invert_and_match_the_graph(link: str) -> None:
    eta = np.array([-3.0, -0.5, 0.1, 2.0])
    mu = families.inverse(link, eta)
    np.testing.assert_allclose(families.forward(link, mu), eta, rtol=1e-8)
    graph = families.inverse_graph(link, pm.math.constant(eta), pm).eval(mode="FAST_COMPILE")
    np.testing.assert_allclose(graph, mu, rtol=1e-12)
    assert np.isfinite(families.inverse(link, np.array([-1e4, 1e4]))).all()


def test_unknown_link_and_family() -> None:
    with pytest.raises(SpecError, match="Did you mean 'logit'"):
        families.inverse("logitt", 0.0)
    with pytest.raises(SpecError, match="Did you mean 'poisson'"):
        families.get("poison")
    with pytest.raises(SpecError, match="Known: bernoulli"):
        families.get("xyz")
    with pytest.raises(SpecError, match=r"no parameter 'sigm'. Did you mean 'sigma'"):
        families.get("normal").parameter("sigm")


def test_registry_refuses_a_second_default() -> None:
    normal = families.get("normal")
    other = families.Family(
        name="other",
        kinds=normal.kinds,
        parameters=normal.parameters,
        discrete=False,
        sample=normal.sample,
        logp=normal.logp,
        dist=normal.dist,
        check=normal.check,
        default_for=frozenset({"datetime"}),
    )
    with pytest.raises(SpecError, match="both the default"):
        families.register(other)
    assert "other" not in families.names()


def test_columns_without_a_family() -> None:
    with pytest.raises(SpecError, match="Column 'id' is of kind 'identifier'"):
        families.default_for(SimpleNamespace(name="id", kind="identifier", zeros=False))


def test_summary_hides_values_and_keeps_far_locations() -> None:
    days = 19_700.123456 + np.arange(40.0)
    summary = Summary.from_array(days)
    assert summary.mean == pytest.approx(days.mean(), abs=summary.sd)
    assert summary.low <= days.min() and summary.high >= days.max()
    assert not {summary.low, summary.high} & set(days)


def test_summary_of_codes_and_shares() -> None:
    summary = Summary.from_array(np.array([0, 1, 2, -1]), n_levels=3)
    assert summary.n_levels == 3
    assert summary.positive == 0.67
    assert Summary.from_array(np.array([0.0, 0.0, 4.0, 4.0])).positive == 0.5


def test_summary_errors() -> None:
    for values in ([np.nan], [np.inf, 1.0]):
        with pytest.raises(DataError, match="finite"):
            Summary.from_array(np.array(values))
    with pytest.raises(DataError, match="first below the second"):
        Summary.from_bounds(1.0, 1.0)
    with pytest.raises(DataError, match="above 0"):
        Summary.from_scale(0.0)


def test_semicontinuous_options() -> None:
    family = families.get("semicontinuous")
    with pytest.raises(DataError, match=r"one of the points \(0\).*row 1: -2.0.*points="):
        family.check(np.array([0.0, -2.0]), "income")
    family.check(np.array([0.0, -2.0]), "income", points=(0.0, -2.0))
    rng = np.random.default_rng(1)
    with pytest.raises(SpecError, match="2 points needs 2 weights"):
        family.sample(rng, 2, mu=0.0, psi=0.5, sigma=1.0, points=(0.0, 1.0))
    with pytest.raises(SpecError, match="distinct finite"):
        family.sample(rng, 2, mu=0.0, psi=0.5, sigma=1.0, points=(0.0, 0.0))
    y = family.sample(rng, 20_000, mu=0.0, psi=0.5, sigma=1.0, points=(0.0, 1.0), weights=[0.2, 0.8])
    assert (y == 1.0).mean() == pytest.approx(0.4, abs=0.02)
