"""Pearson's correlation of all pairs of the named columns (``"x + y + z"``), pooled as Fisher's z.

Covariances of correlations that share a column follow from Olkin and Siotani (1976), under normality.

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0, 5.0], "y": [2.0, 1.0, 4.0, 3.0, 5.0]})
>>> get("correlation").prepare([frame], "x + y")(frame).values.round(3).tolist()
[0.8]
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from bayessynth.errors import DataError
from bayessynth.inference.estimate import Estimate
from bayessynth.inference.formula import column, response_numbers, split
from bayessynth.inference.registry import Analysis, Ready, register


def _prepare(frames: Sequence[pd.DataFrame], formula: str) -> Ready:
    parts = split(formula)
    columns = [c.strip() for c in "+".join(filter(None, (parts.response, parts.common))).split("+")]
    if len(columns) < 2:
        raise DataError(f"{formula!r} names one column; a correlation needs two: 'x + y'.")
    for name in columns:
        column(frames[0], name, "column")
    pairs = list(combinations(range(len(columns)), 2))

    def fit(frame: pd.DataFrame) -> Estimate:
        values = np.column_stack([response_numbers(frame, c) for c in columns])
        values = values[~np.isnan(values).any(axis=1)]
        if len(values) < 5:
            raise DataError(f"Only {len(values)} rows have all of {', '.join(columns)}; a correlation needs 5.")
        with np.errstate(invalid="ignore", divide="ignore"):
            r = np.corrcoef(values.T)
        own = np.clip([r[i, j] for i, j in pairs], -1 + 1e-12, 1 - 1e-12)
        slopes = 1 - own**2
        names = tuple(f"{columns[i]} × {columns[j]}" for i, j in pairs)
        covariance = _covariance(r, pairs) * np.outer(slopes, slopes) / (len(values) - 3)
        return Estimate(names, own, covariance, ("fisher",) * len(pairs), len(values))

    return fit


def _covariance(r: np.ndarray, pairs: list[tuple[int, int]]) -> np.ndarray:
    """Return n times the covariance of the z values; 1 on the diagonal."""
    found = np.eye(len(pairs))
    for a, b in combinations(range(len(pairs)), 2):
        (i, j), (k, h) = pairs[a], pairs[b]
        both = 0.5 * r[i, j] * r[k, h] * (r[i, k] ** 2 + r[i, h] ** 2 + r[j, k] ** 2 + r[j, h] ** 2)
        both += r[i, k] * r[j, h] + r[i, h] * r[j, k]
        both -= r[i, j] * (r[i, k] * r[i, h] + r[j, k] * r[j, h]) + r[k, h] * (r[i, k] * r[j, k] + r[i, h] * r[j, h])
        found[a, b] = found[b, a] = both / ((1 - r[i, j] ** 2) * (1 - r[k, h] ** 2))
    return found


register(Analysis("correlation", "Correlation", _prepare))
