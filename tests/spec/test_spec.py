"""Equations and specs: order, cycles, changes, round trips and how they are shown."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any, cast

import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import FormulaError, SpecError, StorageError
from bayessynth.spec import Equation, Spec

FULL = Spec(
    Equation("visits ~ log(income) + age + (1 + age | site)", family="negative_binomial", link="log",
             priors={"age": bs.Prior("Normal", mu=0, sigma=0.5), "site_corr": bs.Prior("LKJ", eta=2)}),
    Equation("income ~ age + female + (1 | site/ward)", "sigma ~ female", family="lognormal"),
    Equation("events ~ offset(log(age))", family="binomial", link="logit", trials="visits"),
    Equation("cost ~ visits", family="semicontinuous", points=(0, 100), level="row"),
    Equation("`body mass` ~ age", "sigma ~ age", family="normal", link={"mu": "identity", "sigma": "log"}),
    "age ~ female + (1 | site)",
    "female ~ 1",
    rest="drop",
)  # fmt: skip


def test_columns_follow_those_they_depend_on_and_keep_the_declared_order() -> None:
    assert FULL.columns == ("female", "age", "income", "visits", "events", "cost", "body mass")
    assert Spec("c ~ 1", "a ~ 1", "b ~ a").columns == ("c", "a", "b")
    assert FULL.factors == (("site",), ("site", "ward"))
    assert len(FULL) == 7
    assert "age" in FULL
    assert "site" not in FULL
    assert [e.response for e in FULL] == list(FULL.columns)


def test_a_column_behind_trials_offset_or_sigma_comes_first() -> None:
    assert Spec(Equation("y ~ 1", family="binomial", trials="n"), "n ~ 1").columns == ("n", "y")
    assert Spec("y ~ offset(log(t))", "t ~ 1").columns == ("t", "y")
    assert Spec(Equation("y ~ 1", "sigma ~ s", family="normal"), "s ~ 1").columns == ("s", "y")
    assert Spec("y ~ (1 + x | g)", "x ~ 1").columns == ("x", "y")


@pytest.mark.parametrize(
    ("equations", "message"),
    [
        (("a ~ b", "b ~ c", "c ~ a"), "form a cycle: .* remove one of these predictors"),
        (("a ~ a",), "form a cycle: a <- a"),
        (("a ~ 1", "a ~ 1"), r"Column 'a' has two equations; keep one, or use spec.replace\(...\)"),
        ((), "at least one equation, such as 'age ~ 1'"),
        ((3,), r"takes formulas, bs.Equation\(...\) and bs.Survival\(...\), not 3"),
    ],
)
def test_specs_that_cannot_be(equations: tuple[Any, ...], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        Spec(*equations)


def test_a_cycle_is_named_in_the_direction_of_dependence() -> None:
    with pytest.raises(SpecError) as caught:
        Spec("a ~ b", "b ~ c", "c ~ a", "d ~ a")
    cycle = str(caught.value).split("cycle: ")[1].split(".")[0].split(" <- ")
    depends = {"a": "b", "b": "c", "c": "a"}
    assert cycle[0] == cycle[-1]
    assert all(depends[left] == right for left, right in pairwise(cycle))


def test_a_misspelt_rest_is_named() -> None:
    with pytest.raises(
        SpecError, match=r"rest='kep' is not one of 'error', 'keep', 'drop', 'tree'. Did you mean 'keep'\?"
    ):
        Spec("a ~ 1", rest="kep")  # type: ignore[arg-type]


def test_a_spec_is_changed_by_making_another() -> None:
    changed = FULL.replace("income ~ age", "extra ~ income")
    assert changed["income"] == Equation("income ~ age")
    assert "extra" in changed
    assert changed.rest == "drop"
    assert FULL["income"].family == "lognormal"
    assert FULL.drop("cost", "events").columns == ("female", "age", "income", "visits", "body mass")
    with pytest.raises(SpecError, match=r"no equation for 'incme'\. Did you mean 'income'"):
        FULL.drop("incme")
    with pytest.raises(SpecError, match="at least one equation"):
        Spec("a ~ 1").drop("a")
    with pytest.raises(AttributeError):
        FULL["age"].family = "normal"  # type: ignore[misc]


def test_json_round_trip() -> None:
    again = Spec.from_json(json.loads(json.dumps(FULL.to_json())))
    assert again == FULL
    assert again.hash == FULL.hash
    assert hash(again) == hash(FULL)
    assert again["income"] == FULL["income"]
    assert again.replace("age ~ 1") != FULL


def test_a_spec_of_a_newer_version_is_refused() -> None:
    with pytest.raises(StorageError, match=r"format 2, newer than the 1 .*upgrade bayessynth"):
        Spec.from_json({**FULL.to_json(), "format": 2})


@pytest.mark.parametrize("spec", [FULL, Spec("a ~ 1"), Spec("a ~ 1", "b ~ 1", "c ~ .")], ids=["full", "one", "dot"])
def test_source_makes_the_same_spec(spec: Spec) -> None:
    scope: dict[str, Any] = {"bs": bs}
    exec(spec.to_python(), scope)
    assert scope["spec"] == spec
    for equation in spec:
        assert eval(repr(equation), {"Equation": Equation, "Prior": bs.Prior}) == equation


def test_a_dot_stands_for_the_columns_declared_before() -> None:
    spec = Spec("b ~ 1", "a ~ .", Equation("c ~ . - b + (1 | g)", "sigma ~ .", family="normal"))
    assert spec["a"].columns == ("b",)
    assert spec["c"].columns == ("a", "b")
    assert spec.to_json()["equations"][2]["formulas"] == ["c ~ a + (1 | g)", "sigma ~ b + a"]
    assert Spec.from_json(spec.to_json()) == spec
    with pytest.raises(FormulaError, match=r"'\.' stands for the columns declared before"):
        Spec("a ~ .", "b ~ 1")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Equation("y ~ 1", family="gama"), "There is no family 'gama'. Did you mean 'gamma'"),
        (
            lambda: Equation("y ~ 1", family="normal", link="lgo"),
            "link 'lgo' of 'mu' is not one of .*Did you mean 'log'",
        ),
        (lambda: Equation("y ~ 1", family="normal", link={"sgma": "log"}), "no parameter 'sgma'; .*mean 'sigma'"),
        (
            lambda: Equation("y ~ 1", "sgima ~ x", family="normal"),
            "no parameter 'sgima'; it has: mu, sigma. Did you mean",
        ),
        (lambda: Equation("y ~ 1", "mu ~ x", family="normal"), "the first formula models 'mu' already"),
        (lambda: Equation("y ~ 1", "sigma ~ x", "sigma ~ z", family="normal"), "two formulas for 'sigma'"),
        (lambda: Equation("y ~ 1", family="normal", trials="n"), "takes no trials=; that is for family='binomial'"),
        (lambda: Equation("y ~ 1", family="binomial"), "needs trials='column'"),
        (lambda: Equation("y ~ 1", family="normal", points=(0,)), "takes no points="),
        (lambda: Equation("y ~ 1", priors=cast(Any, {"a": 3})), r"the prior of 'a' is 3; write bs.Prior\('Normal'"),
    ],
)
def test_equations_that_cannot_be(make: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        make()


def test_a_spec_prints_as_an_aligned_table() -> None:
    lines = repr(FULL).splitlines()
    assert lines[0] == "Spec of 7 columns, grouping factors: site, site:ward, other columns: drop"
    assert lines[1].split() == ["column", "family", "equation", "level", "declared", "priors"]
    assert lines[5].startswith("income     lognormal")
    assert "income ~ age + female + (1 | site) + (1 | site:ward); sigma ~ female" in lines[5]
    assert "age ~ Normal(mu=0, sigma=0.5); site_corr ~ LKJ(eta=2)" in lines[6]
    start = lines[1].index("family")
    assert all(line[start - 1] == " " and line[start] != " " for line in lines[2:])


def test_the_html_table_escapes_names() -> None:
    html = Spec("`<script>` ~ 1", "y ~ 1 + (1 | `<b>`)")._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script>" not in html
    assert "<b>" not in html


def test_priors_without_data_are_those_declared() -> None:
    table = FULL.priors()
    assert list(table.columns) == ["column", "parameter", "prior", "source"]
    assert table["parameter"].tolist() == ["age", "site_corr"]
    assert set(table["source"]) == {"declared"}


def test_priors_with_data_are_all_there() -> None:
    df = pd.DataFrame({"y": [1.5, 2, 3.25, 9], "x": [0.5, 2.5, -1, 4]})
    table = Spec(Equation("y ~ x", family="normal", priors={"x": bs.Prior("Normal", mu=0, sigma=1)}), "x ~ 1").priors(
        df
    )
    found = {(r.column, r.parameter): r.source for r in table.itertuples()}
    assert found == {
        ("x", "Intercept"): "default", ("x", "sigma"): "default", ("y", "Intercept"): "default",
        ("y", "x"): "declared", ("y", "sigma"): "default",
    }  # fmt: skip
