"""Declarations, overrides, and the imagined table of a schema without data."""

from __future__ import annotations

import json
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import SchemaError
from bayessynth.schema import Column, Declaration

DECLARED = {
    "z": bs.Continuous(scale=3), "income": bs.Positive(scale=5000, decimals=2), "cost": bs.Positive(
        bounds=(0, 90), zeros=True), "share": bs.Proportion(decimals=1), "age": bs.Count(bounds=(0, 110)),
    "visits": bs.Count(scale=4), "smoker": bs.Binary(), "sex": bs.Binary("f", "m"), "arm": bs.Binary(1, 2),
    "region": bs.Categorical("north", "south", "west"), "stage": bs.Ordinal(1, 2, 3),
    "seen": bs.Datetime(bounds=(18262, 18627), unit="D"), "id": bs.Identifier(), "year": bs.Constant(2024),
    "site": bs.Group(),
}  # fmt: skip
FRAME = pd.DataFrame({
    "whole": [0, 3, 1], "real": [-1.5, 0.5, 2.25], "share": [0.25, 0.5, 0.125], "two": [1, 2, 1],
    "text": ["a", "b", "c"], "codes": ["01", "02", "03"], "level": pd.Categorical([3, 1, 2]),
    "same": [7, 7, 7], "time": pd.to_datetime(["2020-01-01", "2021-05-03", "2020-03-01"]),
})  # fmt: skip


def test_declarations_make_columns() -> None:
    schema = bs.Schema(**DECLARED)
    assert [schema[c].kind for c in schema] == [d.kind for d in DECLARED.values()]
    assert schema["age"].bounds == (0, 110)
    assert schema["age"].declared
    assert schema["smoker"].levels == (False, True)
    assert schema["stage"].ordered
    assert bs.Schema.from_json(schema.to_json()) == schema


@pytest.mark.parametrize("declaration", DECLARED.values(), ids=lambda d: d.kind)
def test_declarations_print_as_the_call_that_makes_them(declaration: Declaration) -> None:
    again = eval(repr(declaration), {name: getattr(bs, name) for name in bs.__all__})
    assert (again.kind, again.facts) == (declaration.kind, declaration.facts)


