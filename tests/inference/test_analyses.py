"""Each analysis against statsmodels' formula interface, SciPy, or a hand computation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from scipy import stats
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.miscmodels.ordinal_model import OrderedModel

from bayessynth.errors import DataError, FormulaError
from bayessynth.inference import Estimate, names
from bayessynth.inference.logistic import fit_logistic
from bayessynth.inference.registry import get, prepared


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    n = 400
    x, arm = rng.normal(size=n), rng.choice(["a", "b", "c"], n)
    eta = 0.5 * x + 0.4 * (arm == "b")
    time, limit = rng.exponential(np.exp(-eta)), rng.exponential(2.0, n)
    return pd.DataFrame(
        {
            "x": x, "arm": arm, "y": 1 + eta + rng.normal(size=n), "z": 0.4 * x + rng.normal(size=n),
            "sick": np.where(rng.random(n) < 1 / (1 + np.exp(-eta)), "yes", "no"),
            "visits": rng.negative_binomial(2, 2 / (2 + np.exp(0.5 + eta))), "site": rng.integers(0, 40, n),
            "stage": pd.Categorical.from_codes(np.digitize(eta + rng.logistic(size=n), [-0.5, 1.0]),
                                               ["low", "mid", "high"], ordered=True),
            "time": np.minimum(time, limit), "died": (time <= limit).astype(int),
        }
    )  # fmt: skip


def run(model: str, formula: str, table: pd.DataFrame, **options: object) -> Estimate:
    return prepared(model, [table], formula, options)(table)


def test_ols_and_its_clustered_covariance(table: pd.DataFrame) -> None:
    found, other = run("ols", "y ~ x + arm", table), smf.ols("y ~ x + arm", table).fit()
    assert list(found.names) == list(other.params.index)
    assert found.values == pytest.approx(other.params.to_numpy())
    assert found.covariance == pytest.approx(other.cov_params().to_numpy())
    clustered = smf.ols("y ~ x", table).fit(cov_type="cluster", cov_kwds={"groups": table["site"]})
    assert run("ols", "y ~ x", table, cluster="site").covariance == pytest.approx(clustered.cov_params().to_numpy())


@pytest.mark.parametrize("model", ["logit", "probit"])
def test_binary_regressions(model: str, table: pd.DataFrame) -> None:
    found = run(model, "sick ~ x + arm", table)
    other = getattr(smf, model)("sick ~ x + arm", table.assign(sick=(table["sick"] == "yes").astype(int))).fit(disp=0)
    assert found.values == pytest.approx(other.params.to_numpy(), abs=1e-6)
    # Of the probit link one has the expected information, the other the observed.
    errors = np.sqrt(np.diag(found.covariance))
    assert errors == pytest.approx(other.bse.to_numpy(), rel=1e-6 if model == "logit" else 0.02)


def test_clustered_logit_is_that_of_statsmodels(table: pd.DataFrame) -> None:
    own = table.assign(sick=(table["sick"] == "yes").astype(int))
    other = smf.logit("sick ~ x", own).fit(disp=0, cov_type="cluster", cov_kwds={"groups": own["site"]})
    found = run("logit", "sick ~ x", table, cluster="site")
    assert found.covariance == pytest.approx(other.cov_params().to_numpy(), rel=1e-6)
    with pytest.raises(DataError, match="All responses have the same value"):
        fit_logistic(np.zeros(5), np.ones((5, 1)))


def test_gee(table: pd.DataFrame) -> None:
    own = table.assign(sick=(table["sick"] == "yes").astype(int))
    other = smf.gee("sick ~ x", "site", own, cov_struct=sm.cov_struct.Exchangeable(), family=sm.families.Binomial())
    found, expected = run("gee", "sick ~ x", table, cluster="site"), other.fit()
    assert found.values == pytest.approx(expected.params.to_numpy(), abs=1e-5)
    assert found.covariance == pytest.approx(expected.cov_params().to_numpy(), rel=1e-3)
    with pytest.raises(DataError, match="cluster='site'"):
        run("gee", "sick ~ x", table)
    with pytest.raises(DataError, match=r"not one of .*Did you mean 'poisson'"):
        run("gee", "visits ~ x", table, cluster="site", family="poison")


def test_counts(table: pd.DataFrame) -> None:
    found = run("poisson", "visits ~ x", table)
    other = smf.poisson("visits ~ x", table).fit(disp=0)
    assert found.values == pytest.approx(other.params.to_numpy(), abs=1e-6)
    assert found.covariance == pytest.approx(other.cov_params().to_numpy(), rel=1e-4)
    found = run("negative_binomial", "visits ~ x + arm", table)
    other = smf.negativebinomial("visits ~ x + arm", table).fit(disp=0, maxiter=200)
    assert found.values == pytest.approx(other.params.to_numpy(), abs=1e-3)
    assert found.scales[-1] == "log"


def test_levels(table: pd.DataFrame) -> None:
    found = run("multinomial", "arm ~ x", table)
    codes = pd.factorize(table["arm"], sort=True)[0]
    other = sm.MNLogit(codes, sm.add_constant(table[["x"]])).fit(disp=0)
    assert found.names == ("b: Intercept", "b: x", "c: Intercept", "c: x")
    assert found.values == pytest.approx(other.params.to_numpy().T.reshape(-1), abs=1e-5)
    found = run("ordered", "stage ~ x", table)
    fitted = OrderedModel(table["stage"], table[["x"]], distr="logit").fit(method="bfgs", disp=0)
    cuts = fitted.model.transform_threshold_params(fitted.params)[1:-1]
    assert found.values == pytest.approx([fitted.params.iloc[0], *cuts], abs=1e-3)
    assert np.sqrt(found.covariance[0, 0]) == pytest.approx(fitted.bse.iloc[0], rel=1e-3)


def test_covariance_of_ordered_thresholds_matches_the_bootstrap() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=600)
    code = np.digitize(0.8 * x + rng.logistic(size=600), [0.2, 1.5])
    table = pd.DataFrame({"x": x, "s": pd.Categorical.from_codes(code, ["a", "b", "c"], ordered=True)})
    found = run("ordered", "s ~ x", table)
    boot = []
    for _ in range(100):
        rows = rng.integers(0, 600, 600)
        boot.append(run("ordered", "s ~ x", table.iloc[rows]).values)
    assert np.sqrt(np.diag(found.covariance)) == pytest.approx(np.std(boot, axis=0), rel=0.2)


def test_cox(table: pd.DataFrame) -> None:
    found = run("cox", "time ~ x + arm", table, event="died")
    x = np.column_stack([table["x"], table["arm"] == "b", table["arm"] == "c"]).astype(float)
    # Columns in patsy's order: levels first.
    other = PHReg(table["time"], x[:, [1, 2, 0]], status=table["died"], ties="efron").fit()
    assert found.names == ("arm[T.b]", "arm[T.c]", "x")
    assert found.values == pytest.approx(other.params, abs=1e-6)
    with pytest.raises(DataError, match="event='status'"):
        run("cox", "time ~ x", table)


def test_means_and_proportions(table: pd.DataFrame) -> None:
    found = run("mean", "y ~ arm", table)
    own = table.groupby("arm")["y"]
    assert found.names == ("y[a]", "y[b]", "y[c]")
    assert found.values == pytest.approx(own.mean().to_numpy())
    assert np.diag(found.covariance) == pytest.approx((own.var() / own.size()).to_numpy())
    share = (table["sick"] == "yes").mean()
    found = run("proportion", "sick", table)
    assert found.values[0] == pytest.approx(share)
    values, covariance = found.on(found.scales)
    assert (values[0], covariance[0, 0]) == pytest.approx(
        (np.log(share / (1 - share)), 1 / (400 * share * (1 - share)))
    )


def test_clustered_mean_is_that_of_statsmodels(table: pd.DataFrame) -> None:
    found = run("mean", "y", table, cluster="site")
    other = smf.ols("y ~ 1", table).fit(
        cov_type="cluster", cov_kwds={"groups": table["site"], "df_correction": False, "use_correction": False}
    )
    groups = table["site"].nunique()
    assert found.covariance[0, 0] == pytest.approx(other.cov_params().iloc[0, 0] * groups / (groups - 1))


def test_a_proportion_of_none_has_half_a_record_added() -> None:
    found = run("proportion", "s ~ g", pd.DataFrame({"s": list("nnny") + ["n"] * 4, "g": list("aaaabbbb")}))
    assert found.values == pytest.approx([0.25, 0.1])


def test_quantile(table: pd.DataFrame) -> None:
    found, other = run("quantile", "y ~ x", table, q=0.25), smf.quantreg("y ~ x", table).fit(q=0.25)
    assert found.values == pytest.approx(other.params.to_numpy(), abs=1e-4)
    with pytest.raises(DataError, match="between 0 and 1"):
        run("quantile", "y ~ x", table, q=25)


def test_correlations_and_their_covariance(table: pd.DataFrame) -> None:
    found = run("correlation", "x + y + z", table)
    own = table[["x", "y", "z"]].corr().to_numpy()
    assert found.values == pytest.approx([own[0, 1], own[0, 2], own[1, 2]])
    _, covariance = found.on(found.scales)
    assert np.diag(covariance) == pytest.approx(np.full(3, 1 / 397))
    rng = np.random.default_rng(4)
    true = np.array([[1, 0.6, 0.3], [0.6, 1, 0.5], [0.3, 0.5, 1]])
    drawn = rng.multivariate_normal(np.zeros(3), true, (4000, 100))
    z = np.array([np.arctanh(np.corrcoef(d.T)[np.triu_indices(3, 1)]) for d in drawn])
    sample = pd.DataFrame(rng.multivariate_normal(np.zeros(3), true, 200_000), columns=list("xyz"))
    big = run("correlation", "x + y + z", sample)
    _, covariance = big.on(big.scales)
    assert covariance * (200_000 - 3) == pytest.approx(np.cov(z.T) * 97, abs=0.06)


def test_two_way_table(table: pd.DataFrame) -> None:
    found = run("table", "arm + sick", table)
    counts = pd.crosstab(table["arm"], table["sick"]).to_numpy()
    first = np.log(counts[1, 1] * counts[0, 0] / counts[1, 0] / counts[0, 1])
    assert found.values[0] == pytest.approx(first)
    assert found.covariance[0, 0] == pytest.approx((1 / counts[:2]).sum())
    # The Wald test of all of them is close to Pearson's.
    statistic = found.values @ np.linalg.solve(found.covariance, found.values)
    assert statistic == pytest.approx(stats.chi2_contingency(counts)[0], rel=0.1)


def test_mixed_names_and_delta_method(table: pd.DataFrame) -> None:
    found = run("mixed", "y ~ x + (1 + x | site)", table)
    assert found.names[2:] == ("var(Intercept|site)", "corr(Intercept, x|site)", "var(x|site)", "var(residual)")
    icc = run("icc", "y ~ x + (1 | site)", table)
    one = run("mixed", "y ~ x + (1 | site)", table)
    assert icc.values[0] == pytest.approx(one.values[-2] / one.values[-2:].sum())
    with pytest.raises(DataError, match="2 group-specific terms"):
        run("mixed", "y ~ (1 | site) + (1 | arm)", table)
    with pytest.raises(DataError, match="need model='mixed'"):
        run("ols", "y ~ (1 | site)", table)


def test_rows_with_missing_cells_are_left_out_and_missing_levels_are_no_reference() -> None:
    table = pd.DataFrame({"y": [1.0, 2.0, 3.0, 4.0, np.nan, 6.0], "s": ["a", "a", "b", "b", "a", None]})
    found = run("ols", "y ~ s", table)
    assert (found.rows, found.values.tolist()) == (4, pytest.approx([1.5, 2.0]))


def test_every_dtype_that_pandas_has_is_read(table: pd.DataFrame) -> None:
    odd = table.assign(x=table["x"].astype("Float64"), arm=table["arm"].astype("category"), y=table["y"].astype(object))
    plain = run("ols", "y ~ x + arm", table)
    assert run("ols", "np.log(z ** 2) ~ x", table).rows == 400
    assert run("ols", "y ~ x + arm", odd.assign(y=table["y"])).values == pytest.approx(plain.values)


@pytest.mark.parametrize(
    ("model", "formula", "message"),
    [
        ("ols", "y ~ xx", "name 'xx' is not defined"),
        ("ols", "arm ~ x", "holds str, not numbers"),
        ("ols", "y ~ ", "no formula of an analysis"),
        ("logit", "arm ~ x", "has 3 values, not two"),
        ("logit", "sickk ~ x", "holds|not defined"),
        ("mean", "yy", "not defined"),
        ("correlation", "x", "names one column"),
        ("correlation", "x + zz", "'zz' is not a column"),
        ("table", "arm + sick + x", "must name two columns"),
        ("ordered", "sick ~ x", "model='logit' is for two"),
        ("negative_binomial", "y ~ x", "must be counts"),
        ("olss", "y ~ x", "no analysis model='olss'. Did you mean 'ols'"),
        ("mixed", "y ~ x + (1 | sitee)", "'sitee' is not a column of the table. Did you mean 'site'"),
    ],
)
def test_bad_requests_say_what_is_wrong(model: str, formula: str, message: str, table: pd.DataFrame) -> None:
    with pytest.raises((DataError, FormulaError), match=message):
        run(model, formula, table)


def test_unknown_options_and_odd_functions_are_refused(table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"no option 'clusters'. Did you mean 'cluster'"):
        run("ols", "y ~ x", table, clusters="site")
    with pytest.raises(DataError, match=r"must return \(estimates, covariance\)"):
        prepared(lambda frame: 3.0, [table], "", {})(table)
    with pytest.raises(DataError, match="2 estimates but returned"):
        prepared(lambda frame: (pd.Series({"a": 1.0, "b": 2.0}), np.eye(3)), [table], "", {})(table)


def test_separation_is_an_error_with_a_remedy() -> None:
    table = pd.DataFrame({"y": [0, 0, 0, 1, 1, 1] * 5, "x": [1, 2, 3, 4, 5, 6] * 5})
    with pytest.raises(DataError, match="separates the response"):
        run("logit", "y ~ x", table)


def test_an_infinite_coefficient_is_not_estimated_and_leaves_the_others_alone() -> None:
    rng = np.random.default_rng(3)
    x, rare = rng.normal(size=300), np.arange(300) < 9
    y = (rng.random(300) < 1 / (1 + np.exp(-x))) | rare
    table = pd.DataFrame({"y": y.astype(int), "x": x, "rare": rare.astype(int)})
    found = run("logit", "y ~ x + rare", table)
    assert np.isnan(found.values[2])
    rest = run("logit", "y ~ x", table[~rare])
    assert found.values[:2] == pytest.approx(rest.values, abs=1e-6)


def test_all_analyses_are_listed() -> None:
    assert set(names()) == {
        "ols", "logit", "probit", "poisson", "negative_binomial", "ordered", "multinomial", "mixed", "icc", "cox",
        "quantile", "mean", "proportion", "correlation", "table", "gee", "kaplan_meier", "logrank", "rmst",
    }  # fmt: skip
    assert get("mixed").groups
