"""Analyses of survival times against statsmodels, hand computation and simulation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight, survdiff

import bayessynth as bs
from bayessynth.errors import DataError
from bayessynth.inference import Estimate
from bayessynth.inference.product_limit import product_limit
from bayessynth.inference.registry import prepared


@pytest.fixture(scope="module")
def trial() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    n = 300
    arm = rng.choice(["a", "b", "c"], n)
    time, other, limit = rng.exponential(np.exp(0.4 * (arm == "b"))), rng.exponential(3.0, n), rng.uniform(0.3, 3.0, n)
    end = np.select([(time <= other) & (time <= limit), other <= limit], ["died", "moved"], "censored")
    return pd.DataFrame({"arm": arm, "time": np.minimum.reduce([time, other, limit]).round(2) + 0.01, "end": end,
                         "died": (end == "died").astype(int)})  # fmt: skip


def run(model: str, formula: str, table: pd.DataFrame, **options: object) -> Estimate:
    return prepared(model, [table], formula, options)(table)


def test_kaplan_meier_is_that_of_statsmodels(trial: pd.DataFrame) -> None:
    times = [0.4, 1.0, 1.7]
    found = run("kaplan_meier", "time ~ arm", trial, event="died", at=times)
    assert found.names[:4] == ("S(0.4)[a]", "S(1)[a]", "S(1.7)[a]", "S(0.4)[b]")
    own = trial[trial["arm"] == "b"]
    other = SurvfuncRight(own["time"], own["died"])
    place = np.searchsorted(other.surv_times, times, side="right") - 1
    assert found.values[3:6] == pytest.approx(other.surv_prob[place])
    assert np.sqrt(np.diag(found.covariance))[3:6] == pytest.approx(other.surv_prob_se[place])
    assert set(found.scales) == {"loglog"}
    assert (found.covariance[:3, 3:] == 0).all() and (found.covariance[0, 1] > 0).all()


def test_covariance_between_times_is_that_of_samples() -> None:
    rng = np.random.default_rng(1)
    draws, means = [], []
    for _ in range(400):
        table = pd.DataFrame({"t": rng.exponential(1.0, 150), "d": rng.random(150) < 0.8})
        found = run("kaplan_meier", "t ~ 1", table, event="d", at=[0.5, 1.0])
        draws.append(found.values)
        means.append(found.covariance)
    np.testing.assert_allclose(np.cov(np.array(draws).T), np.mean(means, axis=0), rtol=0.2)


def test_aalen_johansen_by_hand() -> None:
    # At 1: one of 5 has cause 1. At 2: censored. At 3: one of 3 has cause 2, one cause 1. At 4: the last has cause 1.
    found = product_limit(np.array([1, 2, 3, 3, 4]), np.array([1, 0, 2, 1, 1]), causes=2)
    assert found.survival.tolist() == pytest.approx([0.8, 0.8 / 3, 0.0])
    assert found.incidence[:, 0].tolist() == pytest.approx([0.2, 0.2 + 0.8 / 3, 0.2 + 1.6 / 3])
    assert found.incidence[:, 1].tolist() == pytest.approx([0.0, 0.8 / 3, 0.8 / 3])
    survival, _, incidence = found.at(np.array([0.5, 3.5]))
    assert survival.tolist() == pytest.approx([1.0, 0.8 / 3])
    assert incidence.sum(axis=1).tolist() == pytest.approx([0.0, 1 - 0.8 / 3])


def test_incidence_is_that_of_statsmodels(trial: pd.DataFrame) -> None:
    code = trial["end"].map({"censored": 0, "died": 1, "moved": 2}).to_numpy()
    found = product_limit(trial["time"].to_numpy(), code, causes=2)
    with np.errstate(all="ignore"):  # of its standard errors, where nobody is left
        other = CumIncidenceRight(trial["time"], code)
    for k in range(2):
        place = np.searchsorted(other.times, found.times)
        assert found.incidence[:, k] == pytest.approx(other.cinc[k][place])


def test_late_entries_are_watched_from_then_on() -> None:
    time, entry = np.array([2.0, 3.0, 4.0]), np.array([0.0, 2.5, 0.0])
    assert product_limit(time, np.ones(3), entry).survival.tolist() == pytest.approx([0.5, 0.25, 0.0])


def test_rmst_is_the_area_under_the_curve(trial: pd.DataFrame) -> None:
    found = run("rmst", "time ~ arm", trial, event="died", until=1.5)
    means = []
    for arm in "abc":
        own = trial[trial["arm"] == arm]
        other = SurvfuncRight(own["time"], own["died"])
        grid = np.linspace(0, 1.5, 300_001)[:-1]
        steps = np.concatenate([[1.0], other.surv_prob])[np.searchsorted(other.surv_times, grid, side="right")]
        means.append(steps.mean() * 1.5)
    expected = [means[0], means[1] - means[0], means[2] - means[0]]
    assert found.values == pytest.approx(expected, abs=1e-4)
    assert found.names == ("rmst[a]", "rmst[b] - rmst[a]", "rmst[c] - rmst[a]")
    assert found.covariance[1, 2] == pytest.approx(found.covariance[0, 0])


def test_rmst_without_censoring_has_the_variance_of_a_mean() -> None:
    time = np.random.default_rng(2).exponential(1.0, 60)
    found = run("rmst", "t ~ 1", pd.DataFrame({"t": time, "d": 1.0}), event="d", until=1.2)
    held = np.minimum(time, 1.2)
    assert found.values[0] == pytest.approx(held.mean())
    assert found.covariance[0, 0] == pytest.approx(held.var() / 60)


@pytest.mark.parametrize("arms", [["a", "b"], ["a", "b", "c"]])
def test_logrank_is_that_of_statsmodels(trial: pd.DataFrame, arms: list[str]) -> None:
    own = trial[trial["arm"].isin(arms)]
    found = run("logrank", "time ~ arm", own, event="died")
    statistic, _ = survdiff(own["time"], own["died"], own["arm"])
    assert found.values @ np.linalg.solve(found.covariance, found.values) == pytest.approx(statistic)
    cox = run("cox", "time ~ arm", own, event="died")
    assert found.values == pytest.approx(cox.values, abs=0.1)


def test_a_cause_of_several_is_named(trial: pd.DataFrame) -> None:
    one = run("logrank", "time ~ arm", trial, event="end", cause="died")
    assert one.values == pytest.approx(run("logrank", "time ~ arm", trial, event="died").values)


def test_pooled_over_copies(trial: pd.DataFrame) -> None:
    copies = [trial.sample(300, replace=True, random_state=i) for i in range(3)]
    pooled = bs.pool(copies, "time ~ arm", model="rmst", event="died", until=1.5, rule="proper", n=300)
    assert "rmst[a]" in str(pooled)


@pytest.mark.parametrize(
    ("model", "formula", "options", "message"),
    [
        ("rmst", "time ~ arm", {"until": 1.0}, "event='status'"),
        ("rmst", "time ~ arm", {"event": "died"}, "until=1095, not None"),
        ("rmst", "time ~ arm", {"event": "died", "until": 99}, "nobody of '.' is followed until 99"),
        ("rmst", "time ~ arm", {"event": "end", "cause": "dead", "until": 1}, "'dead' is no value of 'end'"),
        ("logrank", "time ~ 1", {"event": "died"}, "compares arms"),
        ("kaplan_meier", "time ~ arm", {"event": "died"}, "at="),
        ("kaplan_meier", "time ~ arm", {"event": "died", "at": [1e-6]}, "Survival is 0 or 1"),
        ("kaplan_meier", "tim ~ arm", {"event": "died", "at": [1]}, "tim"),
    ],
)
def test_errors(trial: pd.DataFrame, model: str, formula: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        run(model, formula, trial, **options)
