"""Attacks that know the fit: exact leave-one-out in a conjugate model, theory of the AUC, attribute risks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

import bayessynth as bs
from bayessynth.evaluation.disclosure._posterior import leave_one_out
from bayessynth.evaluation.disclosure.membership_weights import membership_weights
from bayessynth.evaluation.disclosure.reiter_hu import reiter_hu
from tests import clinics
from tests.evaluation.disclosure.people import tables
from tests.handmade import handmade


def conjugate(frame: pd.DataFrame, draws: int, seed: int) -> bs.Fitted:
    """Fit x ~ 1 exactly: a normal with a flat prior on mean and log standard deviation."""
    fitted = handmade(bs.Spec(bs.Equation("x ~ 1", family="normal")), frame, draws=draws)
    rng, n = np.random.default_rng(seed), len(frame)
    sd = np.sqrt((n - 1) * frame["x"].var() / rng.chisquare(n - 1, (2, draws)))
    mean = frame["x"].mean() + sd / np.sqrt(n) * rng.normal(size=(2, draws))
    posterior = xr.Dataset({"x_Intercept": (("chain", "draw"), mean), "x_sigma": (("chain", "draw"), sd)})
    return refitted(fitted, posterior)


CENTRES = {
    "beds_Intercept": 3.0, "female_Intercept": -0.4, "pressure_Intercept": 25.0, "pressure_dose": 0.5,
    "pressure_sigma": 1.8, "visits_Intercept": 0.3, "visits_female": 0.4, "pressure_1|site_sd": 1.0,
    "pressure_dose|site_sd": 0.5, "visits_1|site_sd": 0.4, "ill_Intercept": -0.4, "dose_Intercept": 0.0,
    "dose_ill": 1.0, "dose_sigma": 1.0, "s_Intercept": 0.0, "n_Intercept": 0.7, "n_s": 0.0,
}  # fmt: skip


def settled(spec: bs.Spec, frame: pd.DataFrame, draws: int) -> bs.Fitted:
    """Return a fit whose draws lie near known values, as a posterior's would; group effects near zero."""
    fitted = handmade(spec, frame, draws=draws)
    posterior, rng = fitted.idata["posterior"].to_dataset().copy(deep=True), np.random.default_rng(1)
    for name in posterior.data_vars:
        shape = posterior[name].shape
        if name.endswith("_corr"):
            posterior[name].values[:] = np.eye(shape[-1])
        else:
            posterior[name].values[:] = CENTRES.get(name, 0.0) + rng.normal(0, 0.1, shape)
    return refitted(fitted, posterior)


def refitted(fitted: bs.Fitted, posterior: xr.Dataset) -> bs.Fitted:
    made = bs.Fitted(fitted.bound, xr.DataTree.from_dict({"posterior": posterior}), fitted.groups, fitted.provenance)
    made.__dict__["_diagnosis"] = fitted.diagnose()
    return made


def numbers(n: int, seed: int) -> pd.DataFrame:
    return pd.DataFrame({"x": np.random.default_rng(seed).normal(size=n)})


def judged(measure, original, holdout, fitted, m, seed=2, **known):
    syn = fitted.synthesize(m=m, random_seed=seed, **known.pop("how", {}))
    read = tables(original, list(syn), holdout, fitted=fitted, provenance=syn.provenance, **known)
    return next(iter(measure(read)))


def test_weights_give_the_exact_leave_one_out_density():
    frame = numbers(40, 1)
    fitted = conjugate(frame, 4000, 2)
    values = frame["x"].to_numpy()
    posterior = fitted.idata["posterior"].to_dataset()
    mean, sd = (posterior[v].values.reshape(-1, 1) for v in ("x_Intercept", "x_sigma"))
    log_likelihood = stats.norm.logpdf(values, mean, sd)
    weights, shape = leave_one_out(log_likelihood)
    found = np.log(np.exp(weights + log_likelihood).sum(axis=0))
    for i in range(40):
        others = np.delete(values, i)
        scale = others.std(ddof=1) * np.sqrt(1 + 1 / 39)
        assert found[i] == pytest.approx(stats.t.logpdf(values[i], 38, others.mean(), scale), abs=0.03)
    assert shape.max() < 0.7


def test_a_record_without_information_has_equal_weights():
    weights, shape = leave_one_out(np.zeros((100, 2)))
    np.testing.assert_allclose(np.exp(weights), 0.01)
    assert (shape < 0.7).all()


