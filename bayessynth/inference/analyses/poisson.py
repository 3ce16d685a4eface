"""Poisson regression (log link).

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"visits": [1, 2, 3, 4], "old": [0, 0, 1, 1]})
>>> get("poisson").prepare([frame], "visits ~ old")(frame).values.round(2).tolist()
[0.41, 0.85]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm

from bayessynth.inference.formula import response_numbers, split
from bayessynth.inference.registry import Analysis, Ready, register
from bayessynth.inference.regression import clustered, regression
from bayessynth.inference.survey import Sampling


def _prepare(
    frames: Sequence[pd.DataFrame], formula: str, cluster: str | None = None, robust: bool = False,
    weights: str | None = None, strata: str | None = None, exposure: str | None = None,
) -> Ready:  # fmt: skip
    response = split(formula).response

    def model(
        y: np.ndarray, x: np.ndarray, clusters: np.ndarray | None = None, offset: np.ndarray | None = None
    ) -> Any:
        fit = {"cov_type": "HC0"} if robust else {}
        return sm.GLM(y, x, family=sm.families.Poisson(), offset=offset).fit(**fit | clustered(clusters))

    return regression(frames, formula, model, lambda frame: response_numbers(frame, response), cluster, log_scale=True,
                      family=sm.families.Poisson(), sampling=Sampling(weights, cluster, strata),
                      exposure=exposure)  # fmt: skip


register(Analysis("poisson", "Poisson regression", _prepare, ("cluster", "robust", "weights", "strata", "exposure")))
