"""What each rule does beside the contract, and the message of every error."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import FormulaError, SchemaError, SpecError, SynthesisError
from bayessynth.rules import (
    Aggregate,
    Combinations,
    Constant,
    Derived,
    Inequality,
    Numbered,
    Ordered,
    Range,
    Recode,
    Skip,
    Unique,
)
from bayessynth.rules.cells import encoded, group_codes, read_numbers
from bayessynth.rules.pattern import learn, matcher, parse
from bayessynth.schema import Column, Schema
from tests.rules.test_contract import SCHEMA

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Range("x", None, None), r"Range\('x', None, None\): state at least one end"),
        (
            lambda: Ordered("a", "b", "c", strict=(True,)),
            "3 columns have 2 pairs of neighbours; state for each whether",
        ),
        (lambda: Combinations("a"), "name at least two columns, each once"),
        (lambda: Combinations("a", "b", allowed=[("x",)]), "one level for each of the 2 columns"),
        (lambda: Combinations("a", "b", allowed=[]), "one level for each of the 2 columns"),
        (lambda: Recode("a", "b"), "state either mapping= or cuts= with values="),
        (lambda: Recode("a", "b", {"x": 1}, cuts=(1,), values=(1, 2)), "state either mapping= or cuts="),
        (lambda: Recode("a", "b", cuts=(1, 2), values=("x", "y")), "2 cuts make 3 bands, not 2"),
        (lambda: Recode("a", "b", cuts=(2, 1), values=("x", "y", "z")), "cuts must ascend"),
        (lambda: Aggregate("a", "b", "g", how="maen"), r"how='maen' is none of 'mean', .* Did you mean 'mean'"),
        (lambda: Aggregate("a", None, "g"), "name the column whose mean it is"),
        (lambda: Aggregate("a", "b", "g", how="share"), "level= states the value whose share is taken"),
        (lambda: Aggregate("a", "b", "g", how="mean", level="x"), "goes with how='share' alone"),
        (lambda: Skip("a", "a", values=(1,)), "a column cannot decide on itself"),
        (lambda: Skip("a", "b"), "else no cell is ever missing"),
        (lambda: Derived("a", "1 + 2"), "the expression names no column; use Constant"),
        (lambda: Derived("a", "a + 2"), "the expression of column 'a' names that column itself"),
        (lambda: Unique("a", "[0-9"), "cannot be read from '.0-9' on"),
        (lambda: Unique("a", "x{3}"), r"cannot be read from '\{3\}' on"),
        (
            lambda: Unique("a", "[0-9]{1,2}[0-9]{1,2}"),
            r"after '\[0-9\]\{1,2\}', whose length varies, no character says",
        ),
    ],
)
def test_rules_that_cannot_be_made(make, message):
    with pytest.raises(SpecError, match=message):
        make()


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (Range("region", 0, 1), "column 'region' is of kind 'categorical'; the rule needs numbers or times"),
        (Range("count", 2.2, 2.8), "no value that column 'count' can take lies between 2.2 and 2.8"),
        (Range("count", "2020-01-01", None), "column 'count' holds numbers; state its ends as numbers"),
        (Range("begin", "soon", None), "an end is no time"),
        (Inequality("count", "count"), "name at least two columns, each once"),
        (Inequality("count", "begin"), "column 'begin' holds times and column 'count' numbers; they do not compare"),
        (Ordered("count", "price", "sex"), "column 'sex' is of kind 'binary'; the rule needs numbers or times"),
        (Constant("sex", "x"), "'x' is not one of the values of column 'sex': 'f', 'm'"),
        (Constant("price", "x"), "column 'price' holds numbers, which 'x' is not"),
        (Numbered("region", "site"), "column 'region' is of kind 'categorical' and cannot be calculated with"),
        (Aggregate("total", "region", "site"), "column 'region' is of kind 'categorical' and cannot be calculated"),
        (Aggregate("total", "sex", "site", how="share", level="x"), "'x' is no level of column 'sex': 'f', 'm'"),
        (Derived("total", "region + 1"), "column 'region' is of kind 'categorical' and cannot be calculated with"),
        (
            Derived("total", "year(price)"),
            r"year\(\) takes a column of times, and column 'price' is of kind 'positive'",
        ),
        (Recode("site", "sex", {"f": "a", "m": "b"}), "column 'site' is of kind 'group', which no rule recodes to"),
        (Recode("region", "sex", {"f": "east", "m": "west"}), "column 'region' cannot hold 'west': its levels are"),
        (Recode("count", "sex", {"f": "many", "m": 2}), "column 'count' cannot hold 'many': it holds numbers"),
        (Recode("count", "sex", {"f": 1}), "level 'm' of column 'sex' is not mapped"),
        (Recode("count", "price", {1: 1}), "column 'price' has no levels that could be mapped; use cuts="),
        (Recode("count", "sex", cuts=(1,), values=(1, 2)), "holds no numbers that could be cut; use mapping="),
        (Combinations("sex", "price"), "column 'price' is of kind 'positive' and has no levels"),
        (Combinations("sex", "region", allowed=[("f", "west")]), "column 'region' cannot hold 'west'"),
        (Skip("count", "site", values=("a",)), "column 'site' is of kind 'group', which decides on nothing"),
        (Skip("count", "sex", values=("x",)), "column 'sex' cannot hold 'x'"),
        (Skip("count", "sex", below=3), "column 'sex' holds no numbers, so nothing is below or above"),
        (Unique("price"), "a key is an identifier or a whole number. Declare it: schema.override"),
        (Unique("key", start=1), "column 'key' holds text; state the pattern of its keys"),
        (Unique("number", "A[0-9]"), "holds whole numbers; use digits alone, the first not 0"),
    ],
)
def test_rules_that_do_not_fit_the_schema(rule, message):
    with pytest.raises((SpecError, SchemaError), match=message):
        rule.check_schema(SCHEMA)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("a +", "cannot be read; write arithmetic"),
        ("a.b().c", "a name with a dot must begin with a name"),
        ("lgo(a)", "there is no function 'lgo'. Did you mean 'log'"),
        ("open(a)", r"there is no function 'open'\. Known: abs, ceil, day"),
        ("log(a, b)", r"log\(\) takes 1 argument\."),
        ("min(a)", r"min\(\) takes 2 arguments\."),
        ("year(a + 1)", r"year\(\) takes the name of one column of times"),
        ("a if b else c", "uses 'a if b else c', which is not allowed: only columns"),
        ("a == b", "uses 'a == b', which is not allowed"),
        ("'text'", "which is not allowed"),
        ("a + True", "uses 'True', which is not allowed"),
        ("log(x=a)", "which is not allowed"),
        ("(lambda: 0)()", "which is not allowed"),
        ("a" * 3000, "has more than 2000 characters; shorten it"),
        ("(" * 500 + "a" + ")" * 500, "cannot be read"),
    ],
)
def test_expressions_outside_the_language(expression, message):
    with pytest.raises(FormulaError, match=message):
        Derived("y", expression)


def test_names_in_expressions():
    rule = Derived("bmi", "`body weight` / alk.phos + quoted_0_")
    assert rule.columns == ("bmi", "body weight", "alk.phos", "quoted_0_")


def test_computing_what_cannot_be():
    schema = bs.Schema(a=bs.Continuous(scale=1), b=bs.Binary(0, 1), y=bs.Continuous(scale=1))
    arrays = {"a": np.array([1.0, 0.0, np.nan]), "b": np.array([0, 1, 1])}
    with pytest.raises(SynthesisError, match="gives no finite value: column 'y', 1 of 3 rows, the first is row 1"):
        Derived("y", "1 / a").compute(arrays, schema, 3, RNG)
    with pytest.raises(SynthesisError, match=r"gives no finite value: column 'y', 1 of 3 rows, the first is row 1"):
        Derived("y", "log(a - 0.5)").compute(arrays, schema, 3, RNG)
    with pytest.raises(SynthesisError, match="not one of the levels 0, 1: column 'b', 1 of 3 rows, the first is row 0"):
        encoded(np.array([2.0, 1.0, np.nan]), schema["b"], "rule")
    assert np.isnan(Derived("y", "a").compute(arrays, schema, 3, RNG)[2])


def test_what_is_left_to_the_data_must_be_learnt():
    frame = pd.DataFrame({"sex": ["f", "m", None], "region": ["east", "south", "east"], "key": ["A1", "A2", "A3"]})
    rule = Combinations("sex", "region")
    with pytest.raises(SpecError, match="leaves its combinations to the data, which it has not seen"):
        rule.violations(frame)
    assert "observed" in rule.explain()
    assert rule.learn(frame, SCHEMA) == Combinations("sex", "region", allowed=[("f", "east"), ("m", "south")])
    with pytest.raises(SpecError, match="0 combinations without a missing cell occur in the data"):
        rule.learn(frame.assign(sex=None), SCHEMA)
    with pytest.raises(SpecError, match="leaves its pattern to the data, which it has not seen"):
        Unique("key").compute({}, SCHEMA, 3, RNG)
    assert Unique("key").learn(frame, SCHEMA) == Unique("key", "A[1-9]", start=0)
    numbers = pd.DataFrame({"number": [17, 4, 230]})
    assert Unique("number").learn(numbers, SCHEMA) == Unique("number", "[1-9][0-9]{0,2}")
    assert Unique("number").learn(numbers.assign(number=[7, 8, 9]), SCHEMA) == Unique("number", start=7)
    with pytest.raises(SpecError, match="keys below zero follow no pattern; state start="):
        Unique("number").learn(-numbers, SCHEMA)


def test_keys_run_out_with_an_error():
    with pytest.raises(SynthesisError, match="the pattern has 100 keys, and 101 rows need one each; state a longer"):
        Unique("key", "A[0-9]{2}").compute({}, SCHEMA, 101, RNG)
    with pytest.raises(SynthesisError, match="and 60 rows need one each from number 50 on"):
        Unique("key", "A[0-9]{2}", start=50).compute({}, SCHEMA, 60, RNG)
    made = Unique("key", "A[0-9]{2}").compute({}, SCHEMA, 100, RNG)
    assert len(set(made)) == 100
    assert made.tolist() != sorted(made)


@pytest.mark.parametrize(
    ("keys", "pattern"),
    [
        (["01-701-1015", "01-703-1442", "01-718-1371"], "01-7[0-9]{2}-1[0-9]{3}"),
        (["AB12", "XY7"], "[A-Z]{2}[1-9][0-9]{0,1}"),
        (["a[1]", "b[2]"], r"[a-z]\[[1-9]\]"),
        (["x.1", "y-2"], r"[a-z][\-.][0-9]"),
        (["é1", "é2"], "é[1-9]"),
        (["1", "ab"], "[0-9a-z]{1,2}"),
    ],
)
def test_patterns_match_what_they_were_learnt_from(keys, pattern):
    assert learn(keys) == pattern
    assert all(matcher(pattern).fullmatch(key) for key in keys)
    assert "".join(token.source for token in parse(pattern)) == pattern


def test_dates_and_zones():
    schema = Schema._of([SCHEMA["begin"], SCHEMA["end"]])
    rule = Range("begin", datetime.date(2020, 1, 2), pd.Timestamp("2020-01-04 12:00"))
    assert rule == Range("begin", "2020-01-02", "2020-01-04T12:00:00")
    low, high = rule.limits("begin", {}, schema, 1)
    assert schema.decode({"begin": low})["begin"][0] == pd.Timestamp("2020-01-02")
    assert schema.decode({"begin": high})["begin"][0] == pd.Timestamp("2020-01-04")
    # A day of the zone's own clocks, on which they change.
    low, _ = Range("end", "2021-03-27 00:01", None).limits("end", {}, schema, 1)
    assert schema.decode({"end": low})["end"][0] == pd.Timestamp("2021-03-28", tz="Europe/Paris")
    frame = pd.DataFrame({"end": pd.to_datetime(["2021-03-27", "2021-03-28"]).tz_localize("Europe/Paris")})
    assert Range("end", "2021-03-27 00:01", None).violations(frame).tolist() == [True, False]
    assert Range("end", "2021-03-26 23:00+00:00", None).violations(frame).tolist() == [False, False]


def test_cells_of_all_dtypes_are_read():
    cells = pd.Series([1, None, 3], dtype="Int64")
    assert read_numbers(cells.astype("category"))[2] == 3
    assert read_numbers(cells.astype(object))[0] == 1
    assert read_numbers(pd.Series([True, False], dtype="boolean")).tolist() == [1, 0]
    assert group_codes([np.array([0, -1, 0])], 3).tolist() == [0, -1, 0]
    frame = pd.DataFrame({"pay": ["1,200.50", "980.00", "1,050.25"] * 9, 7: range(27)})
    schema = Schema.detect(frame)
    assert Range("pay", 1000, None).violations(schema.plain(frame)).sum() == 9
    assert Range("7", None, 25).violations(schema.plain(frame)).sum() == 1


def test_constants_of_every_kind():
    frame = pd.DataFrame({"when": pd.to_datetime(["2020-01-01"] * 3), "where": ["PL"] * 3})
    schema = Schema.detect(frame)
    for name in frame:
        rule = Constant(name, schema[name].value)
        rule.check_schema(schema)
        assert not rule.violations(frame).any()
        assert rule.compute({}, schema, 2, RNG).tolist() == [0, 0]


def test_shares_and_missing_sources():
    frame = pd.DataFrame({"g": [1, 1, 2], "x": ["a", None, None], "share": [1.0, 1.0, np.nan]})
    assert not Aggregate("share", "x", "g", how="share", level="a").violations(frame).any()
    assert Aggregate("share", "x", ["g"], how="count").violations(frame.assign(share=[1, 2, 0])).tolist() == [
        False, True, False,
    ]  # fmt: skip


def test_a_stated_value_for_a_missing_source_binds():
    frame = pd.DataFrame({"a": [None, "x"], "b": [1.0, 2.0]})
    assert Recode("b", "a", {"x": 2}, missing=7).violations(frame).tolist() == [True, False]
    assert Recode("b", "a", {"x": 2}).violations(frame).tolist() == [False, False]
    assert Recode("b", "a", {"y": 2}).violations(frame).tolist() == [False, True]


def test_columns_of_levels_that_are_numbers_decide_too():
    schema = Schema._of([SCHEMA["flag"], Column("where", "constant", "str", value="PL"), SCHEMA["count"]])
    arrays = {"flag": np.array([0, 1, -1]), "where": np.zeros(3)}
    assert Skip("count", "flag", above=0).absent("count", arrays, schema, 3).tolist() == [False, True, False]
    assert Skip("count", "flag", above=0, missing=True).present("count", arrays, schema, 3).tolist() == [
        True,
        False,
        False,
    ]
