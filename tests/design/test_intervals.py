"""Rows from start to stop: what binding learns of them, and what it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.design import FollowUp, bind, component
from bayessynth.design.intervals import until_next
from bayessynth.errors import BayesSynthError
from bayessynth.inference.product_limit import product_limit
from tests.panels import visits

ROWS = {"unit": "id", "time": "start"}
SPEC = bs.Spec("treat ~ 1", bs.Equation("x ~ lag(x)", family="normal"),
               bs.Survival("(start, stop) ~ treat + x", event="d"), **ROWS)  # fmt: skip


def test_each_row_enters_at_its_start_and_is_censored_in_the_last_alone() -> None:
    table = visits(80)
    bound, data = bind(SPEC, table.sample(frac=1.0, random_state=1))
    event, censored = component(bound, data, "stop"), component(bound, data, "stop_censored")
    table = table.sort_values(["id", "start"])
    last = ~table.duplicated("id", keep="last").to_numpy()
    np.testing.assert_array_equal(event.beside["entry"], table["start"])
    np.testing.assert_array_equal(event.beside["event"], table["d"])
    at_end = table["stop"] == 8.0
    np.testing.assert_array_equal(censored.beside["event"], last & (table["d"] == 0) & ~at_end)
    own = bound.survivals[0]
    assert own.entry == "start" and own.due == ("due(start)", "more(start)") and own.last == 8.0
    assert own.times == (8.0,) and own.ended == (int(at_end.sum()),)
    assert FollowUp.from_json(own.to_json()) == own


def test_likelihood_does_not_depend_on_where_rows_are_cut() -> None:
    table = visits(60)
    halved = table.loc[table.index.repeat(2)].reset_index(drop=True)
    middle = ((halved["start"] + halved["stop"]) / 2).round(4)
    first = halved.index % 2 == 0
    halved = halved.assign(
        start=np.where(first, halved["start"], middle), stop=np.where(first, middle, halved["stop"]),
        d=np.where(first, 0, halved["d"]),
    )  # fmt: skip
    spec = SPEC.replace(bs.Equation("x ~ treat", family="normal"))
    values = []
    for frame in (table, halved):
        bound, data = bind(spec, frame)
        own = component(bound, data, "stop")
        rate = np.exp(-2.0 + 0.5 * data.at("stop").arrays["x"])
        cuts = bound["stop"].options["cuts"]
        known = {k: own.beside[k] for k in ("event", "entry")}
        values.append(
            bs.families.get("piecewise").logp(own.y, rate=rate, baseline=[0.3] * len(cuts), cuts=cuts, **known).sum()
        )
    assert values[0] == pytest.approx(values[1], rel=1e-9)


def test_how_long_rows_last_is_the_estimate_of_kaplan_and_meier() -> None:
    rng = np.random.default_rng(1)
    n = 4000
    due, end = np.where(rng.random(n) < 0.8, rng.gamma(4.0, 0.3, n), np.inf), rng.exponential(1.5, n)
    stop, more = np.minimum(due, end), due < end
    # Units with one row, and units whose second row says that the first had another after it.
    start = np.concatenate([np.zeros(n), stop[more]])
    number = np.concatenate([np.zeros(n, dtype=int), np.ones(int(more.sum()), dtype=int)])
    unit = np.concatenate([np.arange(n), np.flatnonzero(more)])
    places = np.lexsort((number, unit))
    table = (start[places], np.concatenate([stop, stop[more] + 0.1])[places], number[places])
    seen, found = until_next(*table)
    first = table[2] == 0
    grid = np.linspace(0.3, 3.0, 10)
    expected = product_limit(stop, more.astype(int)).at(grid)[0]
    drawn = np.where(seen[first] > 0, found[first], np.inf)
    np.testing.assert_allclose([(drawn > t).mean() for t in grid], expected, atol=0.02)
    assert (drawn >= (table[1] - table[0])[first] - 1e-12).all() and not seen[~first].any()


def moved(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(start=table["start"].where(table.index != 1, table["start"] - 0.01))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (moved, r"1 rows do not start where the row before of their 'id' stopped, the first is row 1 .* overlap"),
        (lambda t: t.assign(stop=t["stop"].where(t.index != 0, t["stop"] - 0.01)), "Rows that leave a gap say nothing"),
        (lambda t: t.assign(d=t["d"].where(t.index != 0, 1)), "1 rows with an event in 'd' have rows of their unit"),
        (lambda t: t.assign(stop=t["stop"].where(t.index != 0)), "'stop' is missing in 1 of"),
        (lambda t: t.assign(start=pd.to_datetime("2020-01-01") + pd.to_timedelta(t["start"], "D")), "is of dates"),
        (lambda t: t.assign(stop=t["stop"].where(t["id"] != 0, t["start"])), "needs times above 0"),
        (lambda t: pd.concat([t, t[:1]]), "1 rows have the unit and the time of another"),
    ],
)  # fmt: skip
def test_refusals(change: Callable[[pd.DataFrame], pd.DataFrame], message: str) -> None:
    table = visits(40)
    assert table["id"].tolist()[:2] == [0, 0]
    with pytest.raises(BayesSynthError, match=message):
        bind(SPEC, change(table))


def test_declarations_that_do_not_fit() -> None:
    survival = bs.Survival("(start, stop) ~ treat", event="d")
    for message, make in {
        "of rows that follow each other: say what makes": lambda: bs.Spec(survival, "treat ~ 1"),
        "Write '(start, stop) ~ …', or declare it": lambda: bs.Spec(bs.Survival("stop ~ 1", event="d"), **ROWS),
        "say time='start' in the spec": lambda: bs.Spec(survival, "treat ~ 1", unit="id", time="day"),
        "a second survival time of the same rows": lambda: bs.Spec(
            survival, bs.Survival("(start, other) ~ 1", event="e"), "treat ~ 1", **ROWS),
        "take no entry= and no until=": lambda: bs.Survival("(start, stop) ~ 1", event="d", until="end"),
        "one column, or two in brackets": lambda: bs.Survival("(start, stop, end) ~ 1", event="d"),
    }.items():  # fmt: skip
        with pytest.raises(BayesSynthError, match=re.escape(message)):
            make()
