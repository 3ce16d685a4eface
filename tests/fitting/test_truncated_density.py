"""Within ends that rules leave, the kernels' density of an equation is that of its PyMC graph."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.design import Bound, Data, bind, component
from bayessynth.fitting import kernels
from bayessynth.fitting.engines import kernel, laplace, marginal
from bayessynth.suffstats import unserved
from tests.fitting.test_density import agree

N = 240
ROOF = bs.Inequality("y", "roof")
#: Families with a kernel for rows within ends, by the links of their parents.
SERVED = [("normal", None), ("normal", "log"), ("lognormal", None)]


def table() -> pd.DataFrame:
    """Return values from 1 to a roof of the row's own, some of it missing and some of it at once the floor."""
    rng = np.random.default_rng(3)
    x, site = rng.standard_normal(N).round(2), rng.integers(0, 8, N)
    roof = rng.uniform(1.5, 8.0, N).round(1)
    roof[:5] = 1.0
    y = np.minimum(np.exp(0.5 + 0.3 * x + 0.4 * rng.standard_normal(N)).clip(1.0), roof).round(1)
    return pd.DataFrame({"x": x, "site": site, "roof": roof, "y": y})


def bound_within(family: str, *formulas: str, link: str | None = None) -> tuple[Bound, Data]:
    equation = bs.Equation(*formulas, family=family, link=link)
    return bind(bs.Spec(equation, rest="keep", rules=[ROOF, bs.Range("y", 1, None)]), table())


@pytest.mark.parametrize(("family", "link"), SERVED)
def test_kernels_agree_with_pymc(family: str, link: str | None) -> None:
    made, data = bound_within(family, "y ~ x + (1 + x | site)", "sigma ~ x", link=link)
    own = component(made, data, "y")
    assert made["y"].family == f"truncated_{family}"
    assert own.beside["lower"][0] == pytest.approx(0.95) and own.beside["upper"][0] == pytest.approx(1.05)
    agree(own)


@pytest.mark.parametrize(("family", "link"), SERVED)
def test_one_sigma_agrees_with_pymc(family: str, link: str | None) -> None:
    made, data = bound_within(family, "y ~ x", link=link)
    agree(component(made, data, "y"))


def levels() -> pd.DataFrame:
    """Return two columns of levels of which not all combinations occur, and a predictor."""
    rng = np.random.default_rng(4)
    part, site = rng.integers(0, 3, N), rng.integers(0, 8, N)
    stage = np.where(part == 0, rng.integers(0, 2, N), np.where(part == 1, rng.integers(1, 4, N), 2))
    flag = np.where(part == 2, 1, rng.integers(0, 2, N))
    frame = pd.DataFrame({"part": np.array(["a", "b", "c"])[part], "site": site, "x": rng.standard_normal(N).round(2)})
    return frame.assign(stage=[f"s{k}" for k in stage], flag=np.where(flag, "yes", "no"))


@pytest.mark.parametrize(
    ("family", "column", "link"),
    [("categorical", "stage", None), ("ordinal", "stage", None), ("ordinal", "stage", "probit"),
     ("bernoulli", "flag", None), ("bernoulli", "flag", "cloglog")],
)  # fmt: skip
def test_levels_left_out_agree_with_pymc(family: str, column: str, link: str | None) -> None:
    frame = levels()
    schema = bs.Schema.detect(frame)
    if family == "ordinal":
        schema = schema.override(stage=bs.Ordinal("s0", "s1", "s2", "s3"))
    equation = bs.Equation(f"{column} ~ x + (1 | site)", family=family, link=link)
    spec = bs.Spec(equation, rest="keep", rules=[bs.Combinations("part", column)])
    made, data = bind(spec, frame, schema)
    own = component(made, data, column)
    assert made[column].family == f"restricted_{family}"
    assert own.beside["allowed"].shape[1] == len(made[column].levels)
    agree(own)


def counted() -> pd.DataFrame:
    """Return counts from 1 to a roof of the row's own, some of it missing: there only the floor holds."""
    rng = np.random.default_rng(5)
    x, site, roof = rng.standard_normal(N).round(2), rng.integers(0, 8, N), rng.integers(1, 12, N)
    y = np.minimum(rng.negative_binomial(2.0, 0.4, N).clip(1), roof)
    return pd.DataFrame({"x": x, "site": site, "roof": roof, "y": y, "most": np.full(N, 14) + rng.integers(0, 3, N)})


@pytest.mark.parametrize(
    ("family", "link", "further"),
    [("poisson", None, ()), ("poisson", "softplus", ()), ("negative_binomial", None, ("alpha ~ x",)),
     ("negative_binomial", "softplus", ()), ("binomial", None, ()), ("binomial", "probit", ()),
     ("binomial", "cloglog", ())],
)  # fmt: skip
def test_counts_within_ends_agree_with_pymc(family: str, link: str | None, further: tuple[str, ...]) -> None:
    trials = "most" if family == "binomial" else None
    equation = bs.Equation("y ~ x + (1 | site)", *further, family=family, link=link, trials=trials)
    made, data = bind(bs.Spec(equation, rest="keep", rules=[ROOF, bs.Range("y", 1, None)]), counted())
    own = component(made, data, "y")
    assert made["y"].family == f"truncated_{family}"
    assert own.beside["lower"].min() == 1.0 and (own.beside["upper"] == counted()["roof"]).all()
    agree(own)


@pytest.mark.parametrize("family", ["poisson", "negative_binomial"])
def test_only_a_floor_agrees_with_pymc(family: str) -> None:
    spec = bs.Spec("x ~ 1", bs.Equation("y ~ x", family=family), rest="drop", rules=[bs.Range("y", 1, None)])
    made, data = bind(spec, counted())
    agree(component(made, data, "y"))


@pytest.mark.parametrize("family", ["normal", "lognormal"])
def test_sums_of_products_do_not_serve_what_is_truncated(family: str) -> None:
    made, data = bound_within(family, "y ~ x")
    own = component(made, data, "y")
    assert unserved(made["y"]) == marginal.unserved(own) == f"family 'truncated_{family}' is not Gaussian"
    assert laplace.unserved(own) is None and kernel.unserved(own) is None


def test_which_families_within_limits_have_a_kernel() -> None:
    served = {"normal", "lognormal", "poisson", "negative_binomial", "binomial"}
    assert all(kernels.get(f"truncated_{name}") is not None for name in served)
    assert all(kernels.get(f"truncated_{name}") is None for name in ("gamma", "beta", "student_t"))
