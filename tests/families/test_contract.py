"""What every registered family must keep; a new family file is picked up without an edit here."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytest
from scipy import integrate, stats

from bayessynth import families
from bayessynth.errors import DataError, SynthesisError
from bayessynth.families import Family, Parameter, Summary
from bayessynth.families.curing import CURED

CASES = [
    pytest.param(families.get(name), dict(options), id=f"{name}-{index}")
    for name in (*families.names(), *CURED)
    for index, options in enumerate(families.get(name).examples)
]
MODE = pytensor.compile.mode.Mode(linker="py", optimizer="fast_compile")
# What draws of a vector keep; those of a walk may be any numbers, with spreads that grow along it.
KEPT = {
    "ordered": lambda draws: (np.diff(draws) > 0).all(),
    "simplex": lambda draws: np.allclose(draws.sum(1), 1.0),
    "walk": lambda draws: (np.diff(draws.std(0)) > 0).all(),
}
LEVELS = 4
N = 40_000


def link_of(family: Family, parameter: Parameter) -> str:
    """Return the link that is applied before a family sees the parameter."""
    own = "link" in family.options and parameter is family.parent
    return "identity" if own else parameter.links[0]


def draw_params(family: Family, options: dict[str, Any], rng: np.random.Generator, n: int | None) -> dict[str, Any]:
    """Draw moderate parameters; n=None gives one for all rows."""
    params: dict[str, Any] = {}
    for parameter in family.parameters:
        if family.multinomial:
            params[parameter.name] = rng.normal(size=(LEVELS - 1,) if n is None else (n, LEVELS - 1))
        else:
            params[parameter.name] = families.inverse(link_of(family, parameter), 0.4 + 0.6 * rng.normal(size=n))
    for vector in family.vectors:
        length = vector.length(LEVELS, options)
        if length:
            draws = (
                rng.dirichlet([2.0] * length) if vector.constraint == "simplex" else rng.normal(size=length).cumsum()
            )
            params[vector.name] = np.sort(draws) if vector.constraint == "ordered" else draws
    return params


def graph_logp(family: Family, y: np.ndarray, params: dict[str, Any], options: dict[str, Any]) -> tuple[Any, dict]:
    """Return PyMC's log density of every value, with the symbolic parameters it depends on."""
    with pm.Model() as model:
        symbols = {key: pytensor.shared(np.asarray(value, dtype=float), name=key) for key, value in params.items()}
        variable = family.dist(pm, "y", symbols, observed=y, **options)
    (logp,) = model.logp(vars=[variable], sum=False)
    return logp, symbols


