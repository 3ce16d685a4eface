"""Restricted mean survival time: ``"time ~ arm"`` with ``event=`` and ``until=1095``: the area under its curve.

Of several arms: the first one's mean, and the others' differences to it. The variance is the sum of (the area after
each event)² d / (n (n - d)) (Klein & Moeschberger 2003, Survival Analysis, section 4.5).

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"time": [1.0, 2.0, 3.0, 4.0], "died": [1, 1, 1, 1]})
>>> get("rmst").prepare([frame], "time ~ 1", event="died", until=4.0)(frame).values.tolist()
[2.5]
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
from bayessynth.inference.times import Times, read_times


def _area(own: Times, until: float) -> tuple[float, float]:
    """Return the restricted mean and its variance."""
    curve = product_limit(own.time, own.event, own.entry)
    times = curve.times[curve.times < until]
    k = len(times)
    survival = np.concatenate([[1.0], curve.survival[:k]])
    pieces = survival * np.diff(np.concatenate([[0.0], times, [until]]))
    after = np.cumsum(pieces[::-1])[::-1][1:]
    steps = np.diff(np.concatenate([[0.0], curve.greenwood[:k]]))
    with np.errstate(invalid="ignore"):
        parts = after**2 * steps
    # Where nobody is left the area after is 0, and adds nothing.
    return float(pieces.sum()), float(np.where(after > 0, parts, 0.0).sum())


def _prepare(
    frames: Sequence[pd.DataFrame], formula: str, event: str | None = None, until: float | None = None,
    entry: str | None = None, cause: Any = None,
) -> Ready:  # fmt: skip
    read, arms = read_times(frames, formula, "rmst", event, entry, cause)
    if isinstance(until, bool) or not isinstance(until, int | float) or not np.isfinite(until) or until <= 0:
        raise DataError(f"model='rmst' needs the time up to which the mean is restricted: until=1095, not {until!r}.")
    end = float(until)
    names = ("rmst",) if not arms else (f"rmst[{arms[0]}]", *(f"rmst[{arm}] - rmst[{arms[0]}]" for arm in arms[1:]))

    def fit(frame: pd.DataFrame) -> Estimate:
        own = read(frame)
        for j, label in enumerate(arms or ("all",)):
            times = own.of(j).time
            if not len(times) or (times.max() < end and not own.of(j).event[times == times.max()].any()):
                raise DataError(
                    f"model='rmst': nobody of {label!r} is followed until {end:g}, so that the mean up to there is not "
                    "known; take a smaller until=."
                )
        means, variances = np.array([_area(own.of(j), end) for j in range(len(names))]).T
        contrast = np.eye(len(names))
        contrast[1:, 0] = -1.0
        return Estimate(names, contrast @ means, (contrast * variances) @ contrast.T, rows=len(own.time))

    return fit


register(Analysis("rmst", "Restricted mean survival time", _prepare, ("event", "until", "entry", "cause")))
