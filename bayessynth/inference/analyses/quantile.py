"""A quantile: of a column (``"y ~ 1"``), or quantile regression. ``q=0.5`` is the median.

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"y": np.arange(41.0) ** 2})
>>> get("quantile").prepare([frame], "y ~ 1")(frame).values.round(2).tolist()
[400.0]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm

from bayessynth.errors import DataError
from bayessynth.inference.formula import response_numbers, split
from bayessynth.inference.registry import Analysis, Ready, register
from bayessynth.inference.regression import regression


def _prepare(frames: Sequence[pd.DataFrame], formula: str, q: float = 0.5) -> Ready:
    if not 0 < q < 1:
        raise DataError(f"q={q} must lie between 0 and 1; 0.5 is the median.")
    response = split(formula).response

    def model(y: np.ndarray, x: np.ndarray) -> Any:
        return sm.QuantReg(y, x).fit(q=q, max_iter=5000)

    return regression(frames, formula, model, lambda frame: response_numbers(frame, response))


register(Analysis("quantile", "Quantile regression", _prepare, ("q",)))
