"""The summary of posteriors made by hand: what never moves is not listed, and nothing warns."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayessynth as bs
from bayessynth.fitting.posterior import STATS, Posterior, to_datatree
from bayessynth.fitting.summarise import summarise
from tests.handmade import handmade

CHAINS, DRAWS = 2, 100


def correlations(size: int, noise: float = 0.0) -> np.ndarray:
    """Return draws of correlation matrices, their diagonals with errors of rounding if asked for."""
    rng = np.random.default_rng(1)
    lower = np.linalg.cholesky(np.eye(size) + 0.5 * (1 - np.eye(size))) + 0.1 * rng.normal(
        size=(CHAINS, DRAWS, size, size)
    )
    lower = np.tril(lower)
    lower /= np.linalg.norm(lower, axis=-1, keepdims=True)
    product = lower @ lower.swapaxes(2, 3)
    exact = np.where(np.eye(size, dtype=bool), 1.0, product)
    return np.asarray(exact + noise * rng.choice([-1, 0, 1], size=exact.shape))


def dataset(**variables: np.ndarray) -> xr.Dataset:
    made = {name: (("chain", "draw", *(f"{name}_{i}" for i in range(v.ndim - 2))), v) for name, v in variables.items()}
    return xr.Dataset(made)


def test_of_a_correlated_term_each_correlation_is_listed_once() -> None:
    site = np.repeat(np.arange(8), 6)
    x = np.random.default_rng(2).normal(size=48)
    spec = bs.Spec(bs.Equation("x ~ 1", family="uniform"), bs.Equation("y ~ x + (1 + x | site)", family="normal"))
    fitted = handmade(spec, pd.DataFrame({"site": site, "x": x, "y": np.arange(48) / 7.0}))
    corr = fitted.idata["posterior"]["y_site_corr"]
    posterior = Posterior(
        "y", {"y_sigma": ((), np.random.default_rng(3).gamma(5.0, size=corr.shape[:2])),
              "y_site_corr": (("y_site_corr_effect", "y_site_corr_effect_bis"), corr.values)},
        {f"y_site_corr_effect{side}": ["1", "x"] for side in ("", "_bis")},
        {name: np.zeros(corr.shape[:2]) for name in STATS}, "made by hand", 0.0,
    )  # fmt: skip
    table = bs.Fitted(fitted.bound, to_datatree([posterior]), fitted.groups, fitted.provenance).summary()
    assert table.index.tolist() == ["y_sigma", "y_site_corr[1, x]"]
    assert float(table.loc["y_site_corr[1, x]", "mean"]) == pytest.approx(corr.values[..., 0, 1].mean(), abs=0.05)


@pytest.mark.parametrize("noise", [0.0, 2e-16])
def test_without_labels_entries_are_numbered(noise: float) -> None:
    found = summarise(dataset(corr=correlations(3, noise)))
    assert found.index.tolist() == ["corr[0, 1]", "corr[0, 2]", "corr[1, 2]"]


def test_a_triangular_matrix_keeps_its_triangle_and_others_are_whole() -> None:
    rng = np.random.default_rng(4)
    lower = np.tril(rng.normal(size=(CHAINS, DRAWS, 2, 2)))
    full = rng.normal(size=(CHAINS, DRAWS, 2, 2))
    found = summarise(dataset(a=rng.normal(size=(CHAINS, DRAWS)), chol=lower, full=full))
    expected = ["a", "chol[0, 0]", "chol[1, 0]", "chol[1, 1]", *(f"full[{i}, {j}]" for i in (0, 1) for j in (0, 1))]
    assert found.index.tolist() == expected


def test_what_stands_still_altogether_is_not_listed() -> None:
    still = np.full((CHAINS, DRAWS), 3.0)
    assert summarise(dataset(still=still)).empty
    assert summarise(xr.Dataset()).empty
    moving = np.random.default_rng(5).normal(size=(CHAINS, DRAWS))
    assert summarise(dataset(still=still, moving=moving)).index.tolist() == ["moving"]
