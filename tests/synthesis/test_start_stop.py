"""Rows from start to stop: effects of what changes with time recovered, rows that tile, nothing after an event."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import SynthesisError
from bayessynth.inference.product_limit import product_limit
from tests.fitting.test_storage import contents
from tests.panels import EFFECTS, visits

ROWS = {"unit": "id", "time": "start"}
MARKER = bs.Equation("x ~ lag(x) + first(x)", family="normal")
SPEC = bs.Spec("treat ~ 1", MARKER, bs.Survival("(start, stop) ~ treat + x", event="d", censoring="~ 1"), **ROWS)


@pytest.fixture(scope="module")
def panel() -> pd.DataFrame:
    return visits()


@pytest.fixture(scope="module")
def fitted(panel: pd.DataFrame) -> bs.Fitted:
    return SPEC.fit(panel, draws=500, random_seed=1, cores=1, progress=False)


@pytest.fixture(scope="module")
def copies(fitted: bs.Fitted) -> list[pd.DataFrame]:
    return list(fitted.synthesize(m=10, random_seed=2))


def last(frame: pd.DataFrame) -> pd.Series:
    return ~frame.duplicated("id", keep="last")


def test_effects_are_recovered(fitted: bs.Fitted) -> None:
    assert fitted.diagnose().verdict == "pass", fitted.diagnose()
    table = fitted.summary()[["mean", "sd"]].astype(float)
    for name, value in EFFECTS.items():
        mean, sd = table.loc[f"stop_{name}"]
        assert abs(mean - value) < 3.5 * sd and sd < 0.25, name


def test_rows_tile_and_nothing_follows_an_event(copies: list[pd.DataFrame], panel: pd.DataFrame) -> None:
    for copy in copies:
        assert copy.dtypes.equals(panel.dtypes) and list(copy) == list(panel)
        assert (copy["stop"] > copy["start"]).all()
        before = copy.groupby("id")["stop"].shift()
        assert (copy["start"] == before.fillna(0.0)).all()
        assert not copy.loc[~last(copy), "d"].any() and copy.groupby("id")["treat"].nunique().max() == 1
        assert copy["stop"].max() <= panel["stop"].max() == 8.0


def test_pooled_cox_regression_with_entry(fitted: bs.Fitted, panel: pd.DataFrame) -> None:
    copies = fitted.synthesize(m=20, random_seed=3)
    found = bs.compare(panel, copies, "stop ~ treat + x", "cox", event="d", entry="start")
    pooled = found.table["copies"]
    for name, value in EFFECTS.items():
        assert pooled[name] == pytest.approx(value, abs=0.45), name
    assert found.overlap > 0.8, found
    # Rows of a person are one history to it, and as many persons to an analysis that knows no entry.
    assert "Rows are grouped" not in repr(copies.pool("stop ~ treat + x", model="cox", event="d", entry="start"))
    with warnings.catch_warnings(action="ignore", category=bs.errors.PoolingWarning):
        assert "Rows are grouped by id" in repr(copies.pool("stop ~ treat + x", model="cox", event="d"))


def test_units_last_as_long_and_come_as_often(copies: list[pd.DataFrame], panel: pd.DataFrame) -> None:
    together = pd.concat([c.assign(id=[f"{j}-{i}" for i in c["id"]]) for j, c in enumerate(copies)])
    for frame in (panel, together):
        gaps = (frame["stop"] - frame["start"])[~last(frame)]
        assert gaps.between(0.3999, 1.2001).mean() > 0.99
    means = [f.groupby("id").size().mean() for f in (panel, together)]
    assert means[1] == pytest.approx(means[0], abs=4 * panel.groupby("id").size().std() / np.sqrt(300))
    shares = [f.groupby("id")["d"].sum().mean() for f in (panel, together)]
    assert shares[1] == pytest.approx(shares[0], abs=4 * np.sqrt(0.25 / 300))
    grid = np.linspace(0.5, 7.5, 8)
    curves = [product_limit(*(f[c].to_numpy() for c in ("stop", "d", "start"))).at(grid)[0] for f in (panel, together)]
    np.testing.assert_allclose(*curves, atol=0.1)


def test_it_is_saved_without_a_record_and_draws_the_same_bytes(
    fitted: bs.Fitted, copies: list[pd.DataFrame], panel: pd.DataFrame, tmp_path: Path
) -> None:
    fitted.save(tmp_path / "fit")
    again = list(bs.load(tmp_path / "fit").synthesize(m=10, random_seed=2))
    pd.testing.assert_frame_equal(again[3], copies[3])
    arrays, _ = contents(tmp_path / "fit")
    kept = np.unique(np.concatenate([a.ravel().astype(float) for a in arrays if a.dtype.kind in "iuf"]))
    lone = panel.loc[~panel["x"].duplicated(keep=False), "x"]
    assert len(lone) > 300 and not np.isin(lone, kept).any()


def test_what_is_given(fitted: bs.Fitted) -> None:
    treated = fitted.synthesize(m=4, random_seed=1, do={"treat": 1})
    others = fitted.synthesize(m=4, random_seed=1, do={"treat": 0})
    rates = [np.mean([c["d"].sum() / (c["stop"] - c["start"]).sum() for c in s]) for s in (treated, others)]
    assert rates[0] < 0.75 * rates[1]
    given = fitted.synthesize(m=1, random_seed=1, given=pd.DataFrame({"treat": [0, 1, 1]})).copies[0]
    assert given.groupby("id")["treat"].first().tolist() == [0, 1, 1]
    with pytest.raises(SynthesisError, match="how many rows a unit has follows from when its event comes"):
        fitted.synthesize(m=1, given=pd.DataFrame({"id": [1, 1], "treat": [0, 0]}))
    with pytest.raises(SynthesisError, match="'d', which is or depends on the survival time 'stop'"):
        fitted.synthesize(m=1, given=pd.DataFrame({"d": [0, 1]}))


def test_causes_lags_and_a_first_row_of_its_own(panel: pd.DataFrame) -> None:
    rng = np.random.default_rng(5)
    cause = np.where(panel["d"] == 0, "censored", np.where(rng.random(len(panel)) < 0.7, "died", "moved"))
    survival = bs.Survival("(start, stop) ~ treat + lag(x)", event="d", family="weibull", causes={"moved": "~ 1"})
    spec = SPEC.replace(survival)
    fit = spec.fit(panel.assign(d=cause), draws=100, chains=2, random_seed=1, cores=1, progress=False)
    names = set(fit.summary().index)
    assert {"stop_died_lag(x)", "stop_died_first_treat", "stop_moved_Intercept", "stop_censored_first_treat"} <= names
    assert not {"stop_died_first_lag(x)", "stop_moved_treat"} & names
    copy = fit.synthesize(m=2, random_seed=2, force=True).copies[0]
    assert set(copy.loc[~last(copy), "d"]) == {"censored"} and set(copy["d"]) == {"censored", "died", "moved"}
    own = fit.synthesize(m=2, random_seed=2, force=True).provenance["survivals"][0]
    assert own["causes"] == ["died", "moved"] and own["entry"] == "start" and own["time"] == "stop"


def test_curves_of_rows_are_checked(fitted: bs.Fitted, panel: pd.DataFrame) -> None:
    result = bs.evaluate(panel, fitted.synthesize(m=5, random_seed=4), measures=["survival_curves"])
    values = {m.name: m for m in result.measures}
    assert values["survival_curves_stop"].value > 0.8
    assert "units" in values["censored_stop"].reading
    assert values["censored_stop"].reference == pytest.approx(1.0 - panel.groupby("id")["d"].sum().mean())


def test_the_rest_is_drawn_by_trees_before_the_event(panel: pd.DataFrame) -> None:
    survival = bs.Survival("(start, stop) ~ treat + x", event="d", censoring="~ 1")
    spec = bs.Spec(survival, rest="tree", **ROWS)
    fit = spec.fit(panel.query("id < 120"), draws=100, chains=2, random_seed=1, cores=1, progress=False)
    order = [e.response for e in fit.bound.equations]
    assert order.index("x") < order.index("due(start)") < order.index("stop")
    assert not {"stop", "d"} & set(fit.bound["x"].reads)
    copy = fit.synthesize(m=2, random_seed=2, force=True).copies[0]
    assert (copy["start"] == copy.groupby("id")["stop"].shift().fillna(0.0)).all()
