"""Logistic regression; the event is the last of the response's two values.

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"sick": ["no", "no", "no", "yes", "no", "yes"], "old": [0, 0, 0, 0, 1, 1]})
>>> get("logit").prepare([frame], "sick ~ old")(frame).values.round(2).tolist()
[-1.1, 1.1]
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import statsmodels.api as sm

from bayessynth.inference.events import event_response
from bayessynth.inference.logistic import fit_logistic
from bayessynth.inference.registry import Analysis, Ready, register
from bayessynth.inference.regression import regression
from bayessynth.inference.survey import Sampling


def _prepare(
    frames: Sequence[pd.DataFrame], formula: str, cluster: str | None = None, weights: str | None = None,
    strata: str | None = None,
) -> Ready:  # fmt: skip
    return regression(frames, formula, fit_logistic, event_response(frames, formula), cluster, log_scale=True,
                      family=sm.families.Binomial(), sampling=Sampling(weights, cluster, strata))  # fmt: skip


register(Analysis("logit", "Logistic regression", _prepare, ("cluster", "weights", "strata")))
