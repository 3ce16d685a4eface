"""Checks of the fit: convergence, LOO-PIT, prior sensitivity."""

from __future__ import annotations

import logging

import arviz_stats
import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayessynth as bs
from bayessynth.evaluation.checks.diagnostics import diagnostics
from bayessynth.evaluation.checks.loo_pit import loo_pit, pit_of
from bayessynth.evaluation.checks.prior_sensitivity import CONFLICT, NONE, STRONG, prior_sensitivity
from bayessynth.evaluation.tables import Tables, read_tables
from bayessynth.fitting.diagnose import Diagnosis
from tests.clinics import clinics
from tests.clinics import spec as clinics_spec
from tests.evaluation import exact
from tests.handmade import handmade

VAGUE = exact.spec(bs.Prior("Normal", mu=0, sigma=50), bs.Prior("HalfNormal", sigma=50))


def tables_of(fitted: bs.Fitted, frame: pd.DataFrame, **known) -> Tables:
    return read_tables(frame, [frame], fitted=fitted, **known)


def normal(n: int, seed: int = 1, mu: float = 1.0) -> pd.DataFrame:
    return pd.DataFrame({"x": np.random.default_rng(seed).normal(mu, 2, n)})


def test_without_a_fit_there_is_nothing_to_check():
    frame = normal(20)
    for check in (diagnostics, loo_pit, prior_sensitivity):
        assert list(check(read_tables(frame, [frame]))) == []


def test_the_fits_verdict_becomes_a_measure():
    frame = normal(30)
    fitted = handmade(VAGUE, frame, draws=300)
    table = pd.DataFrame(
        {"equation": ["x", "y"], "rhat": [1.002, 1.2], "ess_bulk": [900.0, 30.0], "ess_tail": [700.0, 20.0],
         "divergences": [0, 3], "bfmi": [1.0, 0.9], "parameter": ["", "y_sigma"], "verdict": ["pass", "fail"]}
    )  # fmt: skip
    fitted.__dict__["_diagnosis"] = Diagnosis("fail", ("y: chains disagree.",), table)
    (found,) = diagnostics(tables_of(fitted, frame))
    assert (found.value, found.reference, found.verdict, found.restricted) == (1.2, 1.0, "fail", False)
    assert list(found.detail["equation"]) == ["y", "x"]
    assert "1.200" in found.reading
    assert "20" in found.reading
    assert found.notes == ("y: chains disagree.",)


def test_a_verdict_in_the_provenance_stands_for_the_fit():
    frame = normal(20)
    (found,) = diagnostics(read_tables(frame, [frame], provenance={"verdict": "fail"}))
    assert (found.verdict, found.restricted) == ("fail", False)
    assert list(diagnostics(read_tables(frame, [frame], provenance={"verdict": "prior"}))) == []


def test_the_transform_is_students_with_the_row_left_out():
    """With vague priors, the predictive distribution of a left-out cell is Student's t (Gelman et al. 2013, 3.2)."""
    frame = normal(40)
    y = frame["x"].to_numpy()
    pit, khat, n = pit_of(tables_of(exact.fit(VAGUE, frame), frame), "x")
    others = [np.delete(y, i) for i in range(40)]
    scale = [o.std(ddof=1) * np.sqrt(1 + 1 / 39) for o in others]
    expected = stats.t.cdf([(v - o.mean()) / s for v, o, s in zip(y, others, scale, strict=True)], df=38)
    assert n == 40
    assert np.abs(pit - expected).max() < 0.06  # four standard errors of a share of 1,000 draws
    assert abs((pit - expected).mean()) < 0.01
    assert (khat < 0.7).all()


def test_a_right_model_passes_and_too_narrow_a_one_fails():
    frame = normal(1500)
    fitted = exact.fit(VAGUE, frame)
    (right,) = loo_pit(tables_of(fitted, frame, max_rows=600))
    assert right.verdict == "pass"
    assert right.value < 0.05
    assert any("600 rows" in note and "1,500" in note for note in right.notes)
    fitted.idata["posterior"]["x_sigma"] = fitted.idata["posterior"]["x_sigma"] * 0.5
    (narrow,) = loo_pit(tables_of(fitted, frame, max_rows=600))
    assert narrow.verdict == "fail"
    assert "too narrow" in narrow.reading
    fitted.idata["posterior"]["x_sigma"] = fitted.idata["posterior"]["x_sigma"] * 4
    (wide,) = loo_pit(tables_of(fitted, frame, max_rows=600))
    assert wide.verdict == "fail"
    assert "too wide" in wide.reading


