"""Detection of kinds, and what a schema then shows."""

from __future__ import annotations

import datetime
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import DataError, SchemaError
from bayessynth.schema import Column
from bayessynth.schema.detect import widened

RNG = np.random.default_rng(1)
TIMES = ["2020-01-01", "2021-05-03", "2020-03-01"]


def detected(values: Any) -> Column:
    return bs.Schema.detect(pd.DataFrame({"x": values}))["x"]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0, 3, 1], "count"),
        ([0.0, 3.0, np.nan, 1.0], "count"),
        (pd.array([0, None, 7, 3], dtype="Int16"), "count"),
        ([-1, 3, 1], "continuous"),
        ([0.2, 0.5, 0.7], "proportion"),
        ([0.2, 0.5, 1.7], "positive"),
        ([0.0, 0.5, 1.7], "positive"),
        ([-0.2, 0.5, 1.7], "continuous"),
        ([True, False, True], "binary"),
        ([1, 2, 1], "binary"),
        (["f", "m", None], "binary"),
        (pd.Categorical(["b", "a"], categories=["b", "a"], ordered=True), "binary"),
        (pd.array([True, None, False], dtype="boolean"), "binary"),
        (["a", "b", "c"], "categorical"),
        (pd.Categorical(["a", "b"], categories=["a", "b", "c"]), "categorical"),
        (pd.Categorical(["a", "b"], categories=["a", "b", "c"], ordered=True), "ordinal"),
        (["1", "2", "3"], "count"),
        (pd.to_datetime(TIMES), "datetime"),
        (pd.to_datetime(TIMES).tz_localize("Europe/Paris"), "datetime"),
        (pd.to_datetime(TIMES[:2]), "datetime"),
        ([5, 5], "constant"),
        (["a", None], "constant"),
        (pd.to_datetime(["2020-01-01"] * 2), "constant"),
        (np.arange(7, 30), "identifier"),
        ([f"p{i}" for i in range(22)], "identifier"),
        (pd.Categorical([f"p{i}" for i in range(22)]), "identifier"),
        ([2**60 + 1, 5, 7], "identifier"),
        (pd.Series([3, None, 0, 7], dtype=object), "count"),
        (pd.Series([3.5, np.nan, 2, 7], dtype=object), "positive"),
        (pd.Series([1, 2, None], dtype=object), "binary"),
        (pd.Series([2**70, 5, 7, None], dtype=object), "identifier"),
        (["2017-01-01T00:00:42Z", "2017-01-02T00:00:42Z", "2017-01-03T00:00:42Z"], "datetime"),
        ([None, None], "constant"),
        (pd.Series([1, "1", "a"], dtype=object), "categorical"),
    ],
)
def test_every_kind_is_detected(values: Any, kind: str) -> None:
    assert detected(values).kind == kind


def test_few_rows_or_repeated_text_are_no_identifier() -> None:
    assert detected(np.arange(20)).kind == "count"
    assert detected([f"p{i}" for i in range(20)]).kind == "categorical"
    assert detected([f"p{i // 2}" for i in range(60)]).kind == "categorical"


def test_zeros_mark_a_positive_column_only_from_one_per_cent() -> None:
    values = RNG.gamma(2.0, size=200)
    values[:2] = 0
    assert (detected(values).kind, detected(values).zeros) == ("positive", True)
    values[1] = 1
    assert detected(values[:200]).kind == "continuous"


def test_levels_sort_and_keep_the_order_of_categories() -> None:
    assert detected(["b", "a", "c"]).levels == ("a", "b", "c")
    assert detected(pd.Categorical(["a", "a"], categories=["z", "a", "m"])).levels == ("z", "a", "m")
    assert detected([False, None, True]).levels == (False, True)
    assert detected(pd.Series([10, 9, 9])).levels == (9, 10)


