from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import FitError
from bayessynth.evaluation.calibration import Calibration, calibrate
from bayessynth.evaluation.uniformity import band_of, bins_of, spread_of
from tests import clinics
from tests.evaluation import exact

FRAME = pd.DataFrame({"x": np.random.default_rng(1).normal(size=20)})


def with_posterior(monkeypatch, change, repetitions=100):
    """Calibrate with draws of the exact posterior, changed, in place of a sampler's."""

    def refit(component, responses, settings, seeds, engine):
        for y, seed in zip(responses, seeds, strict=True):
            rng = np.random.default_rng(seed)
            shape = (settings.chains, settings.draws)
            found = exact.draws_of(y, component.equation.priors, shape, rng)
            yield exact.posterior(change(found, component, shape, rng))

    monkeypatch.setattr("bayessynth.fitting.refit.refit", refit)
    return calibrate(exact.spec(), FRAME, repetitions=repetitions, random_seed=1)


def narrower(factor):
    def change(found, component, shape, rng):
        x = found["x_Intercept"]
        return found | {"x_Intercept": x.mean() + factor * (x - x.mean())}

    return change


def ignoring(found, component, shape, rng):
    priors = component.equation.priors
    return {f"x_{name}": priors[name].sample(rng, shape) for name in ("Intercept", "sigma")}


def test_the_exact_posterior_is_calibrated(monkeypatch):
    found = with_posterior(monkeypatch, lambda found, *_: found)
    assert found.verdict == "pass", found
    assert set(found.table["quantity"]) == {"Intercept", "sigma", "log likelihood"}
    assert found.troubled == {"x": 0}
    assert all(r.min() >= 0 and r.max() <= 99 and len(r) == 100 for r in found.ranks.values())


@pytest.mark.parametrize(("factor", "diagnosis"), [(0.5, "posterior too narrow"), (2.0, "posterior too wide")])
def test_a_posterior_of_the_wrong_width_fails(monkeypatch, factor, diagnosis):
    found = with_posterior(monkeypatch, narrower(factor))
    assert found.verdict == "fail"
    row = found.table.set_index("quantity").loc["Intercept"]
    assert (row["verdict"], row["diagnosis"]) == ("fail", diagnosis)
    assert row["outside"] > 0
    assert any("Intercept" in reason and diagnosis in reason for reason in found.reasons)


def test_a_shifted_posterior_fails(monkeypatch):
    found = with_posterior(monkeypatch, lambda found, *_: found | {"x_sigma": 1.3 * found["x_sigma"]})
    row = found.table.set_index("quantity").loc["sigma"]
    assert (row["verdict"], row["diagnosis"]) == ("fail", "posterior too high")


def test_a_posterior_that_ignores_the_data_fails_by_its_likelihood_alone(monkeypatch):
    table = with_posterior(monkeypatch, ignoring).table.set_index("quantity")
    assert table.loc["Intercept", "verdict"] == table.loc["sigma", "verdict"] == "pass"
    assert table.loc["log likelihood", "verdict"] == "fail"


def test_the_same_seed_gives_the_same_ranks(monkeypatch):
    first, again = (with_posterior(monkeypatch, lambda found, *_: found, 20) for _ in range(2))
    pd.testing.assert_frame_equal(first.table, again.table)


def test_uniform_ranks_pass_and_others_do_not():
    rng = np.random.default_rng(1)
    uniform = {("x", f"p{i}"): rng.integers(0, 100, 300) for i in range(20)}
    assert Calibration.of(uniform, 99, {}).verdict == "pass"
    bent = uniform | {("x", "bent"): np.minimum(99, rng.binomial(99, rng.beta(2, 2, 300)))}
    found = Calibration.of(bent, 99, {})
    assert (found.verdict, found.table["quantity"][0]) == ("fail", "bent")
    assert (found.table["verdict"] != "pass").sum() == 1


