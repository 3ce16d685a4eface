"""Copies of times known to lie in intervals: inspected as the original is, at common visits or each by itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayessynth as bs
from bayessynth.design.inspection import inspections
from bayessynth.synthesis.inspected import around, habits_of

N = 1200


def fitted(data: pd.DataFrame) -> bs.Fitted:
    spec = bs.Spec("x ~ 1", bs.Survival("t ~ x", event="d", family="weibull", until="u", censoring="~ 1"))
    return spec.fit(data, random_seed=1, cores=1, progress=False, draws=200)


def at_visits(share: float) -> pd.DataFrame:
    """Events between visits at 2, 4, …, 12 of which each is attended with one probability, the last one by all."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=N)
    t, visits = 6.0 * rng.weibull(1.8, N) * np.exp(0.3 * x), np.arange(2.0, 13.0, 2.0)
    came = rng.random((N, 6)) < share
    came[:, -1] = True
    before = visits < t[:, None]
    low = np.where(came & before, visits, 0.0).max(axis=1)
    high = np.where(came & ~before, visits, np.inf).min(axis=1)
    event = np.isfinite(high)
    return pd.DataFrame({"x": x, "t": low, "u": np.where(event, high, low), "d": event.astype(int)})


def at_own_times() -> pd.DataFrame:
    """Each record has inspections of its own, with gaps that are gamma; a third of the events are seen at once."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=N)
    t, limit = 60.0 * rng.weibull(1.8, N) * np.exp(0.3 * x), rng.uniform(20, 150, N)
    seen = np.cumsum(rng.gamma(4.0, 2.0, (N, 200)), axis=1)
    low = np.where(seen < t[:, None], seen, 0.0).max(axis=1)
    high = np.where(seen >= t[:, None], seen, np.inf).min(axis=1)
    exact, event = rng.random(N) < 1 / 3, t < limit
    low = np.where(event, np.where(exact, t, low), limit).round(2)
    return pd.DataFrame(
        {"x": x, "t": low, "u": np.where(event & ~exact, high.round(2), low), "d": event.astype(int)}
    ).query("t > 0 or u > t")  # fmt: skip


@pytest.mark.parametrize("share", [0.7, 1.0])
def test_visits_in_common_are_those_of_copies_and_are_missed_as_often(share: float) -> None:
    data = at_visits(share)
    fit = fitted(data)
    own = fit.bound.survivals[0].inspection
    assert own is not None and own.visits == (2.0, 4.0, 6.0, 8.0, 10.0, 12.0) and own.exact == 0 and own.ends
    together = pd.concat(fit.synthesize(m=10, random_seed=2))
    assert set(together["t"]) <= {0.0, *own.visits} and set(together["u"]) <= set(own.visits)
    assert together["d"].mean() == pytest.approx(data["d"].mean(), abs=0.04)
    event = together["d"] == 1
    assert (together["u"] > together["t"])[event].all() and (together["u"] == together["t"])[~event].all()
    widths = [(f["u"] - f["t"])[f["d"] == 1].value_counts(normalize=True) for f in (data, together)]
    for width in widths[0].index:
        assert widths[1].get(width, 0.0) == pytest.approx(widths[0][width], abs=0.05)


def test_widths_of_own_inspections_and_shares_are_those_of_the_original() -> None:
    data = at_own_times()
    fit = fitted(data)
    own = fit.bound.survivals[0].inspection
    assert own is not None and own.visits == ()
    copies = list(fit.synthesize(m=10, random_seed=2))
    for name, of in {
        "exact": lambda f: ((f["d"] == 1) & (f["u"] == f["t"])).mean(),
        "interval": lambda f: ((f["d"] == 1) & (f["u"] > f["t"])).mean(),
        "from 0": lambda f: (f["t"] == 0).mean(),
    }.items():
        assert np.mean([of(c) for c in copies]) == pytest.approx(of(data), abs=0.03), name
    widths = [(f["u"] - f["t"])[(f["u"] > f["t"]) & (f["t"] > 0)] for f in (data, copies[0])]
    for q in (0.1, 0.5, 0.9):
        assert widths[1].quantile(q) == pytest.approx(widths[0].quantile(q), rel=0.12), q
    again = fitted(copies[0]).idata["posterior"]
    assert float(again["t_alpha"].mean()) == pytest.approx(1.8, abs=0.25)
    assert float(again["t_x"].mean()) == pytest.approx(0.3, abs=0.08)


def test_no_end_of_an_interval_is_kept() -> None:
    data = at_own_times()
    own = inspections(data["t"].to_numpy(), data["u"].to_numpy(), data["d"].to_numpy() == 1)
    kept = {own.last, *own.products}
    assert not kept & set(data["u"]) and not kept & set(data["t"])


def test_habits_are_draws_of_their_posteriors() -> None:
    rng = np.random.default_rng(3)
    mid = rng.uniform(5, 50, 400)
    width = np.exp(0.2 + 0.5 * np.log(mid) + 0.3 * rng.standard_normal(400))
    own = inspections(mid - width / 2, mid + width / 2, np.ones(400, dtype=bool))
    drawn = [habits_of(own, np.random.default_rng(i)) for i in range(1500)]
    found = stats.linregress(np.log(mid), np.log(width))
    slopes = np.array([h.line[1] for h in drawn])
    assert slopes.mean() == pytest.approx(found.slope, abs=4 * found.stderr / np.sqrt(1500))
    assert slopes.std() == pytest.approx(found.stderr, rel=0.1)
    assert all(h.exact == 0.0 for h in drawn)


def test_an_event_lies_in_its_interval() -> None:
    data = at_own_times()
    own = inspections(data["t"].to_numpy(), data["u"].to_numpy(), data["d"].to_numpy() == 1)
    rng = np.random.default_rng(4)
    time = rng.uniform(1, 100, 2000)
    low, high = around(own, habits_of(own, rng), time, rng)
    assert ((low <= time) & (time <= high) & (low >= 0)).all()


def test_times_on_a_grid_stay_on_it() -> None:
    rng = np.random.default_rng(5)
    t, limit = rng.exponential(500, 600), rng.uniform(50, 900, 600)
    days = 30 * np.maximum(np.round(np.minimum(t, limit) / 30), 1).astype(int)
    data = pd.DataFrame({"t": days, "d": (t <= limit).astype(int)})
    fit = bs.Spec(bs.Survival("t ~ 1", event="d")).fit(data, random_seed=1, cores=1, progress=False, draws=200)
    assert fit.bound.survivals[0].step == 30.0
    together = pd.concat(fit.synthesize(m=5, random_seed=2))
    assert (together["t"] % 30 == 0).all() and together["t"].min() == 30
    assert together["t"].mean() == pytest.approx(data["t"].mean(), rel=0.08)
    assert together["d"].mean() == pytest.approx(data["d"].mean(), abs=0.06)
