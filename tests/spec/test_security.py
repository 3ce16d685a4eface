"""A formula is data: nothing in it can reach the program around it."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.design import Predictor, TermDesign, bind
from bayessynth.errors import BayesSynthError, FormulaError, SpecError
from bayessynth.spec import Equation, Spec

ATTACKS = [
    "os.system('touch {mark}')", "__import__('os').system('touch {mark}')", "open('{mark}', 'w')",
    "eval('1')", "exec('import os')", "getattr(x, 'y')", "I(open('{mark}', 'w'))", "log(eval('x'))",
    "offset(os.system('touch {mark}'))", "C(x, open('{mark}', 'w'))", "poly(x, degree=open('{mark}', 'w'))",
    "log.__globals__['os']", "log(x).__class__", "log.__call__(x)", "x.__class__()", "I(x.__globals__['a'])",
    "().__class__", "lambda: 1", "I(lambda x: x)", "[i for i in x]", "np.log(x)", "I(np.exp(x))", "I(x if x else x)",
    "f'{{x}}'", "I(x := 1)", "print(x)", "globals()", "vars(x)", "I(@x)", "import os", "x; import os", "log(*x)",
]  # fmt: skip


@pytest.fixture(params=ATTACKS)
def attack(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(request.param).format(mark=tmp_path / "mark")


def test_attacks_are_refused_when_made_and_when_loaded(attack: str, tmp_path: Path) -> None:
    for formula in (f"y ~ {attack}", f"y ~ a + ({attack} | g)", f"y ~ (1 | {attack})", f"{attack} ~ 1"):
        with pytest.raises(FormulaError):
            Equation(formula)
        with pytest.raises(FormulaError):
            Spec(formula)
        with pytest.raises(FormulaError):
            Equation.from_json({"formulas": [formula]})
        with pytest.raises(FormulaError):
            Spec.from_json({"format": 1, "equations": [{"formulas": [formula]}]})
    with pytest.raises(FormulaError):
        Equation.from_json({"formulas": ["y ~ x", f"sigma ~ {attack}"], "family": "normal"})
    assert not (tmp_path / "mark").exists()


def test_attacks_are_refused_in_what_a_fit_stores(attack: str) -> None:
    df = pd.DataFrame({"y": [0.5, -1.2, 2.25, 3.1], "x": [1.5, 2.5, 2, 7]})
    bound, _ = bind(Spec("y ~ log(x) + offset(x)", "x ~ 1"), df)
    stored = bound["y"].predictors["mu"].to_json()
    for change in ({"terms": [{**stored["terms"][0], "term": attack}]}, {"offsets": [attack]}):
        with pytest.raises(FormulaError):
            Predictor.from_json(copy.deepcopy(stored) | change)


@pytest.mark.parametrize("stored", ["a + b", "1", "a:b + (1 | g)", "(1 | g)", "", "offset(a)", "a*b"])
def test_a_stored_term_is_exactly_one_term(stored: str) -> None:
    with pytest.raises(FormulaError, match="is not one term of a formula; the stored fit is damaged"):
        TermDesign.from_json({"term": stored, "factors": [], "states": {}})


def test_a_name_with_dots_is_a_column_and_nothing_else() -> None:
    spec = Spec("y ~ x.__class__", "x ~ 1")
    assert spec["y"].columns == ("x.__class__",)
    with pytest.raises(SpecError, match=r"Column 'x.__class__' \(the equation for 'y'\) is not in the data"):
        bind(spec, pd.DataFrame({"y": [0.5, -1.2, 2.25], "x": [1.5, 2.5, 2]}))


@pytest.mark.parametrize(
    "change",
    [
        {"equations": [{"formulas": ["y ~ 1"], "family": "os.system"}]},
        {"equations": [{"formulas": ["y ~ 1"], "priors": {"Intercept": {"name": "eval", "params": {}}}}]},
        {"equations": [{"formulas": ["y ~ 1"], "family": "normal", "links": {"mu": "__import__"}}]},
        {"rest": "eval"},
    ],
)
def test_names_in_a_file_come_from_closed_registries(change: dict[str, object]) -> None:
    with pytest.raises(BayesSynthError):
        Spec.from_json({"format": 1, "equations": [{"formulas": ["y ~ 1"]}], **change})


def test_source_that_a_spec_writes_holds_names_as_text(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    name = f"x', __import__('os').system('touch {mark}'), '"
    spec = Spec(f"`{name}` ~ 1", Equation(f"y ~ `{name}`", family="normal"))
    scope: dict[str, object] = {"bs": bs}
    exec(spec.to_python(), scope)
    assert scope["spec"] == spec
    assert not mark.exists()


def test_reading_a_spec_imports_no_model_code() -> None:
    data = json.dumps(Spec("y ~ log(x) + (1 | g)", "x ~ 1").to_json())
    code = (
        "import json, sys; from bayessynth.spec import Spec; "
        f"Spec.from_json(json.loads({data!r})); print('pymc' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
