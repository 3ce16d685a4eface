"""The log-rank test: ``"time ~ arm"`` with ``event=``, as log hazard ratios to the first arm, one step from 0.

With observed less expected events U and their hypergeometric covariance V, the estimates are U V⁻¹ with covariance V⁻¹
(Peto; Yusuf et al. 1985, Progress in Cardiovascular Diseases 27, 335-371), whose joint Wald test is the log-rank test
itself: U V⁻¹ U (Mantel 1966; Peto & Peto 1972).

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"time": [5.0, 6.0, 2.0, 8.0], "died": [1, 1, 1, 0], "arm": list("abba")})
>>> get("logrank").prepare([frame], "time ~ arm", event="died")(frame).names
('arm[b]',)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import DataError
from bayessynth.inference.estimate import Estimate
from bayessynth.inference.formula import split
from bayessynth.inference.registry import Analysis, Ready, register
from bayessynth.inference.times import Times, read_times


def _score(own: Times, arms: int) -> tuple[np.ndarray, np.ndarray]:
    """Return observed less expected events of the arms after the first, and their covariance."""
    times = np.unique(own.time[own.event])
    watched, died = np.empty((len(times), arms)), np.empty((len(times), arms))
    for j in range(arms):
        part = own.of(j)
        come = np.searchsorted(np.sort(part.entry), times, side="left")
        watched[:, j] = come - np.searchsorted(np.sort(part.time), times, side="left")
        ends = np.sort(part.time[part.event])
        died[:, j] = np.searchsorted(ends, times, side="right") - np.searchsorted(ends, times, side="left")
    n, d = watched.sum(axis=1), died.sum(axis=1)
    share = watched / n[:, None]
    u = (died - d[:, None] * share).sum(axis=0)
    factor = d * np.where(n > 1, (n - d) / np.maximum(n - 1, 1), 0.0)
    v = np.diag((factor[:, None] * share).sum(axis=0)) - (factor[:, None] * share).T @ share
    return u[1:], v[1:, 1:]


def _prepare(
    frames: Sequence[pd.DataFrame], formula: str, event: str | None = None, entry: str | None = None, cause: Any = None
) -> Ready:
    read, arms = read_times(frames, formula, "logrank", event, entry, cause)
    if len(arms) < 2:
        raise DataError(f"model='logrank' compares arms, of which {formula!r} has none or one: write 'time ~ arm'.")
    by = split(formula).common.strip()
    names = tuple(f"{by}[{arm}]" for arm in arms[1:])

    def fit(frame: pd.DataFrame) -> Estimate:
        own = read(frame)
        u, v = _score(own, len(arms))
        told = np.diag(v) > 1e-12
        values, covariance = np.full(len(names), np.nan), np.zeros((len(names), len(names)))
        if not told.any():
            raise DataError(
                "model='logrank': no two arms are watched while events come, so there is nothing to compare."
            )
        inverse = np.linalg.pinv(v[np.ix_(told, told)])
        values[told] = inverse @ u[told]
        covariance[np.ix_(told, told)] = inverse
        return Estimate(names, values, covariance, rows=len(own.time))

    return fit


register(Analysis("logrank", "Log-rank test (one-step log hazard ratios)", _prepare, ("event", "entry", "cause")))
