"""What a spec may say of rows that follow each other."""

from __future__ import annotations

import json

import pytest

import bayessynth as bs
from bayessynth.errors import FormulaError, SpecError
from bayessynth.spec.lags import derived, order

SEQUENCE = {"unit": "id", "time": "day"}


def test_lags_are_columns_of_their_own() -> None:
    spec = bs.Spec("y ~ log(lag(y)) + lag(y, 2) + first(x) + I(day - lag(day)) + x", "x ~ 1", **SEQUENCE)
    assert spec["y"].columns == ("lag(y)", "lag(y, 2)", "first(x)", "day", "lag(day)", "x")
    assert spec["y"].named == ("y", "x", "day")
    assert order(spec["y"].columns) == 2
    assert next(t.name for t in spec["y"].formula.terms) == "log(lag(y))"


def test_a_lag_is_written_shortest() -> None:
    texts = ["y ~ lag(y, 1)", "y ~ lag(y, k=1)", "y ~ lag(`y`)"]
    assert {str(bs.Spec(text, **SEQUENCE)["y"].formula) for text in texts} == {"y ~ lag(y)"}
    assert str(bs.Spec("y ~ lag(y, k=3)", **SEQUENCE)["y"].formula) == "y ~ lag(y, 3)"


def test_an_odd_name_keeps_its_back_ticks() -> None:
    spec = bs.Spec("`body mass` ~ lag(`body mass`, 2)", **SEQUENCE)
    assert str(spec["body mass"].formula) == "`body mass` ~ lag(`body mass`, 2)"
    assert spec["body mass"].columns == ("lag(body mass, 2)",)
    assert derived("lag(body mass, 2)").column == "body mass"


def test_an_edge_through_a_lag_is_none() -> None:
    assert bs.Spec("b ~ a + lag(b)", "a ~ lag(b)", **SEQUENCE).columns == ("a", "b")
    with pytest.raises(SpecError, match="cycle"):
        bs.Spec("b ~ a + lag(b)", "a ~ b", **SEQUENCE)


def test_what_elapses_comes_after_the_time() -> None:
    assert bs.Spec("y ~ elapsed(day)", "day ~ number(day)", **SEQUENCE).columns == ("day", "y")
    with pytest.raises(SpecError, match="cycle"):
        bs.Spec("y ~ elapsed(day)", "day ~ y", **SEQUENCE)


def test_the_unit_is_a_factor_without_being_named() -> None:
    assert bs.Spec("y ~ x + (1 | site)", "x ~ 1", **SEQUENCE).factors == (("id",), ("site",))


def test_a_spec_goes_through_json_and_python() -> None:
    rules = [bs.rules.Ends("x", 1)]
    spec = bs.Spec(bs.Equation("y ~ lag(y) + x", initial="y ~ x"), "x ~ lag(x)", rules=rules, **SEQUENCE)
    again = bs.Spec.from_json(json.loads(json.dumps(spec.to_json())))
    assert again == spec and again.unit == "id" and again.time == "day" and again["y"].initial == spec["y"].initial
    scope = {"bs": bs}
    exec(spec.drop("x").replace("x ~ 1").to_python().replace("bs.Ends", "bs.rules.Ends"), scope)
    assert scope["spec"].unit == "id" and scope["spec"]["y"].initial is not None
    assert "rows of a id in the order of day" in str(spec) and "first: y ~ x" in str(spec)


@pytest.mark.parametrize(
    ("equations", "settings", "message"),
    [
        (["y ~ lag(y)"], {}, r"'y' reads lag\(y\), but the spec does not say what makes a sequence"),
        ([bs.Equation("y ~ 1", initial="y ~ 1")], {}, "initial= is for sequences"),
        (["y ~ 1"], {"unit": "id"}, "unit='id' and time=None make sequences together"),
        (["y ~ 1"], {"unit": "id", "time": "id"}, "both 'id'"),
        (["y ~ elapsed(x)", "x ~ 1"], SEQUENCE, r"elapsed\(x\) is of the time; write elapsed\(day\)"),
        ([bs.Equation("y ~ lag(y)", initial="x ~ 1")], SEQUENCE, "must be of the same column"),
        ([bs.Equation("y ~ lag(y)", initial="y ~ lag(y)")], SEQUENCE, "cannot read one itself"),
        ([bs.Equation("y ~ lag(y)", initial="y ~ (1 | id)")], SEQUENCE, r"remove \(… \| id\)"),
        ([bs.Equation("y ~ x", initial="y ~ 1"), "x ~ 1"], SEQUENCE, "says nothing"),
    ],
)
def test_what_does_not_fit_is_refused(equations: list, settings: dict, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        bs.Spec(*equations, **settings)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ lag(log(y))", r"lag\(\) takes a column, not log\(y\); .*log\(lag\(y\)\)"),
        ("y ~ lag(y, 0)", "whole number of rows, from 1"),
        ("y ~ lag(y, 1.5)", "whole number of rows"),
        ("y ~ lag(y, x)", "whole number of rows"),
        ("y ~ first(y, 2)", "takes one expression"),
    ],
)
def test_a_lag_takes_a_column_and_a_number(formula: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        bs.Spec(formula, **SEQUENCE)


def test_a_column_in_back_ticks_may_be_called_so_outside_sequences() -> None:
    assert bs.Spec("y ~ `lag(x)`", "`lag(x)` ~ 1").columns == ("lag(x)", "y")
