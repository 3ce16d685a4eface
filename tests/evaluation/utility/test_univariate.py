"""Distances of single columns against SciPy and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp, wasserstein_distance

from bayessynth.evaluation.utility.univariate import kolmogorov_smirnov, total_variation
from bayessynth.evaluation.utility.wasserstein import scaled_wasserstein, spread
from tests.evaluation.utility.samples import independent, measured, related


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("sizes", [(5, 5), (40, 7), (300, 400)])
def test_kolmogorov_smirnov_is_scipys(sizes, ties):
    rng = np.random.default_rng(sum(sizes))
    a, b = rng.normal(size=sizes[0]), rng.normal(0.3, 1.2, size=sizes[1])
    a, b = (a.round(), b.round()) if ties else (a, b)
    expected = ks_2samp(a, b, method="asymp").statistic
    assert kolmogorov_smirnov(a, b) == pytest.approx(expected, abs=1e-12)
    assert kolmogorov_smirnov(np.append(a, np.nan), b) == pytest.approx(expected, abs=1e-12)


def test_a_column_without_any_value_is_as_far_as_can_be_from_one_with_values():
    empty = np.full(3, np.nan)
    assert kolmogorov_smirnov(empty, np.ones(2)) == 1
    assert kolmogorov_smirnov(empty, empty) == 0
    assert scaled_wasserstein(empty, np.ones(2), 1.0) == 1
    assert scaled_wasserstein(empty, empty, 1.0) == 0


def test_total_variation_counts_the_records_that_would_have_to_change():
    a, b = np.repeat([0, 1, 2], [5, 3, 2]), np.repeat([0, 1, 2], [2, 3, 5])
    assert total_variation(a, b, 3) == pytest.approx(0.3)


def test_missing_counts_as_a_level():
    original = pd.DataFrame({"s": ["a"] * 8 + [None] * 2})
    copy = pd.DataFrame({"s": ["a"] * 5 + [None] * 5})
    assert measured("univariate", original, copy)["univariate_levels"].value == pytest.approx(0.3)


def test_wasserstein_is_scipys_in_standard_deviations():
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=200), rng.normal(1, 2, size=150)
    found = measured("wasserstein", pd.DataFrame({"x": a}), pd.DataFrame({"x": b}))["wasserstein"]
    assert found.value == pytest.approx(wasserstein_distance(a, b) / a.std())
    assert found.detail["unit"].tolist() == ["sd"]


def test_a_tail_does_not_hide_a_shift_of_the_bulk():
    bulk = np.random.default_rng(2).normal(size=1000)
    original = np.append(bulk, [1e6] * 5)
    shifted = np.append(bulk + 1, [1e6] * 5)
    unit, name = spread(original)
    assert name == "iqr"
    assert unit == pytest.approx(1, abs=0.1)
    assert scaled_wasserstein(original, shifted, unit) == pytest.approx(1, abs=0.1)


def test_infinite_values_are_told_as_the_largest_finite_one():
    a, b = np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, np.inf])
    assert scaled_wasserstein(a, b, 1.0) == 0


def test_identical_tables_have_no_distance():
    original = related(300, 1)
    for name in ("univariate", "wasserstein"):
        for found in measured(name, original, original).values():
            assert found.value == 0
            assert found.verdict == "pass"


def test_a_fresh_sample_and_independent_margins_pass():
    original = related(800, 1)
    for copy in (related(800, 2), independent(original, 3)):
        for name in ("univariate", "wasserstein"):
            for found in measured(name, original, copy).values():
                assert found.verdict == "pass", found.reading


def test_the_reference_is_what_independent_samples_score():
    original = related(1000, 1)
    found = measured("univariate", original, [related(1000, s) for s in range(2, 12)])
    for one in found.values():
        assert one.value == pytest.approx(one.reference, rel=0.35)
        low, high = one.interval
        assert low < one.value < high


def test_a_shifted_column_fails_and_comes_first():
    original = related(800, 1)
    copy = related(800, 2).assign(count=lambda f: f["count"] + 2)
    for name, which in (("univariate", "univariate_numbers"), ("wasserstein", "wasserstein")):
        found = measured(name, original, copy)[which]
        assert found.verdict == "fail"
        assert found.detail["column"][0] == "count"
        assert "count" in found.reading
