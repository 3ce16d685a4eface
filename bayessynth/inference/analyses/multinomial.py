"""Multinomial logistic regression; the first level is the reference.

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"way": ["bus", "car", "foot", "car"] * 9, "age": np.arange(36) % 7})
>>> get("multinomial").prepare([frame], "way ~ age")(frame).names
('car: Intercept', 'car: age', 'foot: Intercept', 'foot: age')
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import statsmodels.api as sm

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
    if len(levels) < 2:
        raise DataError(f"The response {parts.response!r} has one level only.")
    design = learn(parts.common, frames)
    names = [f"{level}: {term}" for level in levels[1:] for term in design.names]

    def fit(frame: pd.DataFrame) -> Estimate:
        y, x = level_codes(frame[parts.response], levels), design.matrix(frame)
        rows = ~((y < 0) | np.isnan(x).any(axis=1))
        y, x = y[rows], x[rows]
        absent = np.setdiff1d(np.arange(len(levels)), y)
        if len(absent):
            raise DataError(f"No row has the level {levels[absent[0]]!r} of {parts.response!r}; merge rare levels.")
        there = estimable(x)
        result = guarded(lambda: sm.MNLogit(y, x[:, there]).fit(method="newton", disp=0, maxiter=100))
        # statsmodels has one column of coefficients a level.
        values = np.asarray(result.params).T.reshape(-1)
        return filled(names, np.tile(there, len(levels) - 1), values, np.asarray(result.cov_params()), len(y))

    return fit


register(Analysis("multinomial", "Multinomial logistic regression", _prepare))
