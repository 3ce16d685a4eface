"""Survey designs and exposures: by hand, against statsmodels, by drawing samples, and in pooled copies."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import special

import bayessynth as bs
from bayessynth.errors import DataError
from bayessynth.inference import Estimate
from bayessynth.inference.registry import prepared
from bayessynth.inference.survey import Sampling


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    """A stratified sample of clusters, which are numbered anew in every stratum."""
    rng = np.random.default_rng(12)
    stratum = np.repeat(list("abc"), 80)
    psu = np.concatenate([np.sort(rng.integers(0, 8, 80)) for _ in range(3)])
    x = rng.normal(size=240)
    y = 1 + 0.5 * x + 0.4 * (stratum == "b") + 0.2 * psu + rng.normal(size=240)
    return pd.DataFrame({
        "stratum": stratum, "psu": psu, "x": x, "y": y, "w": rng.lognormal(0, 0.6, 240),
        "sick": np.where(rng.random(240) < special.expit(x), "yes", "no"), "visits": rng.poisson(np.exp(0.3 * x)),
        "years": rng.uniform(0.5, 4, 240), "arm": rng.choice(["p", "q"], 240),
    })  # fmt: skip


DESIGN = {"weights": "w", "cluster": "psu", "strata": "stratum"}


def run(model: str, formula: str, frame: pd.DataFrame, **options: object) -> Estimate:
    return prepared(model, [frame], formula, options)(frame)


def by_loops(frame: pd.DataFrame, influence: np.ndarray) -> np.ndarray:
    """Σ_h n_h / (n_h - 1) Σ_i (u_hi - ū_h)(u_hi - ū_h)ᵀ, unit by unit."""
    total = np.zeros((influence.shape[1],) * 2)
    for _, stratum in frame.reset_index(drop=True).groupby("stratum"):
        sums = [influence[unit.index].sum(axis=0) for _, unit in stratum.groupby("psu")]
        mean, n = np.mean(sums, axis=0), len(sums)
        for u in sums:
            total += n / (n - 1) * np.outer(u - mean, u - mean)
    return total


def test_means_are_hajeks_with_the_linearised_variance(table: pd.DataFrame) -> None:
    found = run("mean", "y", table, **DESIGN)
    w, y = table["w"].to_numpy(), table["y"].to_numpy()
    mean = (w * y).sum() / w.sum()
    assert found.values[0] == pytest.approx(mean)
    expected = by_loops(table, (w * (y - mean) / w.sum())[:, None])
    assert found.covariance[0, 0] == pytest.approx(expected[0, 0], rel=1e-12)


def test_means_of_domains_count_the_units_in_which_they_have_no_row(table: pd.DataFrame) -> None:
    frame = table.copy()
    frame.loc[frame["psu"] == 3, "arm"] = "q"
    found = run("mean", "y ~ arm", frame, **DESIGN)
    w, y = frame["w"].to_numpy(), frame["y"].to_numpy()
    influence = []
    for arm in "pq":
        inside = (frame["arm"] == arm).to_numpy()
        mean = (w * y)[inside].sum() / w[inside].sum()
        influence.append(np.where(inside, w * (y - mean) / w[inside].sum(), 0.0))
    np.testing.assert_allclose(found.covariance, by_loops(frame, np.stack(influence, axis=1)), rtol=1e-12)
    assert found.names == ("y[p]", "y[q]")


def test_a_proportion_is_the_mean_of_an_indicator(table: pd.DataFrame) -> None:
    share = run("proportion", "sick", table, **DESIGN)
    mean = run("mean", "sick", table.assign(sick=(table["sick"] == "yes").astype(float)), **DESIGN)
    assert share.values == pytest.approx(mean.values) and share.covariance == pytest.approx(mean.covariance)
    assert share.scales == ("logit",)


def test_weighted_least_squares_has_the_sandwich_of_statsmodels(table: pd.DataFrame) -> None:
    """Without strata a cluster's sandwich is statsmodels' times g / (g - 1), a row's is HC0 times n / (n - 1)."""
    x = sm.add_constant(table[["x"]].to_numpy())
    fit = sm.WLS(table["y"].to_numpy(), x, weights=table["w"].to_numpy())
    found = run("ols", "y ~ x", table, weights="w", cluster="psu")
    clustered = fit.fit(cov_type="cluster", cov_kwds={"groups": table["psu"].to_numpy(), "use_correction": False})
    np.testing.assert_allclose(found.values, clustered.params, rtol=1e-9)
    np.testing.assert_allclose(found.covariance, clustered.cov_params() * 8 / 7, rtol=1e-8)
    rows = run("ols", "y ~ x", table, weights="w")
    np.testing.assert_allclose(rows.covariance, fit.fit(cov_type="HC0").cov_params() * 240 / 239, rtol=1e-8)


