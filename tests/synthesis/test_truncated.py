"""Rules on equations with parameters: what is fitted, what copies hold, and what is refused."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayessynth as bs
from bayessynth.errors import MissingDataError, SpecError, SynthesisError
from bayessynth.fitting.fitted import Fitted
from bayessynth.rules import Rule
from bayessynth.spec import Spec

FEW = {"draws": 250, "tune": 300, "chains": 4, "cores": 1, "random_seed": 1, "progress": False}


def cut(n: int = 3000, floor: float = 1.0) -> pd.DataFrame:
    """Return y = 1 + 0.8 x + e where it is at least 1, about half of the rows lost, the other half kept."""
    rng = np.random.default_rng(7)
    x = rng.standard_normal(n).round(2)
    frame = pd.DataFrame({"x": x, "y": (1.0 + 0.8 * x + rng.standard_normal(n)).round(2)})
    return frame[frame["y"] >= floor].reset_index(drop=True)


def model(*rules: Rule) -> Spec:
    return bs.Spec("x ~ 1", bs.Equation("y ~ x", family="normal"), rules=rules)


@pytest.fixture(scope="module")
def truncated() -> Fitted:
    return model(bs.Range("y", 1, None)).fit(cut(), **FEW)


def mean_sd(fitted: Fitted, name: str) -> tuple[float, float]:
    draws = fitted.idata["posterior"][name].values
    return float(draws.mean()), float(draws.std())


def test_the_truncated_fit_recovers_what_the_plain_one_misses(truncated: Fitted) -> None:
    plain = model().fit(cut(), **FEW)
    assert truncated.bound["y"].family == "truncated_normal" and truncated.provenance["engine"]["y"] != "pymc"
    for name, value in {"y_Intercept": 1.0, "y_x": 0.8, "y_sigma": 1.0}.items():
        mean, sd = mean_sd(truncated, name)
        assert abs(mean - value) < 4 * sd, name
        mean, sd = mean_sd(plain, name)
        assert abs(mean - value) > 8 * sd, name


def test_copies_hold_the_rule_and_have_the_truncated_moments(truncated: Fitted) -> None:
    copy = truncated.synthesize(1, k=1_000_000, random_seed=2)[0]
    assert copy["y"].min() == 1.0
    draws = {name: truncated.idata["posterior"][name].values for name in ("y_Intercept", "y_x", "y_sigma")}
    at = copy[np.abs(copy["x"] - 0.5) < 0.1]["y"]
    mu, sigma = float(np.mean(draws["y_Intercept"] + 0.5 * draws["y_x"])), float(np.mean(draws["y_sigma"]))
    expected = stats.truncnorm((0.995 - mu) / sigma, np.inf, mu, sigma)
    assert at.mean() == pytest.approx(expected.mean(), abs=0.06)
    assert at.std() == pytest.approx(expected.std(), abs=0.06)
    original = cut()
    assert copy["y"].mean() == pytest.approx(original["y"].mean(), abs=0.12)
    assert copy["y"].std() == pytest.approx(original["y"].std(), abs=0.12)


def test_a_saved_fit_makes_the_same_copies(truncated: Fitted, tmp_path: Path) -> None:
    loaded = bs.load(truncated.save(tmp_path / "fit"))
    assert isinstance(loaded, Fitted) and loaded.bound["y"] == truncated.bound["y"]
    pd.testing.assert_frame_equal(loaded.synthesize(1, random_seed=3)[0], truncated.synthesize(1, random_seed=3)[0])


def test_record_likelihoods_and_replicates_are_truncated(truncated: Fitted) -> None:
    tree = truncated.to_datatree(cut(), m=4)
    assert (tree["posterior_predictive"]["y"].values >= 0.995).all()
    logp, draws = tree["log_likelihood"]["y"].values[0, 0], {n: truncated.idata["posterior"][n].values[0, 0]
                                                             for n in ("y_Intercept", "y_x", "y_sigma")}  # fmt: skip
    mu = draws["y_Intercept"] + draws["y_x"] * cut()["x"].to_numpy()
    expected = stats.truncnorm((0.995 - mu) / draws["y_sigma"], np.inf, mu, draws["y_sigma"])
    np.testing.assert_allclose(logp, expected.logpdf(cut()["y"].to_numpy()), rtol=1e-9)


def test_the_prior_predictive_holds_the_rule() -> None:
    copies = model(bs.Range("y", 1, 4)).synthesize_prior(cut()[lambda d: d["y"] <= 4], m=3, random_seed=1)
    assert all(copy["y"].between(1, 4).all() for copy in copies.copies)


def test_every_engine_has_one_posterior() -> None:
    found = {}
    for engine in ("laplace", "kernel"):
        fitted = bs.Spec("x ~ 1", bs.Equation("y ~ x", family="normal"), rules=[bs.Range("y", 1, None)]).fit(
            cut(600), **{**FEW, "engine": engine if engine == "kernel" else "auto"})  # fmt: skip
        found[fitted.provenance["engine"]["y"]] = fitted
    assert set(found) == {"laplace", "kernel"}
    for name in ("y_Intercept", "y_x", "y_sigma"):
        (a, sd), (b, _) = (mean_sd(f, name) for f in found.values())
        assert abs(a - b) < 0.35 * sd


def blood(n: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(9)
    low = rng.normal(80, 10, n).round().clip(45)
    return pd.DataFrame({"diastolic": low, "systolic": np.maximum(low, rng.normal(115, 20, n).round())})


ORDER = bs.Inequality("diastolic", "systolic")


@pytest.fixture(scope="module")
def pressures() -> Fitted:
    spec = bs.Spec(bs.Equation("diastolic ~ 1", family="normal"),
                   bs.Equation("systolic ~ diastolic", family="normal"), rules=[ORDER])  # fmt: skip
    return spec.fit(blood(), **FEW)


def test_the_column_that_is_drawn_last_is_narrowed(pressures: Fitted) -> None:
    assert [e.family for e in pressures.bound.equations] == ["normal", "truncated_normal"]
    for copy in pressures.synthesize(3, k=20_000, random_seed=1).copies:
        assert not ORDER.violations(copy).any()
        assert (copy["systolic"] == copy["diastolic"]).any()
    other = bs.Spec(bs.Equation("systolic ~ 1", family="normal"),
                    bs.Equation("diastolic ~ systolic", family="normal"), rules=[ORDER])  # fmt: skip
    turned = other.fit(blood(), **FEW)
    assert [e.family for e in turned.bound.equations] == ["normal", "truncated_normal"]
    assert not ORDER.violations(turned.synthesize(1, k=20_000, random_seed=1)[0]).any()


def test_given_values_upstream_and_downstream(pressures: Fitted) -> None:
    given = pd.DataFrame({"diastolic": np.full(2000, 120.0)})
    copy = pressures.synthesize(1, given=given, random_seed=1)[0]
    assert (copy["systolic"] >= 120).all()
    below = pressures.synthesize(1, given=pd.DataFrame({"systolic": np.full(500, 70.0)}), random_seed=1)[0]
    assert (below["diastolic"] <= 70).all() and (below["systolic"] == 70).all()
    wanted = pressures.synthesize(1, k=300, where={"systolic": (None, 90)}, random_seed=1)[0]
    assert (wanted["systolic"] <= 90).all() and not ORDER.violations(wanted).any()
    with pytest.raises(SynthesisError, match=r"given= breaks the rule Inequality\('diastolic', 'systolic'\)"):
        pressures.synthesize(1, given=pd.DataFrame({"diastolic": [99.0], "systolic": [80.0]}))


def test_levels_that_do_not_go_together_are_left_out() -> None:
    rng = np.random.default_rng(11)
    sex = rng.choice(["f", "m"], 500)
    ward = np.where(sex == "f", rng.choice(["birth", "eye", "heart"], 500), rng.choice(["eye", "heart"], 500))
    table = pd.DataFrame({"sex": sex, "ward": ward})
    fitted = bs.Spec("sex ~ 1", "ward ~ sex", rules=[bs.Combinations("sex", "ward")]).fit(table, **FEW)
    assert [e.family for e in fitted.bound.equations] == ["bernoulli", "restricted_categorical"]
    copy = fitted.synthesize(1, k=100_000, random_seed=1)[0]
    assert not ((copy["sex"] == "m") & (copy["ward"] == "birth")).any()
    want = table.groupby("sex")["ward"].value_counts(normalize=True)
    have = copy.groupby("sex")["ward"].value_counts(normalize=True)
    assert (want - have).abs().max() < 0.1


def test_missing_cells_within_ends(truncated: Fitted) -> None:
    table = cut(800)
    table["z"] = (table["y"] + np.random.default_rng(1).standard_normal(len(table))).round(2)
    table.loc[:20, "y"] = np.nan
    spec = bs.Spec("x ~ 1", bs.Equation("y ~ x", family="normal"), bs.Equation("z ~ y", family="normal"),
                   rules=[bs.Range("y", 1, None)])  # fmt: skip
    fitted = spec.fit(table, missing="model", **FEW)
    assert fitted.provenance["imputed"]
    copy = fitted.synthesize(1, k=5000, random_seed=1)[0]
    assert copy["y"].min() >= 1.0 and copy["y"].isna().any()


def test_missing_cells_of_a_limit() -> None:
    table = blood()
    table.loc[:9, "diastolic"] = np.nan
    spec = bs.Spec(bs.Equation("diastolic ~ 1", family="normal"), bs.Equation("systolic ~ 1", family="normal"),
                   rules=[ORDER])  # fmt: skip
    with pytest.raises(MissingDataError, match=r"'diastolic' is missing in 10 of 400 rows .* limits by Inequality"):
        spec.fit(table, missing="model", **FEW)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        dropped = spec.fit(table, missing="drop", **FEW)
    assert any("'systolic': 10 of 400 rows (2.5%) left out because cells are missing in diastolic" in str(w.message)
               for w in told)  # fmt: skip
    assert dropped.provenance["rows"]["systolic"] == 390


@pytest.mark.parametrize(("family", "formula"), [("uniform", "age ~ 1"), ("normal", "age ~ female + (1 | site)")])
def test_the_first_example_with_a_range_of_ages(family: str, formula: str) -> None:
    table = bs.datasets.load("rand_hie").query("year == 1").sample(800, random_state=1).reset_index(drop=True)
    spec = bs.Spec("female ~ 1", bs.Equation(formula, family=family), rest="drop", rules=[bs.Range("age", 0, 110)])
    fitted = spec.fit(table, **FEW)
    copies = fitted.synthesize(m=2, k=20_000, random_seed=2).copies
    assert all(copy["age"].between(0, 110).all() for copy in copies)
    assert fitted.bound["age"].family == f"truncated_{family}"


def test_what_cannot_be_drawn_within_limits() -> None:
    table = cut(200)
    with pytest.raises(SpecError, match=r"'y', which family 'weibull' cannot .*Families that can: .*'gamma'.*'tree'"):
        bs.Spec("x ~ 1", bs.Equation("y ~ x", family="weibull"), rules=[bs.Range("y", 1, None)]).fit(table)
    table["answer"] = np.where(table["x"] > 0, table["y"], np.nan)
    skip = bs.Skip("answer", where="x", below=0.01)
    with pytest.raises(SpecError, match=r"decides in which rows 'answer' is missing, which only family='tree'"):
        bs.Spec("x ~ 1", bs.Equation("answer ~ x", family="normal"), rest="drop", rules=[skip]).fit(
            table, missing="drop")  # fmt: skip
    with pytest.raises(SpecError, match=r"rule Range\('y', 1, None\) .*statistics"):
        model(bs.Range("y", 1, None)).sufficient_statistics(table[["x", "y"]])


def test_contradictions_at_generation_name_the_rules(pressures: Fitted) -> None:
    own = pressures.bound["systolic"].truncation
    assert own is not None
    with pytest.raises(SynthesisError, match=r"'systolic' no value in 1 of 2 rows, the first is row 1: Inequality"):
        own.require({"lower": np.array([1.0, np.inf]), "upper": np.array([2.0, -np.inf])})
