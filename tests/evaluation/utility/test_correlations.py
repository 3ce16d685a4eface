"""Rank correlations against SciPy and pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from bayessynth.evaluation.utility.correlations import rank_correlations
from tests.evaluation.utility.samples import independent, measured, related


def test_without_missing_cells_they_are_scipys():
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.normal(size=80), rng.poisson(2, 80), rng.normal(size=80).round(1)])
    x[:, 2] += x[:, 0]
    assert rank_correlations(x) == pytest.approx(spearmanr(x).statistic)


def test_with_missing_cells_they_are_those_of_the_columns_ranks():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(60, 3))
    x[rng.random(x.shape) < 0.2] = np.nan
    assert rank_correlations(x) == pytest.approx(pd.DataFrame(x).rank().corr().to_numpy())


def test_columns_that_do_not_vary_or_never_meet_have_none():
    x = np.array([[1.0, 3.0, np.nan, np.nan], [2.0, 3.0, np.nan, 1.0], [3.0, 3.0, np.nan, np.nan]])
    assert rank_correlations(x).tolist() == np.eye(4).tolist()


def test_the_measure_is_the_average_difference():
    original, copy = related(300, 1)[["x", "count"]], related(250, 2)[["x", "count"]]
    own, drawn = (spearmanr(f["x"], f["count"]).statistic for f in (original, copy))
    found = measured("correlations", original, copy)["correlations"]
    assert found.value == pytest.approx(abs(own - drawn))
    assert found.detail.loc[0, ["original", "copies"]].tolist() == pytest.approx([own, drawn])


def test_identical_and_fresh_tables_pass_and_independent_margins_fail():
    original = related(600, 1)
    assert measured("correlations", original, original)["correlations"].value == 0
    fresh = measured("correlations", original, related(600, 2))["correlations"]
    assert fresh.verdict == "pass"
    apart = measured("correlations", original, independent(original, 3))["correlations"]
    assert apart.verdict == "fail"
    assert apart.detail.loc[0, ["column", "with"]].tolist() == ["x", "y"]


def test_one_number_has_no_pair():
    frame = related(50, 1)[["x", "s"]]
    assert measured("correlations", frame, frame) == {}
