"""Negative binomial regression (NB2, log link), with its dispersion pooled on the log scale.

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"visits": [0, 7, 1, 9, 0, 12, 3, 2, 0, 5]})
>>> get("negative_binomial").prepare([frame], "visits ~ 1")(frame).scales
('identity', 'log')
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm

from bayessynth.errors import DataError
from bayessynth.inference.estimate import Estimate
from bayessynth.inference.formula import learn, response_numbers, split
from bayessynth.inference.registry import Analysis, Ready, register
from bayessynth.inference.regression import estimable, filled, guarded


def _model(y: np.ndarray, x: np.ndarray) -> Any:
    # From the Poisson fit and the moment estimate of the dispersion, so that few steps are left.
    start = sm.GLM(y, x, family=sm.families.Poisson()).fit()
    mu = np.asarray(start.mu)
    alpha = float(np.clip((((y - mu) ** 2 - mu) / mu**2).mean(), 0.05, 20.0))
    return sm.NegativeBinomial(y, x).fit(
        start_params=np.append(start.params, alpha), disp=0, maxiter=500, method="bfgs", gtol=1e-4
    )


def _prepare(frames: Sequence[pd.DataFrame], formula: str) -> Ready:
    parts = split(formula)
    design = learn(parts.common, frames)

    def fit(frame: pd.DataFrame) -> Estimate:
        y, x = response_numbers(frame, parts.response), design.matrix(frame)
        rows = ~(np.isnan(y) | np.isnan(x).any(axis=1))
        y, x = y[rows], x[rows]
        if (y < 0).any() or (y % 1 != 0).any():
            raise DataError(f"The response {parts.response!r} must be counts: whole numbers from zero up.")
        there = estimable(x)
        result = guarded(lambda: _model(y, x[:, there]))
        found = filled(
            (*design.names, "alpha"),
            np.append(there, True),
            np.asarray(result.params),
            np.asarray(result.cov_params()),
            len(y),
        )
        return Estimate(found.names, found.values, found.covariance, (*("identity",) * len(there), "log"), found.rows)

    return fit


register(Analysis("negative_binomial", "Negative binomial regression (NB2)", _prepare))
