"""The intraclass correlation of a random intercept: ``"y ~ x + (1 | site)"``, pooled on the logit scale.

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"y": [1.0, 2.0, 5.0, 6.0, 2.0, 2.5], "site": list("aabbcc")})
>>> get("icc").prepare([frame], "y ~ 1 + (1 | site)")(frame).values.round(3).tolist()
[0.92]
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayessynth.errors import DataError
from bayessynth.inference import registry
from bayessynth.inference.estimate import Estimate
from bayessynth.inference.formula import split
from bayessynth.inference.registry import Analysis, Ready, register


def _prepare(frames: Sequence[pd.DataFrame], formula: str) -> Ready:
    groups = split(formula).groups
    if len(groups) != 1 or groups[0].effects != "1":
        raise DataError(f"{formula!r}: model='icc' takes one random intercept, (1 | site).")
    mixed = registry.get("mixed").prepare(frames, formula)

    def fit(frame: pd.DataFrame) -> Estimate:
        found = mixed(frame)
        between, within = found.values[-2:]
        total = between + within
        slope = np.array([within, -between]) / total**2
        variance = slope @ found.covariance[-2:, -2:] @ slope
        return Estimate((f"icc({groups[0].factor})",), between / total, variance, ("logit",), found.rows)

    return fit


register(Analysis("icc", "Intraclass correlation (REML)", _prepare, groups=True))
