from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from bayessynth.evaluation import Measure
from bayessynth.evaluation.tables import read_tables
from bayessynth.report.distributions import panels
from bayessynth.report.glance import STEP, WIDTH, bullet, distance, place, row, strip
from bayessynth.report.grouped import spreads
from bayessynth.report.numerals import percent
from bayessynth.report.pairs import pair, worst_pairs
from bayessynth.report.parts import parts
from bayessynth.report.shares import ranked, shares
from tests.report.evaluations import table


def measured(value: float, **known) -> Measure:
    return Measure("m", "utility", "M", value, "…", **{"reference": 0.5, "reference_interval": (0.4, 0.7)} | known)


@pytest.fixture(scope="module")
def tables():
    return read_tables(table(0, 500), [table(1, 400), table(2, 400)], groups=["town"])


def test_shares_of_a_column_add_up_to_all_records(tables):
    for column, far, chance in ranked(tables):
        found = shares(tables, column, far, chance)
        assert found.original.sum() + found.missing[0] == pytest.approx(1), column
        # A histogram leaves out the outermost thousandth of the copies.
        inside = found.copies.sum(axis=1) + found.missing[1:]
        assert ((inside > 0.99) & (inside < 1 + 1e-9)).all(), column
        assert found.edges is not None or len(found.labels) == len(found.original) <= 13


def test_the_chance_value_is_the_average_over_two_samples():
    rng = np.random.default_rng(0)
    p = np.array([0.5, 0.3, 0.15, 0.05])
    original = pd.DataFrame({"s": rng.choice(list("abcd"), 1000, p=p)})
    ((_, _, chance),) = ranked(read_tables(original, [original.head(500)]))
    drawn = np.abs(rng.multinomial(1000, p, 4000) / 1000 - rng.multinomial(500, p, 4000) / 500).sum(axis=1) / 2
    assert chance == pytest.approx(drawn.mean(), rel=0.03)


def test_sparse_bins_of_a_count_are_joined_and_none_is_lost():
    rng = np.random.default_rng(1)
    counts = np.where(rng.random(3000) < 0.95, 0, rng.integers(1, 90_000, 3000))
    original = pd.DataFrame({"gain": counts})
    tables = read_tables(original, [original])
    found = shares(tables, "gain", 0.0, 0.0)
    assert len(found.labels) == 10
    assert found.labels[0] == "0"
    assert found.original[0] == pytest.approx(np.mean(counts == 0))
    assert found.original.sum() == pytest.approx(1)
    assert found.copies[0].tolist() == found.original.tolist()


def test_ordered_levels_keep_their_order_and_others_come_by_frequency():
    original = pd.DataFrame({"o": pd.Categorical(list("cabcc"), ["b", "c", "a"], ordered=True), "t": list("zzzyx")})
    tables = read_tables(original, [original.assign(t=list("zzzyw"))])
    assert shares(tables, "o", 0, 0).labels == ("b", "c", "a")
    found = shares(tables, "t", 0, 0)
    assert found.labels == ("z", "x", "y", "another level")
    assert found.copies[0].tolist() == [0.6, 0.0, 0.2, 0.2]


def test_dates_are_labelled_as_dates():
    days = pd.DataFrame({"day": pd.Timestamp("2019-06-01") + pd.to_timedelta(np.arange(200), unit="D")})
    (drawn,) = panels(read_tables(days, [days]))
    assert re.findall(r">(20\d\d-\d\d)<", drawn.figure)


@pytest.mark.parametrize(
    ("value", "better", "units"),
    [(0.9, "lower", 2.0), (0.4, "lower", -1.0), (0.3, "higher", 2.0), (0.7, "higher", -1.0), (0.3, "closer", 2.0)],
)
def test_distance_counts_chance_ranges_towards_the_worse_side(value, better, units):
    assert distance(measured(value, better=better)) == pytest.approx(units)


def test_distance_without_a_chance_range():
    assert distance(measured(0.53, reference_interval=None)) == pytest.approx(3.0)
    assert distance(measured(3.0, reference=0.0, reference_interval=None)) == pytest.approx(30.0)
    assert distance(measured(0.5, reference=0.5, reference_interval=(0.5, 0.5))) == 0
    assert distance(measured(float("nan"))) is None
    assert distance(measured(0.5, reference=None)) is None


def test_marks_do_not_overlap_and_stay_on_the_axis():
    values = [0.5, 0.5, 0.501, 0.52, 0.9, 1e6, -1e6]
    drawn = strip([measured(v, better="closer") for v in values])
    marks = [(float(x), float(y)) for x, y in re.findall(r'<use href="[^"]*" x="([\d.]+)%" y="([\d.]+)"', drawn)]
    assert len(marks) == len(values)
    assert all(0 <= x <= 100 for x, _ in marks)
    for i, (x, y) in enumerate(marks):
        assert all(abs(x - a) * WIDTH / 96 >= STEP - 0.2 or abs(y - b) >= STEP for a, b in marks[:i])
    assert place(0.0) < place(1.0) < place(10.0) < place(100.0)


def test_a_room_names_its_worst_and_counts_what_is_absent():
    found = row([measured(0.9, verdict="warn"), measured(0.95, verdict="pass"), measured(float("nan"))])
    assert (found.verdict, found.counts, len(found.absent)) == ("warn", (("warn", 1), ("pass", 1)), 1)
    assert found.farthest is not None and found.farthest.value == 0.9
    assert row([measured(0.5, verdict="pass")]).farthest is None


def test_a_bullet_spans_all_of_its_numbers():
    drawn = bullet(measured(0.9, interval=(0.2, 0.95)))
    assert drawn is not None
    places = [float(x) for x in re.findall(r'x1="([\d.]+)"', drawn)]
    assert all(10 <= x <= 230 for x in places)
    assert bullet(measured(0.9, reference=None)) is None


def test_a_pair_is_as_far_apart_as_its_cross_tables(tables):
    found = pair(tables, "stage", "sick")
    own, *copies = (
        pd.crosstab(f["stage"], f["sick"], normalize=True).to_numpy()
        for f in (tables.original_frame, *tables.copy_frames)
    )
    assert found.distance == percent(float(np.abs(own - np.mean(copies, axis=0)).sum() / 2))


def test_pairs_of_many_measures_come_once(tables):
    detail = pd.DataFrame({"column": ["x", "sick", "gone", "x"], "with": ["sick", "x", "x", "x"]})
    given = [measured(0.5, detail=detail), measured(0.5, detail=None), measured(0.5, detail=detail[["column"]])]
    assert worst_pairs(given, tables) == [("x", "sick")]


def test_spread_of_groups_is_that_of_their_means(tables):
    found = {s.column: s for s in spreads(tables, "town")}
    means = tables.original_frame.groupby("town")["x"].mean()
    assert (
        f"{len(means)} groups; standard deviation over groups {means.std():.3f} in the original" in found["x"].sentence
    )
    assert "rows in a group" in found
    assert "sick" in found


def test_numbers_of_a_column_share_decimals_unless_their_units_differ():
    frame = pd.DataFrame({"near": [0.012, 0.5, np.nan], "far": [112569.2989, 0.5701, 2.0], "whole": [1.0, 20.0, 3.0]})
    found = parts(frame)
    assert list(zip(*found.rows, strict=True)) == [
        ("0.012", "0.500", "–"), ("112,569", "0.570", "2.00"), ("1", "20", "3"),
    ]  # fmt: skip


def test_groups_that_are_all_missing_have_no_drawing():
    frame = table(0, 40)
    tables = read_tables(frame, [frame.assign(town=None)], groups=["town"])
    assert spreads(tables, "town") == []
