"""Default priors follow the data's scale; declared ones are checked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayessynth.design import bind, dim, safe, shown
from bayessynth.design.priors import merge_priors
from bayessynth.errors import SpecError
from bayessynth.families import Prior
from bayessynth.spec import Equation, Spec

N = 80
ROW = np.arange(N)
RNG = np.random.default_rng(7)
DATA = pd.DataFrame({
    "y": RNG.normal(50, 8, N), "x": RNG.normal(3, 2, N), "a": RNG.choice(["p", "q", "r"], N), "g": ROW // 8,
})  # fmt: skip
FORMULA = "y ~ x + a + x:a + poly(x, 2) + (1 + x | g)"


def priors(
    formula: str = "y ~ x + a + x:a + (1 + x | g)", data: pd.DataFrame = DATA, declared: dict[str, Prior] | None = None
) -> dict[str, Prior]:
    equation = Equation(formula, family="normal", priors=declared)
    return dict(bind(Spec(equation, "x ~ 1", "a ~ 1", rest="drop"), data)[0]["y"].priors)


def sd(prior: Prior) -> float:
    sigma = prior.params["sigma"]
    assert isinstance(sigma, int | float)
    return float(sigma)


def test_every_parameter_has_a_prior_under_its_name() -> None:
    assert list(priors()) == ["Intercept", "x", "a", "x:a", "1|g_sd", "x|g_sd", "g_corr", "sigma"]
    found = priors("y ~ 0 + x + (1 | g) + (0 + x | g)")
    assert list(found) == ["x", "1|g_sd", "x|g_sd", "sigma"]
    assert priors("y ~ (a | g)")["g_corr"] == Prior("LKJ", eta=2)
    assert {"1|g_sd", "a[q]|g_sd", "a[r]|g_sd"} <= set(priors("y ~ (a || g)"))


def test_defaults_scale_with_the_data() -> None:
    base = priors()
    assert sd(base["x"]) == pytest.approx(2.5 * 8 / 2, rel=0.3)
    assert base["Intercept"].params["mu"] == pytest.approx(50, abs=3)
    wide = priors(data=DATA.assign(y=DATA["y"] * 100))
    for name in ("Intercept", "x", "a", "1|g_sd", "x|g_sd", "sigma"):
        assert sd(wide[name]) == pytest.approx(100 * sd(base[name]), rel=0.06)
    small = priors(data=DATA.assign(x=DATA["x"] / 1000))
    assert sd(small["x"]) == pytest.approx(1000 * sd(base["x"]), rel=0.06)
    assert sd(small["x|g_sd"]) == pytest.approx(1000 * sd(base["x|g_sd"]), rel=0.06)
    assert sd(small["a"]) == sd(base["a"])


def test_a_rare_level_does_not_widen_its_prior() -> None:
    rare = DATA.assign(a=np.where(ROW < 2, "q", np.where(ROW < 40, "r", "p")))
    assert sd(priors(data=rare)["a"]) == pytest.approx(sd(priors()["a"]))


def test_declared_priors_take_the_place_of_defaults() -> None:
    found = priors(
        declared=dict(x=Prior("Laplace", mu=0, b=1), sigma=Prior("Exponential", lam=1), g_corr=Prior("LKJ", eta=1))
    )
    assert found["x"] == Prior("Laplace", mu=0, b=1)
    assert found["g_corr"].params["eta"] == 1
    assert found["a"] == priors()["a"]


@pytest.mark.parametrize(
    ("name", "prior", "message"),
    [
        ("xx", Prior("Normal", mu=0, sigma=1), r"no parameter 'xx' to give a prior to. Did you mean 'x'\? It has: "),
        ("y_x", Prior("Normal", mu=0, sigma=1), "no parameter 'y_x' to give a prior to"),
        ("sigma", Prior("Normal", mu=0, sigma=1), r"of 'sigma' reaches outside \(0.0, inf\), where the parameter lies; "
                                                  r"for example HalfStudentT"),
        ("1|g_sd", Prior("Normal", mu=0, sigma=1), r"of '1\|g_sd' reaches outside"),
        ("g_corr", Prior("Normal", mu=0, sigma=1), r"the prior of 'g_corr' must be LKJ\(…\), not Normal"),
        ("x", Prior("LKJ", eta=2), r"the prior of 'x' must be Normal\(…\), not LKJ"),
    ],
)  # fmt: skip
def test_wrong_priors_are_refused(name: str, prior: Prior, message: str) -> None:
    with pytest.raises(SpecError, match=f"Equation for 'y'.*{message}"):
        priors(declared={name: prior})


def test_a_parameter_with_a_formula_has_priors_of_its_own() -> None:
    equation = Equation("y ~ x", "sigma ~ a + (1 | g)", family="normal")
    found = bind(Spec(equation, "x ~ 1", "a ~ 1", rest="drop"), DATA)[0]["y"].priors
    assert list(found) == ["Intercept", "x", "sigma_Intercept", "sigma_a", "sigma_1|g_sd"]


def test_thresholds_stand_for_the_intercept_of_an_ordinal_column() -> None:
    data = DATA.assign(a=pd.Categorical(DATA["a"], ordered=True))
    found = bind(Spec("a ~ x", "x ~ 1", rest="drop"), data)[0]["a"]
    assert list(found.priors) == ["x", "thresholds"]
    assert found.links == {"mu": "identity"}
    assert found.options["link"] in ("logit", "probit")


def test_the_table_of_priors_says_what_was_declared() -> None:
    gaps = DATA.assign(x=DATA["x"].where(ROW > 3))
    spec = Spec(
        Equation("y ~ x", family="normal", priors={"sigma": Prior("HalfNormal", sigma=9)}), "x ~ 1", rest="drop"
    )
    table = spec.priors(gaps).set_index(["column", "parameter"])
    assert table.loc[("y", "sigma")].tolist() == ["HalfNormal(sigma=9)", "declared"]
    assert table.loc[("y", "x"), "source"] == "default"


def test_names_in_a_posterior() -> None:
    assert shown(safe("y_I(a / b)")) == "y_I(a / b)"
    assert "/" not in safe("a/b")
    assert [dim(n) for n in ("chain", "site", "a/b", "C(x, 2)")] == ["chain_", "site", "a∕b", "C(x‚ 2)"]


def test_thresholds_take_any_prior_on_all_real_numbers() -> None:
    normal, default = Prior("Normal", mu=0, sigma=3), {"thresholds": Prior("Dirichlet", a=1)}
    assert merge_priors("pain", {"thresholds": normal}, default, frozenset({"thresholds"}))["thresholds"] == normal
    with pytest.raises(SpecError, match="must be Dirichlet"):
        merge_priors("pain", {"thresholds": Prior("HalfNormal", sigma=3)}, default, frozenset({"thresholds"}))
