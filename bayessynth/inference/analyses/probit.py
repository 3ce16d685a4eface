"""Probit regression; the event is the last of the response's two values.

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"sick": ["no", "no", "no", "yes", "no", "yes"], "old": [0, 0, 0, 0, 1, 1]})
>>> get("probit").prepare([frame], "sick ~ old")(frame).values.round(2).tolist()
[-0.67, 0.67]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm

from bayessynth.inference.events import event_response
from bayessynth.inference.registry import Analysis, Ready, register
from bayessynth.inference.regression import clustered, regression


def _model(y: np.ndarray, x: np.ndarray, clusters: np.ndarray | None = None) -> Any:
    link = sm.families.links.Probit()
    return sm.GLM(y, x, family=sm.families.Binomial(link)).fit(maxiter=50, **clustered(clusters))


def _prepare(frames: Sequence[pd.DataFrame], formula: str, cluster: str | None = None) -> Ready:
    return regression(frames, formula, _model, event_response(frames, formula), cluster, log_scale=True)


register(Analysis("probit", "Probit regression", _prepare, ("cluster",)))
