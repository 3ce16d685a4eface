"""What every registered rule keeps to."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth import rules
from bayessynth.errors import SchemaError, SpecError
from bayessynth.rules import (
    Aggregate,
    Combinations,
    Constant,
    Derived,
    Ends,
    Floor,
    Inequality,
    Numbered,
    Ordered,
    Range,
    Recode,
    Rule,
    Running,
    Skip,
    Unique,
)
from bayessynth.schema import Column, Schema
from tests.rules.generate import generate

SCHEMA = Schema._of(
    [
        Column("count", "count", "Int64", decimals=0, missing=True),
        Column("more", "count", "Int64", decimals=0, missing=True),
        Column("price", "positive", "float64", decimals=2, missing=True),
        Column("change", "continuous", "float32", decimals=1),
        Column("exact", "continuous", "float64", missing=True),
        Column("total", "continuous", "float64", decimals=1, missing=True),
        Column("begin", "datetime", "datetime64[us]", unit="D", missing=True),
        Column("end", "datetime", "datetime64[us, Europe/Paris]", unit="D"),
        Column("days", "continuous", "Int64", decimals=0, missing=True),
        Column("sex", "binary", "category", levels=("f", "m"), missing=True),
        Column("region", "categorical", "str", levels=("east", "north", "south"), missing=True),
        Column("flag", "binary", "Int64", levels=(0, 1), missing=True),
        Column("site", "group", "str"),
        Column("key", "identifier", "str"),
        Column("number", "identifier", "int64", decimals=0),
    ]
)

ALLOWED = [("f", "east", 0), ("f", "north", 1), ("m", "south", 0), ("m", "east", 1)]
EXAMPLES: dict[str, list[Rule]] = {
    "aggregate": [
        Aggregate("total", "price", "site"),
        Aggregate("total", "exact", ("site", "sex"), how="max"),
        Aggregate("more", None, "site", how="count"),
        Aggregate("more", "price", "site", how="count"),
        Aggregate("exact", "sex", "site", how="share", level="f"),
        Aggregate("exact", "flag", "site", how="mean"),
        Aggregate("total", "price", "site", how="sum"),
        Aggregate("total", "price", "site", how="min"),
    ],
    "combinations": [
        Combinations("sex", "region", "flag", allowed=ALLOWED),
        Combinations("region", "sex", allowed=[("east", "f"), ("north", "m"), ("south", "m")]),
    ],
    "constant": [Constant("region", "north"), Constant("price", 2.5), Constant("flag", 1)],
    "derived": [
        Derived("total", "price / (change / 100 + 7)**2"),
        Derived("exact", "log1p(abs(price)) - floor(change) * 0.1"),
        Derived("days", "days(end) - days(begin)"),
        Derived("count", "year(begin) % 5"),
        Derived("flag", "month(begin) // 7"),
        Derived("more", "count + flag"),
    ],
    "ends": [Ends("region", "north"), Ends("flag", 1), Ends("sex", ("f", "m"))],
    "floor": [
        Floor("price", "total", "exact", "sex", "m"),
        Floor("change", "total", "price", "region", ("east", "south")),
    ],
    "inequality": [
        Inequality("count", "more"),
        Inequality("count", "price", strict=True),
        Inequality("price", "more", strict=True),
        Inequality("change", "total"),
        Inequality("exact", "change", strict=True),
        Inequality("begin", "end", strict=True),
        Inequality("end", "begin"),
    ],
    "numbered": [Numbered("count", "site"), Numbered("more", ("site", "sex"), start=0)],
    "ordered": [
        Ordered("count", "price", "more"),
        Ordered("count", "price", "more", "total", strict=True),
        Ordered("change", "exact", "total"),
        Ordered("count", "price", "more", strict=(True, False)),
    ],
    "range": [
        Range("count", 2, 7),
        Range("price", None, 3.333),
        Range("change", -0.25, 0.17),
        Range("end", "2001-03-24 11:00", "2001-03-28"),
        Range("begin", "2001-03-24", None),
    ],
    "recode": [
        Recode("region", "count", cuts=(3, 10.5), values=("north", "south", None)),
        Recode("more", "region", {"east": 3, "north": None, "south": 3}, missing=7),
        Recode("sex", "begin", cuts=("1990-06-01",), values=("f", "m"), missing="f"),
        Recode("flag", "region", {"east": 1, "north": 0, "south": 0}),
    ],
    "running": [
        Running("total", "price", "site"),
        Running("exact", "change", ("site", "region"), sign="sex", minus="m"),
        Running("days", "count", "site", sign="region", minus=("east", "north")),
    ],
    "skip": [
        Skip("price", "region", values=("east",)),
        Skip("region", "count", values=(0, 1), above=20, others=True),
        Skip("begin", "flag", missing=True),
        Skip("sex", "exact", below=0.5),
    ],
    "unique": [
        Unique("key", "P.[0-9]{4}-[A-Z]"),
        Unique("key", "id_[1-9][0-9]{0,3}", start=8),
        Unique("number", "[1-9][0-9]{5}"),
        Unique("number", start=100),
        Unique("key", "[a-z]{30}"),
    ],
}
CASES = [pytest.param(rule, id=repr(rule)) for group in EXAMPLES.values() for rule in group]


def test_every_registered_rule_has_examples():
    assert set(EXAMPLES) == set(rules.names()), "add examples of a new rule here: the contract is tested on them"
    for name, examples in EXAMPLES.items():
        assert {rule.name for rule in examples} == {name}


@pytest.mark.parametrize("rule", CASES)
def test_saved_and_printed_rules_come_back(rule: Rule):
    saved = json.loads(json.dumps(rule.to_json()))
    assert rules.from_json(saved) == rule
    namespace = {name: getattr(rules, name) for name in rules.__all__}
    again = eval(repr(rule), namespace)
    assert again == rule
    assert hash(again) == hash(rule)


@pytest.mark.parametrize("rule", CASES)
def test_what_a_rule_says_of_itself(rule: Rule):
    assert rule.explain().endswith(".")
    assert "\n" not in rule.explain()
    assert len(set(rule.columns)) == len(rule.columns)
    assert rule.determines is None or rule.determines in rule.columns
    assert set(rule.after) <= set(rule.columns)
    rule.check_schema(SCHEMA)
    assert rule.learn(pd.DataFrame(), SCHEMA) is rule
    with pytest.raises(SchemaError, match="has no column"):
        rule.check_schema(SCHEMA.subset([name for name in SCHEMA if name not in rule.columns]))


@pytest.mark.parametrize("rule", CASES)
@pytest.mark.parametrize("seed", range(6))
def test_rules_hold_on_what_is_made_by_them(rule: Rule, seed: int):
    if isinstance(rule, Floor):
        return  # It is kept from row to row of a sequence: tests/synthesis/test_running.py.
    rng = np.random.default_rng(seed)
    frame = generate([rule], SCHEMA, 300, rng)
    broken = rule.violations(frame)
    assert broken.dtype == bool and broken.shape == (300,)
    assert not broken.any(), frame.loc[broken, list(rule.columns)]
    # Shuffled cells break it: the rule is no tautology.
    if len(rule.columns) > 1:
        shuffled = frame.copy()
        last = rule.determines or rule.columns[0]
        shuffled[last] = frame[last].sample(frac=1, random_state=seed).array
        assert rule.violations(shuffled).any()


@pytest.mark.parametrize("rule", CASES)
def test_seeds_fix_what_is_computed(rule: Rule):
    made = [generate([rule], SCHEMA, 50, np.random.default_rng(3)) for _ in range(2)]
    pd.testing.assert_frame_equal(*made)


@pytest.mark.parametrize("rule", CASES)
def test_missing_cells_break_nothing(rule: Rule):
    if isinstance(rule, Skip):
        return
    frame = generate([rule], SCHEMA, 40, np.random.default_rng(1))
    column = rule.determines or (rule.total if isinstance(rule, Floor) else rule.columns[0])
    assert not rule.violations(frame.assign(**{column: frame[column].where(frame.index < 0)})).any()


def test_a_taken_name_and_an_unknown_one_are_refused():
    class Other(Rule):
        name = "range"

    with pytest.raises(SpecError, match="A rule 'range' is already registered; give this one another name"):
        rules.register(Other)
    with pytest.raises(SpecError, match=r"There is no rule 'ordred'\. Did you mean 'ordered'"):
        rules.from_json({"rule": "ordred"})
    with pytest.raises(SpecError, match=r"There is no rule ''\. Known: aggregate, "):
        rules.from_json({})


def test_data_of_another_version_are_refused():
    with pytest.raises(SpecError, match=r"A rule 'range' has no 'hgih'\. Did you mean 'high'"):
        rules.from_json({"rule": "range", "column": "x", "low": 1, "hgih": 3})
    with pytest.raises(SpecError, match="The data of a rule 'range' state no 'low'"):
        rules.from_json({"rule": "range", "column": "x", "high": 3})


def test_a_base_rule_leaves_everything_free():
    class Free(Rule):
        pass

    rule = Free()
    assert rule.determines is None and not rule.after and not rule.orders
    assert not rule.restricts("x", set())
    assert rule.limits("x", {}, SCHEMA, 2)[0].tolist() == [-math.inf] * 2
    assert rule.allowed("x", {}, SCHEMA, 2) is None
    assert not rule.absent("x", {}, SCHEMA, 2).any() and not rule.present("x", {}, SCHEMA, 2).any()
    assert bs.Schema is Schema