def test_fits_that_failed_their_diagnostics_are_said():
    ranks = {("x", "Intercept"): np.random.default_rng(1).integers(0, 100, 100)}
    assert Calibration.of(ranks, 99, {"x": 5}).verdict == "pass"
    found = Calibration.of(ranks, 99, {"x": 6})
    assert found.verdict == "warn"
    assert "6 of 100 fits" in found.reasons[0]


def test_the_band_holds_uniform_ranks_as_often_as_it_says():
    rng = np.random.default_rng(1)
    inside, band = 0, band_of(60, rng)
    for _ in range(400):
        inside += band.outside(spread_of(rng.integers(0, 100, 60), 99, rng)) == 0
    assert 362 <= inside <= 397  # 380 expected, standard deviation 4.4 (and the band's own error)


@pytest.mark.parametrize("draws", [7, 19, 63, 99, 100])
def test_bins_divide_the_possible_ranks_evenly(draws):
    for repetitions in (10, 40, 1000):
        assert (draws + 1) % bins_of(draws, repetitions) == 0


def test_impossible_data_are_an_error_that_names_the_priors():
    with pytest.raises(FitError, match=r"priors of 'x'.*repetition \d+.*too vague"):
        calibrate(exact.spec(bs.Prior("Normal", mu=0, sigma=1e308)), FRAME, repetitions=100, random_seed=1)


def test_data_that_cannot_be_fitted_are_an_error_that_names_the_priors(monkeypatch):
    def refit(*_):
        raise FitError("The sampler could not start.\nStack backtrace")
        yield

    monkeypatch.setattr("bayessynth.fitting.refit.refit", refit)
    with pytest.raises(FitError, match=r"repetition 0\): The sampler could not start\. The priors") as caught:
        calibrate(exact.spec(), FRAME, repetitions=20, random_seed=1)
    assert "backtrace" not in str(caught.value)


def test_settings_and_columns_are_checked():
    with pytest.raises(FitError, match="repetitions=0"):
        calibrate(exact.spec(), FRAME, repetitions=0)
    dose = bs.Spec(bs.Equation("x ~ 1", family="uniform"))
    with pytest.raises(FitError, match="no parameters to calibrate"):
        calibrate(dose, FRAME, columns=["x"])


def test_a_real_fit_is_calibrated_and_its_model_compiled_once(monkeypatch):
    from bayessynth.fitting import refit as module

    compiled = []
    compile_model = module.compile_model
    monkeypatch.setattr(module, "compile_model", lambda model: compiled.append(1) or compile_model(model))
    found = calibrate(exact.spec(), FRAME, repetitions=25, draws=49, random_seed=2, engine="pymc")
    assert found.verdict == "pass", found
    assert len(compiled) == 1


@pytest.mark.slow
def test_hierarchical_fits_are_calibrated():
    prior = bs.Prior
    spec = bs.Spec(
        "female ~ 1",
        bs.Equation("dose ~ 1", family="uniform"),
        bs.Equation(
            "pressure ~ dose + (1 + dose | site)", family="normal",
            priors={"Intercept": prior("Normal", mu=25, sigma=2), "dose": prior("Normal", mu=0, sigma=1),
                    "sigma": prior("LogNormal", mu=0.4, sigma=0.3), "1|site_sd": prior("LogNormal", mu=0, sigma=0.4),
                    "dose|site_sd": prior("LogNormal", mu=-0.7, sigma=0.4)},
        ),
        bs.Equation(
            "visits ~ female + (1 | site)", family="poisson",
            priors={"Intercept": prior("Normal", mu=0.3, sigma=0.5), "female": prior("Normal", mu=0, sigma=0.5),
                    "1|site_sd": prior("LogNormal", mu=-1, sigma=0.4)},
        ),
        rest="drop",
    )  # fmt: skip
    found = calibrate(spec, clinics.clinics(), columns=["pressure", "visits"], repetitions=100, tune=300, random_seed=1)
    assert found.verdict == "pass", found
    assert "site_corr[1, dose]" in set(found.table["quantity"])
