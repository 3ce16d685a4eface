"""Group structure: against the definition of one-way analysis of variance, identical, fresh and broken groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway, ks_2samp, spearmanr

from bayessynth.evaluation.tables import read_tables
from bayessynth.evaluation.utility.group_structure import varying_share
from bayessynth.evaluation.utility.variance_components import (
    GroupSums,
    group_sums,
    intraclass_correlation,
    variance_components,
)
from tests.evaluation.utility.samples import in_groups, independent, measured

NAMES = ["group_icc", "group_sd", "group_sizes", "group_constants", "group_means"]


def test_balanced_groups_give_the_components_that_the_f_ratio_implies():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(12), 7)
    y = 1e6 + rng.normal(size=12)[groups] + rng.normal(size=84)
    between, within = variance_components(group_sums(y, groups))
    ratio = f_oneway(*(y[groups == g] for g in range(12))).statistic
    assert 7 * between / within + 1 == pytest.approx(ratio)
    assert within == pytest.approx(np.mean([y[groups == g].var(ddof=1) for g in range(12)]))


def test_a_sample_of_groups_counts_a_repeated_group_twice():
    rng = np.random.default_rng(2)
    sizes = np.array([3, 5, 4])
    groups, y = np.repeat(np.arange(3), sizes), rng.normal(size=12)
    drawn = np.array([0, 2, 2])
    rows = np.concatenate([y[groups == g] for g in drawn])
    again = group_sums(rows, np.repeat(np.arange(3), sizes[drawn]))
    taken = group_sums(y, groups).take(drawn)
    assert [float(v) for v in variance_components(taken)] == pytest.approx(
        [float(v) for v in variance_components(again)]
    )


def test_what_cannot_be_told_apart_has_no_variance():
    one_row_each = group_sums(np.arange(4.0), np.arange(4))
    no_value = group_sums(np.full(4, np.nan), np.array([0, 0, 1, 1]))
    for sums in (one_row_each, no_value):
        assert isinstance(sums, GroupSums)
        assert [float(v) for v in variance_components(sums)] == [0, 0]
    assert intraclass_correlation(np.zeros(1), np.zeros(1))[0] == 0


def test_identical_tables_score_perfectly_and_fresh_groups_pass():
    original = in_groups(80, 1)
    same = measured("group_structure", original, original, groups=["site"])
    assert list(same) == NAMES
    assert [one.value for one in same.values()] == [0.0] * 5
    fresh = measured("group_structure", original, [in_groups(80, s, first=1000) for s in (2, 3, 4)], groups=["site"])
    for one in fresh.values():
        assert one.verdict == "pass", one.reading
    assert fresh["group_icc"].reference > 0.02


def test_the_parts_are_what_they_are_called():
    original, copy = in_groups(50, 1), in_groups(40, 2)
    found = measured("group_structure", original, copy, groups=["site"])
    sizes = [f["site"].value_counts() for f in (original, copy)]
    assert found["group_sizes"].value == pytest.approx(ks_2samp(*sizes, method="asymp").statistic)
    means = [f.groupby("site")[["y", "z"]].mean() for f in (original, copy)]
    row = found["group_means"].detail.set_index(["column", "with"]).loc[("y", "z")]
    assert [row["original"], row["copies"]] == pytest.approx([spearmanr(m["y"], m["z"]).statistic for m in means])
    icc = found["group_icc"].detail.set_index("column").loc["y"]
    expected = float(
        intraclass_correlation(*variance_components(group_sums(original["y"].to_numpy(), original["site"].to_numpy())))
    )
    assert icc["original"] == pytest.approx(expected)
    assert set(found["group_icc"].detail["column"]) == {"y", "z", "b"}


def test_rows_scattered_over_groups_fail():
    original = in_groups(80, 1, icc=0.5)
    found = measured("group_structure", original, independent(original, 2), groups=["site"])
    for name in ("group_icc", "group_sd", "group_constants"):
        assert found[name].verdict == "fail", name
    assert found["group_means"].verdict != "pass"
    assert found["group_constants"].detail["column"].tolist() == ["level"]
    assert found["group_constants"].value > 0.9
    assert found["group_sizes"].verdict == "pass"


def test_groups_of_another_size_fail():
    original = in_groups(80, 1)
    halved = in_groups(80, 2).assign(site=lambda f: 2 * f["site"] + np.arange(len(f)) % 2)
    assert measured("group_structure", original, halved, groups=["site"])["group_sizes"].verdict == "fail"


def test_a_nested_group_may_not_spread_over_two_parents():
    def nested(seed: int) -> pd.DataFrame:
        data = in_groups(40, seed)
        return data.assign(region=data["site"] % 5)

    original = nested(1)
    kept = measured("group_structure", original, nested(2), groups=["region", "site"])["group_constants"]
    assert kept.value == 0
    assert ("site", "region") in set(zip(kept.detail["group"], kept.detail["column"], strict=True))
    spread = nested(2).assign(region=lambda f: np.arange(len(f)) % 5)
    assert measured("group_structure", original, spread, groups=["region", "site"])["group_constants"].value > 0.3


def test_missing_labels_and_cells_are_levels():
    codes = np.array([0, 0, 1, 1])
    assert varying_share(codes, pd.Series([None, None, 1.0, 1.0])) == 0
    assert varying_share(codes, pd.Series([None, 1.0, 1.0, 1.0])) == 0.5
    original = in_groups(30, 1).astype({"site": float})
    original.loc[:9, "site"] = np.nan
    found = measured("group_structure", original, original, groups=["site"])
    assert [one.value for name, one in found.items()] == [0.0] * len(found)


def test_without_groups_there_is_nothing_to_measure():
    frame = in_groups(10, 1)
    assert measured("group_structure", frame, frame) == {}


def test_samples_of_the_original_are_whole_groups():
    original = in_groups(30, 1)
    tables = read_tables(original, [original], groups=["site"])
    rows = tables.redraw(len(original), np.random.default_rng(1))
    assert len(rows) == len(original)
    drawn = original["site"].to_numpy()[rows]
    sizes, counts = original["site"].value_counts(), pd.Series(drawn).value_counts()
    last = drawn[-1]
    assert all(counts[g] % sizes[g] == 0 for g in counts.index if g != last)
    existing = read_tables(original, [original], groups=["site"], provenance={"groups": "existing"})
    assert existing.clusters is None
