"""Which cells are drawn, for which equations, and what is refused."""

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import DataError, MissingDataError
from tests.imputation.tables import found

NAN = np.nan


def linear(n: int = 12) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    z = rng.normal(size=n)
    x = z + rng.normal(size=n)
    return pd.DataFrame({"z": z, "x": x, "y": x + rng.normal(size=n)}).round(2)


SPEC = bs.Spec("z ~ 1", "x ~ z", "y ~ x + z")


def test_a_missing_leaf_leaves_its_likelihood_and_is_not_drawn():
    table = linear()
    table.loc[[2, 5], "y"] = NAN
    made = found(SPEC, table)
    assert made.counts == {}
    assert made.joined == ()
    assert made.rows["y"].tolist() == [0, 1, 3, 4, 6, 7, 8, 9, 10, 11]
    assert made.rows["x"].tolist() == list(range(12))


def test_a_predictor_that_only_a_missing_leaf_reads_is_not_drawn_either():
    table = linear()
    table.loc[2, ["x", "y"]] = NAN
    table.loc[5, "x"] = NAN
    made = found(SPEC, table)
    assert made.counts == {"x": 1}
    assert made.gaps[0].at.tolist() == [5]
    assert made.rows["x"].tolist() == [i for i in range(12) if i != 2]
    assert made.joined == (("x", "y"),)


def test_a_missing_response_that_is_read_further_on_draws_its_predictors():
    table = linear()
    table.loc[2, ["z", "x"]] = NAN
    made = found(SPEC, table)
    assert made.counts == {"z": 1, "x": 1}
    assert made.joined == (("z", "x", "y"),)
    assert 2 in made.rows["x"]
    assert {r.equation.response for r in made.gaps[0].readers} == {"x", "y"}


def test_equations_without_common_cells_stay_apart():
    table = linear().assign(a=linear()["z"] * 2, b=linear()["x"])
    table.loc[2, "z"] = NAN
    table.loc[3, "a"] = NAN
    made = found(bs.Spec("z ~ 1", "x ~ z", "y ~ 1", "a ~ 1", "b ~ a"), table)
    assert made.joined == (("z", "x"), ("a", "b"))
    assert made.sampled == ("z", "x", "a", "b")


def test_complete_rows_are_those_of_binding():
    table = linear()
    table.loc[2, "x"] = NAN
    made = found(SPEC, table)
    assert 2 not in made.complete["y"]
    assert len(made.complete["y"]) == 11


def grouped(n: int = 24) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    site = np.arange(n) // 3
    size = rng.normal(size=n // 3).round(2)
    return pd.DataFrame({"site": site, "size": size[site], "y": (size[site] + rng.normal(size=n)).round(2)})


def test_a_cell_at_a_groups_level_stands_in_all_its_rows():
    table = grouped()
    table.loc[table["site"] == 4, "size"] = NAN
    made = found(bs.Spec("size ~ 1", "y ~ size + (1 | site)"), table)
    (gap,) = made.gaps
    assert gap.equation.level == "site"
    assert gap.at.tolist() == [12]
    assert gap.cells.tolist() == [12, 13, 14]
    assert gap.readers[0].rows.tolist() == [12, 13, 14]
    assert gap.readers[0].unit.tolist() == [0, 0, 0]
    assert gap.fill(made.frame.arrays, np.array([7.0]))["size"][11:16].tolist()[1:4] == [7.0] * 3
    assert len(gap.observed) == 7


def test_a_column_that_is_kept_cannot_be_drawn():
    table = linear()
    table.loc[[1, 2], "z"] = NAN
    with pytest.raises(
        MissingDataError, match=r"'z' is missing in 2 of 12 rows of the equation for 'y', and has no equation"
    ):
        found(bs.Spec("y ~ z", "x ~ 1", rest="keep"), table)


def test_a_column_of_a_nonparametric_family_has_no_density():
    table = linear()
    table.loc[[1, 2], "x"] = NAN
    spec = bs.Spec("z ~ 1", bs.Equation("x ~ z", family="tree"), "y ~ x")
    with pytest.raises(
        MissingDataError, match=r"'x' is missing in 2 of 12 .*'y', and its family 'tree' has no density"
    ):
        found(spec, table)


def test_nonparametric_equations_read_missing_cells_as_they_are():
    table = linear()
    table.loc[[1, 2], "x"] = NAN
    made = found(bs.Spec("z ~ 1", "x ~ z", bs.Equation("y ~ x", family="tree")), table)
    assert made.counts == {}
    assert made.rows["y"].tolist() == list(range(12))


def test_numbers_of_trials_cannot_be_drawn():
    table = pd.DataFrame({"trials": [4.0, 5, NAN, 7, 8], "k": [1.0, 2, 2, 3, 5], "z": [0.1, -0.4, 0.3, 0.8, -1.2]})
    spec = bs.Spec("z ~ 1", "trials ~ 1", bs.Equation("k ~ z", family="binomial", trials="trials"))
    with pytest.raises(MissingDataError, match=r"Numbers of trials cannot be drawn: column 'trials' is missing in 1"):
        found(spec, table)


def test_a_grouping_factor_is_refused_when_the_spec_is_bound():
    table = grouped().astype({"site": object})
    table.loc[3, "site"] = None
    with pytest.raises(MissingDataError, match="A row without a group: column 'site'"):
        found(bs.Spec("size ~ 1", "y ~ size + (1 | site)"), table)


def test_observed_responses_are_checked_in_rows_that_are_not_complete_too():
    table = linear().assign(y=lambda t: t["y"].abs() + 0.1)
    table.loc[4, "x"], table.loc[4, "y"] = NAN, -3.0
    with pytest.raises(DataError, match=r"Needs values above 0 or one of.*'y', 1 of 12.*-3\.0"):
        found(bs.Spec("z ~ 1", "x ~ z", bs.Equation("y ~ x", family="semicontinuous")), table)
