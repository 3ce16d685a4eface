"""Missing rates: z by hand, its limits, groups."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportions_ztest

from bayessynth.evaluation.utility.missing import rate_z
from tests.evaluation.utility.samples import measured, related


def gaps(n: int, rate: float, seed: int, columns: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    cells = rng.normal(size=(n, columns))
    return pd.DataFrame(np.where(rng.random((n, columns)) < rate, np.nan, cells)).add_prefix("x")


def test_z_is_that_of_two_proportions():
    z, _ = proportions_ztest([30, 50], [200, 250])
    assert rate_z(np.array([30 / 200]), np.array([50 / 250]), 200, 250)[0] == pytest.approx(-z)


def test_no_missing_cell_anywhere_is_nothing_to_measure():
    assert measured("missing", gaps(50, 0, 1), gaps(50, 0, 2)) == {}


def test_identical_and_fresh_tables_pass():
    original = gaps(1000, 0.2, 1, 20)
    assert measured("missing", original, original)["missing"].value == 0
    found = measured("missing", original, gaps(700, 0.2, 2, 20))["missing"]
    assert found.verdict == "pass"
    assert found.reference_interval[0] < found.value < found.reference_interval[1]


@pytest.mark.parametrize(("original", "copy"), [(0.0, 0.1), (0.2, 0.3), (0.2, 0.0), (0.0, 1.0)])
def test_another_rate_fails(original, copy):
    found = measured("missing", gaps(1000, original, 1, 3), gaps(1000, copy, 2, 3))["missing"]
    assert found.verdict == "fail"
    assert found.detail["z"].abs().max() > 4


def test_many_small_errors_fail_though_each_is_within_its_limit():
    original = gaps(2000, 0.2, 1, 40)
    found = measured("missing", original, gaps(2000, 0.22, 2, 40))["missing"]
    assert found.detail["z"].max() <= 4
    assert found.verdict == "fail"


def test_a_difference_too_small_to_matter_warns_at_most():
    original, copy = pd.DataFrame({"x": np.zeros(200_000)}), pd.DataFrame({"x": np.zeros(200_000)})
    original.loc[:200, "x"] = np.nan
    copy.loc[:500, "x"] = np.nan
    assert measured("missing", original, copy)["missing"].verdict == "warn"


def test_groups_inflate_the_standard_error():
    def clustered(seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        gone = rng.random(60) < 0.3
        frame = related(1800, seed).assign(site=np.repeat(np.arange(60), 30))
        return frame.assign(x=np.where(gone[frame["site"]], np.nan, frame["x"]))[["x", "site"]]

    found = [measured("missing", clustered(s), clustered(s + 100), groups=["site"])["missing"] for s in range(20)]
    assert all(f.verdict == "pass" for f in found)
    z = np.array([f.detail["z"][0] for f in found])
    assert np.sqrt((z**2).mean()) == pytest.approx(1, abs=0.45)
    assert found[0].notes == ("Groups inflate the standard errors.",)