@pytest.mark.parametrize(("model", "formula"), [("ols", "y ~ x"), ("logit", "sick ~ x"), ("poisson", "visits ~ x")])
def test_regressions_solve_the_weighted_equations(table: pd.DataFrame, model: str, formula: str) -> None:
    found = run(model, formula, table, **DESIGN)
    x, w = np.column_stack([np.ones(240), table["x"]]), table["w"].to_numpy()
    y = {"ols": table["y"], "logit": table["sick"] == "yes", "poisson": table["visits"]}[model].to_numpy(dtype=float)
    mu = {"ols": lambda e: e, "logit": special.expit, "poisson": np.exp}[model](x @ found.values)
    spread = {"ols": np.ones(240), "logit": mu * (1 - mu), "poisson": mu}[model]
    np.testing.assert_allclose(x.T @ (w * (y - mu)), 0, atol=1e-6)
    bread = np.linalg.inv((x * (w * spread)[:, None]).T @ x)
    np.testing.assert_allclose(found.covariance, by_loops(table, (x * (w * (y - mu))[:, None]) @ bread), rtol=1e-6)


def test_the_scale_of_weights_is_of_no_concern(table: pd.DataFrame) -> None:
    one, other = (run("logit", "sick ~ x", table.assign(w=table["w"] * s), **DESIGN) for s in (1, 1000))
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-6)


def test_unequal_sampling_is_set_right_and_the_variance_is_that_of_repeated_samples() -> None:
    """Clusters are drawn with chances that grow with their mean: the plain mean is off, Hájek's is not."""
    rng = np.random.default_rng(3)
    size, clusters = 12, 300
    level = rng.normal(size=(2, clusters))
    y = level[..., None] + rng.normal(size=(2, clusters, size)) + np.array([0.0, 1.5])[:, None, None]
    chance = special.softmax(0.5 * level, axis=1)
    means, plain, variances = [], [], []
    for _ in range(400):
        parts = []
        for h in range(2):
            drawn = rng.choice(clusters, 25, p=chance[h])  # with replacement, as the variance takes for granted
            parts.append(pd.DataFrame({
                "stratum": h, "psu": np.repeat(np.arange(25), size), "y": y[h, drawn].ravel(),
                "w": np.repeat(1 / (25 * chance[h, drawn]), size),
            }))  # fmt: skip
        sample = pd.concat(parts, ignore_index=True)
        found = run("mean", "y", sample, **DESIGN)
        means.append(found.values[0])
        variances.append(found.covariance[0, 0])
        plain.append(sample["y"].mean())
    truth, spread = y.mean(), np.std(means)
    assert np.mean(means) == pytest.approx(truth, abs=0.4 * spread) and np.mean(plain) > truth + 2 * spread
    assert np.sqrt(np.mean(variances)) == pytest.approx(spread, rel=0.12)
    inside = np.abs(np.array(means) - truth) < 1.96 * np.sqrt(variances)
    assert 0.90 <= inside.mean() <= 0.98


