"""Small components of every shape that engines differ in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import bayessynth as bs
from bayessynth.design import Component, bind, component
from bayessynth.fitting.posterior import Posterior


def table(n: int = 240, groups: int = 12, seed: int = 1) -> pd.DataFrame:
    """Rows with two crossed groups, a number, a category, and a predictor of every kind of response."""
    rng = np.random.default_rng(seed)
    site, rater = rng.integers(0, groups, n), rng.integers(0, 5, n)
    x, z = rng.normal(size=n), rng.integers(0, 3, n)
    eta = 0.3 + 0.5 * x + np.array([0.0, 0.4, -0.3])[z] + 0.6 * rng.normal(size=groups)[site]
    frame = pd.DataFrame({"site": site, "rater": rater, "x": x, "z": pd.Categorical.from_codes(z, ["a", "b", "c"])})
    frame["number"] = eta + 0.2 * rng.normal(size=5)[rater] + rng.normal(size=n)
    frame["amount"] = np.exp(frame["number"])
    frame["flag"] = rng.random(n) < 1 / (1 + np.exp(-eta))
    frame["count"] = rng.poisson(np.exp(eta)).astype(int)
    frame["rank"] = pd.Categorical.from_codes(
        np.digitize(eta + rng.logistic(size=n), [-1, 0.5, 2]), list("pqrs"), ordered=True
    )
    return frame


def bound(equation: Any, frame: pd.DataFrame | None = None) -> Component:
    """Bind one equation and return its component."""
    spec = bs.Spec(equation, rest="keep")
    made, data = bind(spec, table() if frame is None else frame)
    return component(made, data, spec.equations[0].response)


def summary(posterior: Posterior) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return means and standard deviations of all variables."""
    return {
        name: (values.mean(axis=(0, 1)), values.std(axis=(0, 1))) for name, (_, values) in posterior.variables.items()
    }
