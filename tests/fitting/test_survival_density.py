"""Censored, entered late and in intervals: the kernels' density of latent times is that of their PyMC graph."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.design import Bound, Data, bind, component
from tests.fitting.test_density import agree

FAMILIES = ("exponential", "weibull", "loglogistic", "lognormal", "piecewise")


def watched(n: int = 240) -> pd.DataFrame:
    """Return times of two causes with censoring, entry, ends of intervals, sites and predictors."""
    rng = np.random.default_rng(3)
    x, site = rng.standard_normal(n).round(2), rng.integers(0, 8, n)
    entry = np.where(rng.random(n) < 0.4, rng.uniform(0.0, 1.0, n), 0.0).round(2)
    latent = entry[:, None] + rng.exponential(np.exp(1.0 - 0.5 * x[:, None] * np.array([1.0, 0.0, 0.2])) * 2.0, (n, 3))
    time = (latent.min(axis=1) + 0.01).round(2)
    end = np.array(["relapse", "died", "censored"])[latent.argmin(axis=1)]
    upper = np.where(rng.random(n) < 0.3, time + rng.uniform(0.1, 2.0, n), time).round(2)
    return pd.DataFrame({"x": x, "site": site, "entry": entry, "time": time, "end": end, "upper": upper})


def bound(family: str, **options: str) -> tuple[Bound, Data]:
    data = watched()
    if "until" in options:
        data["end"] = data["end"].replace("died", "relapse")
    survival = bs.Survival("time ~ x + (1 | site)", event="end", family=family, **options)
    return bind(bs.Spec(survival, rest="keep"), data)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_cause_agrees_with_pymc(family: str) -> None:
    made, data = bound(family)
    assert [e.response for e in made.equations] == ["time_died", "time_relapse", "time_censored"]
    for column in ("time_relapse", "time_censored"):
        agree(component(made, data, column))


@pytest.mark.parametrize("family", FAMILIES)
def test_entry_and_intervals_agree_with_pymc(family: str) -> None:
    made, data = bound(family, entry="entry", until="upper")
    own = component(made, data, "time")
    assert set(own.beside) == {"event", "entry", "upper"}
    agree(own)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_cured_share_agrees_with_pymc(family: str) -> None:
    made, data = bound(family, entry="entry", until="upper", cure="~ x")
    assert made["time"].family == f"cure_{family}"
    agree(component(made, data, "time"))


@pytest.mark.parametrize("cure", (None, "~ x"))
def test_strata_agree_with_pymc(cure: str | None) -> None:
    data = watched().assign(stage=np.tile(["I", "II", "III"], 80))
    data["end"] = data["end"].replace("died", "relapse")
    survival = bs.Survival(
        "time ~ x + (1 | site)", event="end", entry="entry", until="upper", strata="stage", cure=cure
    )
    made, rows = bind(bs.Spec(survival, rest="keep"), data)
    own = component(made, rows, "time")
    width = made["time"].cause.width
    assert set(own.beside["shift"]) == {0.0, width, 2 * width} and width > 2 * data["upper"].max()
    assert {width, 2 * width} <= set(made["time"].options["cuts"])
    agree(own)


def test_rows_of_each_cause_are_events_once() -> None:
    made, data = bound("piecewise")
    events = sum(component(made, data, e.response).beside["event"] for e in made.equations)
    np.testing.assert_array_equal(events, np.ones(240))