@pytest.mark.slow
def test_the_auc_is_that_of_the_theory():
    """Each record moves the posterior of p parameters by p/n of its variance: Φ(√(m p / n) / √2) on average."""
    found = {m: [] for m in (5, 20)}
    for seed in range(60):
        original, holdout = numbers(200, seed), numbers(200, 1000 + seed)
        fitted = conjugate(original, 400, seed)
        for m in found:
            found[m].append(judged(membership_weights, original, holdout, fitted, m, seed).value)
    for m, values in found.items():
        expected = stats.norm.cdf(np.sqrt(m * 2 / 200 / 2))
        error = np.std(values) / np.sqrt(len(values))
        # The normal approximation is itself off by a hundredth: scores of records differ in size.
        assert abs(np.mean(values) - expected) < 3 * error + 0.015


def test_copies_of_another_fit_say_nothing():
    original, holdout = numbers(600, 1), numbers(600, 2)
    fitted = conjugate(original, 400, 3)
    syn = conjugate(numbers(600, 5), 400, 4).synthesize(m=5, random_seed=1)
    other = conjugate(numbers(600, 5), 400, 4).idata["posterior"].to_dataset()
    posterior = fitted.idata["posterior"].to_dataset()
    # The draws behind the copies are those of a fit to other records.
    mixed = posterior.copy(deep=True)
    for chain, draw in syn.provenance["draws"]:
        for name in mixed.data_vars:
            mixed[name].values[chain, draw] = other[name].values[chain, draw]
    read = tables(original, list(syn), holdout, fitted=refitted(fitted, mixed), provenance=syn.provenance)
    (found,) = membership_weights(read)
    assert found.verdict == "pass"
    assert found.interval[0] < 0.5 < found.interval[1]


