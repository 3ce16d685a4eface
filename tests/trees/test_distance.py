"""Times that are drawn by their distance from another: what is computed from two dates keeps its distribution."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayessynth as bs
from bayessynth.rules import Narrowed
from bayessynth.trees import TreeSettings
from bayessynth.trees.conditional import Grown, Target, grown
from bayessynth.trees.design import block
from bayessynth.trees.distance import Distance, bases, clock, equal_to, steps
from bayessynth.trees.draw import Grove, Stand
from bayessynth.trees.features import Seen
from bayessynth.trees.forest import Forest
from bayessynth.trees.stand import stacks

DAY = pd.Timedelta("1D")


def trial(n: int = 400, seed: int = 1) -> pd.DataFrame:
    """Visits over 800 days; treatment begins 2 to 30 days after the first and ends within half a year.

    The last contact is the day of the end at some time of day, or a later day without a time; a seventh are not
    treated.
    """
    rng = np.random.default_rng(seed)
    visit = pd.Timestamp("2012-01-01") + pd.to_timedelta(rng.integers(0, 800, n), "D")
    start = visit + pd.to_timedelta(rng.integers(2, 31, n), "D")
    end = start + pd.to_timedelta(rng.integers(0, 180, n), "D")
    treated, timed = rng.random(n) > 1 / 7, rng.random(n) < 0.5
    later = np.where(timed, rng.integers(9 * 60, 16 * 60, n), rng.integers(1, 90, n) * 1440)
    last = np.where(treated, end, visit) + pd.to_timedelta(later, "min")
    written = pd.Series(last).dt.strftime("%Y-%m-%dT%H:%M").str.removesuffix("T00:00")
    frame = pd.DataFrame({"visit": visit, "start": start, "end": end}).apply(lambda x: x.dt.strftime("%Y-%m-%d"))
    frame = frame.assign(start=frame["start"].where(treated), end=frame["end"].where(treated))
    return frame.assign(last=written, sex=rng.choice(["f", "m"], n))


def days(frame: pd.DataFrame) -> pd.DataFrame:
    at = frame[["visit", "start", "end", "last"]].apply(pd.to_datetime, format="ISO8601")
    found = {"wait": at["start"] - at["visit"], "treated": at["end"] - at["start"], "left": at["last"] - at["end"]}
    return pd.DataFrame({name: own / DAY for name, own in found.items()})


@pytest.fixture(scope="module")
def copies() -> list[pd.DataFrame]:
    frame = trial()
    return list(bs.Spec.auto(frame).fit(frame, missing="model", copies=5, random_seed=1).synthesize(5, random_seed=2))


def test_distances_of_dates_keep_their_distribution(copies):
    wanted, made = days(trial()), pd.concat(map(days, copies))
    for name, most in (("wait", 0.06), ("treated", 0.12)):
        found, own = made[name].dropna(), wanted[name].dropna()
        assert stats.ks_2samp(own, found).statistic < most
        assert found.min() >= own.min() - 2
        assert found.max() <= own.max() + 90
    assert made["wait"].max() <= 33


def test_cells_are_missing_together_and_order_holds(copies):
    for copy in copies:
        assert (copy["start"].isna() == copy["end"].isna()).all()
        assert 0.08 < copy["start"].isna().mean() < 0.22
        assert (days(copy)[["treated", "left"]].min() >= 0).all()


def test_dates_without_a_time_stay_without_and_the_day_of_a_time_stays_that_day(copies):
    original = trial()
    timed = original["last"].str.contains("T")

    def same_day(frame: pd.DataFrame) -> float:
        own = frame["last"].str.contains("T") & frame["end"].notna()
        return float((frame["last"].str[:10] == frame["end"])[own].mean())

    assert np.mean([c["last"].str.contains("T").mean() for c in copies]) == pytest.approx(timed.mean(), abs=0.05)
    assert same_day(original) == 1
    assert np.mean([same_day(c) for c in copies]) > 0.8


def test_times_end_where_they_did(copies):
    last = pd.to_datetime(pd.concat(copies)["last"], format="ISO8601")
    own = pd.to_datetime(trial()["last"], format="ISO8601")
    assert last.max() <= own.max() + 20 * DAY
    assert last.min() >= own.min() - 20 * DAY


def test_where_the_base_is_missing_the_next_best_or_none_is_taken():
    rng = np.random.default_rng(3)
    first, second = rng.uniform(0, 900, 300), rng.uniform(0, 900, 300)
    values = np.where(np.arange(300) < 200, first, second) + rng.uniform(0, 20, 300)
    first[200:] = np.nan
    assert bases(values, {0: first, 1: second}) == (0, 1)
    # Too few are left for a base of their own.
    assert bases(values[:230], {0: first[:230], 1: second[:230]}) == (0,)
    # Distances as wide as the times themselves say nothing; nor do times of which few records have both.
    assert bases(values, {0: rng.uniform(0, 900, 300)}) == ()
    assert bases(values, {0: np.where(np.arange(300) < 30, values, np.nan)}) == ()


def test_equal_times_are_told_by_their_share():
    base = np.arange(200.0)
    assert equal_to(np.where(np.arange(200) % 4 == 0, base, base + 3), {5: base}, 1.0) == 5
    assert equal_to(np.where(np.arange(200) % 20 == 0, base, base + 3), {5: base}, 1.0) is None
    assert equal_to(base, {5: base + 0.4}, 1.0) == 5
    assert equal_to(base, {5: base + 0.4}, 0.0) is None


def test_times_in_a_zone_have_no_steps_of_days():
    hours = pd.date_range("2020-01-01", periods=5, freq="h")
    frame = pd.DataFrame({"plain": hours, "zoned": hours.tz_localize("Europe/Paris"), "x": [0.5, 1.5, 2.25, 3, 4]})
    schema = bs.Schema.detect(frame)
    assert clock(schema["plain"]) == 3_600_000_000
    assert clock(schema["zoned"]) == clock(schema["x"]) == 0
    assert (steps(np.array([2.0, 2.5]), 3_600_000_000) * 24).tolist() == [24.0, 1.0]


def test_dates_in_a_zone_are_drawn_by_distance_too():
    rng = np.random.default_rng(4)
    at = pd.Timestamp("2020-01-01", tz="Europe/Paris") + pd.to_timedelta(rng.integers(0, 900, 200), "D")
    frame = pd.DataFrame({"in": at, "out": at + pd.to_timedelta(rng.integers(1, 9, 200), "D")})
    copy = bs.Spec.auto(frame).fit(frame, copies=1, random_seed=1).synthesize(1, random_seed=2).copies[0]
    assert ((copy["out"] - copy["in"]) / DAY).between(-1, 11).all()


N = 500
RNG = np.random.default_rng(8)
START = RNG.integers(0, 900, N).astype(float)
START[RNG.random(N) < 0.2] = np.nan
OTHER = np.where(np.isnan(START), RNG.integers(0, 900, N), START + RNG.integers(1, 60, N)) + 0.25
END = np.where(np.isnan(START), OTHER - 0.25 + RNG.integers(5, 25, N), START + RNG.integers(1, 15, N))
END[RNG.random(N) < 0.2] = np.nan


def grove(seed: int = 1) -> Grove:
    rng = np.random.default_rng(seed)
    values = np.where(SAME, START, END)
    seen = Seen([START, OTHER], [block(START, None), block(OTHER, None)], [None, None], [])
    times = {0: START, 1: OTHER}
    weights = rng.exponential(size=N)
    target = Target(values, None, unit=86_400_000_000, bases=bases(values, times), same=equal_to(values, times, 1.0))
    made: Grown = grown(target, seen, weights / weights.mean(), TreeSettings(), 5, rng)
    return Grove({"y": made.ensembles}, 0.5)


SAME = np.isfinite(START) & (np.random.default_rng(5).random(N) < 0.25)


def test_gaps_the_same_day_and_several_bases_have_ensembles_of_their_own():
    found = [own.distance and own.distance.base for own in grove().trees["y"]]
    # The last base has some distance that a tenth of its records share, which is told apart too.
    assert found == [None, 0, 0, 1, 1]


@pytest.mark.parametrize("limited", [False, True])
@pytest.mark.parametrize("at", [(300.0, 310.25), (np.nan, 500.25)])
def test_probabilities_are_the_shares_of_many_draws(at, limited):
    made, draws, each = grove(), 40_000, 400
    start = at[0] if np.isfinite(at[0]) else at[1] - 0.25

    def left(n: int) -> Narrowed:
        return Narrowed(lower=np.full(n, start + 3), upper=np.full(n, start + 12)) if limited else Narrowed()

    known = [np.full(draws, value) for value in at]
    drawn = made.draw("y", known, {}, draws, left(draws), 0, np.random.default_rng(3))
    found, count = np.unique(np.round(drawn), return_counts=True)
    if limited:
        assert ((drawn >= start + 3) | np.isnan(drawn)).all()
        assert ((drawn <= start + 12) | np.isnan(drawn)).all()
    n = len(found) * each
    some = [np.full(n, value) for value in at]
    wanted = made.probability("y", some, {}, n, left(n), 0, found, 0.5, np.random.default_rng(4)).reshape(-1, each)
    share, error = count / draws, wanted.std(axis=1) / np.sqrt(each)
    common = share > 0.01
    gap = np.abs(wanted.mean(axis=1) - share)
    assert (gap <= 5 * np.sqrt(error**2 + share * (1 - share) / draws) + 1e-3)[common].all()
    assert wanted.mean(axis=1).sum() == pytest.approx(1, abs=0.02)


def test_a_forest_with_distances_is_written_and_read_back():
    own = grove().trees["y"]
    forest = Forest({"y": ((*own,),)}, 1)
    again = Forest.of_arrays(forest.declared(), forest.arrays())
    assert [e.distance for e in again.trees["y"][0]] == [e.distance for e in own]


def test_copies_side_by_side_draw_what_each_draws_alone():
    groves = [grove(1), grove(2), grove(3)]
    ends, n = [0, 40, 40, 100], 100
    known = [START[:n], OTHER[:n]]
    rngs = [np.random.default_rng(seed) for seed in (1, 2, 3)]
    together = Stand(groves).draw(ends, rngs, "y", known, {}, Narrowed(), 0)
    for own, seed, first, end in ((groves[0], 1, 0, 40), (groves[2], 3, 40, 100)):
        some = [values[first:end] for values in known]
        alone = own.draw("y", some, {}, end - first, Narrowed(), 0, np.random.default_rng(seed))
        np.testing.assert_array_equal(together[first:end], alone)


def test_copies_whose_trees_differ_in_number_are_stacked_apart():
    one, other = grove(1).trees["y"][0], grove(2).trees["y"][0]
    single = other.nodes._replace(roots=other.nodes.roots[:1])
    found = stacks([one, one, type(other)(other.features, single, other.leaves)])
    assert [(own.begin, own.end, own.trees) for own in found] == [(0, 2, 5), (2, 3, 1)]


def test_what_was_cut_off_a_base_is_read_only_where_it_varies():
    times = np.arange(60.0)
    assert not Distance.of(0, 1.0, (0.0, 9.0), times).finer
    assert not Distance.of(0, 1.0, (0.0, 9.0), times + 0.25).finer
    assert Distance.of(0, 1.0, (0.0, 9.0), times + np.arange(60) % 2 / 4).finer


def test_dates_that_begin_anew_with_each_test_do_not_wander_off():
    rng = np.random.default_rng(6)
    n, visits, tests = 80, 12, 5
    start = rng.integers(0, 3000, n)
    at = np.sort(rng.integers(0, 60, (n, visits)), axis=1)
    day = (start[:, None, None] + np.stack([at] * tests, axis=1)).reshape(-1)
    frame = pd.DataFrame({
        "patient": np.repeat(np.arange(n), tests * visits), "number": np.tile(np.arange(tests * visits), n),
        "test": np.tile(np.repeat(list("abcde"), visits), n),
        "date": pd.Timestamp("2015-01-01") + pd.to_timedelta(day, "D"),
        "value": rng.normal(size=tests * n * visits).round(2),
    })  # fmt: skip
    spec = bs.Spec.auto(frame, unit="patient", time="number")
    copies = spec.fit(frame, copies=2, random_seed=1).synthesize(2, random_seed=2)

    def spans(table: pd.DataFrame) -> pd.Series:
        return table.groupby("patient")["date"].agg(np.ptp) / DAY

    for copy in copies:
        assert spans(copy).max() <= spans(frame).max() + 40
        assert spans(copy).mean() == pytest.approx(spans(frame).mean(), rel=0.4)
