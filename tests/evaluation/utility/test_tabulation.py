"""Pairs and triples: overlap by hand, independent margins, sub-sampling announced."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from bayessynth.evaluation.tables import read_tables
from bayessynth.evaluation.utility.tabulation import chosen_sets, overlaps, sparseness
from tests.evaluation.utility.samples import independent, measured, related


def levels(n: int, columns: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(rng.choice(list("abc"), (n, columns))).add_prefix("c")


@pytest.mark.parametrize(("name", "order"), [("pairs", 2), ("triples", 3)])
def test_overlap_is_that_of_cross_tables(name, order):
    original, copy = levels(60, 4, 1), levels(45, 4, 2)
    copy.loc[:4, "c1"] = None
    found = measured(name, original, copy)[name]
    expected = []
    for columns in combinations(original, order):
        own, drawn = (f.fillna("missing").value_counts(list(columns), normalize=True) for f in (original, copy))
        expected.append(1 - own.sub(drawn, fill_value=0).abs().sum() / 2)
    assert found.value == pytest.approx(np.mean(expected))
    assert found.detail["value"].min() == pytest.approx(min(expected))
    assert len(found.detail) == len(expected)


def test_numbers_are_cut_at_the_originals_deciles():
    original = pd.DataFrame({"x": np.arange(100.0), "s": ["a", "b"] * 50})
    copy = original.assign(x=original["x"] // 10 * 10 + 5)  # moved within its tenth
    assert measured("pairs", original, copy)["pairs"].value == 1


@pytest.mark.parametrize("name", ["pairs", "triples"])
def test_identical_and_fresh_tables_pass_and_independent_margins_fail(name):
    original = related(1000, 1)
    assert measured(name, original, original)[name].value == 1
    fresh = measured(name, original, [related(1000, 2), related(800, 3)])[name]
    assert fresh.verdict == "pass"
    assert fresh.value == pytest.approx(fresh.reference, abs=0.02)
    apart = measured(name, original, independent(original, 4))[name]
    assert apart.verdict == "fail"
    assert "s" in set(apart.detail.iloc[0, : 2 + (name == "triples")])  # which goes with every column
    assert apart.detail["value"][0] < apart.detail["limit"][0] - 0.15


@pytest.mark.parametrize("cells", [2, 30])
def test_the_reference_is_what_independent_samples_score_however_sparse(cells):
    def draw(seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        return pd.DataFrame(rng.integers(0, cells, (300, 5))).map("level {}".format).add_prefix("c")

    original = draw(0)
    tables = read_tables(original, [draw(s) for s in range(1, 9)])
    sets = list(combinations(original, 3))
    own = overlaps(tables.original, tables.copies, sets, tables).mean()
    redrawn = np.mean([overlaps(a, [b], sets, tables)[0] for a, b in tables.resamples(8, "test")], axis=0)
    corrected = 1 - (1 - redrawn) * sparseness(tables, sets, "test")
    assert corrected.mean() == pytest.approx(own, abs=0.025)


def test_one_lost_relation_among_many_columns_fails():
    original = levels(800, 12, 1).assign(twin=lambda f: f["c0"])
    found = measured("pairs", original, levels(800, 13, 2).rename(columns={"c12": "twin"}))["pairs"]
    assert abs(found.value - found.reference) < 0.02
    assert found.verdict == "fail"
    assert found.detail.iloc[0, :2].tolist() == ["c0", "twin"]


def test_a_part_of_many_triples_is_drawn_and_announced():
    original = levels(50, 30, 1)
    found = measured("triples", original, levels(50, 30, 2))["triples"]
    assert len(found.detail) == 1000
    assert found.notes == ("1,000 of the 4,060 sets of 3 columns, drawn at random.",)
    assert len(found.detail.value_counts(["column", "with", "and"])) == 1000


def test_sets_drawn_are_of_different_columns_and_follow_the_seed():
    frame = levels(10, 40, 1)
    first, second, other = (chosen_sets(read_tables(frame, [frame], entropy=e), 3, 200)[0] for e in (1, 1, 2))
    assert first == second != other
    assert all(len(set(some)) == 3 for some in first)


def test_fewer_columns_than_a_set_needs_yield_nothing():
    frame = levels(20, 2, 1)
    assert measured("triples", frame, frame) == {}
    assert measured("pairs", frame[["c0"]], frame[["c0"]]) == {}


def test_rows_beyond_the_cap_are_left_out_and_announced():
    original = levels(300, 3, 1)
    found = measured("pairs", original, levels(200, 3, 2), max_rows=100)["pairs"]
    assert found.notes == (
        "Computed on at most 100 randomly drawn rows of each table (the original has 300, a copy 200).",
    )
