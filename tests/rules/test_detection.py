"""Detection: what a table was made by is found, what holds by chance is not, and no record's own value is kept."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth import rules
from bayessynth.rules import (
    Aggregate,
    Combinations,
    Constant,
    Derived,
    Finding,
    Inequality,
    Numbered,
    Ordered,
    Recode,
    Rule,
    Skip,
    Unique,
    detect,
)
from bayessynth.rules.detection.choose import acyclic
from bayessynth.rules.detection.expressions import linear, term
from bayessynth.rules.detection.pursuit import pursue
from bayessynth.rules.detection.table import roundest
from bayessynth.schema import Schema
from tests.rules.generate import generate

N = 2000


def found(frame: pd.DataFrame, **options) -> set[Rule]:
    return {finding.rule for finding in detect(frame, Schema.detect(frame), **options)}


def noise(rng: np.random.Generator, n: int = N) -> pd.DataFrame:
    return pd.DataFrame({
        "x": rng.normal(size=n), "age": rng.integers(18, 90, n), "visits": rng.poisson(3, n),
        "sex": rng.choice(["f", "m"], n), "region": rng.choice(["a", "b", "c", "d"], n),
        "cost": rng.lognormal(5, 1, n).round(2),
    })  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_found_where_nothing_is(seed):
    assert found(noise(np.random.default_rng(seed))) == set()


def test_nothing_is_found_in_few_rows():
    frame = noise(np.random.default_rng(1), 40).assign(double=lambda f: 2 * f["age"])
    assert found(frame) == set()


def test_tables_without_a_column_that_varies():
    frame = pd.DataFrame({"id": [f"A-{i:03d}" for i in range(100)], "one": 1})
    assert found(frame) == {Unique("id", "A-0[0-9]{2}", start=0), Constant("one", 1)}


def test_factors_that_the_schema_declares_determine_nothing():
    frame = noise(np.random.default_rng(1)).assign(land=lambda f: f["region"].map(dict(a="n", b="n", c="s", d="s")))
    schema = Schema.detect(frame)
    assert len(detect(frame, schema)) == 1
    assert detect(frame, schema.override(region="group")) == ()


@pytest.mark.parametrize(
    ("make", "expression"),
    [
        (lambda f: f["age"] * 12, "12 * age"),
        (lambda f: f["age"] // 7, "floor(age / 7)"),
        (lambda f: f["age"] + 1940, "age + 1940"),
        (lambda f: (f["cost"] / 365.25).round(1), "cost / 365.25"),
        (lambda f: np.log(f["cost"]), "log(cost)"),
        (lambda f: np.sqrt(f["cost"]).round(3), "sqrt(cost)"),
        (lambda f: f["x"] ** 2, "x**2"),
        (lambda f: (1.8 * f["x"] + 32).round(4), "1.8 * x + 32"),
        (lambda f: 100 - f["age"], "100 - age"),
        (lambda f: f["age"] + f["visits"], "visits + age"),
        (lambda f: f["visits"] - f["age"] - f["cost"], "visits - age - cost"),
        (lambda f: (f["age"] + f["visits"] + f["x"]) / 3, "(x + age + visits) / 3"),
        (lambda f: (f["cost"] / f["age"] ** 2).round(6), "cost / age**2"),
        (lambda f: (100 * f["cost"] / f["age"]).round(2), "100 * cost / age"),
    ],
)
def test_calculated_columns_are_found(make, expression):
    frame = noise(np.random.default_rng(2))
    frame["made"] = make(frame)
    derived = [rule for rule in found(frame) if isinstance(rule, Derived)]
    assert len(derived) == 1
    # Terms may come in another order; the rule must say the same.
    assert derived[0].column == "made"
    assert sorted(derived[0].expression.replace("(", " ").split()) == sorted(expression.replace("(", " ").split())


@pytest.mark.parametrize(
    ("made", "expression"),
    [
        (lambda days: (days / 365.25).round(), "(seen - born) / 365.25"),
        (lambda days: np.floor(days / 365.25), "floor((seen - born) / 365.25)"),
        (lambda days: (days / 30.4375).round(1), "(seen - born) / 30.4375"),
        (lambda days: (days / 7).round(2), "(seen - born) / 7"),
    ],
)
def test_ages_are_derived_from_the_two_times_that_leave_least_to_rounding(made, expression):
    rng = np.random.default_rng(4)
    born = pd.Timestamp("1950-01-01") + pd.to_timedelta(rng.integers(0, 12000, 400), unit="D")
    seen = pd.Timestamp("2014-01-01") + pd.to_timedelta(rng.integers(0, 900, 400), unit="D")
    # A last contact soon after would give nearly the same ages.
    frame = pd.DataFrame({"born": born, "seen": seen, "last": seen + pd.to_timedelta(rng.integers(0, 90, 400), "D")})
    frame["age"] = made((frame["seen"] - frame["born"]).dt.days.astype(float))
    derived = [rule for rule in found(frame) if isinstance(rule, Derived) and rule.column == "age"]
    assert [rule.expression for rule in derived] == [expression]
    frame["age"] += rng.normal(0, 3, 400).round()
    assert not [rule for rule in found(frame) if isinstance(rule, Derived) and rule.column == "age"]


def test_days_of_a_study_know_no_zero():
    rng = np.random.default_rng(3)
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 500, 200), "D")
    moved = rng.integers(-20, 100, 200)
    frame = pd.DataFrame({"start": start, "visit": start + pd.to_timedelta(moved, "D")})
    frame["day"] = np.where(moved >= 0, moved + 1, moved)
    found = {f.rule.determines: f.rule for f in detect(frame, Schema.detect(frame))}
    assert found["day"] == Derived("day", "(visit - start) + min(max((visit - start) + 1, 0), 1)")
    # Days that begin with zero are a plain difference.
    rules_ = [f.rule for f in detect(frame.assign(day=moved), Schema.detect(frame.assign(day=moved)))]
    assert [rule.expression for rule in rules_ if isinstance(rule, Derived)] == ["visit - start"]


def test_totals_are_derived_and_not_their_parts():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({f"part{i}": rng.poisson(4, N) for i in range(5)})
    frame.insert(0, "total", frame.sum(axis=1))
    (rule,) = found(frame[["part3", "total", "part0", "part1", "part2", "part4"]]) - set()
    assert rule.column == "total"
    assert set(rule.columns) == {"total", *(f"part{i}" for i in range(5))}


def test_the_body_mass_index_is_derived_even_where_it_is_rounded_and_cells_are_missing():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"bmi": 0.0, "height": rng.integers(150, 200, N), "weight": rng.integers(45, 120, N) * 1.0})
    frame.loc[rng.random(N) < 0.05, "weight"] = np.nan
    frame["bmi"] = (frame["weight"] / (frame["height"] / 100) ** 2).round(1)
    frame.loc[rng.random(N) < 0.003, "bmi"] = np.nan
    assert Derived("bmi", "10000 * weight / height**2") in found(frame)
    (finding,) = [f for f in detect(frame, Schema.detect(frame)) if isinstance(f.rule, Derived)]
    assert "a cell is missing on one side alone" in finding.reason
    frame.loc[frame["bmi"].first_valid_index(), "bmi"] += 1
    assert not any(isinstance(rule, Derived) for rule in found(frame))


def test_of_equal_expressions_the_one_that_gives_the_last_bits_is_taken():
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"height": rng.integers(150, 200, N), "weight": rng.integers(45, 120, N)})
    within = (frame["weight"] / (frame["height"] / 100) ** 2).rename("bmi")
    before = (10_000 * frame["weight"] / frame["height"] ** 2).rename("bmi")
    assert (within != before).any()
    assert Derived("bmi", "weight / (height / 100)**2") in found(frame.join(within))
    assert Derived("bmi", "10000 * weight / height**2") in found(frame.join(before))


def test_levels_and_bands():
    frame = noise(np.random.default_rng(5))
    frame["land"] = frame["region"].map({"a": "north", "b": "north", "c": "south", "d": "south"})
    frame["band"] = pd.cut(frame["age"], [0, 29, 64, 120], labels=["young", "middle", "old"]).astype(str)
    frame["code"] = frame["region"].map({"a": 4, "b": 3, "c": 2, "d": 1})
    frame["rich"] = np.where(frame["cost"] > 200, "yes", "no")
    rules_found = found(frame)
    assert Recode("land", "region", {"a": "north", "b": "north", "c": "south", "d": "south"}) in rules_found
    assert Recode("band", "age", cuts=(30, 65), values=("young", "middle", "old")) in rules_found
    assert Recode("code", "region", {"a": 4, "b": 3, "c": 2, "d": 1}) in rules_found
    rich = next(rule for rule in rules_found if rule.columns == ("rich", "cost"))
    assert rich.cuts == (200,) or rich.cuts[0] not in set(frame["cost"])
    assert len(rules_found) == 4


def test_a_missing_source_is_mapped():
    frame = noise(np.random.default_rng(6))
    frame["band"] = np.where(frame["age"] < 40, "young", "old")
    frame["age"] = frame["age"].where(frame["visits"] > 0).astype("Int64")
    frame["band"] = np.where(frame["age"].isna(), "unknown", frame["band"])
    assert Recode("band", "age", cuts=(40,), values=("young", "old"), missing="unknown") in found(frame)


def test_no_value_of_a_single_record_is_stored():
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"city": [f"c{i % 300}" for i in range(600)], "sex": rng.choice(["f", "m"], 600)})
    frame["income"] = frame["city"].map({f"c{i}": rng.lognormal(10, 1) for i in range(300)})
    frame["other"] = frame["income"].rank(method="dense") * rng.normal(1, 0.0) ** 3
    stored = json.dumps([rule.to_json() for rule in found(frame)])
    assert not any(repr(value) in stored for value in frame["income"])


def test_gaps():
    frame = noise(np.random.default_rng(8))
    frame["months"] = frame["visits"].where(frame["region"] != "a").astype("Int64")
    frame["reason"] = frame["sex"].where(frame["region"] != "a", None)
    frame["grant"] = frame["cost"].where(~frame["region"].isin(["b", "c"]) & (np.arange(N) % 7 > 0))
    assert found(frame) >= {
        Skip("reason", "months", missing=True),
        Skip("months", "region", values=("a",)),
        Skip("grant", "region", values=("b", "c"), others=True),
    }


def test_inequalities_and_their_order():
    rng = np.random.default_rng(9)
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 400, N), unit="D")
    frame = pd.DataFrame({
        "discharged": start + pd.to_timedelta(rng.integers(60, 160, N), unit="D"),
        "operated": start + pd.to_timedelta(rng.integers(0, 60, N), unit="D"),
        "admitted": start,
        "diastolic": (low := rng.normal(80, 10, N).round()), "systolic": low + 1 + rng.gamma(3, 12, N).round(),
        "unrelated": rng.normal(150, 40, N).round(),
    })  # fmt: skip
    assert found(frame) == {
        Ordered("admitted", "operated", "discharged", strict=False),
        Inequality("diastolic", "systolic", strict=True),
    }
    assert found(frame.head(150)) == set()


def test_parts_of_times():
    frame = noise(np.random.default_rng(10))
    frame["seen"] = pd.Timestamp("2015-06-01") + pd.to_timedelta(frame["age"] * 41, unit="D")
    frame["year"], frame["month"] = frame["seen"].dt.year, frame["seen"].dt.month
    assert found(frame) >= {Derived("year", "year(seen)"), Derived("month", "month(seen)")}


def test_keys_constants_and_groups():
    rng = np.random.default_rng(11)
    schools = np.repeat(np.arange(50), rng.integers(5, 40, 50))
    n = len(schools)
    frame = pd.DataFrame({"school": schools + 1000, "pupil": [f"P-{i:05d}" for i in rng.permutation(n)]})
    frame["number"] = frame.groupby("school").cumcount() + 1
    frame["ses"] = rng.normal(size=n).round(3)
    frame["sex"] = rng.choice(["f", "m"], n)
    by = frame.groupby("school")
    frame["size"] = by["ses"].transform("size")
    frame["mean_ses"] = by["ses"].transform("mean").round(3)
    frame["girls"] = frame["sex"].eq("f").groupby(frame["school"]).transform("mean")
    frame["best"] = by["ses"].transform("max")
    frame["centred"] = (frame["ses"] - frame["mean_ses"]).round(3)
    frame["country"] = "PL"
    assert found(frame, groups=("school",)) >= {
        Unique("pupil", "P-0[0-9]{4}"),
        Numbered("number", "school"),
        Aggregate("size", None, "school", how="count"),
        Aggregate("mean_ses", "ses", "school"),
        Aggregate("girls", "sex", "school", how="share", level="f"),
        Aggregate("best", "ses", "school", how="max"),
        Derived("centred", "ses - mean_ses"),
        Constant("country", "PL"),
    }


def test_indicators_of_which_one_is_one():
    frame = noise(np.random.default_rng(12))
    for level in "abcd":
        frame[f"in_{level}"] = frame["region"].eq(level).astype(int)
    one = tuple(tuple(int(i == j) for j in range(4)) for i in range(4))
    assert found(frame.drop(columns="region")) == {Combinations("in_a", "in_b", "in_c", "in_d", allowed=one)}
    # With the column that they code, each is a function of it.
    assert {rule.columns for rule in found(frame)} == {(f"in_{level}", "region") for level in "abcd"}


def test_what_is_found_can_be_generated():
    rng = np.random.default_rng(13)
    frame = noise(rng)
    frame["bmi"] = (frame["cost"] / frame["age"] ** 2).round(6)
    frame["band"] = np.where(frame["age"] < 40, "young", "old")
    frame["reason"] = frame["region"].where(frame["sex"] == "f", None)
    frame["last"] = frame["age"] + rng.integers(0, 30, N)
    schema = Schema.detect(frame)
    findings = detect(frame, schema)
    assert {finding.rule.name for finding in findings} == {"derived", "range", "recode", "skip", "inequality"}
    made = generate([finding.rule for finding in findings], schema, 500, rng)
    for finding in findings:
        assert not finding.rule.violations(frame).any()
        assert not finding.rule.violations(made).any()
        assert 50 <= finding.support <= N
        assert finding.reason.endswith(".")


@pytest.mark.parametrize("table", ["hsb82", "sd2011", "nhefs", "wagepan", "birthwt", "exam_london"])
def test_real_tables(shared_data: Path, table: str):
    expected: dict[str, tuple[tuple[str, ...], set[Rule]]] = {
        "hsb82": (("school",), {Aggregate("meanses", "ses", "school"), Derived("cses", "ses - meanses")}),
        "sd2011": ((), {Derived("bmi", "weight / (height / 100)**2")}),
        "nhefs": ((), {Derived("wt82_71", "wt82 - wt71"), Skip("wt82", "censored", values=(1,))}),
        "wagepan": (("nr",), {Derived("expersq", "exper**2"), Numbered("year", "nr", start=1980)}),
        "birthwt": ((), {Recode("low", "bwt", cuts=(2500,), values=(1, 0))}),
        "exam_london": (("school",), set()),
    }
    groups, wanted = expected[table]
    frame = pd.read_csv(shared_data / f"{table}.csv.gz")
    schema = Schema.detect(frame)
    findings = detect(frame, schema, groups=groups)
    assert wanted <= {finding.rule for finding in findings}
    rules.closed([finding.rule for finding in findings], schema)
    for finding in findings:
        assert not finding.rule.violations(schema.plain(frame)).any(), finding


def test_no_column_is_determined_twice_or_in_a_circle():
    told = [Derived("a", "b"), Derived("a", "c"), Derived("b", "c"), Derived("c", "a"), Skip("c", "a", missing=True)]
    kept = acyclic(Finding(rule, "", 1) for rule in told)
    assert [finding.rule for finding in kept] == [Derived("a", "b"), Derived("b", "c")]


def test_pursuit_gives_up_on_noise():
    values = np.random.default_rng(1).normal(size=(100, 5))
    assert pursue(values, np.random.default_rng(2).normal(size=100), 5, 1e-9) is None
    assert pursue(values, np.ones(100), 5, 1e-9) is None
    assert pursue(np.ones((100, 2)), values[:, 0], 5, 1e-9) is None


def test_numbers_as_they_are_written():
    assert term(0.5, "x") == "x / 2"
    assert linear([-1], ["x"], 3) == "3 - x"
    assert linear([-2], ["x"]) == "-2 * x"
    assert linear([1, -1], ["x", "y"], -0.5) == "x - y - 0.5"
    assert roundest(0.0, 0.0034) == 0.003
    assert roundest(5.0, 5.0) == 5.0


def test_a_centred_column_is_computed_to_its_last_bit():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"score": rng.integers(8, 40, 300) / 2, "other": rng.normal(size=300)})
    frame["centred"] = frame["score"] - frame["score"].mean()
    (rule,) = [r for r in bs.Spec.auto(frame).rules if isinstance(r, bs.Derived)]
    assert rule.column == "centred" and repr(float(frame["score"].mean())) in rule.expression
    copy = bs.synthesize(frame, 1, random_seed=1)[0]
    np.testing.assert_array_equal(copy["centred"], copy["score"] - frame["score"].mean())
