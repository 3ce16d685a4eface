"""Train on copies, test on the holdout: against scikit-learn, by kind of target, what is left out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score

from bayessynth.evaluation.tables import read_tables
from bayessynth.evaluation.utility.tstr import FEWEST, Task, named_alike, score, task_of
from tests.evaluation.utility.samples import independent, measured, related


def plain(n: int, seed: int) -> pd.DataFrame:
    return related(n, seed)[["x", "count", "s"]]


def test_auc_of_levels_is_that_of_scikit_learn():
    original, copy, holdout = plain(400, 1), plain(400, 2), plain(300, 3)
    found = measured("tstr", original, copy, holdout=holdout, target="s")["tstr"]
    for value, frame in ((found.value, copy), (found.reference, original)):
        model = HistGradientBoostingClassifier(early_stopping=False, random_state=0)
        model.fit(frame[["x", "count"]].to_numpy(float), frame["s"] == "low")
        expected = roc_auc_score(
            holdout["s"] == "low", model.predict_proba(holdout[["x", "count"]].to_numpy(float))[:, 1]
        )
        assert value == pytest.approx(expected, abs=1e-12)
    assert found.verdict == "pass"


def test_r2_of_numbers_is_that_of_scikit_learn():
    original, copy, holdout = (plain(400, s).drop(columns="s") for s in (1, 2, 3))
    found = measured("tstr", original, copy, holdout=holdout, target="x")["tstr"]
    model = HistGradientBoostingRegressor(early_stopping=False, random_state=0)
    model.fit(copy[["count"]].to_numpy(float), copy["x"])
    assert found.value == pytest.approx(r2_score(holdout["x"], model.predict(holdout[["count"]].to_numpy(float))))
    assert "R² of x" in found.title


@pytest.mark.parametrize("target", ["s", "x"])
def test_identical_copies_train_as_well_and_independent_margins_do_not(target):
    original, holdout = related(600, 1), related(600, 3)
    same = measured("tstr", original, original, holdout=holdout, target=target)["tstr"]
    assert same.value == same.reference
    assert same.verdict == "pass"
    apart = measured("tstr", original, independent(original, 2), holdout=holdout, target=target)["tstr"]
    assert apart.verdict == "fail"


def test_missing_is_a_class_of_its_own():
    original, holdout = related(250, 1), related(400, 3)
    found = measured("tstr", original, original, holdout=holdout, target="t")["tstr"]
    outcome = holdout["t"].fillna("missing")
    assert set(outcome) == {"high", "low", "other", "missing"}
    without = measured("tstr", original, original, holdout=holdout.dropna(), target="t")["tstr"]
    assert found.reference < without.reference  # which cells are missing cannot be predicted: AUC .5 for that class


def test_several_classes_are_averaged_and_rare_ones_left_out():
    task = Task("y", ("x",), np.array([0, 1, 2]))
    rng = np.random.default_rng(1)
    outcome = np.repeat([0, 1, 2, 3], [100, 100, 100, FEWEST - 1])
    prediction = rng.random((len(outcome), 4))
    expected = np.mean([roc_auc_score(outcome == c, prediction[:, c]) for c in range(3)])
    assert score(task, outcome, prediction) == pytest.approx(expected)


def test_a_copy_of_one_class_predicts_nothing():
    original, holdout = plain(300, 1), plain(300, 3)
    found = measured("tstr", original, original.assign(s="low"), holdout=holdout, target="s")["tstr"]
    assert found.value == 0.5
    assert found.verdict == "fail"
    empty = original.assign(x=np.nan)
    assert measured("tstr", original, empty, holdout=holdout, target="x")["tstr"].value == 0


@pytest.mark.parametrize(
    ("column", "alike"),
    [("income", True), ("log.income", True), ("Income (k)", True), ("incomes", False), ("outcome", False)],
)
def test_columns_named_like_the_target(column, alike):
    assert named_alike("income", column) is alike


def test_a_column_named_like_the_target_is_left_out_and_announced():
    original, holdout = (plain(300, s).assign(s_code=lambda f: f["s"]) for s in (1, 3))
    found = measured("tstr", original, original, holdout=holdout, target="s")["tstr"]
    assert found.notes == ("Named like the target and left out: 's_code'.",)
    assert found.reference < 0.99


def test_what_is_lacking_is_said():
    original = plain(100, 1)
    assert "target=" in measured("tstr", original, original)["tstr"].reading
    assert "holdout=" in measured("tstr", original, original, target="s")["tstr"].reading
    one_value = measured("tstr", original, original, holdout=original.assign(s="low"), target="s")["tstr"]
    assert np.isnan(one_value.value)
    assert "too few records" in one_value.reading


def test_classes_beyond_ten_count_as_one():
    frame = pd.DataFrame({"y": [f"class {i}" for i in range(15) for _ in range(20 - i)], "x": 1.0})
    tables = read_tables(frame, [frame])
    task, notes = task_of(tables, "y")
    assert notes == ("5 rarer classes count as one.",)
    kept = np.isin(frame["y"], [f"class {i}" for i in range(10)])
    outcome = task.outcome(tables.original)
    assert set(outcome[kept]) == set(range(10))
    assert set(outcome[~kept]) == {10}