@pytest.mark.parametrize("name", ["self", "cls", "a b", "1x", "名", "a.b", "class", "x" * 200, "`q`", "", "a:b|c"])
def test_any_text_names_a_column(name: str) -> None:
    schema = bs.Schema(**{name: bs.Count(scale=1)})
    assert schema.override(**{name: bs.Positive(scale=1)})[name].kind == "positive"
    df = pd.DataFrame({name: [1.5, 2.5, -1.25], "y": [1, 2, 3]})
    detected = bs.Schema.detect(df)
    back = detected.decode(detected.encode(df).arrays)
    pd.testing.assert_frame_equal(back, df)
    assert name in repr(detected)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (
            lambda: bs.Schema(x=bs.Continuous()),
            r"'x': without data a continuous column must state bounds=\(low, high\)",
        ),
        (lambda: bs.Schema(x=cast(Any, "count")), r"'x': declare it as bs.Count\(…\)"),
        (lambda: bs.Schema(x=bs.Binary("a")), "'x': a binary column has two levels, not 1"),
        (lambda: bs.Schema(x=bs.Categorical()), "'x': a categorical column needs at least two levels"),
        (lambda: bs.Schema(x=bs.Ordinal("a", "a")), "'x': a level is listed twice"),
        (lambda: bs.Schema(x=bs.Count(bounds=(3, 1))), r"'x': bounds \(3, 1\) must be two finite numbers, the first"),
        (lambda: bs.Schema(x=bs.Count(bounds=(0, np.inf))), "must be two finite numbers"),
        (lambda: bs.Schema(x=bs.Count(bounds=cast(Any, ("0", "9")))), "must be two finite numbers"),
        (lambda: bs.Schema(x=bs.Count(bounds=cast(Any, (0, 1, 2)))), "must be two finite numbers"),
        (lambda: bs.Schema(x=bs.Count(bounds=cast(Any, 3))), "'x': bounds 3 must be two finite numbers"),
        (lambda: bs.Schema(x=bs.Continuous(scale=cast(Any, "1"))), "'x': scale '1' must be a number above zero"),
        (lambda: bs.Schema(x=bs.Proportion(decimals=-1)), "'x': decimals -1 must be a whole number from zero up"),
        (lambda: bs.Schema(x=bs.Datetime(bounds=(1, 2), unit="day")), "'x': unit 'day' is not one of 'D', 'h'"),
        (lambda: bs.Schema(x=bs.Categorical("a", None)), "'x': None cannot be a level or a constant"),
        (lambda: bs.Schema(x=bs.Constant(float("nan"))), "needs the value, not nan"),
        (
            lambda: Column.from_json({"name": "x", "kind": "count", "dtype": "int64", "bound": [0, 1]}),
            "'x': a column has no 'bound'. Did you mean 'bounds'",
        ),
        (lambda: Column.from_json({"name": "x", "kind": "count"}), "'x': the data state no 'dtype'"),
        (lambda: bs.Schema(x=bs.Continuous(scale=0)), "'x': scale 0 must be a number above zero"),
        (lambda: bs.Constant(None), "needs the value"),
        (lambda: Column("x", "contin", "float64"), "there is no kind 'contin'. Did you mean 'continuous'?"),
    ],
)
def test_wrong_declarations_are_refused(declare: Any, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        declare()


@pytest.mark.parametrize(
    ("column", "kind", "levels"),
    [
        ("whole", "positive", ()), ("whole", "continuous", ()), ("whole", "categorical", (0, 1, 3)),
        ("whole", "group", ()), ("real", "ordinal", (-1.5, 0.5, 2.25)), ("share", "positive", ()),
        ("share", "continuous", ()), ("two", "count", ()), ("two", "categorical", (1, 2)), ("level", "count", ()),
        ("level", "ordinal", (1, 2, 3)), ("text", "group", ()), ("text", "identifier", ()), ("same", "count", ()),
        ("same", "constant", ()), ("text", "ordinal", ("a", "b", "c")),
        ("text", bs.Ordinal("c", "b", "a"), ("c", "b", "a")), ("two", bs.Binary(2, 1), (2, 1)),
    ],
)  # fmt: skip
def test_kinds_that_the_values_allow(column: str, kind: str | Declaration, levels: tuple[Any, ...]) -> None:
    schema = bs.Schema.detect(FRAME).override(**{column: kind})
    assert schema[column].kind == (kind if isinstance(kind, str) else kind.kind)
    assert schema[column].levels == levels
    assert bs.Schema.from_json(schema.to_json()) == schema
    if schema[column].kind not in ("identifier", "constant"):
        codes = schema.encode(FRAME, columns=[column])
        back = schema.decode(codes.arrays, labels=codes.levels)[column]
        assert back.tolist() == FRAME[column].tolist()


@pytest.mark.parametrize(
    ("column", "kind", "message"),
    [
        ("real", "positive", "'real' holds negative numbers, so it cannot be positive; declare continuous"),
        ("real", "count", "'real' holds negative numbers"),
        ("share", "count", "'share' holds numbers that are not whole, so it cannot be a count"),
        ("whole", "proportion", "'whole' holds numbers above 1, so it cannot be a proportion"),
        ("codes", "count", "'codes' holds no numbers, so it cannot be count; if they stand as text, convert"),
        ("text", "continuous", "'text' holds no numbers"),
        ("time", "count", "'time' holds no numbers"),
        ("text", "datetime", "'text' holds no datetimes; convert it with pd.to_datetime first"),
        ("text", "binary", "'text': a binary column has two levels, not 3"),
        (
            "text",
            bs.Categorical("a", "b"),
            "'text' holds 'c', which is not one of the levels declared for it: 'a', 'b'",
        ),
        ("text", "constant", "'text' is not constant"),
        ("whole", "cuont", "'whole': there is no kind 'cuont'. Did you mean 'count'?"),
        ("whole", 3, "'whole': override it with a kind or a declaration, not 3"),
        ("whol", "count", "no column 'whol'. Did you mean 'whole'?"),
    ],
)
def test_kinds_that_the_values_rule_out(column: str, kind: Any, message: str) -> None:
    with pytest.raises(SchemaError, match=message):
        bs.Schema.detect(FRAME).override(**{column: kind})


def test_levels_must_be_listed_where_they_are_not_known() -> None:
    many = pd.DataFrame({"x": np.arange(1000) * 3})
    with pytest.raises(SchemaError, match=r"'x' has too many distinct values \(over 200\) to be categorical"):
        bs.Schema.detect(many).override(x="categorical")
    loaded = bs.Schema.from_json(bs.Schema.detect(FRAME).to_json())
    with pytest.raises(SchemaError, match=r"list its levels, bs.Ordinal\(…\)"):
        loaded.override(whole="ordinal")
    assert loaded.override(whole=bs.Ordinal(0, 1, 3))["whole"].kind == "ordinal"


def test_an_override_keeps_what_was_declared() -> None:
    schema = bs.Schema(age=bs.Count(bounds=(0, 110)), cost=bs.Continuous(scale=7)).override(
        age="positive", cost="positive"
    )
    assert (schema["age"].bounds, schema["age"].declared, schema["cost"].scale) == ((0, 110), True, 7)


def test_zeros_that_were_seen_follow_an_override() -> None:
    df = pd.DataFrame({"few": np.arange(30) * 2, "many": np.arange(300) * 10 % 2990, "none": np.arange(300) * 10 + 1,
                       "rare": np.r_[0, np.linspace(0.5, 9, 299)], "two": [0, 1] * 150}
                      | {"few": np.r_[np.arange(30) * 2, np.full(270, 4)]})  # fmt: skip
    schema = bs.Schema.from_json(bs.Schema.detect(df[["many", "none", "rare"]]).to_json())
    changed = schema.override(many="positive", none="positive", rare=bs.Positive())
    assert [changed[c].zeros for c in changed] == [True, False, True]
    changed.validate(df)
    bs.Schema.detect(df).override(few="positive", two="positive").validate(df)


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (True, "bool"),
        (np.bool_(False), "bool"),
        (2.5, "float64"),
        ("a", "str"),
        (pd.Timestamp("2024-01-01"), "datetime64[us]"),
    ],
)
def test_a_constant_comes_back_as_it_was_declared(value: Any, dtype: str) -> None:
    schema = bs.Schema(x=bs.Constant(value))
    made = bs.Schema.from_json(json.loads(json.dumps(schema.to_json()))).decode({"x": np.zeros(2)})["x"]
    assert (made.tolist(), str(made.dtype)) == ([value, value], dtype)
    assert type(made[0]) is type(pd.Series([value])[0])


