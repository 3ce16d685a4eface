"""Kaplan-Meier survival at stated times: ``"time ~ arm"`` with ``event=`` and ``at=[365, 730]``, pooled on log(-log S).

The variance is Greenwood's. A share of exactly 0 or 1 has no log(-log), so that table tells nothing of it.

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"time": [5.0, 6.0, 2.0, 8.0], "died": [1, 1, 1, 0]})
>>> found = get("kaplan_meier").prepare([frame], "time ~ 1", event="died", at=[5.0])(frame)
>>> found.names, found.values.tolist()
(('S(5)',), [0.5])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import DataError
from bayessynth.inference.estimate import Estimate
from bayessynth.inference.product_limit import product_limit
from bayessynth.inference.registry import Analysis, Ready, register
from bayessynth.inference.times import read_times


def _prepare(
    frames: Sequence[pd.DataFrame], formula: str, event: str | None = None, at: Any = None, entry: str | None = None,
    cause: Any = None,
) -> Ready:  # fmt: skip
    read, arms = read_times(frames, formula, "kaplan_meier", event, entry, cause)
    try:
        times = np.atleast_1d(np.asarray(() if at is None else at, dtype=float))
    except (TypeError, ValueError):
        times = np.array([np.nan])
    if not len(times) or not (np.isfinite(times) & (times > 0)).all():
        raise DataError(
            f"model='kaplan_meier' needs times above 0 at which survival is wanted: at=[365, 730], not {at!r}."
        )
    labels = [f"[{arm}]" for arm in arms] or [""]
    names = tuple(f"S({t:g}){label}" for label in labels for t in times)

    def fit(frame: pd.DataFrame) -> Estimate:
        own, values, blocks = read(frame), [], np.full((len(names), len(names)), 0.0)
        for j in range(len(labels)):
            rows = own.of(j)
            curve = product_limit(rows.time, rows.event, rows.entry)
            survival, variance, _ = curve.at(times)
            # Increments of log S are independent: its covariance at two times is the variance at the earlier.
            both = np.minimum.outer(variance, variance)
            told = (survival > 0) & (survival < 1)
            values.append(np.where(told, survival, np.nan))
            part = slice(j * len(times), (j + 1) * len(times))
            blocks[part, part] = np.where(np.outer(told, told), np.outer(survival, survival) * both, 0.0)
        found = np.concatenate(values)
        if not np.isfinite(found).any():
            raise DataError("Survival is 0 or 1 at all the times that at= names; name others.")
        return Estimate(names, found, blocks, ("loglog",) * len(names), len(own.time))

    return fit


register(Analysis("kaplan_meier", "Kaplan-Meier survival", _prepare, ("event", "at", "entry", "cause")))
