"""Binding a spec to data: whatever does not fit is named before anything is fitted."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.design import Bound, Effects, bind, component, parameters
from bayessynth.errors import (
    BayesSynthError,
    DataError,
    GroupWarning,
    MissingDataError,
    MissingRowsWarning,
    SchemaError,
    SpecError,
)
from bayessynth.schema import Schema
from bayessynth.spec import Equation, Spec

N = 60
ROW = np.arange(N)
RNG = np.random.default_rng(6)
DATA = pd.DataFrame({
    "y": RNG.normal(size=N), "x": np.round(RNG.gamma(2, 2, N) + 0.1, 2), "age": RNG.integers(18, 90, N),
    "sex": RNG.choice(["f", "m"], N), "area": RNG.choice(["n", "s", "w"], N), "site": ROW // 6, "unit": ROW // 3,
    "size": np.repeat(RNG.integers(3, 40, N // 6), 6), "beds": np.repeat(RNG.normal(size=N // 6), 6),
    "zero": np.where(ROW % 4 == 0, 0.0, RNG.gamma(2, 2, N)), "one": 7, "key": [f"k{i}" for i in ROW],
    "born": pd.Timestamp("1990-01-01") + pd.to_timedelta(RNG.integers(0, 9000, N), unit="D"),
    "hits": RNG.integers(0, 4, N), "tries": 4 + RNG.integers(0, 4, N),
})  # fmt: skip


def bound(*equations: str | Equation, data: pd.DataFrame = DATA, **options: Any) -> Bound:
    return bind(Spec(*equations, rest="drop"), data, **options)[0]


def refused(*equations: str | Equation, data: pd.DataFrame = DATA, **options: Any) -> str:
    with pytest.raises(BayesSynthError) as caught:
        bind(Spec(*equations, rest="drop"), data, **options)
    return str(caught.value)


def test_everything_is_resolved() -> None:
    found = bound(
        Equation("y ~ x*sex + poly(age, 2) + (1 + x | site)", "sigma ~ sex", family="student_t"),
        Equation("hits ~ area", family="binomial", trials="tries"), Equation("zero ~ 1", points=(0,)),
        "tries ~ 1", "x ~ age + (1 | site)", "age ~ sex + beds", "sex ~ 1", "area ~ 1", "beds ~ size", "size ~ 1",
        "one ~ 1", "born ~ 1",
    )  # fmt: skip
    assert {e.response: e.family for e in found.equations} == {
        "y": "student_t", "hits": "binomial", "zero": "semicontinuous", "tries": "negative_binomial", "x": "lognormal",
        "age": "negative_binomial", "sex": "bernoulli", "area": "categorical", "beds": "normal",
        "size": "negative_binomial", "one": "point", "born": "normal",
    }  # fmt: skip
    assert found.levels["size"] == found.levels["beds"] == "site"
    assert found.levels["y"] == "row"
    assert found["hits"].trials == "tries"
    assert found["zero"].options == {"points": (0.0,)}
    assert {"y_x:sex", "y_1|site", "y_x|site_sd", "y_site_corr", "y_sigma_sex", "y_nu"} <= set(found["y"].variables)
    again = Bound.from_json(json.loads(json.dumps(found.to_json())))
    assert again == found
    with pytest.raises(SpecError, match=r"no equation for 'yy'. Did you mean 'y'"):
        found["yy"]


def test_a_bound_spec_holds_no_value_of_a_record() -> None:
    data = DATA.assign(x=RNG.lognormal(size=N), age=RNG.lognormal(3, size=N))
    found = bound("y ~ bs(x) + scale(age) + (1 | site)", "x ~ cr(age)", "age ~ 1", data=data)
    stored = set(map(float, re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", json.dumps(found.to_json()))))
    assert stored
    assert not stored & {*data["x"], *data["age"], *data["y"]}


@pytest.mark.parametrize(
    ("equations", "message"),
    [
        (("y ~ agee",), "Column 'agee' (the equation for 'y') is not in the data. Did you mean 'age'? The data"),
        (("yy ~ 1",), "Column 'yy' (the left side of its equation) is not in the data. Did you mean 'y'?"),
        (("y ~ (1 | sitee)",), "Column 'sitee' (a group-specific term) is not in the data. Did you mean 'site'?"),
        (
            ("y ~ x",),
            "Column 'x' is read by 'y' but has no equation, so synthetic records would have no value of "
            "it. Add one, such as 'x ~ 1'.",
        ),
        (
            ("y ~ site + (1 | site)", "x ~ 1"),
            "uses the grouping factor 'site' as a common effect, which new groups cannot have; write (1 | site)",
        ),
        (("y ~ (1 | site)", "site ~ 1"), "Column 'site' is a grouping factor and needs no equation"),
        (("y ~ one", "one ~ 1"), "Equation for 'y': 'one' is constant and explains nothing; remove it"),
        (("y ~ key", "key ~ 1"), "Column 'key' (the left side of its equation) is an identifier: its values name"),
        (
            (Equation("one ~ 1", family="normal"),),
            "Equation for 'one': the column is constant (7), so family 'normal' has "
            "nothing to learn; leave family= out, or drop the column",
        ),
        (
            (Equation("sex ~ 1", family="gamma"),),
            "Equation for 'sex': family 'gamma' does not serve a column of kind 'binary'. Families that do: bernoulli",
        ),
        (("key ~ 1",), "Remove it from the spec, or, if they mean something, use Schema.detect(df).override(key=…)"),
        ((Equation("zero ~ 1", family="lognormal"),), "column 'zero', 15 of 60 rows, the first is row 0: 0.0"),
        (
            ("y ~ log(zero)", "zero ~ 1"),
            "A formula's term is not finite: column 'log(zero)', 15 of 60 rows, the first is "
            "row 0: 0.0. Use another transform (log1p for zeros)",
        ),
        (("y ~ (1 | key)",), "every group of 'key' is seen once, so its effects cannot be told from the residual"),
        (("y ~ x + I(2*x)", "x ~ 1"), "are an exact combination of each other; remove one of them"),
        (("y ~ I(x > 1000)", "x ~ 1"), "'I(x > 1000)' does not vary in the rows of this equation"),
        (
            ("size ~ y + (1 | unit)", "y ~ (1 | site)"),
            "one value a group, but its predictor 'y' varies within groups. "
            "Remove the predictor (or use a group-level one), or say "
            "level='row'",
        ),
        (
            ("size ~ (1 | site)",),
            "the column has one value for each 'site', so effects of 'site' cannot be told from its "
            "residual; remove (… | site)",
        ),
        (
            (Equation("y ~ (1 | site)", level="sit"),),
            "level='sit' is no grouping factor of the spec. Did you mean 'site'? Its factors are: site",
        ),
        (
            (Equation("y ~ (1 | unit) + (1 | site)", level="unit"),),
            "level='unit', but the column varies within 20 of 20 groups, the first is 0 (row 1). Drop level=",
        ),
        ((Equation("hits ~ 1", family="binomial", trials="triess"),), "Column 'triess' (the equation for 'hits')"),
        (
            (Equation("y ~ 1", "sigmaa ~ x"), "x ~ 1"),
            "has no parameter 'sigmaa'; it has: mu, sigma. Did you mean 'sigma'",
        ),
        ((Equation("y ~ x", link="log"), "x ~ 1"), None),
        (
            (Equation("area ~ (1 + x | site)"), "x ~ 1"),
            "correlated group effects are not available for family 'categorical'; write (… || g)",
        ),
        ((Equation("x ~ y", family="uniform"), "y ~ 1"), "family 'uniform' takes no predictors; write '~ 1'"),
    ],
)
def test_what_does_not_fit_is_named(equations: tuple[Any, ...], message: str | None) -> None:
    if message is None:
        assert bound(*equations)["y"].links["mu"] == "log"
    else:
        assert message in refused(*equations)


def test_columns_without_an_equation() -> None:
    data = DATA[["y", "x", "age"]]
    with pytest.raises(SpecError, match=r"No equation for columns 'x', 'age'. Add one \(such as 'x ~ 1'\).*"
                                        r"Spec\(…, rest='drop'\) .*rest='keep'"):  # fmt: skip
        bind(Spec("y ~ 1"), data)
    kept, _ = bind(Spec("y ~ x", rest="keep"), data)
    assert kept.kept == ("x", "age")
    assert kept.schema.names == ("y", "x", "age")
    dropped, _ = bind(Spec("y ~ 1", rest="drop"), data)
    assert (dropped.kept, dropped.schema.names) == ((), ("y",))


def test_missing_cells_are_an_error_with_counts_or_are_left_out_with_a_warning() -> None:
    data = DATA.assign(x=DATA["x"].where(ROW > 4), y=DATA["y"].where(ROW % 20 > 0))
    spec = Spec("y ~ x", "x ~ age", "age ~ 1", rest="drop")
    with pytest.raises(MissingDataError, match=r"Missing cells in columns 'x' \(5 of 60 rows\), 'y' \(3 of 60 rows\). "
                                               r"Say missing='drop'"):  # fmt: skip
        bind(spec, data)
    with pytest.warns(MissingRowsWarning) as caught:
        found, rows = bind(spec, data, missing="drop")
    messages = [str(w.message) for w in caught]
    assert "'x': 5 of 60 rows (8.3%) left out because cells are missing in x. This is valid if" in messages[0]
    assert "'y': 7 of 60 rows (11.7%) left out because cells are missing in y, x" in messages[1]
    assert [len(rows.rows[c]) for c in ("age", "x", "y")] == [60, 55, 53]
    assert len(rows.at("y").arrays["x"]) == 53
    assert caught[0].filename == __file__
    assert found.n == 60


def test_missing_cells_of_columns_that_no_equation_uses_do_not_matter() -> None:
    bound("y ~ 1", data=DATA.assign(x=np.where(ROW < 5, np.nan, 1.5)))


def test_too_few_rows_are_refused() -> None:
    few = DATA.assign(x=DATA["x"].where(ROW < 1))
    schema = Schema.detect(DATA)
    with pytest.warns(MissingRowsWarning), pytest.raises(DataError, match="'x': fewer than 2 rows are left without"):
        bind(Spec("y ~ x", "x ~ 1", rest="drop"), few, missing="drop", schema=schema)
    assert "missing='dorp' is not one of 'error', 'drop', 'model'. Did you mean 'drop'?" in refused(
        "y ~ 1", missing="dorp"
    )


def test_one_group_and_rows_without_a_group_are_refused() -> None:
    assert "'site' has only one group" in refused("y ~ (1 | site)", data=DATA.assign(site=3))
    gaps = DATA.assign(site=DATA["site"].where(ROW != 7))
    assert "A row without a group: column 'site', 1 of 60 rows, the first is row 7" in refused(
        "y ~ (1 | site)", data=gaps
    )


def test_a_row_level_column_may_be_said_to_be_one() -> None:
    found = bound(Equation("size ~ y + (1 | site)", level="row"), "y ~ 1")
    assert found.levels["size"] == "row"
    assert found["size"].factors == ("site",)


def test_a_row_predictor_of_an_upper_column_must_be_above_it() -> None:
    found = bound("size ~ beds", "beds ~ 1", "y ~ (1 | unit) + (1 | site)")
    assert found.levels == {"size": "site", "beds": "site", "y": "row"}


def test_names_of_parameters_do_not_collide() -> None:
    data = pd.DataFrame({"a": DATA["y"], "a_b": DATA["x"], "b_sigma": RNG.normal(size=N), "b": RNG.normal(size=N)})
    with pytest.raises(SpecError, match="both have a parameter 'a_b_sigma'; rename one of the columns"):
        bind(Spec("a ~ b_sigma", Equation("a_b ~ 1", family="normal"), "b_sigma ~ 1", "b ~ 1"), data)
    with pytest.raises(SpecError, match="two parameters 'sigma', one of them the coefficient of sigma; rename that"):
        bind(Spec("y ~ sigma", "sigma ~ 1"), pd.DataFrame({"y": DATA["y"], "sigma": RNG.normal(size=N)}))


def test_data_are_checked_against_a_declared_schema() -> None:
    schema = Schema(y=bs.Continuous(bounds=(-1, 1)), sex=bs.Binary("f", "m"))
    with pytest.raises(SchemaError, match=r"Outside the declared bounds \(-1, 1\): column 'y'"):
        bind(Spec("y ~ sex", "sex ~ 1"), DATA, schema=schema)
    other = Schema(y=bs.Continuous(scale=2), sex=bs.Binary("f", "x"))
    with pytest.raises(SchemaError, match="Not one of the declared levels 'f', 'x': column 'sex'"):
        bind(Spec("y ~ sex", "sex ~ 1"), DATA, schema=other)
    with pytest.raises(DataError, match="no column 'z'"):
        bind(Spec("z ~ 1"), DATA, schema=Schema(z=bs.Count(scale=1)))


def test_binary_columns_of_numbers_are_numbers_in_formulas() -> None:
    data = pd.DataFrame({"y": DATA["y"], "arm": ROW % 2 + 1, "flag": ROW % 3 == 0})
    found, rows = bind(Spec("y ~ I(arm*2) + flag", "arm ~ 1", "flag ~ 1"), data)
    columns = found["y"].predictors["mu"].matrix(rows.at("y"), N)
    assert columns[:, 0].tolist() == (2 * data["arm"]).tolist()
    assert columns[:, 1].tolist() == data["flag"].astype(float).tolist()


def test_columns_that_are_dropped_may_be_unusable() -> None:
    table = pd.DataFrame({"y": [1.5, 2.5, 4.0], "empty": [np.nan] * 3, "huge": [1.0, np.inf, 2.0]})
    bound, _ = bind(Spec("y ~ 1", rest="drop"), table)
    assert bound.schema.names == ("y",)


def test_slopes_on_a_column_far_from_zero_warn() -> None:
    rng = np.random.default_rng(1)
    table = pd.DataFrame({"site": np.repeat(list("abcd"), 10), "age": rng.normal(45, 9, 40), "y": rng.normal(size=40)})
    age, far, near = "age ~ 1", "y ~ (1 + age | site)", "y ~ (1 + center(age) | site)"
    with pytest.warns(GroupWarning, match=r"'age' in \(… \| site\) lies far from zero .* center\(age\)"):
        bind(Spec(age, far), table)
    bind(Spec(age, near), table)


@pytest.mark.parametrize("numbers", [(5, 8), (7,)])
def test_numbers_of_trials_count_also_where_there_are_one_or_two(numbers: tuple[int, ...]) -> None:
    tries = RNG.choice(numbers, N)
    data = pd.DataFrame({"tries": tries, "hits": RNG.binomial(tries, 0.4)})
    found, rows = bind(Spec("tries ~ 1", Equation("hits ~ 1", family="binomial", trials="tries")), data)
    made = component(found, rows, "hits")
    assert made.beside["trials"].tolist() == tries.tolist()
    values = {"hits_Intercept": np.asarray(0.3)}
    given = parameters(found["hits"], rows.at("hits"), N, values, Effects({}, {}))
    assert np.asarray(given["trials"]).tolist() == tries.tolist()
    assert "at most their trials: column 'hits', 1 of 60 rows" in refused(
        Equation("hits ~ 1", family="binomial", trials="tries"), "tries ~ 1",
        data=data.assign(hits=data["hits"].where(data.index > 0, 9)),
    )  # fmt: skip


def test_trials_must_be_numbers() -> None:
    data = pd.DataFrame({"tries": ["few", "many", "some"] * 20, "hits": RNG.integers(0, 9, N)})
    message = refused("tries ~ 1", Equation("hits ~ 1", family="binomial", trials="tries"), data=data)
    assert "Equation for 'hits': its number of trials 'tries' is categorical, not a number" in message
