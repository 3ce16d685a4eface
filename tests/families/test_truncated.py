"""Families within limits: densities, draws and PyMC's graph of every one that is registered, and far in the tails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytest
from scipy import integrate, special, stats

from bayessynth import families
from bayessynth.families import Family, normal_mass
from tests.families.test_contract import LEVELS, MODE, draw_params, graph_logp

TRUNCATED = [f for name in families.names() if (f := families.limited(name)) and "lower" in f.beside]
RESTRICTED = [f for name in families.names() if (f := families.limited(name)) and "allowed" in f.beside]
WITHIN = {"continuous": (0.3, 0.9), "discrete": (1.0, 3.0)}
N = 40_000


def named(found: list[Family]) -> Any:
    return pytest.mark.parametrize("family", found, ids=lambda f: f.name)


def ends(family: Family) -> dict[str, float]:
    low, high = WITHIN["discrete" if family.discrete else "continuous"]
    return {"lower": low, "upper": high}


def options(family: Family) -> dict[str, Any]:
    return dict(family.examples[0])


def test_who_can_be_limited() -> None:
    assert {f.base.name for f in TRUNCATED if f.base} == {
        "normal", "lognormal", "student_t", "gamma", "beta", "poisson", "negative_binomial", "binomial", "uniform"
    }  # fmt: skip
    assert {f.base.name for f in RESTRICTED if f.base} == {"bernoulli", "categorical", "ordinal"}
    assert families.limited("tree") is None and "truncated_normal" not in families.names()


@named(TRUNCATED)
def test_densities_add_up_to_one_and_keep_their_shape(family: Family) -> None:
    params = draw_params(family, options(family), np.random.default_rng(1), None) | options(family)
    own, base = ends(family), family.base
    assert base is not None

    def density(x: float) -> float:
        return float(np.exp(family.logp(np.array([x]), **params, **own))[0])

    if family.discrete:
        total = sum(density(x) for x in np.arange(own["lower"], own["upper"] + 1))
    else:
        total = integrate.quad(density, own["lower"], own["upper"])[0]
    assert total == pytest.approx(1.0, rel=1e-9)
    y = np.array([own["lower"], own["upper"]])
    gap = family.logp(y, **params, **own) - base.logp(y, **params)
    assert gap[0] == pytest.approx(gap[1]) and gap[0] > 0
    assert (family.logp(np.array([own["lower"] - 1, own["upper"] + 1]), **params, **own) == -np.inf).all()
    free = family.logp(y, **params, lower=-np.inf, upper=np.inf)
    np.testing.assert_allclose(free, base.logp(y, **params), rtol=1e-12, atol=1e-12)


@named(TRUNCATED)
def test_draws_are_of_the_density(family: Family) -> None:
    rng = np.random.default_rng(2)
    params = draw_params(family, options(family), rng, None) | options(family)
    own = ends(family)
    y = family.sample(rng, N, **params, **own)
    assert y.min() >= own["lower"] and y.max() <= own["upper"]
    middle = 0.5 * (own["lower"] + own["upper"]) if not family.discrete else 2.0
    low = own | {"upper": middle}
    share = np.exp(family.logp(np.array([own["lower"]]), **params, **own)
                   - family.logp(np.array([own["lower"]]), **params, **low))[0]  # fmt: skip
    assert (y <= middle).mean() == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / N) + 1e-9)


@named(TRUNCATED)
def test_graph_has_the_density_and_its_gradient(family: Family) -> None:
    rng = np.random.default_rng(3)
    params = draw_params(family, options(family), rng, 20)
    lower = np.where(np.arange(20) % 3, ends(family)["lower"], -np.inf)
    upper = np.where(np.arange(20) % 2, ends(family)["upper"], np.inf)
    lower[:2] = upper[:2] = ends(family)["upper"]
    y = family.sample(rng, 20, **params, **options(family), lower=lower, upper=upper)
    given = options(family) | {"lower": lower, "upper": upper}
    logp, symbols = graph_logp(family, y, params, given)
    gradients = pytensor.grad(logp.sum(), list(symbols.values())) if symbols else []
    theirs, *slopes = pytensor.function([], [logp, *gradients], mode=MODE)()
    ours = family.logp(y, **params, **given)
    np.testing.assert_allclose(theirs, ours, rtol=1e-8, atol=1e-10)
    assert (ours[:2] == 0).all()
    for key, slope in zip(symbols, slopes, strict=True):
        step = 1e-6 * rng.choice([-1.0, 1.0], size=20)
        up, down = (family.logp(y, **{**params, key: params[key] + s * step}, **given).sum() for s in (1, -1))
        assert (up - down) / 2 == pytest.approx(float((slope * step).sum()), rel=1e-4, abs=1e-9), key


@named(TRUNCATED)
def test_pymc_draws_within(family: Family) -> None:
    params = draw_params(family, options(family), np.random.default_rng(4), None)
    with pm.Model():
        variable = family.dist(pm, "y", params, shape=(50,), **options(family), **ends(family))
    drawn = pm.draw(variable, random_seed=1, mode=MODE)
    assert drawn.min() >= ends(family)["lower"] and drawn.max() <= ends(family)["upper"]


@pytest.mark.parametrize(
    ("name", "params", "lower", "excess"),
    [
        ("normal", {"mu": 0.0, "sigma": 1.0}, 40.0, 0.0249688),
        ("gamma", {"mu": 1.0, "alpha": 1.0}, 900.0, 1.0),
        ("poisson", {"mu": 10.0}, 150.0, 0.070845),
    ],
)
def test_far_in_the_tail(name: str, params: dict[str, float], lower: float, excess: float) -> None:
    """Of 40 standard deviations the mean excess is 1 / 40 - 2 / 40³ (Mills' ratio); an exponential has no memory."""
    family = families.get(f"truncated_{name}")
    y = family.sample(np.random.default_rng(5), 4000, **params, lower=lower, upper=np.inf)
    assert (y >= lower).all() and np.isfinite(y).all()
    assert (y - lower).mean() == pytest.approx(excess, abs=5 * max((y - lower).std(), excess) / np.sqrt(4000))
    logp = family.logp(y, **params, lower=lower, upper=np.inf)
    known = {"normal": lambda: stats.norm.logpdf(y) - stats.norm.logsf(40.0), "gamma": lambda: 900.0 - y,
             "poisson": lambda: stats.poisson.logpmf(y, 10.0) - special.logsumexp(
                 stats.poisson.logpmf(np.arange(150, 300), 10.0))}  # fmt: skip
    np.testing.assert_allclose(logp, known[name](), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(("a", "b"), [(1.0, 2.0), (-9.0, -8.0), (0.5, 0.5001), (30.0, 30.5), (-0.7, 0.4)])
def test_mass_of_a_normal_is_the_integral(a: float, b: float) -> None:
    nodes, weights = np.polynomial.legendre.leggauss(60)
    x = 0.5 * (a + b) + 0.5 * (b - a) * nodes
    expected = special.logsumexp(stats.norm.logpdf(x), b=0.5 * (b - a) * weights)
    assert normal_mass.log_mass(a, b) == pytest.approx(expected, rel=2e-12)
    assert normal_mass.log_mass(-b, -a) == pytest.approx(expected, rel=2e-12)


def test_mass_of_a_narrow_interval_joins_that_of_a_wide_one() -> None:
    edge = normal_mass.NARROW / 3.0
    below, above = (normal_mass.log_mass(2.0, 2.0 + w) for w in (edge * (1 - 1e-9), edge * (1 + 1e-9)))
    assert above - below == pytest.approx(2e-9, abs=1e-9)


@named(RESTRICTED)
def test_levels_left_out(family: Family) -> None:
    rng, base = np.random.default_rng(6), family.base
    assert base is not None
    params = draw_params(family, options(family), rng, N) | options(family)
    levels = 2 if base.name == "bernoulli" else LEVELS
    allowed = (rng.random((N, levels)) < 0.6) | (np.arange(levels) == rng.integers(0, levels, N)[:, None])
    y = family.sample(rng, N, **params, allowed=allowed)
    assert allowed[np.arange(N), y].all()
    table = np.exp([family.logp(np.full(N, k), **params, allowed=allowed) for k in range(levels)])
    np.testing.assert_allclose(table.sum(axis=0), 1.0, rtol=1e-10)
    assert not table.T[~allowed].any()
    expected, seen = table.sum(axis=1), np.bincount(y, minlength=levels)
    assert (np.abs(seen - expected) < 5 * np.sqrt((table * (1 - table)).sum(axis=1)) + 1e-9).all()
    plain = np.array([base.logp(np.full(N, k), **params) for k in range(levels)])
    mass = special.logsumexp(np.where(allowed.T, plain, -np.inf), axis=0)
    np.testing.assert_allclose(family.logp(y, **params, allowed=allowed), plain[y, np.arange(N)] - mass, atol=1e-10)


@named(RESTRICTED)
def test_levels_that_cannot_but_come_are_drawn(family: Family) -> None:
    params = draw_params(family, options(family), np.random.default_rng(7), 5) | options(family)
    first = params[family.parameters[0].name]
    params[family.parameters[0].name] = np.full_like(first, 1.0 - 1e-16 if family.base.name == "bernoulli" else 60.0)
    allowed = np.zeros((5, 2 if family.base.name == "bernoulli" else LEVELS))
    allowed[:, 0] = 1.0
    assert not family.sample(np.random.default_rng(8), 5, **params, allowed=allowed).any()