def test_objects_that_are_numbers_may_be_of_another_kind() -> None:
    df = pd.DataFrame({"x": pd.Series([1, None, 2, 1], dtype=object), "y": pd.Series([3, 5, None, 8], dtype=object)})
    schema = bs.Schema.detect(df).override(x="count", y="categorical")
    back = schema.decode(schema.encode(df, missing="keep").arrays)
    assert (back["x"].tolist(), back["y"].tolist()) == ([1, None, 2, 1], [3, 5, None, 8])
    assert {type(v) for v in back["x"].dropna()} == {int}


def test_the_imagined_table_stays_within_narrow_dtypes() -> None:
    df = pd.DataFrame({"x": np.array([0, 7, 255], dtype="uint8"), "z": np.array([-128, 5, 127], dtype="int8")})
    table = bs.Schema.detect(df).example(1000, np.random.default_rng(1))
    assert (table["x"].max(), table["z"].min(), table["z"].max()) == (255, -128, 127)


def test_the_imagined_table_fits_its_schema() -> None:
    schema = bs.Schema(**DECLARED)
    table = schema.example(100, np.random.default_rng(1))
    assert list(table) == list(DECLARED)
    schema.validate(table)
    assert table["region"].value_counts().min() >= 33
    assert table["site"].nunique() == 5
    assert (table["cost"] == 0).any()
    assert table["id"].is_unique
    assert len(schema.example(3, np.random.default_rng(1))) == 3


def test_the_imagined_table_of_a_detected_schema_fits_it() -> None:
    schema = bs.Schema.detect(FRAME)
    table = schema.example(50, np.random.default_rng(1), groups=["text"])
    schema.subset([c for c in schema if c != "text"]).validate(table)
    assert {str(table[c].dtype) for c in table} == {str(FRAME[c].dtype) for c in FRAME}
