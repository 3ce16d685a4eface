from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayessynth.errors import DataError
from bayessynth.report import compare_columns, compare_correlations, compare_groups, compare_levels


@pytest.fixture
def original() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    site = np.repeat(["a", "b", "c"], [30, 20, 10])
    x = rng.normal(size=60)
    return pd.DataFrame(
        {"site": site, "x": x, "visits": rng.poisson(1.0, 60), "sick": x > 0, "sex": rng.choice(["f", "m"], 60)}
    )


def test_numbers_are_those_of_pandas_with_the_range_over_copies(original):
    copies = [original, original.assign(x=original["x"] + 1)]
    table = compare_columns(original, copies).set_index(["column", "statistic"])
    assert set(table.index) == {("x", "mean"), ("x", "sd"), *(("visits", s) for s in ("mean", "sd", "zeros"))}
    mean = original["x"].mean()
    assert table.loc[("x", "mean")].tolist() == pytest.approx([mean, mean + 0.5, mean, mean + 1])
    assert table.loc[("visits", "zeros"), "original"] == (original["visits"] == 0).mean()


def test_missing_cells_are_left_out_column_by_column(original):
    holes = original.assign(x=original["x"].where(original.index > 9))
    table = compare_columns(holes, [original], ["x"]).set_index("statistic")
    assert table.loc["mean", "original"] == pytest.approx(original["x"][10:].mean())


def test_levels_that_a_copy_lacks_count_as_zero(original):
    table = compare_levels(original, [original[original["sex"] == "f"]], ["sex"]).set_index("level")
    assert table["copies"].tolist() == [1.0, 0.0]
    assert set(compare_levels(original, [original])["column"]) == {"site", "sick", "sex"}


def test_correlations_come_strongest_first(original):
    data = original.assign(y=original["x"] ** 3)
    table = compare_correlations(data, [data])
    assert table.iloc[0].tolist() == ["x", "y", 1.0, 1.0, 1.0, 1.0]


def test_variance_components_recover_what_made_the_data():
    rng = np.random.default_rng(2)
    sizes = rng.integers(5, 40, 400)
    group = np.repeat(np.arange(400), sizes)
    y = rng.normal(0, 1.5, 400)[group] + rng.normal(0, 2.0, len(group))
    table = compare_groups(pd.DataFrame({"g": group, "y": y}), [pd.DataFrame({"g": group, "y": y})], ["g"])
    sd, icc = table["original"]
    assert sd == pytest.approx(1.5, rel=0.08)
    assert icc == pytest.approx(1.5**2 / (1.5**2 + 4), rel=0.1)


def test_groups_that_do_not_differ_have_no_variance_and_constants_are_left_out(original):
    data = original.assign(level=original["site"].map({"a": 1, "b": 2, "c": 3}), same=[1.0, 3.0] * 30)
    table = compare_groups(data, [data], ["site"]).set_index(["column", "statistic"])
    assert "level" not in table.index.get_level_values("column")
    assert table.loc[("same", "icc"), "original"] == 0


def test_unknown_and_unfit_columns_are_named(original):
    with pytest.raises(DataError, match=r"no column 'visit' in the data\. Did you mean 'visits'"):
        compare_columns(original, [original], ["visit"])
    with pytest.raises(DataError, match="Column 'sex' holds no numbers"):
        compare_correlations(original, [original], ["sex"])
