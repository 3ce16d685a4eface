"""Residuals that depend on those of the row before: held to the multivariate normal density of a unit's rows."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import stats

import bayessynth as bs
from bayessynth.design import Bound, bind, component
from bayessynth.design.autoregression import alone, followed, innovation
from bayessynth.errors import SpecError
from bayessynth.graph import build
from bayessynth.spec import Equation
from bayessynth.trees.forest import plant
from tests.handmade import handmade

SEQUENCE = {"unit": "id", "time": "day"}


def panel(gaps: tuple[float, ...] = (1.0,), units: int = 12, rows: int = 7, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    found = []
    for i in range(units):
        day, e = 0.0, rng.normal()
        for _ in range(int(rng.integers(2, rows + 1))):
            x = rng.normal()
            found.append((i, round(day, 2), round(x, 3), round(2 + x + e, 3)))
            gap = rng.choice(gaps)
            day, e = day + gap, 0.7**gap * e + rng.normal()
    return pd.DataFrame(found, columns=["id", "day", "x", "y"])


def spec(**options: object) -> bs.Spec:
    return bs.Spec(bs.Equation("x ~ 1", family="normal"), bs.Equation("y ~ x", family="normal", ar=1, **options),
                   **SEQUENCE)  # fmt: skip


def exact(table: pd.DataFrame, intercept: float, slope: float, sigma: float, rho: float, gap: float) -> float:
    """Return the log density of all rows: those of a unit are jointly normal, with correlations ρ^(time apart)."""
    total = 0.0
    for _, own in table.groupby("id"):
        days = own["day"].to_numpy()
        apart = np.abs(days[:, None] - days[None]) / gap
        covariance = sigma**2 / (1 - rho**2) * np.sign(rho) ** np.round(apart) * np.abs(rho) ** apart
        mean = intercept + slope * own["x"].to_numpy()
        total += stats.multivariate_normal.logpdf(own["y"], mean, covariance)
    return total


@pytest.mark.parametrize(
    ("gaps", "rho"), [((1.0,), 0.6), ((1.0,), -0.4), ((1.0, 1.0, 2.0), -0.4), ((0.7, 1.1, 2.3), 0.6)]
)
def test_the_density_is_that_of_jointly_normal_rows(gaps: tuple[float, ...], rho: float) -> None:
    table = panel(gaps)
    bound, data = bind(spec(), table)
    own = component(bound, data, "y")
    values = {"y_Intercept": np.array(1.7), "y_x": np.array(0.8), "y_sigma": np.array(1.3), "y_ar": np.array(rho)}
    wanted = exact(table, 1.7, 0.8, 1.3, rho, bound["y"].ar)
    mean = 1.7 + 0.8 * table["x"].to_numpy()
    given = followed(bound["y"], own.chain, own.y, {"mu": mean, "sigma": 1.3}, values)
    assert stats.norm.logpdf(own.y, given["mu"], given["sigma"]).sum() == pytest.approx(wanted, rel=1e-10)
    first = own.chain.first
    stationary = alone(bound["y"], {"mu": mean, "sigma": 1.3}, values)["sigma"]
    assert given["sigma"][first] == pytest.approx(stationary)
    model = build(own)
    centre = float(np.mean(table["x"]))
    at = {"y_Intercept~centred": 1.7 + 0.8 * centre, "y_x": 0.8, "y_sigma": 1.3, "y_ar": rho}
    replaced = pm.do(model, {name: np.asarray(value) for name, value in at.items()})
    assert replaced.compile_logp(mode="FAST_COMPILE")({}) == pytest.approx(wanted, rel=1e-8)


def test_a_negative_autocorrelation_needs_whole_powers() -> None:
    even, uneven = (bind(spec(), panel(gaps))[0] for gaps in ((1.0, 2.0), (0.7, 1.1, 2.3)))
    assert str(even["y"].priors["ar"]) == "Uniform(lower=-1, upper=1)"
    assert str(uneven["y"].priors["ar"]) == "Uniform(lower=0, upper=1)"
    wide = bs.Prior("Uniform", lower=-1, upper=1)
    with pytest.raises(SpecError, match=r"'ar' reaches outside \(0.0, 1.0\), where .* as times between rows differ"):
        bind(spec(priors={"ar": wide}), panel((0.7, 1.1, 2.3)))
    assert bind(spec(priors={"ar": bs.Prior("Beta", alpha=2, beta=2)}), panel())[0]["y"].priors["ar"].name == "Beta"


def test_what_elapses_decides_how_much_is_left() -> None:
    share, scale = innovation(0.5, np.array([1.0, 3.0]))
    np.testing.assert_allclose(share, [0.5, 0.125])
    # The variance of the process is the same at every time.
    np.testing.assert_allclose(share**2 / 0.75 + scale**2, 1 / 0.75)


def test_copies_have_the_autocorrelation_of_their_draw() -> None:
    table = panel((1.0, 2.0), units=40)
    fitted = handmade(spec(), table, draws=8, chains=1)
    bound, data = bind(spec(), table)
    trees = [e.response for e in bound.equations if e.family == "tree"]
    fitted.forest = plant(bound, data, trees, 3, 1, 1, bs.TreeSettings())
    copies = fitted.synthesize(m=3, k=20_000, random_seed=1)
    posterior = fitted.idata["posterior"].to_dataset()
    for j, copy in enumerate(copies):
        chain, draw = copies.provenance["draws"][j]
        own = {str(k): float(v[chain, draw]) for k, v in posterior.data_vars.items() if v.ndim == 2}
        left = copy["y"] - own["y_Intercept"] - own["y_x"] * copy["x"]
        before, gap = left.groupby(copy["id"]).shift(), copy.groupby("id")["day"].diff()
        spread = own["y_sigma"] / np.sqrt(1 - own["y_ar"] ** 2)
        assert left.groupby(copy["id"]).head(1).std() == pytest.approx(spread, rel=0.06)
        for days in (1.0, 2.0):
            rows = gap == days
            found = float(np.corrcoef(left[rows], before[rows])[0, 1])
            assert found == pytest.approx(own["y_ar"] ** days, abs=4 / np.sqrt(rows.sum()))


def test_it_goes_through_json() -> None:
    own = spec()
    again = bs.Spec.from_json(json.loads(json.dumps(own.to_json())))
    assert again == own and again["y"].ar == 1 and "ar=1" in repr(again["y"]) and "AR(1)" in str(own)
    bound, _ = bind(own, panel())
    assert Bound.from_json(json.loads(json.dumps(bound.to_json())))["y"].ar == bound["y"].ar == 1.0
    assert "y_ar" in bound["y"].variables and Equation.from_json(own["x"].to_json()).ar == 0


def test_first_rows_of_lags_have_residuals_of_their_own() -> None:
    own = bs.Spec(bs.Equation("y ~ lag(y)", family="normal", ar=1), rest="drop", **SEQUENCE)
    bound, data = bind(own, panel())
    assert {e.response: e.ar for e in bound.equations if e.ar or e.response == "y_first"} == {"y": 1.0, "y_first": None}
    # Second rows begin the chain.
    assert component(bound, data, "y").chain.first.sum() == panel()["id"].nunique()


@pytest.mark.parametrize(
    ("equations", "message"),
    [
        ([bs.Equation("y ~ 1", family="student_t", ar=1)], "'student_t' is not. Use lag"),
        ([bs.Equation("y ~ 1", family="normal", link="log", ar=1)], "'normal' with this link is not"),
        ([bs.Equation("y ~ 1", "sigma ~ x", family="normal", ar=1), "x ~ 1"], "takes one sigma for all rows"),
        ([bs.Equation("y ~ (1 |p| id)", family="normal", ar=1), bs.Equation("x ~ (1 |p| id)", family="normal")],
         "does not go with group effects that equations share"),
    ],
)  # fmt: skip
def test_what_it_does_not_go_with(equations: list[bs.Equation], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        bind(bs.Spec(*equations, rest="drop", **SEQUENCE), panel())


def test_it_is_for_sequences() -> None:
    with pytest.raises(SpecError, match="ar=1 is for sequences; say unit= and time="):
        bs.Spec(bs.Equation("y ~ x", ar=1), "x ~ 1")
    with pytest.raises(SpecError, match="ar=2 must be 0 or 1"):
        bs.Equation("y ~ x", ar=2)
    with pytest.raises(SpecError, match="not for the time 'day' itself"):
        bs.Spec(bs.Equation("day ~ 1", ar=1), **SEQUENCE)
    with pytest.raises(SpecError, match="column is constant within each 'id'"):
        table = panel().assign(z=lambda d: d["id"] * 1.5)
        bind(bs.Spec(bs.Equation("z ~ 1", family="normal", ar=1), rest="drop", **SEQUENCE), table)


def test_a_long_series_is_fitted_as_by_generalised_least_squares() -> None:
    import statsmodels.api as sm

    rng = np.random.default_rng(1)
    rho, n = 0.7, 800
    e = np.zeros(n)
    for t in range(1, n):
        e[t] = rho * e[t - 1] + rng.normal()
    x = rng.normal(size=n)
    table = pd.DataFrame({"id": 0, "day": np.arange(n), "x": x, "y": 1 + 0.5 * x + e}).round(4)
    short = pd.DataFrame({"id": [1, 1], "day": [0, 1], "x": [0.1, 0.2], "y": [1.0, 1.1]})
    both = pd.concat([table, short], ignore_index=True)
    fitted = spec().fit(both, draws=500, tune=500, chains=2, random_seed=1, progress=False)
    assert fitted.provenance["engine"]["y"] == "marginal"
    posterior = fitted.idata["posterior"].to_dataset()
    reference = sm.GLSAR(table["y"], sm.add_constant(table["x"]), rho=1)
    found = reference.iterative_fit(20)
    for name, value, error in (("y_x", found.params["x"], found.bse["x"]),
                               ("y_ar", float(reference.rho[0]), np.sqrt((1 - rho**2) / n))):  # fmt: skip
        assert float(posterior[name].mean()) == pytest.approx(value, abs=0.3 * error)
        assert float(posterior[name].std()) == pytest.approx(error, rel=0.2)
    assert float(posterior["y_sigma"].mean()) == pytest.approx(np.sqrt(found.scale), rel=0.02)
    tree = fitted.to_datatree(both)
    assert np.isfinite(tree["log_likelihood"].to_dataset()["y"].values).all()
