"""Logistic regression; the event is the last of the response's two values.

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"sick": ["no", "yes", "no", "yes"], "old": [0, 0, 1, 1]})
>>> get("logit").prepare([frame], "sick ~ old")(frame).values.round(2).tolist()
[0.0, 0.0]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm

from bayessynth.inference.events import event_response
from bayessynth.inference.registry import Analysis, Ready, register
from bayessynth.inference.regression import regression


def _model(y: np.ndarray, x: np.ndarray, **fit: Any) -> Any:
    return sm.Logit(y, x).fit(disp=0, maxiter=100, **fit)


def _prepare(frames: Sequence[pd.DataFrame], formula: str, cluster: str | None = None) -> Ready:
    return regression(frames, formula, _model, event_response(frames, formula), cluster)


register(Analysis("logit", "Logistic regression", _prepare, ("cluster",)))
