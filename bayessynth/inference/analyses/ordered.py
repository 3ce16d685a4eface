"""Ordered logistic regression (proportional odds); thresholds stand after the coefficients.

>>> from bayessynth.inference.registry import get
>>> stage = pd.Categorical(["I", "II", "III", "II"] * 9, ["I", "II", "III"], ordered=True)
>>> frame = pd.DataFrame({"stage": stage, "age": np.arange(36) % 7})
>>> get("ordered").prepare([frame], "stage ~ age")(frame).names
('age', 'I|II', 'II|III')
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.miscmodels.ordinal_model import OrderedModel

from bayessynth.errors import DataError
from bayessynth.inference.estimate import Estimate
from bayessynth.inference.formula import column, learn, split
from bayessynth.inference.levels import level_codes, level_names
from bayessynth.inference.registry import Analysis, Ready, register
from bayessynth.inference.regression import estimable, filled, guarded


def _prepare(frames: Sequence[pd.DataFrame], formula: str) -> Ready:
    parts = split(formula)
    column(frames[0], parts.response, "response")
    levels = level_names(frames, parts.response)
    if len(levels) < 3:
        raise DataError(f"The response {parts.response!r} has {len(levels)} levels; model='logit' is for two.")
    design = learn(parts.common, frames)
    keep = [i for i, name in enumerate(design.names) if name != "Intercept"]
    slopes = [design.names[i] for i in keep]
    cuts = [f"{low}|{high}" for low, high in pairwise(levels)]

    def fit(frame: pd.DataFrame) -> Estimate:
        y, x = level_codes(frame[parts.response], levels), design.matrix(frame)[:, keep]
        rows = ~((y < 0) | np.isnan(x).any(axis=1))
        y, x = y[rows], x[rows]
        absent = np.setdiff1d(np.arange(len(levels)), y)
        if len(absent):
            raise DataError(f"No row has the level {levels[absent[0]]!r} of {parts.response!r}; merge rare levels.")
        there = estimable(np.column_stack([np.ones(len(x)), x]))[1:]
        means = x.mean(axis=0)
        result = guarded(
            lambda: OrderedModel(y, x[:, there] - means[there], distr="logit").fit(method="bfgs", disp=0, maxiter=500)
        )
        values, covariance = _thresholds(result, int(there.sum()), means[there])
        return filled([*slopes, *cuts], np.append(there, np.ones(len(cuts), bool)), values, covariance, len(y))

    return fit


def _thresholds(result: Any, p: int, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and thresholds of uncentred columns; statsmodels has the logs of the thresholds' steps."""
    params = np.asarray(result.params)
    beta, first, steps = params[:p], params[p], np.exp(params[p + 1 :])
    cuts = first + np.concatenate([[0.0], np.cumsum(steps)]) + beta @ means
    jacobian = np.eye(len(params))
    for row in range(len(steps) + 1):
        jacobian[p + row, p] = 1.0
        jacobian[p + row, p + 1 :] = np.where(np.arange(len(steps)) < row, steps, 0.0)
        jacobian[p + row, :p] = means
    return np.append(beta, cuts), jacobian @ np.asarray(result.cov_params()) @ jacobian.T


register(Analysis("ordered", "Ordered logistic regression", _prepare))
