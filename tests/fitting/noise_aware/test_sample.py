"""Draws given a release: names, agreement with NUTS and with the rows themselves, recovery, coverage."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.design import bind, component
from bayessynth.errors import DiagnosticsWarning, PrivacyWarning
from bayessynth.fitting.engines import laplace, marginal, noise_aware
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.noise_aware import NoisyDensity, chain
from bayessynth.fitting.posterior import Posterior
from tests.fitting.noise_aware import sites
from tests.fitting.noise_aware.coverage import simulate
from tests.fitting.noise_aware.releases import UNIT, bound_to, release

SETTINGS = Settings(draws=1000, tune=500, chains=2)
SPEC = bs.Spec("drug ~ 1", "x ~ drug", "y ~ x + drug")
COLUMNS = {"drug": bs.Binary("no", "yes")}
BOUNDS = {"x": UNIT, "y": UNIT}


def table(n: int, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    drug = np.where(rng.random(n) < 0.4, 1.0, -1.0)
    x = 0.1 * drug + rng.normal(0.0, 0.3, n)
    return {"drug[yes]": drug, "x": x, "y": 0.4 * x - 0.1 * drug + rng.normal(0.0, 0.25, n)}


def fitted(sigma: float, n: int, seed: int = 1, settings: Settings = SETTINGS) -> noise_aware.NoiseAware:
    given = release(table(n), sigma, np.random.default_rng(seed), binary=["drug[yes]"])
    return noise_aware.sample(bound_to(SPEC, **COLUMNS), given, BOUNDS, settings, 1)


def test_names_are_those_of_the_equations() -> None:
    found, bound = fitted(4.0, 3000), bound_to(SPEC, **COLUMNS)
    assert list(found.posteriors) == ["drug", "x", "y"]
    for name, posterior in found.posteriors.items():
        assert set(posterior.variables) == set(bound[name].variables)
        assert posterior.engine == "noise-aware"
        assert posterior.k_hat is not None and posterior.k_hat < 0.7 and not posterior.refused
    assert found.posteriors["y"].variables["y_drug"][0] == ("y_drug_level",)
    assert found.rows.shape == (2, 1000, 1)
    assert abs(found.rows.mean() - 3000) < 4 * found.rows.std()


def test_without_noise_the_posterior_is_that_of_the_rows() -> None:
    """Up to the normal approximation to the sums, which is of order 1/n."""
    rows = table(4000)
    frame = pd.DataFrame({"drug": np.where(rows["drug[yes]"] > 0, "yes", "no"), "x": rows["x"], "y": rows["y"]})
    bound, data = bind(SPEC, frame)
    given = release(rows, 1e-3, np.random.default_rng(1), binary=["drug[yes]"])
    ours = noise_aware.sample(bound, given, BOUNDS, SETTINGS, 1).posteriors
    for name, engine in (("drug", laplace), ("x", marginal), ("y", marginal)):
        theirs = engine.sample(component(bound, data, name), SETTINGS, 1)
        assert isinstance(theirs, Posterior)
        for variable, (_, values) in theirs.variables.items():
            draws = ours[name].variables[variable][1]
            assert abs(draws.mean() - values.mean()) < 0.25 * values.std(), variable
            np.testing.assert_allclose(draws.std(), values.std(), rtol=0.1, err_msg=variable)


def test_importance_and_nuts_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = fitted(4.0, 2000)
    monkeypatch.setattr(noise_aware, "LARGEST", 0)
    theirs = fitted(4.0, 2000)
    assert theirs.posteriors["y"].refused == {"importance": "9 parameters are too many for importance sampling"}
    for name, posterior in ours.posteriors.items():
        for variable, (_, values) in posterior.variables.items():
            other = theirs.posteriors[name].variables[variable][1]
            assert abs(values.mean() - other.mean()) < 0.2 * other.std(), variable
            np.testing.assert_allclose(values.std(), other.std(), rtol=0.15, err_msg=variable)


def test_the_same_seed_gives_the_same_bytes_on_any_number_of_cores() -> None:
    one, two = (fitted(4.0, 2000, settings=Settings(1000, 1, 2, cores)) for cores in (1, 2))
    for name, posterior in one.posteriors.items():
        for variable, (_, values) in posterior.variables.items():
            assert values.tobytes() == two.posteriors[name].variables[variable][1].tobytes()


def test_a_public_number_of_rows_is_kept() -> None:
    given = release(table(500), 2.0, np.random.default_rng(1), binary=["drug[yes]"])
    found = noise_aware.sample(bound_to(SPEC, **COLUMNS), replace(given, n=500), BOUNDS, SETTINGS, 1)
    assert (found.rows == 500).all()


def test_a_release_of_a_table_is_taken_as_it_is() -> None:
    """From records to posterior on the original scale, through the mechanism itself."""
    rng, n = np.random.default_rng(1), 20_000
    age, drug = rng.normal(50.0, 12.0, n), rng.random(n) < 0.4
    pay = 20.0 + 0.5 * age + 6.0 * drug + rng.normal(0.0, 8.0, n)
    frame = pd.DataFrame({"age": age, "drug": np.where(drug, "yes", "no"), "pay": pay})
    domain = bs.Domain(
        {"age": bs.Bounds(0, 100), "drug": bs.Levels("no", "yes"), "pay": bs.Bounds(0, 100)}, source="codebook"
    )
    spec = bs.Spec("drug ~ 1", "age ~ 1", "pay ~ age + drug")
    with pytest.warns(PrivacyWarning, match="test_seed"):
        released = bs.DP(1, 1e-5, domain=domain, test_seed=1).release(spec, frame)
    schema = domain.schema()
    bound, _ = bind(spec, schema.example(400, rng, groups=[]), schema)
    found = noise_aware.sample(bound, released.moments[0], {"age": (0, 100), "pay": (0, 100)}, SETTINGS, 1)
    truth = {"pay_Intercept": 20.0, "pay_age": 0.5, "pay_drug": 6.0, "pay_sigma": 8.0}
    for name, true in truth.items():
        draws = found.posteriors["pay"].variables[name][1]
        assert abs(draws.mean() - true) < 3.5 * draws.std(), name
        assert draws.std() < 0.3 * true, name


def test_a_model_that_reaches_beyond_the_bounds_is_warned_of() -> None:
    rng = np.random.default_rng(1)
    columns = {"x": np.clip(rng.normal(0.0, 0.3, 3000), *UNIT), "y": np.clip(rng.normal(0.5, 0.4, 3000), *UNIT)}
    bound = bound_to(bs.Spec("x ~ 1", "y ~ x"))
    message = (
        r"'y': about 7\..% of the declared model lies outside the public bounds -1 to 1\. "
        "If the table has values there, they were clipped"
    )
    with pytest.warns(DiagnosticsWarning, match=message):
        noise_aware.sample(bound, release(columns, 4.0, rng), BOUNDS, SETTINGS, 1)


def test_the_share_beyond_the_bounds_is_that_of_simulated_rows() -> None:
    own = chain(bound_to(SPEC, **COLUMNS), release(table(500), 4.0, np.random.default_rng(1), ["drug[yes]"]), BOUNDS)
    theta = np.random.default_rng(3).normal(0.0, 0.5, (1, own.size))
    found = {name: shares[0] for name, shares in NoisyDensity(own).beyond(theta).items()}
    x = dict(
        zip(("drug", "x0", "x_drug", "x_sigma", "y0", "y_x", "y_drug", "y_sigma"), own.constrain(theta)[0], strict=True)
    )
    rng, n = np.random.default_rng(1), 400_000
    means = {p.column.name: p.predictor.means for p in own.parts}
    drug = rng.random(n) < 1 / (1 + np.exp(-x["drug"]))
    one = x["x0"] + x["x_drug"] * (drug - means["x"][0]) + x["x_sigma"] * rng.standard_normal(n)
    two = x["y0"] + x["y_x"] * (one - means["y"][0]) + x["y_drug"] * (drug - means["y"][1])
    two = two + x["y_sigma"] * rng.standard_normal(n)
    assert found == pytest.approx({"x": (abs(one) > 1).mean(), "y": (abs(two) > 1).mean()}, abs=4e-3)


@pytest.mark.slow
def test_a_hierarchical_regression_is_recovered() -> None:
    """Within two and a half posterior standard deviations, which are no wider than a third of the prior's."""
    posterior = sites.fit(np.random.default_rng(1), Settings(draws=1000, tune=1000, chains=4, cores=2))
    assert not posterior.stats["diverging"].any()
    for name, true in sites.TRUTH.items():
        draws = posterior.variables[name][1]
        assert abs(draws.mean() - true) < 2.5 * draws.std(), name
    assert posterior.variables["y_x"][1].std() < 0.35
    assert posterior.variables["y_1|site"][1].shape == (4, 1000, 12)


@pytest.mark.slow
@pytest.mark.parametrize(("epsilon", "n"), [(1.0, 1000), (3.0, 300)])
def test_intervals_cover(epsilon: float, n: int) -> None:
    """Four parameters in 400 repetitions; tests/benchmarks/bench_dp_coverage.py has the table."""
    found = simulate("drawn", epsilon, n, 400)
    assert found["coverage"].between(0.95 - 0.035, 0.95 + 0.035).all(), found
    assert 0.935 <= found["coverage"].mean() <= 0.965, found
