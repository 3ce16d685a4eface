"""Restricted maximum likelihood against statsmodels, dense matrices and published results."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf

from bayessynth.errors import DataError
from bayessynth.inference.reml import fit_mixed


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    g = np.repeat(np.arange(25), rng.integers(3, 12, 25))
    x = rng.normal(size=len(g)) + 0.5 * rng.normal(size=25)[g]
    effects = rng.multivariate_normal([0, 0], [[1.0, 0.3], [0.3, 0.5]], 25)
    y = 1 + 0.7 * x + effects[g, 0] + effects[g, 1] * x + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "x": x, "g": g})


def matrices(table: pd.DataFrame, slopes: bool) -> tuple[np.ndarray, ...]:
    x = np.column_stack([np.ones(len(table)), table["x"]])
    return table["y"].to_numpy(), x, x if slopes else x[:, :1], table["g"].to_numpy()


@pytest.mark.parametrize("slopes", [False, True])
def test_estimates_are_those_of_statsmodels(table: pd.DataFrame, slopes: bool) -> None:
    found = fit_mixed(*matrices(table, slopes))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = smf.mixedlm("y ~ x", table, groups="g", re_formula="~x" if slopes else "~1").fit(gtol=1e-8)
    d = other.cov_re.to_numpy()
    assert found.beta == pytest.approx(other.fe_params.to_numpy(), abs=1e-4)
    assert found.components == pytest.approx([*d[np.tril_indices(len(d))], other.scale], abs=2e-3)
    assert found.deviance == pytest.approx(-2 * other.llf, abs=1e-4)


@pytest.mark.parametrize("slopes", [False, True])
def test_information_is_half_the_trace_of_pvpv(table: pd.DataFrame, slopes: bool) -> None:
    y, x, z, g = matrices(table, slopes)
    found = fit_mixed(y, x, z, g)
    q, n = z.shape[1], len(y)
    same = g[:, None] == g[None, :]
    d = np.zeros((q, q))
    derivatives = []
    for value, (i, j) in zip(found.components, zip(*np.tril_indices(q), strict=True), strict=False):
        d[i, j] = d[j, i] = value
        e = np.zeros((q, q))
        e[i, j] = e[j, i] = 1
        derivatives.append(same * (z @ e @ z.T))
    derivatives.append(np.eye(n))
    v = same * (z @ d @ z.T) + found.components[-1] * np.eye(n)
    w = np.linalg.inv(v)
    p = w - w @ x @ np.linalg.inv(x.T @ w @ x) @ x.T @ w
    # statsmodels' own standard errors come from a numerical Hessian.
    assert found.beta_covariance == pytest.approx(np.linalg.inv(x.T @ w @ x), rel=1e-6)
    information = [[0.5 * np.trace(p @ a @ p @ b) for b in derivatives] for a in derivatives]
    assert found.components_covariance == pytest.approx(np.linalg.inv(information), rel=1e-6)


def test_a_variance_of_zero_is_found_as_zero() -> None:
    g = np.repeat(np.arange(20), 4)
    y = np.tile([1.0, -1.0, 2.0, -2.0], 20)  # all group means are equal
    found = fit_mixed(y, np.ones((80, 1)), np.ones((80, 1)), g)
    assert found.components[0] == pytest.approx(0.0, abs=1e-6)
    assert np.isfinite(found.components_covariance).all()


def test_a_small_variance_is_not_taken_for_zero(shared_data) -> None:
    """At zero the criterion is flat, and a search that steps there stays."""
    table = pd.read_csv(shared_data / "radon_mn.csv.gz")
    x = np.column_stack([np.ones(len(table)), table["basement"], table["uranium"]])
    found = fit_mixed(table["log.radon"].to_numpy(), x, x[:, :1], table["county"].to_numpy())
    assert found.beta == pytest.approx([1.4658, -0.6682, 0.7202], abs=1e-3)
    assert np.sqrt(found.components) == pytest.approx([0.1564, 0.7584], abs=1e-3)


def test_too_few_groups_are_an_error() -> None:
    with pytest.raises(DataError, match="at least 3 groups"):
        fit_mixed(np.arange(4.0), np.ones((4, 1)), np.ones((4, 1)), np.array([0, 0, 1, 1]))


def test_standard_errors_on_the_log_scale_match_their_spread() -> None:
    """Over simulated tables the sd of log variance estimates is what the delta method says."""
    rng = np.random.default_rng(3)
    g = np.repeat(np.arange(80), 6)
    logs, variances = [], []
    for _ in range(200):
        y = rng.normal(0, 0.8, 80)[g] + rng.normal(size=len(g))
        found = fit_mixed(y, np.ones((len(g), 1)), np.ones((len(g), 1)), g)
        logs.append(np.log(found.components))
        variances.append(np.diag(found.components_covariance) / found.components**2)
    assert np.std(logs, axis=0) == pytest.approx(np.sqrt(np.mean(variances, axis=0)), rel=0.12)


def test_published_estimates_of_sleepstudy(shared_data) -> None:
    table = pd.read_csv(shared_data / "sleepstudy.csv.gz")
    x = np.column_stack([np.ones(len(table)), table["Days"]])
    found = fit_mixed(table["Reaction"].to_numpy(), x, x, pd.factorize(table["Subject"])[0])
    # lme4's vignette: Bates, Mächler, Bolker and Walker (2015).
    assert found.beta == pytest.approx([251.405, 10.467], abs=1e-3)
    assert np.sqrt(np.diag(found.beta_covariance)) == pytest.approx([6.825, 1.546], abs=1e-2)
    assert np.sqrt(found.components[[0, 2, 3]]) == pytest.approx([24.741, 5.922, 25.592], abs=1e-2)
    assert found.deviance == pytest.approx(1743.628, abs=1e-3)
