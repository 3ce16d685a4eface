"""The share of a two-valued column's last value (``"sick"``), or that of each level of others (``"sick ~ arm"``).

Pooled on the logit scale. A share of exactly 0 or 1 has half a record added to either side.

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"sick": ["no", "yes", "no", "no"]})
>>> get("proportion").prepare([frame], "sick")(frame).values.tolist()
[0.25]
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayessynth.inference.cells import over_cells
from bayessynth.inference.events import event_response
from bayessynth.inference.formula import split
from bayessynth.inference.registry import Analysis, Ready, register
from bayessynth.inference.survey import Sampling


def _share(y: np.ndarray, clusters: np.ndarray | None) -> tuple[float, float]:
    n, events = len(y), float(y.sum())
    if events in (0.0, float(n)):
        n, events = n + 1, events + 0.5
    p = events / n
    variance = p * (1 - p) / n
    if clusters is not None:
        totals = np.bincount(clusters, y - y.mean())
        totals = totals[np.bincount(clusters) > 0]
        g = len(totals)
        variance = g / (g - 1) * (totals**2).sum() / n**2 if g > 1 else np.nan
    return p, float(variance)


def _prepare(
    frames: Sequence[pd.DataFrame], formula: str, cluster: str | None = None, weights: str | None = None,
    strata: str | None = None,
) -> Ready:  # fmt: skip
    parts = split(formula)
    response = parts.response or parts.common
    by = parts.common if parts.response else "1"
    return over_cells(frames, response, by, event_response(frames, f"{response} ~ 1"), _share, "logit", cluster,
                      Sampling(weights, cluster, strata))  # fmt: skip


register(Analysis("proportion", "Proportion", _prepare, ("cluster", "weights", "strata")))
