"""Several rules together: what follows from them, what they leave, and that no order of drawing ends in nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayessynth as bs
from bayessynth import rules
from bayessynth.errors import SpecError, SynthesisError
from bayessynth.rules import Combinations, Constant, Derived, Inequality, Ordered, Range, Recode, Skip
from bayessynth.rules.grid import above, at_least, at_most, below, natural, nearest
from bayessynth.schema import Column, Schema
from tests.rules.generate import generate
from tests.rules.test_contract import ALLOWED, SCHEMA

GRIDS = [
    SCHEMA["count"],
    SCHEMA["price"],
    SCHEMA["change"],
    SCHEMA["exact"],
    Column("p", "proportion", "float64", decimals=3),
    Column("narrow", "continuous", "float32"),
    Column("small", "continuous", "Int8", decimals=0),
    Column("begin", "datetime", "datetime64[us]", unit="h"),
    SCHEMA["end"],
]


@given(st.sampled_from(GRIDS), st.floats(-120, 120), st.booleans())
@settings(deadline=None)
def test_limits_survive_rounding(column, value, strict):
    if column.kind in ("count", "positive", "proportion"):
        value = min(abs(value), 120 if column.kind != "proportion" else 0.9)
    values = np.array([value])
    low, high = at_least(values, column, strict), at_most(values, column, strict)
    assert nearest(low, column) == low
    assert low > values if strict else low >= values
    assert below(low, column) <= values
    if natural(column)[0] <= high[0]:
        assert nearest(high, column) == high
        assert high < values if strict else high <= values
        assert above(high, column) >= values
        # What lies between limits does not leave them when it is released.
        if not strict:
            assert nearest(values, column) <= low


@given(st.integers(0, 10_000))
@settings(deadline=None, max_examples=30)
def test_no_order_of_drawing_ends_in_nothing(seed):
    chain = [
        Inequality("count", "price", strict=True),
        Inequality("price", "more"),
        Inequality("more", "total"),
        Ordered("change", "exact", "total"),
        Range("total", None, 30.25),
        Range("change", -20, None),
        Skip("price", "region", values=("east",), others=True),
        Combinations("sex", "region", "flag", allowed=ALLOWED),
        Inequality("begin", "end"),
        Derived("days", "days(end) - days(begin)"),
    ]
    frame = generate(chain, SCHEMA, 80, np.random.default_rng(seed))
    for rule in rules.closed(chain, SCHEMA):
        assert not rule.violations(frame).any(), rule


def test_what_follows_is_added_once():
    schema = bs.Schema(a=bs.Count(scale=9), b=bs.Count(scale=9), c=bs.Continuous(scale=9), d=bs.Continuous(scale=9))
    ready = rules.closed([Inequality("a", "b", strict=True), Inequality("b", "c"), Range("c", None, 5)], schema)
    assert set(ready[3:]) == {
        Range("b", 1.0, 5.0),
        Range("a", 0.0, 4.0),
        Range("c", 1.0, 5.0),
        Ordered("a", "b", "c", strict=(True, False)),
    }
    assert set(rules.closed(ready, schema)) == set(ready)
    assert rules.closed([Ordered("c", "d")], schema) == (Ordered("c", "d"),)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([Constant("sex", "f"), Recode("sex", "count", cuts=(1,), values=("f", "m"))], "'sex' is determined by"),
        ([Derived("total", "price"), Derived("price", "total")], "wait for each other in a circle: .*price"),
        ([Derived("total", "price"), Skip("price", "total", missing=True)], "wait for each other in a circle"),
        ([Derived("total", "price"), Range("total", 0, 1)], "narrows column 'total', which Derived"),
        ([Derived("total", "price"), Inequality("total", "exact")], "narrow the columns that it is computed from"),
        ([Inequality("count", "price"), Inequality("price", "count")], "Inequalities form a circle: .*<="),
        (
            [Inequality("count", "price"), Range("count", 9, None), Range("price", None, 5)],
            "leave column 'count' no value",
        ),
    ],
)
def test_rules_that_contradict_each_other(given, message):
    with pytest.raises(SpecError, match=message):
        rules.closed(given, SCHEMA)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([Range("count", 5, None), Inequality("count", "more")], "no value in 1 of 3 rows, the first is row 1"),
        ([Skip("count", "flag", missing=True), Skip("count", "sex", missing=True)], "no way to be both missing"),
        ([Combinations("sex", "region", allowed=[("f", "east")]),
          Combinations("sex", "flag", allowed=[("f", 1), ("m", 0)])], "'sex' no level in 1 of 3 rows"),
    ],
)  # fmt: skip
def test_rows_in_which_nothing_is_left(given, message):
    arrays = {
        "more": np.array([9.0, 2.0, np.nan]), "flag": np.array([0, 1, -1]), "sex": np.array([-1, 0, 0]),
        "region": np.array([0, 0, -1]),
    }  # fmt: skip
    column = given[0].columns[0]
    with pytest.raises(SynthesisError, match=message):
        rules.narrowed(given, column, arrays, SCHEMA, 3)


def test_a_column_without_rules_is_free():
    assert rules.narrowed([Range("count", 0, 1)], "price", {}, SCHEMA, 3).free
    left = rules.narrowed([Inequality("count", "more")], "count", {"more": np.full(2, np.nan)}, SCHEMA, 2)
    assert left.free and left.rules == (Inequality("count", "more"),)


def test_every_schema_column_has_natural_ends():
    assert natural(SCHEMA["price"]) == (0.01, np.inf)
    assert natural(Column("x", "count", "int8", bounds=(1.5, 99.5), declared=True)) == (2, 99)
    assert natural(Column("p", "proportion", "float64", decimals=1)) == (0.1, 0.9)
    assert natural(Schema._of([SCHEMA["end"]])["end"]) == (-np.inf, np.inf)
