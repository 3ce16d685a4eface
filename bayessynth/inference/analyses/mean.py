"""The mean of a column (``"y"``), or of each level of others (``"y ~ arm"``).

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"y": [1.0, 3.0, 5.0, 7.0], "arm": ["a", "a", "b", "b"]})
>>> get("mean").prepare([frame], "y ~ arm")(frame).values.tolist()
[2.0, 6.0]
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayessynth.inference.cells import over_cells
from bayessynth.inference.formula import response_numbers, split
from bayessynth.inference.registry import Analysis, Ready, register
from bayessynth.inference.survey import Sampling


def _mean(y: np.ndarray, clusters: np.ndarray | None) -> tuple[float, float]:
    n = len(y)
    if clusters is None:
        return float(y.mean()), float(y.var(ddof=1) / n) if n > 1 else np.nan
    totals = np.bincount(clusters, y - y.mean())
    totals = totals[np.bincount(clusters) > 0]
    g = len(totals)
    return float(y.mean()), float(g / (g - 1) * (totals**2).sum() / n**2) if g > 1 else np.nan


def _prepare(
    frames: Sequence[pd.DataFrame], formula: str, cluster: str | None = None, weights: str | None = None,
    strata: str | None = None,
) -> Ready:  # fmt: skip
    parts = split(formula)
    response = parts.response or parts.common
    by = parts.common if parts.response else "1"
    return over_cells(frames, response, by, lambda frame: response_numbers(frame, response), _mean, "identity", cluster,
                      Sampling(weights, cluster, strata))  # fmt: skip


register(Analysis("mean", "Mean", _prepare, ("cluster", "weights", "strata")))
