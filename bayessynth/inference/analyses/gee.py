"""Generalised estimating equations with exchangeable correlation within groups: ``"y ~ x"`` with ``cluster="site"``.

Coefficients are marginal, standard errors robust. ``family`` is "binomial" (by default), "poisson" or "gaussian".

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"y": [0, 1, 0, 0, 1, 1, 1, 0], "x": [0, 1] * 4, "g": [1, 1, 2, 2, 3, 3, 4, 4]})
>>> get("gee").prepare([frame], "y ~ x", cluster="g")(frame).names
('Intercept', 'x')
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm

from bayessynth.errors import DataError, suggest
from bayessynth.inference.events import event_response
from bayessynth.inference.formula import response_numbers, split
from bayessynth.inference.registry import Analysis, Ready, register
from bayessynth.inference.regression import regression

_FAMILIES = {
    "binomial": sm.families.Binomial,
    "poisson": sm.families.Poisson,
    "gaussian": sm.families.Gaussian,
}


def _prepare(
    frames: Sequence[pd.DataFrame], formula: str, cluster: str | None = None, family: str = "binomial"
) -> Ready:
    if cluster is None:
        raise DataError("model='gee' needs the column that names groups: cluster='site'.")
    if family not in _FAMILIES:
        raise DataError(f"family={family!r} is not one of {', '.join(_FAMILIES)}.{suggest(family, _FAMILIES)}")
    name = split(formula).response

    def model(y: np.ndarray, x: np.ndarray, clusters: np.ndarray) -> Any:
        return sm.GEE(y, x, clusters, family=_FAMILIES[family](), cov_struct=sm.cov_struct.Exchangeable()).fit()

    events = event_response(frames, formula) if family == "binomial" else lambda f: response_numbers(f, name)
    return regression(frames, formula, model, events, cluster, log_scale=family != "gaussian")


register(Analysis("gee", "Generalised estimating equations", _prepare, ("cluster", "family"), groups=True))