@pytest.mark.filterwarnings("ignore::bayessynth.errors.DisclosureWarning")
def test_an_overfitted_model_is_found():
    """Sixty groups of two rows, with effects that swallow the data and are in the copies."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"g": np.repeat([f"g{i}" for i in range(60)], 2), "y": rng.normal(size=120)})
    holdout = pd.DataFrame({"g": np.repeat([f"g{i}" for i in range(60)], 2), "y": rng.normal(size=120)})
    fitted = handmade(bs.Spec(bs.Equation("y ~ 1 + (1 | g)", family="normal")), frame, draws=100)
    posterior = fitted.idata["posterior"].to_dataset().copy(deep=True)
    means = frame.groupby("g", sort=False)["y"].mean()
    position = [list(means.index).index(g) for g in posterior["g"].values]
    shape = posterior["y_Intercept"].shape
    posterior["y_Intercept"].values[:] = 0.0
    posterior["y_sigma"].values[:] = 0.7 * np.exp(rng.normal(0, 0.05, shape))
    noise = rng.normal(0, 0.5, (*shape, 60))
    posterior["y_1|g"].values[:] = means.to_numpy()[position] + noise
    overfit = refitted(fitted, posterior)
    found = judged(membership_weights, frame, holdout, overfit, 20, how={"groups": "existing"})
    assert found.value > 0.8
    assert found.verdict == "fail"


@pytest.fixture(scope="module")
def clinic():
    table = clinics.clinics()
    return table, table.sample(120, random_state=1).assign(site="elsewhere"), settled(clinics.spec(), table, 100)


@pytest.mark.parametrize("groups", ["new", "existing"])
@pytest.mark.filterwarnings("ignore::bayessynth.errors.DisclosureWarning")
def test_hierarchical_fits_of_all_families_are_attacked(clinic, groups):
    original, holdout, fitted = clinic
    known = {"groups": ("site",)}
    found = judged(membership_weights, original, holdout, fitted, 5, how={"groups": groups}, **known)
    assert 0 <= found.value <= 1
    assert any("Pareto k̂" in note for note in found.notes)
    assert any("new group" in note for note in found.notes) == (groups == "new")
    for target in ("female", "pressure", "visits"):
        risk = judged(
            reiter_hu, original, holdout, fitted, 5, target=target, max_rows=50, how={"groups": groups}, **known
        )
        assert 0 < risk.reference < 1
        assert 0 < risk.value < 1
        assert risk.detail["gain"].is_monotonic_decreasing


def test_the_attribute_risk_is_bayes_rule_by_hand():
    """A binary target with its own equation and one that reads it, no groups, two draws behind the copies."""
    rng = np.random.default_rng(3)
    ill = rng.random(60) < 0.4
    frame = pd.DataFrame({"ill": ill, "dose": rng.normal(ill * 1.0, 1)})
    fitted = settled(bs.Spec("ill ~ 1", bs.Equation("dose ~ ill", family="normal")), frame, 150)
    syn = fitted.synthesize(m=2, random_seed=1)
    read = tables(frame, list(syn), None, fitted=fitted, provenance=syn.provenance, target="ill")
    (found,) = reiter_hu(read)
    draws = fitted.idata["posterior"].to_dataset()
    flat = {v: draws[v].values.reshape(-1) for v in draws.data_vars}
    p = 1 / (1 + np.exp(-flat["ill_Intercept"]))

    def density(value: bool, row: int) -> np.ndarray:
        mean = flat["dose_Intercept"] + flat["dose_ill"].reshape(-1) * value
        return np.where(value, p, 1 - p) * stats.norm.pdf(frame["dose"][row], mean, flat["dose_sigma"])

    made = [c * 150 + d for c, d in syn.provenance["draws"]]
    row = int(found.detail["row"][0])
    truth = bool(frame["ill"][row])
    # All 300 draws are too many for the default, so the same thinned ones are taken.
    thinned = [c * 150 + int((i + 0.5) * 150 / 100) for c in range(2) for i in range(100)]
    weights = np.exp(leave_one_out(np.log(density(truth, row))[thinned, None])[0][:, 0])
    before = {v: (weights * density(v, row)[thinned]).sum() for v in (True, False)}
    after = {v: before[v] * np.prod(density(v, row)[made] / before[v]) for v in (True, False)}
    assert found.detail["before"][0] == pytest.approx(before[truth] / sum(before.values()), rel=1e-9)
    assert found.detail["after"][0] == pytest.approx(after[truth] / sum(after.values()), rel=1e-9)


def test_nothing_is_said_without_a_fit_or_a_target():
    frame = numbers(30, 1)
    assert list(membership_weights(tables(frame, frame, frame))) == []
    assert list(reiter_hu(tables(frame, frame, frame, target="x"))) == []
    fitted = conjugate(frame, 50, 1)
    assert list(reiter_hu(tables(frame, frame, frame, fitted=fitted))) == []


def reason(measure, *args, **known) -> str:
    (found,) = measure(tables(*args, **known))
    assert np.isnan(found.value)
    return found.reading


def test_what_stops_an_attack_is_said():
    frame = numbers(30, 1)
    fitted = conjugate(frame, 50, 1)
    syn = fitted.synthesize(m=2, random_seed=1)
    own = {"fitted": fitted, "provenance": syn.provenance}
    assert "holdout=" in reason(membership_weights, frame, list(syn), **own)
    assert "hand in what fitted.synthesize returned" in reason(membership_weights, frame, [frame], frame, fitted=fitted)
    other = {**own, "provenance": {**syn.provenance, "draws": [[0, 0], [7, 0]]}}
    assert "draws that this fit does not have" in reason(membership_weights, frame, list(syn), frame, **other)
    kept = {**own, "provenance": {**syn.provenance, "synthesis": "partially"}}
    assert "keep or were given" in reason(membership_weights, frame, list(syn), frame, **kept)
    assert "Needs a fit of a Spec" in reason(membership_weights, frame, list(syn), frame, **{**own, "fitted": object()})


def test_a_fit_without_the_effects_of_its_groups_says_so(clinic):
    original, holdout, fitted = clinic
    syn = fitted.synthesize(m=2, random_seed=1)
    posterior = fitted.idata["posterior"].to_dataset()
    bare = refitted(fitted, posterior[[v for v in posterior.data_vars if "site" not in posterior[v].dims]])
    known = {"fitted": bare, "provenance": syn.provenance, "groups": ("site",)}
    assert "keep_groups=True" in reason(membership_weights, original, list(syn), holdout, **known)
    assert "keep_groups=True" in reason(reiter_hu, original, list(syn), holdout, target="visits", **known)


def test_a_target_of_groups_has_no_risk_of_a_row(clinic):
    original, holdout, fitted = clinic
    found = judged(reiter_hu, original, holdout, fitted, 2, target="beds", groups=("site",))
    assert "no equation at the level of rows" in found.reading


def test_records_that_the_fit_cannot_have_are_left_out_and_counted():
    original = pd.DataFrame({"s": ["a", "b"] * 30, "n": np.arange(60) % 5})
    fitted = settled(bs.Spec("s ~ 1", bs.Equation("n ~ s", family="poisson")), original, 100)
    holdout = pd.DataFrame({"s": ["a", "c", "b", None], "n": [1.0, 2, 2.5, 3]})
    found = judged(membership_weights, original, holdout, fitted, 2)
    assert any("0 training and 2 holdout records" in note for note in found.notes)
