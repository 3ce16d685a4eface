"""What binding learns of survival times: codes, administrative ends, cuts; and what it refuses."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth import families
from bayessynth.design import Bound, FollowUp, bind, component
from bayessynth.errors import BayesSynthError, MissingRowsWarning

N = 200


def table(**columns: Any) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    base = {"x": rng.normal(size=N).round(2), "time": rng.integers(1, 400, N), "d": rng.integers(0, 2, N)}
    return pd.DataFrame({**base, **columns})


def bound(data: pd.DataFrame, **options: Any) -> Bound:
    entry = "entry ~ 1" if "entry" in options else None
    survival = bs.Survival("time ~ x", event="d", **options)
    return bind(bs.Spec(survival, *([entry] if entry else []), rest="keep"), data)[0]


@pytest.mark.parametrize(
    ("values", "options", "censored", "causes"),
    [
        ([0, 1], {}, 0, [1]),
        ([False, True], {}, False, [True]),
        (["censored", "dead"], {}, "censored", ["dead"]),
        (["Dead", "Cens"], {}, "Cens", ["Dead"]),
        ([1, 2], {}, 1, [2]),
        ([1, 2], {"censored": 2}, 2, [1]),
        (["alive", "dead"], {"censored": "alive"}, "alive", ["dead"]),
        ([0, 1, 2], {}, 0, [1, 2]),
        (["a", "b", "censored"], {}, "censored", ["a", "b"]),
    ],
)
def test_codes(values: list[Any], options: dict[str, Any], censored: Any, causes: list[Any]) -> None:
    data = table(d=[values[i % len(values)] for i in range(N)])
    own = bound(data, **options).survivals[0]
    column = bs.Schema.detect(data)["d"]
    codes = {v: float(column.levels.index(v)) if column.levels else float(v) for v in values}
    assert own.censored == codes[censored]
    several = len(causes) > 1
    expected = [(f"time_{c}" if several else "time", codes[c]) for c in sorted(causes, key=codes.__getitem__)]
    assert own.latent == (*expected, ("time_censored", codes[censored]))


def test_all_events_need_no_censoring() -> None:
    own = bound(table(d=1)).survivals[0]
    assert own.latent == (("time", 0.0),) and own.censored is None and own.last is None


def test_administrative_ends_are_found_and_modelled_apart() -> None:
    rng = np.random.default_rng(2)
    time, d = rng.integers(1, 300, N), rng.integers(0, 2, N)
    time[:40], d[:40] = 300, 0
    time[40:60], d[40:60] = 150, 0
    data = table(time=time, d=d)
    made, bound_data = bind(bs.Spec(bs.Survival("time ~ 1", event="d"), rest="keep"), data)
    own = made.survivals[0]
    assert own.times == (150.0, 300.0) and own.last == 300.0
    assert own.ended[1] == 40 and own.watched[1] == 40
    assert own.watched[0] == int((time > 150).sum()) + own.ended[0]
    ended = np.isin(time, [150, 300]) & (d == 0)
    assert component(made, bound_data, "time_censored").beside["event"].sum() == ((d == 0) & ~ended).sum()


def test_only_administrative_censoring_has_no_equation() -> None:
    data = table(d=1)
    data.loc[:49, ["time", "d"]] = [400, 0]
    own = bound(data).survivals[0]
    assert [name for name, _ in own.latent] == ["time"] and own.times == (400.0,) and own.censored == 0.0


def test_cuts_and_ends_are_no_times_of_records() -> None:
    rng = np.random.default_rng(3)
    for time in (rng.integers(1, 400, N), rng.exponential(3.0, N), rng.exponential(3.0, N).round(1) + 0.1):
        made = bound(table(time=time))
        cuts = made["time"].options["cuts"]
        assert len(cuts) > 2 and not set(cuts) & set(np.asarray(time, dtype=float).tolist())
        assert made.survivals[0].last not in time or time.tolist().count(made.survivals[0].last) > 1


def test_follow_up_round_trip() -> None:
    own = bound(table()).survivals[0]
    assert FollowUp.from_json(own.to_json()) == own


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"time": [0, *range(1, N)]}, {}, "times above 0: column 'time', 1 of 200 rows, the first is row 0: 0.0"),
        (
            {"time": [5.0, -3.0, *range(2, N)]},
            {},
            "times above 0: column 'time', 1 of 200 rows, the first is row 1: -3",
        ),
        ({"d": 0}, {}, "every record of the survival time 'time' is censored"),
        ({"d": ["alive", "dead"] * 100}, {}, "It is not clear which value of 'd' means"),
        ({"d": [3, 4] * 100}, {}, "It has: 3, 4. Say which"),
        ({}, {"censored": 7}, "censored=7 is no value of 'd'. It has: 0, 1"),
        ({"d": np.arange(N) % 25}, {}, "too many for what ended a time"),
        ({"entry": 500}, {"entry": "entry"}, "times after entry: column 'time', 200 of 200 rows"),
        ({}, {"entry": "enter"}, "Column 'enter' (the survival time 'time') is not in the data"),
        ({"time_censored": 1}, {}, "'time_censored' has the name that the time of censoring"),
        ({"d": ["a", "b", "censored", "a"] * 50, "u": 900}, {"until": "u"}, "events of several causes (a, b)"),
    ],
)
def test_errors(columns: dict[str, Any], options: dict[str, Any], message: str) -> None:
    with pytest.raises(BayesSynthError, match=re.escape(message)):
        bound(table(**columns), **options)


def test_missing_cells() -> None:
    data = table().astype({"d": float, "time": float})
    data.loc[3, "d"], data.loc[5, "time"], data.loc[7, "x"] = np.nan, np.nan, np.nan
    spec = bs.Spec(bs.Survival("time ~ x", event="d"), rest="keep")
    with pytest.raises(BayesSynthError, match=r"Missing cells in columns 'time' \(1 of 200 rows\), 'd'"):
        bind(spec, data)
    with pytest.warns(MissingRowsWarning, match="3 of 200 rows"):
        assert len(bind(spec, data, missing="drop")[1].rows["time"]) == N - 3
    with pytest.raises(BayesSynthError, match="takes no missing='model'"):
        bind(spec, data, missing="model")


def test_what_does_not_serve_says_so() -> None:
    data, spec = table(), bs.Spec(bs.Survival("time ~ 1", event="d"), rest="drop")
    with pytest.raises(BayesSynthError, match="no statistic is enough"):
        spec.sufficient_statistics(data)
    ask = bs.DP(1, 1e-5, domain=bs.Domain({"time": bs.Bounds(0, 500)}, source="codebook"))
    with pytest.raises(BayesSynthError, match="no mechanism with formal privacy"):
        spec.fit(data, privacy=ask)


def test_intervals_grow_with_the_cube_root_of_the_events() -> None:
    rng = np.random.default_rng(4)
    counts = [len(families.get("piecewise").learn(rng.exponential(1.0, n))["cuts"]) for n in (10, 64, 1000)]
    # 4 intervals of 64 events; 10 of 1,000, with two more at each end.
    assert counts == [0, 3, 13]