def test_discrete_columns_are_randomised_to_uniform():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"sick": rng.random(400) < 0.3})
    fitted = handmade(bs.Spec("sick ~ 1"), frame, draws=250, chains=4)
    share = rng.beta(frame["sick"].sum() + 1, (~frame["sick"]).sum() + 1, (4, 250))
    fitted.idata["posterior"]["sick_Intercept"][:] = np.log(share / (1 - share))
    (found,) = loo_pit(tables_of(fitted, frame))
    assert found.verdict == "pass"
    pit, _, _ = pit_of(tables_of(fitted, frame), "sick")
    assert len(np.unique(pit)) == 400


def test_sensitivities_are_arvizs():
    frame = normal(15)
    fitted = exact.fit(exact.spec(), frame)
    (found,) = prior_sensitivity(tables_of(fitted, frame))
    logging.disable(logging.WARNING)
    expected = arviz_stats.psense_summary(fitted.to_datatree(frame, column="x"), round_to=10)
    logging.disable(logging.NOTSET)
    table = found.detail.set_index("parameter")
    for own, theirs in (("Intercept", "x_Intercept"), ("sigma", "x_sigma")):
        assert table.loc[own, "prior"] == pytest.approx(expected.loc[theirs, "prior"], abs=1e-9)
        assert table.loc[own, "likelihood"] == pytest.approx(expected.loc[theirs, "likelihood"], abs=1e-9)


def test_vague_priors_pass_and_a_prior_against_the_data_is_named():
    frame = normal(200)
    (vague,) = prior_sensitivity(tables_of(exact.fit(VAGUE, frame), frame))
    assert vague.verdict == "pass"
    assert set(vague.detail["diagnosis"]) == {NONE}
    against = exact.spec(bs.Prior("Normal", mu=6, sigma=0.5))
    few = normal(20)
    (found,) = prior_sensitivity(tables_of(exact.fit(against, few), few))
    assert found.verdict == "warn"
    first = found.detail.iloc[0]
    assert (first["parameter"], first["diagnosis"]) == ("Intercept", CONFLICT)
    assert found.value > found.reference
    strong = exact.spec(bs.Prior("Normal", mu=1, sigma=0.01))
    (held,) = prior_sensitivity(tables_of(exact.fit(strong, few), few))
    assert held.detail.set_index("parameter").loc["Intercept", "diagnosis"] == STRONG
    assert held.verdict in ("info", "warn")


def test_the_likelihood_in_parts_is_that_of_all_rows(monkeypatch):
    frame = normal(50)
    fitted = exact.fit(exact.spec(), frame)
    (whole,) = prior_sensitivity(tables_of(fitted, frame))
    monkeypatch.setattr("bayessynth.evaluation.checks.likelihood.ENTRIES", 7000)
    (parts,) = prior_sensitivity(tables_of(fitted, frame))
    columns = ["prior", "likelihood"]
    assert parts.detail[columns].to_numpy() == pytest.approx(whole.detail[columns].to_numpy(), abs=1e-9)


def test_checks_reach_every_equation_of_a_hierarchical_fit():
    frame = clinics()
    fitted = handmade(clinics_spec(), frame, draws=60)
    tables = tables_of(fitted, frame, groups=("site",))
    (pit,) = loo_pit(tables)
    assert set(pit.detail["equation"]) == {"beds", "female", "pressure", "visits"}
    assert pit.detail.set_index("equation").loc["beds", "rows"] == 30
    (sensitive,) = prior_sensitivity(tables)
    names = set(sensitive.detail["equation"] + ": " + sensitive.detail["parameter"])
    assert {"pressure: 1|site_sd", "pressure: sigma", "visits: female"} <= names
    assert sum("site_corr" in n for n in names) == 1
    assert not any(n.endswith("|site") for n in names)


def test_another_table_or_another_kind_of_fit_is_refused_with_the_reason():
    frame = normal(30)
    fitted = handmade(VAGUE, frame)
    (found,) = loo_pit(tables_of(fitted, normal(30, seed=2)))
    assert np.isnan(found.value)
    assert "not the data that were fitted" in found.reading
    foreign = read_tables(frame, [frame], fitted=object())
    for check in (loo_pit, prior_sensitivity):
        (refused,) = check(foreign)
        assert "Needs a fit of a spec" in refused.reading


def test_a_spec_without_priors_to_scale_says_so():
    frame = pd.DataFrame({"x": [0.5, 1.5, 2.5, 3.5]})
    fitted = handmade(bs.Spec(bs.Equation("x ~ 1", family="uniform")), frame)
    (found,) = prior_sensitivity(tables_of(fitted, frame))
    assert "No parameter" in found.reading
    assert list(loo_pit(tables_of(fitted, frame))) == []
