"""Linear regression by least squares.

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"y": [1.0, 2.0, 3.0, 4.5], "x": [0.0, 1.0, 2.0, 3.0]})
>>> get("ols").prepare([frame], "y ~ x")(frame).values.round(2).tolist()
[0.9, 1.15]
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


def _model(y: np.ndarray, x: np.ndarray, clusters: np.ndarray | None = None) -> Any:
    return sm.OLS(y, x).fit(**clustered(clusters))


def _prepare(
    frames: Sequence[pd.DataFrame],
    formula: str,
    cluster: str | None = None,
    weights: str | None = None,
    strata: str | None = None,
) -> Ready:
    response = split(formula).response
    return regression(frames, formula, _model, lambda frame: response_numbers(frame, response), cluster,
                      family=sm.families.Gaussian(), sampling=Sampling(weights, cluster, strata))  # fmt: skip


register(Analysis("ols", "Linear regression (least squares)", _prepare, ("cluster", "weights", "strata")))
