"""Classifier two-sample tests: standard error by hand, folds, copying, groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayessynth.evaluation import evaluate
from bayessynth.evaluation.utility.c2st import auc_error, folds_of
from tests.evaluation.utility.samples import in_groups, independent, measured, related


def test_the_standard_error_at_one_half_is_that_of_the_rank_sum():
    n, k = 40, 70
    assert auc_error(0.5, n, k) == pytest.approx(np.sqrt((n + k + 1) / (12 * n * k)))
    assert auc_error(1.0, n, k) == 0


def test_folds_are_of_about_equal_size_and_keep_groups_together():
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(60), rng.integers(1, 30, 60))
    folds = folds_of(groups, rng)
    assert (pd.Series(folds).groupby(groups).nunique() == 1).all()
    sizes = np.bincount(folds, minlength=5)
    assert sizes.max() - sizes.min() < 0.1 * len(groups)


def test_a_fresh_sample_cannot_be_told_from_original_or_holdout():
    found = measured("c2st", related(800, 1), related(800, 2), holdout=related(600, 3))
    for one in found.values():
        low, high = one.reference_interval
        error = (high - low) / 3.92
        assert one.value == pytest.approx(0.5, abs=4 * error)
        assert one.verdict == "pass"


def test_lost_relations_are_seen_by_trees_and_not_by_a_logistic_regression():
    original = related(800, 1)
    found = measured("c2st", original, independent(original, 2), holdout=related(600, 3))
    assert found["c2st_boosting"].value > 0.75
    assert found["c2st_boosting"].verdict == found["c2st_holdout"].verdict == "fail"
    assert found["c2st_logistic"].value < 0.55


def test_a_shift_is_seen_by_both_and_the_logistic_auc_is_that_of_the_shift():
    rng = np.random.default_rng(1)
    original, copy = (pd.DataFrame({"x": rng.normal(mean, 1, 3000)}) for mean in (0, 1))
    found = measured("c2st", original, copy)
    expected = 0.7602  # Φ(1/√2)
    assert found["c2st_logistic"].value == pytest.approx(expected, abs=4 * auc_error(expected, 3000, 3000))
    assert found["c2st_boosting"].value == pytest.approx(expected, abs=0.04)


def test_rows_redrawn_from_the_original_are_reported_as_copying():
    original = related(800, 1)
    copy = original.iloc[np.random.default_rng(2).integers(0, 800, 800)]
    found = measured("c2st", original, copy, holdout=related(600, 3))
    assert found["c2st_boosting"].value < 0.45
    assert found["c2st_boosting"].verdict == "warn"
    assert "copying" in found["c2st_boosting"].reading
    assert found["c2st_holdout"].value > 0.5  # rows that recur in the copy tell each other
    identical = measured("c2st", original, original)["c2st_boosting"]
    assert "copying" in identical.reading


def test_new_groups_are_not_recognised_by_heart():
    def frame(seed: int, first: int) -> pd.DataFrame:
        data = in_groups(60, seed, first=first)
        return data.assign(own=data["site"].map(pd.Series(np.random.default_rng(seed).normal(size=60),
                                                          index=np.arange(first, first + 60))))  # fmt: skip

    original, copy = frame(1, 0), frame(2, 1000)
    by_rows = measured("c2st", original.drop(columns="site"), copy.drop(columns="site"))["c2st_boosting"]
    assert by_rows.value > 0.95  # each group's own value gives its table away
    by_groups = measured("c2st", original, copy, groups=["site"])["c2st_boosting"]
    assert by_groups.verdict == "pass"
    assert "Folds are made of whole groups." in by_groups.notes


def test_the_cap_is_announced_and_tiny_tables_are_refused():
    found = measured("c2st", related(300, 1), related(200, 2), max_rows=100)
    assert found["c2st_boosting"].notes == ("Each class has 100 records, drawn at random.",)
    few = measured("c2st", related(10, 1), related(300, 2), holdout=related(30, 3))
    assert all(np.isnan(one.value) and "Fewer than 25" in one.reading for one in few.values())
    assert len(few) == 3


def test_a_level_that_the_original_never_has_gives_copies_away():
    original = related(400, 1)
    copy = related(400, 2)
    copy.loc[1:, "s"] = "never"
    found = measured("c2st", original, copy)
    assert found["c2st_boosting"].value > 0.98
    assert found["c2st_logistic"].value > 0.98


@pytest.mark.slow
@pytest.mark.parametrize("name", ["c2st_boosting", "c2st_logistic"])
def test_the_auc_of_fresh_samples_varies_as_its_standard_error_says(name):
    found = [measured("c2st", related(300, 2 * s), related(300, 2 * s + 1))[name] for s in range(200)]
    low, high = found[0].reference_interval
    error = (high - low) / 3.92
    assert error == pytest.approx(np.sqrt(2) * auc_error(0.5, 300, 300), rel=1e-6)
    values = np.array([one.value for one in found])
    assert values.mean() == pytest.approx(0.5, abs=4 * error / np.sqrt(200))
    assert values.std() == pytest.approx(error, rel=0.2)
    assert (values < 0.5 - 3 * error).mean() <= 0.015


def test_few_groups_that_hardly_differ_do_not_excuse_a_copy_of_another_shape() -> None:
    rng = np.random.default_rng(6)

    def sample(scale: float) -> pd.DataFrame:
        return pd.DataFrame({"x": scale * rng.normal(size=600), "y": rng.normal(size=600), "site": np.arange(600) % 6})

    original, alike, wider = sample(1.0), sample(1.0), sample(3.0)
    found = evaluate(original, alike, groups=["site"], measures=["c2st"])["c2st_boosting"]
    assert found.verdict == "pass"
    found = evaluate(original, wider, groups=["site"], measures=["c2st"])["c2st_boosting"]
    assert found.verdict == "fail", found