def test_what_no_design_can_have_is_refused(table: pd.DataFrame) -> None:
    with pytest.raises(DataError, match=r"weights column 'ww' is not a column of the table. Did you mean 'w'"):
        run("mean", "y", table, weights="ww")
    with pytest.raises(DataError, match=r"Weights must be numbers from zero up.*'w'.*1 of 240 rows.*row 7"):
        run("mean", "y", table.assign(w=table["w"].mask(table.index == 7, -1.0)), weights="w")
    with pytest.raises(DataError, match="all are zero"):
        run("ols", "y ~ x", table.assign(w=0.0), weights="w")
    with pytest.raises(DataError, match=r"Rows without a stratum.*'stratum'"):
        run("mean", "y", table.assign(stratum=table["stratum"].mask(table.index == 3)), strata="stratum")
    lonely = table.assign(psu=np.where(table["stratum"] == "c", 1, table["psu"]))
    with pytest.raises(DataError, match=r"1 of 3 strata have a single sampling unit, such as c.*Merge them"):
        run("mean", "y", lonely, **DESIGN)
    with pytest.raises(DataError, match=r"model='quantile' has no option 'weights'"):
        run("quantile", "y ~ x", table, weights="w")
    assert not Sampling(cluster="psu")


def test_an_exposure_is_an_offset(table: pd.DataFrame) -> None:
    found = run("poisson", "visits ~ x", table, exposure="years")
    x = sm.add_constant(table[["x"]].to_numpy())
    theirs = sm.GLM(table["visits"].to_numpy(), x, family=sm.families.Poisson(), exposure=table["years"]).fit()
    np.testing.assert_allclose(found.values, theirs.params, rtol=1e-8)
    np.testing.assert_allclose(found.covariance, theirs.cov_params(), rtol=1e-8)
    weighted = run("poisson", "visits ~ x", table, exposure="years", **DESIGN)
    w, mu = table["w"].to_numpy(), np.exp(x @ weighted.values) * table["years"].to_numpy()
    np.testing.assert_allclose(x.T @ (w * (table["visits"].to_numpy() - mu)), 0, atol=1e-6)
    with pytest.raises(DataError, match=r"An exposure must be above zero.*'years'.*1 of 240 rows"):
        run("poisson", "visits ~ x", table.assign(years=table["years"].mask(table.index == 2, 0.0)), exposure="years")


def test_rates_are_found_again_in_copies_that_carry_the_exposure() -> None:
    rng = np.random.default_rng(6)
    n = 1500
    frame = pd.DataFrame({"old": rng.integers(0, 2, n), "years": np.round(rng.gamma(4, 0.5, n) + 0.1, 2)})
    frame["events"] = rng.poisson(frame["years"] * np.exp(-0.5 + 0.6 * frame["old"]))
    spec = bs.Spec("old ~ 1", bs.Equation("years ~ old", family="gamma"),
                   bs.Equation("events ~ old + offset(log(years))", family="poisson"))  # fmt: skip
    syn = spec.fit(frame, random_seed=1).synthesize(20, random_seed=2)
    found = bs.compare(frame, syn, "events ~ old", model="poisson", exposure="years").table
    # Of perfect copies the overlap is .936 with m = 20 (k = n), with a standard deviation of about .05.
    assert (found["overlap"] > 0.8).all()
    truth = syn.pool("events ~ old", model="poisson", exposure="years").table["estimate"]
    assert truth["old"] == pytest.approx(0.6, abs=0.15)


def test_weights_are_modelled_as_any_column_and_used_in_pooling() -> None:
    rng = np.random.default_rng(7)
    groups, each = 60, 15
    psu = np.repeat(np.arange(groups), each)
    size = rng.lognormal(0, 0.5, groups)
    frame = pd.DataFrame({"psu": psu, "w": np.round(size[psu], 3)})
    frame["y"] = np.round(2 + 1.0 * np.log(frame["w"]) + rng.normal(0, 0.5, groups)[psu] + rng.normal(size=len(psu)), 3)
    spec = bs.Spec(bs.Equation("w ~ 1", family="lognormal"), bs.Equation("y ~ log(w) + (1 | psu)", family="normal"))
    syn = spec.fit(frame, random_seed=1).synthesize(20, random_seed=2)
    options = {"weights": "w", "cluster": "psu"}
    own = run("mean", "y", frame, **options)
    pooled = syn.pool("y", model="mean", **options).table.iloc[0]
    standard_error = np.sqrt(own.covariance[0, 0])
    assert pooled["estimate"] == pytest.approx(own.values[0], abs=1.5 * standard_error)
    assert abs(own.values[0] - frame["y"].mean()) > 1.5 * standard_error  # weights matter here
    assert 0.5 < pooled["std_error"] / standard_error < 2.0
