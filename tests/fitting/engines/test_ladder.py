"""Which engine is taken, what is said of the others, and what a user reads who asks for one that cannot."""

from __future__ import annotations

import pytest

import bayessynth as bs
from bayessynth.errors import EngineWarning, FitError
from bayessynth.fitting import kernels
from bayessynth.fitting.engines import importance
from bayessynth.fitting.engines.ladder import LADDER
from tests.fitting.engines.tables import table

QUICK = {"draws": 100, "tune": 100, "chains": 2, "random_seed": 1, "progress": False}
SPEC = bs.Spec("number ~ x + (1 | site)", "flag ~ x", bs.Equation("count ~ (1 | site)", family="poisson"), "x ~ 1",
               rest="drop")  # fmt: skip


def test_each_equation_gets_the_first_engine_that_serves_it() -> None:
    fitted = SPEC.fit(table(), **QUICK)
    chosen = {"x": "marginal", "number": "marginal", "flag": "laplace", "count": "quadrature"}
    assert fitted.provenance["engine"] == chosen
    told = fitted.diagnose().table.set_index("equation")
    assert told["engine"].to_dict() == chosen
    assert (told["pareto_k"] < 0.7).all() and told["bfmi"].isna().all() and (told["divergences"] == 0).all()
    assert fitted.provenance["refused"]["flag"] == {"marginal": "family 'bernoulli' is not Gaussian"}


@pytest.mark.parametrize(
    ("engine", "equation", "reason"),
    [
        ("marginal", "flag ~ x", "'marginal': family 'bernoulli' is not Gaussian"),
        ("marginal", bs.Equation("number ~ x", "sigma ~ x", family="normal"), "'sigma' has a formula of its own"),
        ("marginal", bs.Equation("x ~ 1", priors={"Intercept": bs.Prior("Cauchy", alpha=0, beta=1)}), "is not normal"),
        ("marginal", bs.Equation("x ~ 1", family="student_t"), "family 'student_t' is not Gaussian"),
        ("laplace", "number ~ (1 | site)", "has group-specific effects"),
        ("quadrature", "number ~ x", "not all in the first predictor"),
        ("quadrature", bs.Equation("z ~ (1 | site)", family="categorical"), "several predictors"),
    ],
)
def test_an_engine_that_cannot_says_why(engine: str, equation: str | bs.Equation, reason: str) -> None:
    with pytest.raises(FitError, match=r"cannot be fitted by .*Use engine='auto'") as raised:
        bs.Spec(equation, rest="keep").fit(table(), engine=engine, **QUICK)
    assert reason in str(raised.value)


def test_an_approximation_that_does_not_hold_gives_way_to_nuts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importance, "PARETO_K", -9.0)
    fitted = bs.Spec("flag ~ x", "x ~ 1", rest="drop").fit(table(), cores=1, **QUICK)
    assert fitted.provenance["engine"] == {"x": "kernel", "flag": "kernel"}
    assert "Pareto k" in fitted.provenance["refused"]["flag"]["laplace"]


def test_a_family_without_kernel_falls_back_to_the_reference_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "get", lambda family: None)
    with pytest.warns(EngineWarning, match="'flag'.*no kernel, so its PyMC model is compiled"):
        fitted = bs.Spec("flag ~ 1", rest="drop").fit(table(), cores=1, **QUICK)
    assert fitted.provenance["engine"] == {"flag": "pymc"}


def test_an_unknown_engine_is_an_error() -> None:
    with pytest.raises(FitError, match=r"engine='kernal' is not one of .*Did you mean 'kernel'"):
        SPEC.fit(table(), engine="kernal", **QUICK)
    assert LADDER[-1] == "pymc"