def test_decimals_and_resolution_are_the_coarsest_that_are_exact() -> None:
    assert detected([1.25, 3.5, -7.0]).decimals == 2
    assert detected([1 / 3, 3.5, -7.0]).decimals is None
    assert detected(np.array([0.1, 0.7, 3.3], dtype="float32")).decimals == 1
    assert detected(np.array([0.1, 1 / 3, 3.3], dtype="float32")).decimals == 8  # 8 decimals write any float32 < 1
    assert detected(pd.array([0.25, None, 3.3, 7], dtype="Float32")).decimals == 2
    assert detected(pd.to_datetime(TIMES)).unit == "D"
    assert detected(pd.to_datetime(["2020-01-01 05:30", *TIMES], format="mixed")).unit == "min"
    assert detected(pd.to_datetime(["2020-01-01 05:30:01.000004", *TIMES], format="mixed")).unit == "us"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (pd.Series([b"a", b"b"]), r"bytes, .* Convert it first: to text, by .str.decode\('utf-8'\)"),
        ([1j, 2, 3], "complex, .* Convert it first: real and imaginary parts to columns of their own"),
        (pd.Categorical([datetime.date(2020, 1, d) for d in (1, 2)]), "date, .* Convert it first: to times"),
        (pd.Series([datetime.date(2020, 1, 1), "soon"]), "date beside others of type str, .* Convert it first"),
        (pd.Series([object(), object()]), r"object, .* Convert it first: to numbers or times, or to text by .astype"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_values_of_no_kind_are_refused_with_a_remedy(values: Any, named: str) -> None:
    with pytest.raises(SchemaError, match=rf"Column 'x' holds values of type {named}"):
        detected(values)


@pytest.mark.parametrize(
    "cell", [[1], {"a": 1}, {1}, (1, 2), np.arange(2)], ids=["list", "dict", "set", "tuple", "ndarray"]
)
def test_nested_values_are_refused_with_a_remedy(cell: Any) -> None:
    named = type(cell).__name__
    message = (
        rf"Column 'x' holds nested values of type {named}, .* Spread them over columns, .* df.explode\('x'\); or make"
    )
    with pytest.raises(SchemaError, match=message):
        detected(pd.Series([cell, cell]))


def test_nested_arrow_values_are_refused() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    for cells, own, named in (([[1], [2]], pyarrow.list_(pyarrow.int64()), "list"),
                              ([{"a": 1}, {"a": 2}], pyarrow.struct([("a", pyarrow.int64())]), "dict")):  # fmt: skip
        with pytest.raises(SchemaError, match=f"nested values of type {named}"):
            detected(pd.array(cells, dtype=pd.ArrowDtype(own)))


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ([1, 2], DataError, "must be a pandas DataFrame, not list"),
        (pd.Series([1, 2], name="x"), DataError, "must be a pandas DataFrame, not Series"),
        (pd.DataFrame({"x": []}), DataError, "The table is empty: 0 rows, 1 columns"),
        (pd.DataFrame(), DataError, "The table is empty: 0 rows, 0 columns"),
        (pd.DataFrame([[1, 2]], columns=["x", "x"]), DataError, "Column 'x' occurs more than once; rename or drop"),
        (
            pd.DataFrame({"x": [1.0, np.inf, 2.0, -np.inf]}),
            DataError,
            "Infinite values: column 'x', 2 of 4 rows, the first is row 1: inf. Replace",
        ),
    ],
)
def test_unusable_tables_are_refused(data: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        bs.Schema.detect(data)


@pytest.mark.parametrize("scale", [1e-6, 0.01, 1.0, 1e7])
@pytest.mark.parametrize("shift", [0.0, 1.0, -3.3, 1e5])
def test_bounds_are_no_value_of_the_data(scale: float, shift: float) -> None:
    for decimals in (1, 2, 8):
        values = np.round(shift + scale * RNG.normal(size=50), decimals)
        bounds = widened(values)
        if bounds is None:
            assert np.ptp(values) == 0
        else:
            assert bounds[0] < values.min() <= values.max() < bounds[1]


def test_bounds_stand_clear_of_grid_points_that_division_misses() -> None:
    assert widened(np.array([1.1, 1.6])) == (1.09, 1.61)  # 1.1 / 0.01 is a hair above 110
    assert widened(np.array([0.0, 0.3])) == (0.0, 0.31)
    assert widened(np.array([1.0, 1.0 + 2.3e-16])) == pytest.approx((1.0, 1.0), abs=1e-10)
    assert widened(np.array([-1e308, 1e308])) is None


def numbers_in(data: Any) -> set[float]:
    if isinstance(data, dict):
        return set().union(*map(numbers_in, data.values()), set())
    if isinstance(data, list):
        return set().union(*map(numbers_in, data), set())
    return {float(data)} if isinstance(data, int | float) and not isinstance(data, bool) else set()


def test_a_schema_holds_no_value_of_a_number_a_name_or_a_group() -> None:
    n = 400
    df = pd.DataFrame({
        "income": np.round(RNG.lognormal(10, 1, n), 2), "share": RNG.uniform(size=n), "z": RNG.normal(size=n),
        "age": RNG.integers(18, 9000, n), "born": pd.Timestamp("1990-01-01") + pd.to_timedelta(
            RNG.integers(0, 10**9, n), unit="s"),
        "name": [f"person-{i:03d}" for i in range(n)], "key": np.arange(7001, 7001 + n),
        "site": [f"site-{i % 40}" for i in range(n)], "ward": 31_000 + np.arange(n) % 40,
    })  # fmt: skip
    schema = bs.Schema.detect(df).override(site="group", ward="group")
    assert [schema[c].kind for c in ("name", "key", "site", "ward")] == ["identifier"] * 2 + ["group"] * 2
    data = json.loads(json.dumps(schema.to_json()))
    stored, words = numbers_in(data), json.dumps(data)
    days = df["born"].to_numpy().astype("datetime64[us]").astype(np.int64) / 86_400e6
    for values in (df["income"], df["share"], df["z"], df["age"], df["ward"], df["key"], days):
        assert not stored & set(np.asarray(values, dtype=float))
    assert not any(label in words for label in (*df["name"], *df["site"].unique()))


def test_a_schema_holds_no_number_that_stands_as_an_object() -> None:
    values = np.repeat(RNG.lognormal(8, 1, 50).round(2), 3)
    column = detected(pd.Series([None, *values], dtype=object))
    assert (column.kind, column.levels, column.decimals) == ("positive", (), 2)
    assert not numbers_in(column.to_json()) & set(values)


def test_labels_of_new_groups_are_as_the_old_ones() -> None:
    assert detected(pd.Series([1, None, 5, 7], dtype=object)).labels == "int"
    assert detected(pd.Series([1.5, None, 5, 7], dtype=object)).labels == "str"
    assert detected(pd.Series(["1", None, "5", "7"], dtype=object)).labels == "str"


def test_a_schema_is_shown_as_a_table() -> None:
    schema = bs.Schema.detect(pd.DataFrame({"<b>": list("abcdefgh"), "y": [0.5, 1.5, None] + [2.0] * 5}))
    assert "a, b, c, d, e, f, …" in repr(schema)
    assert "0.4 to 2.1" in repr(schema)
    html = schema._repr_html_()
    assert "&lt;b&gt;" in html
    assert "<b>" not in html


def test_a_schema_is_a_mapping() -> None:
    schema = bs.Schema.detect(pd.DataFrame({"age": [1, 2, 3], "sex": ["f", "m", "f"]}))
    assert (len(schema), list(schema), "age" in schema, schema.names) == (2, ["age", "sex"], True, ("age", "sex"))
    assert schema.subset(["sex"]).names == ("sex",)
    assert hash(schema) == hash(bs.Schema.from_json(schema.to_json()))
    with pytest.raises(SchemaError, match=r"no column 'aeg'. Did you mean 'age'\?"):
        schema["aeg"]
