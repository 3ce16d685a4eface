"""Cox regression: ``"time ~ age + arm"`` with the column of events as ``event=``, of entry times as ``entry=``.

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"time": [5.0, 6.0, 2.0, 8.0], "died": [1, 1, 1, 0], "old": [0, 1, 1, 0]})
>>> get("cox").prepare([frame], "time ~ old", event="died")(frame).names
('old',)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from statsmodels.duration.hazard_regression import PHReg

from bayessynth.errors import DataError
from bayessynth.inference.estimate import Estimate
from bayessynth.inference.events import event_response
from bayessynth.inference.formula import column, learn, response_numbers, split
from bayessynth.inference.registry import Analysis, Ready, register
from bayessynth.inference.regression import estimable, filled, finite, guarded


def _prepare(
    frames: Sequence[pd.DataFrame], formula: str, event: str | None = None, entry: str | None = None,
    strata: str | None = None, ties: str = "efron",
) -> Ready:  # fmt: skip
    if event is None:
        raise DataError("model='cox' needs the column that tells events from censored times: event='status'.")
    if ties not in ("efron", "breslow"):
        raise DataError(f"ties={ties!r} is not one of 'efron', 'breslow'.")
    for name, role in ((entry, "entry time"), (strata, "stratum")):
        if name is not None:
            column(frames[0], name, role)
    parts = split(formula)
    design = learn(parts.common, frames)
    keep = [i for i, name in enumerate(design.names) if name != "Intercept"]
    happened = event_response(frames, f"{event} ~ 1")

    def fit(frame: pd.DataFrame) -> Estimate:
        time, status = response_numbers(frame, parts.response), happened(frame)
        x = design.matrix(frame)[:, keep]
        rows = ~(np.isnan(time) | np.isnan(status) | np.isnan(x).any(axis=1))
        x = x[rows]
        there = estimable(np.column_stack([np.ones(len(x)), x]))[1:]
        further = {
            "entry": None if entry is None else response_numbers(frame, entry)[rows],
            "strata": None if strata is None else pd.factorize(frame[strata])[0][rows],
        }
        result = guarded(lambda: PHReg(time[rows], x[:, there], status=status[rows], ties=ties, **further).fit())
        names = [design.names[i] for i in keep]
        return finite(filled(names, there, np.asarray(result.params), np.asarray(result.cov_params()), len(x)), x)

    return fit


register(Analysis("cox", "Cox proportional hazards regression", _prepare, ("event", "entry", "strata", "ties")))
