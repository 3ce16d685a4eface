"""Parts of times against the calendar of pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd

import bayessynth as bs
from bayessynth.trees.calendar import parts_of


def test_parts_of_times_are_those_of_the_calendar() -> None:
    days = pd.date_range("1896-01-01", "2104-12-31", freq="D", unit="us")
    hours = np.random.default_rng(1).integers(0, 24, len(days))
    times = days + pd.to_timedelta(hours * 3600, unit="s")
    found = parts_of(times.to_numpy().astype("datetime64[s]").astype(float) / 86_400)
    wanted = np.column_stack([times.day, times.days_in_month - times.day, times.day_of_week, times.month, hours / 24])
    np.testing.assert_allclose(found, wanted, atol=1e-9)


def test_what_happens_at_the_end_of_a_month_does_so_in_copies() -> None:
    rng = np.random.default_rng(2)
    date = pd.Timestamp("2019-01-01") + pd.to_timedelta(rng.integers(0, 1400, 6000), unit="D")
    last = date.is_month_end
    kind = np.where(last & (rng.random(6000) < 0.9), "interest", rng.choice(["cash", "transfer"], 6000))
    copy = bs.synthesize(pd.DataFrame({"date": date, "kind": kind}), m=1, random_seed=3)[0]
    at_end = copy["date"].dt.is_month_end
    assert (copy["kind"][at_end] == "interest").mean() > 0.65
    assert (copy["kind"][~at_end] == "interest").mean() < 0.02
