"""A survival time is declared as equations are: shown, saved, sorted, with clear errors."""

from __future__ import annotations

import json
import re

import pytest

import bayessynth as bs
from bayessynth.errors import FormulaError, SpecError

FULL = bs.Survival(
    "days ~ treat + (1 | site)", event="end", family="weibull", censored="alive", causes={"relapse": "~ age"},
    censoring="~ 1", entry="start", priors={"treat": bs.Prior("Normal", mu=0, sigma=1)},
)  # fmt: skip


def test_it_declares_two_columns_and_their_equations() -> None:
    spec = bs.Spec("age ~ days", bs.Survival("days ~ treat", event="end"), "treat ~ 1")
    assert spec.columns == ("treat", "days", "end", "age")
    assert [e.response for e in spec] == ["treat", "days", "days_censored", "age"]
    assert len(spec) == 4 and "end" in spec
    assert spec["end"].column == "days"
    assert spec.survivals == (bs.Survival("days ~ treat", event="end"),)


def test_several_causes_have_their_own_formulas() -> None:
    known = FULL.coded((("died", 1.0), ("relapse", 2.0), ("censored", 0.0)))
    found = {e.response: str(e.formula) for e in known.equations}
    assert found == {
        "days_died": "days_died ~ treat + (1 | site)", "days_relapse": "days_relapse ~ age",
        "days_censored": "days_censored ~ 1",
    }  # fmt: skip
    assert {e.response: e.family for e in known.equations}["days_censored"] == "piecewise"
    assert set(known.columns) == {"treat", "age", "start"}
    with pytest.raises(SpecError, match=r"causes= has 'relapse', which is no event in 'end'.*Did you mean 'relapsed'"):
        FULL.coded((("relapsed", 1.0), ("censored", 0.0)))


def test_json_and_source_make_it_again() -> None:
    rows = bs.Spec(bs.Survival("(`in`, `out of`) ~ treat + lag(x) + (1 | id)", event="d"), "x ~ 1", "treat ~ 1",
                   unit="id", time="in")  # fmt: skip
    assert bs.Spec.from_json(json.loads(json.dumps(rows.to_json()))) == rows
    assert rows.survivals[0].start == rows.survivals[0].entry == "in" and rows.survivals[0].time == "out of"
    assert str(rows["out of"].formula) == "`out of` ~ treat + lag(x) + (1 | id)"
    assert str(rows.equations[-1].formula) == "`out of_censored` ~ treat + lag(x)"
    scope: dict[str, object] = {"bs": bs}
    exec(rows.to_python(), scope)
    assert scope["spec"] == rows
    for own in (FULL, bs.Survival("t ~ x", event="d"), FULL.coded((("died", 1.0), ("relapse", 2.0)))):
        spec = bs.Spec(own, "treat ~ 1")
        again = bs.Spec.from_json(json.loads(json.dumps(spec.to_json())))
        assert again == spec
        assert again.survivals[0].coding == own.coding
    made: dict[str, object] = {"bs": bs}
    exec(bs.Spec(FULL).to_python(), made)
    assert made["spec"] == bs.Spec(FULL)


def test_a_dot_stands_for_all_columns_declared_before() -> None:
    spec = bs.Spec("x ~ 1", "z ~ 1", bs.Survival("t ~ .", event="d", censoring="~ ."), "u ~ .")
    assert [str(e.formula) for e in spec][2:] == ["t ~ x + z", "t_censored ~ x + z", "u ~ x + z + t + d"]


def test_it_is_shown() -> None:
    text = str(bs.Spec("treat ~ 1", bs.Survival("days ~ treat", event="end", censoring="~ 1")))
    assert text.startswith("Spec of 3 columns")
    assert re.search(r"days +piecewise +days ~ treat", text) and re.search(r"days_censored +piecewise", text)
    axes = bs.Spec("treat ~ 1", bs.Survival("days ~ treat", event="end")).graph()
    drawn = {t.get_text() for t in axes.texts}
    assert {"treat", "days", "end"} <= drawn and "days_censored" not in drawn


def test_replace_and_drop() -> None:
    spec = bs.Spec("x ~ 1", bs.Survival("t ~ x", event="d"))
    assert [str(e.formula) for e in spec.replace(bs.Survival("t ~ 1", event="d")).equations][1] == "t ~ 1"
    assert spec.drop("d").columns == ("x",)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bs.Survival("t ~ x", event="d", family="normal"), "family 'normal' is none of times until an event"),
        (lambda: bs.Survival("t ~ x", event="d", family="weibul"), "Did you mean 'weibull'"),
        (lambda: bs.Survival("t ~ x", event="t"), "names one column twice"),
        (lambda: bs.Survival("t ~ x", event="d", entry="d"), "names one column twice"),
        (lambda: bs.Survival("t ~ x", event="d", censoring="t ~ 1"), "write 't ~ 1' as a right side"),
        (lambda: bs.Survival("t ~ x", event="d", censoring="x"), "write 'x' as a right side"),
        (lambda: bs.Survival("t ~ x", "sigma ~ x", event="d"), "has no parameter 'sigma'"),
        (lambda: bs.Spec("d ~ 1", bs.Survival("t ~ x", event="d")), "'d' has two equations"),
        (lambda: bs.Spec("x ~ t", bs.Survival("t ~ x", event="d")), "cycle"),
        (lambda: bs.Spec(bs.Survival("t ~ d", event="d")), "cycle"),
        (lambda: bs.Spec(3), "formulas, bs.Equation(...) and bs.Survival(...), not 3"),  # type: ignore[arg-type]
    ],
)
def test_errors(make: object, message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        make()  # type: ignore[operator]


def test_a_formula_that_cannot_be_read_is_refused_at_once() -> None:
    with pytest.raises(FormulaError):
        bs.Survival("t ~ evil(x)", event="d")