@pytest.mark.parametrize(("family", "options"), CASES)
def test_sampler_stays_in_support(family: Family, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    params = draw_params(family, options, rng, 500)
    y = family.sample(rng, 500, **params, **options)
    assert y.shape == (500,)
    assert y.dtype in (np.dtype("float64"), np.dtype("int64"))
    family.check(y, "y", **options)
    assert np.isfinite(family.logp(y, **params, **options)).all()


@pytest.mark.parametrize(("family", "options"), CASES)
def test_sampler_agrees_with_logp(family: Family, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(2)
    params = draw_params(family, options, rng, None)
    y = family.sample(rng, N, **params, **options)
    values, counts = np.unique(y, return_counts=True)
    atoms = values[counts > 1]
    mass = np.exp(family.logp(atoms, **params, **options))
    if family.discrete:
        assert_counts_agree(values, counts, np.exp(family.logp(values, **params, **options)))
        return
    assert_counts_agree(atoms, counts[counts > 1], mass)
    rest = np.sort(y[~np.isin(y, atoms)])
    grid = np.quantile(rest, np.linspace(0.0, 1.0, 200))
    grid = np.unique(np.concatenate([grid, [grid[0]]]))
    density = lambda x: np.exp(family.logp(np.atleast_1d(x), **params, **options))[0]  # noqa: E731
    shares = np.array([integrate.quad(density, a, b, limit=200)[0] for a, b in itertools.pairwise(grid)])
    total = 1.0 - mass.sum()
    # What the grid leaves out lies beyond the extremes of N draws.
    assert shares.sum() == pytest.approx(total, abs=20.0 / N)
    model_cdf = np.concatenate([[0.0], np.cumsum(shares)]) / shares.sum()
    sample_cdf = np.searchsorted(rest, grid, side="right") / len(rest)
    assert np.abs(model_cdf - sample_cdf).max() < stats.kstwobign.isf(1e-6) / np.sqrt(len(rest)) + 20.0 / N


def assert_counts_agree(values: np.ndarray, counts: np.ndarray, p: np.ndarray) -> None:
    """Chi-square test with rare values, and those that were never drawn, as one class."""
    assert p.sum() <= 1.0 + 1e-9
    common = p * N >= 20
    observed = np.append(counts[common], N - counts[common].sum())
    expected = np.append(p[common], max(1.0 - p[common].sum(), 0.0)) * N
    if expected[-1] < 5:
        assert observed[-1] < 30
        observed, expected = observed[:-1], expected[:-1]
    if len(expected) > 1:
        statistic = ((observed - expected) ** 2 / expected).sum()
        assert stats.chi2.sf(statistic, len(expected) - 1) > 1e-6
    else:
        assert observed.sum() == pytest.approx(expected.sum(), rel=0.03)


@pytest.mark.parametrize(("family", "options"), CASES)
def test_logp_and_gradient_agree_with_pymc(family: Family, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(3)
    params = draw_params(family, options, rng, 40)
    y = family.sample(rng, 40, **params, **options)
    logp, symbols = graph_logp(family, y, params, options)
    ours = family.logp(y, **params, **options)
    gradients = pytensor.grad(logp.sum(), list(symbols.values())) if symbols else []
    theirs, *slopes = pytensor.function([], [logp, *gradients], mode=MODE)()
    np.testing.assert_allclose(np.broadcast_to(theirs, ours.shape), ours, rtol=1e-8, atol=1e-12)
    for key, slope in zip(symbols, slopes, strict=True):
        step = 1e-6 * rng.choice([-1.0, 1.0], size=np.shape(params[key]))
        up = family.logp(y, **{**params, key: params[key] + step}, **options).sum()
        down = family.logp(y, **{**params, key: params[key] - step}, **options).sum()
        assert (up - down) / 2.0 == pytest.approx(float((slope * step).sum()), rel=1e-4, abs=1e-9), key


@pytest.mark.parametrize(("family", "options"), CASES)
def test_pymc_draws_forwards(family: Family, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(4)
    params = draw_params(family, options, rng, None)
    with pm.Model():
        variable = family.dist(pm, "y", params, shape=(2000,), **options)
    theirs = pm.draw(variable, random_seed=1, mode=MODE)
    ours = family.sample(rng, 2000, **params, **options)
    family.check(theirs, "y", **options)
    assert stats.ks_2samp(theirs, ours).pvalue > 1e-6


@pytest.mark.parametrize(("family", "options"), CASES)
def test_logp_is_minus_infinity_outside(family: Family, options: dict[str, Any]) -> None:
    params = draw_params(family, options, np.random.default_rng(5), None)
    outside = np.array([-7.5, -1.5, 0.5, 1e9 + 0.5, np.nan])
    for value in outside:
        try:
            family.check(np.array([value]), "y", **options)
        except DataError as error:
            assert "'y'" in str(error) and "row 0" in str(error)
            assert str(error).count(". ") >= 1, "the message ends with a remedy"
            if not np.isnan(value) and not family.vectors and not family.multinomial:
                assert family.logp(np.array([value]), **params, **options)[0] == -np.inf
    with pytest.raises(DataError, match="row 0"):
        family.check(np.array([np.nan]), "y", **options)


@pytest.mark.parametrize(("family", "options"), CASES)
@pytest.mark.parametrize("eta", [-800.0, 800.0])
def test_extreme_predictors_give_finite_draws(family: Family, options: dict[str, Any], eta: float) -> None:
    params = draw_params(family, options, np.random.default_rng(6), None)
    for parameter in family.parameters:
        extreme = families.inverse(link_of(family, parameter), np.full(np.shape(params[parameter.name]), eta))
        y = family.sample(np.random.default_rng(7), 100, **{**params, parameter.name: extreme}, **options)
        assert np.isfinite(y).all()
        family.check(y, "y", **options)


@pytest.mark.parametrize(("family", "options"), CASES)
def test_non_finite_parameters_raise(family: Family, options: dict[str, Any]) -> None:
    params = draw_params(family, options, np.random.default_rng(8), 5)
    for parameter in family.parameters:
        broken = np.array(params[parameter.name])
        broken[3] = np.nan
        with pytest.raises(SynthesisError, match=f"'{parameter.name}'.* 1 of 5 rows.*row 3"):
            family.sample(np.random.default_rng(9), 5, **{**params, parameter.name: broken}, **options)


SUMMARIES = [
    Summary(),
    Summary.from_array(np.array([0.0, 3.0, 5.0, 1e6, np.nan])),
    Summary.from_array(np.array([-3.0, -5.0, -4.0])),
    Summary.from_array(np.array([0, 1, 1, 3]), n_levels=LEVELS),
    Summary.from_array(np.array([7.0, 7.0])),
    Summary.from_bounds(0.0, 1.0),
    Summary.from_bounds(-10.0, 120.0),
    Summary.from_scale(30.0),
]


@pytest.mark.parametrize(("family", "options"), CASES)
def test_default_priors(family: Family, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(10)
    for summary in SUMMARIES:
        for index, parameter in enumerate(family.parameters):
            for link in parameter.links:
                location, spread = parameter.predictor(summary, link)
                assert np.isfinite(location) and np.isfinite(spread) and spread > 0
                assert np.isfinite(families.inverse(link, location + 3 * spread))
            assert (parameter.prior is None) == (index == 0)
            if parameter.prior is not None:
                prior = parameter.prior(summary)
                draws = prior.sample(rng, 200)
                low, high = prior.support
                # The natural scale of a parameter is the range of its default link.
                ends = families.inverse(parameter.links[0], np.array([-800.0, 800.0]))
                assert low >= 0.0 if ends[0] > -1.0 else True
                assert (draws >= max(low, ends[0])).all() and (draws <= min(high, ends[1])).all()
                assert families.Prior.from_json(prior.to_json()) == prior


@pytest.mark.parametrize(("family", "options"), CASES)
def test_vectors_sample_what_their_density_says(family: Family, options: dict[str, Any]) -> None:
    for vector in family.vectors:
        length = vector.length(LEVELS, options)
        if not length:
            continue
        with pm.Model() as model:
            variable = vector.dist(pm, "v", length, vector.prior, options, shape=(length,))
        draws = pm.draw(variable, 200, random_seed=1, mode=MODE)
        assert draws.shape == (200, length)
        assert KEPT[vector.constraint](draws)
        start = model.initial_point()
        (logp,) = model.logp(sum=False)
        values = [start[value.name] for value in model.value_vars]
        assert np.isfinite(pytensor.function(model.value_vars, logp, mode=MODE)(*values)).all()


def test_kinds_have_one_default_each() -> None:
    expected = {
        "continuous": "normal",
        "positive": "lognormal",
        "proportion": "beta",
        "count": "negative_binomial",
        "binary": "bernoulli",
        "categorical": "categorical",
        "ordinal": "ordinal",
        "datetime": "normal",
        "constant": "point",
    }
    for kind, name in expected.items():
        family = families.default_for(SimpleNamespace(name="y", kind=kind, zeros=False))
        assert family.name == name
        assert kind in family.kinds
