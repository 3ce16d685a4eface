"""Linear mixed regression with one grouping factor: ``"y ~ x + (1 + x | site)"``, by restricted maximum likelihood.

Variances are pooled on the log scale, correlations of effects on Fisher's.

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"y": [1.0, 2.0, 5.0, 6.0, 2.0, 2.5], "site": list("aabbcc")})
>>> get("mixed").prepare([frame], "y ~ 1 + (1 | site)")(frame).names
('Intercept', 'var(Intercept|site)', 'var(residual)')
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayessynth.errors import DataError
from bayessynth.inference.estimate import Estimate
from bayessynth.inference.formula import column, learn, response_numbers, split
from bayessynth.inference.registry import Analysis, Ready, register
from bayessynth.inference.regression import estimable
from bayessynth.inference.reml import Mixed, fit_mixed


def _prepare(frames: Sequence[pd.DataFrame], formula: str) -> Ready:
    parts = split(formula)
    if len(parts.groups) != 1:
        raise DataError(
            f"{formula!r} has {len(parts.groups)} group-specific terms; model='mixed' takes one, such as (1 | site) or "
            "(1 + x | site)."
        )
    factor = parts.groups[0].factor
    column(frames[0], factor, "grouping factor")
    common, effects = learn(parts.common, frames), learn(parts.groups[0].effects, frames)

    def fit(frame: pd.DataFrame) -> Estimate:
        y, x, z = response_numbers(frame, parts.response), common.matrix(frame), effects.matrix(frame)
        groups = pd.factorize(frame[factor])[0]
        rows = ~(np.isnan(y) | np.isnan(x).any(axis=1) | np.isnan(z).any(axis=1) | (groups < 0))
        there = estimable(x[rows])
        found = fit_mixed(y[rows], x[rows][:, there], z[rows], groups[rows])
        return _estimate(found, common.names, there, effects.names, factor, int(rows.sum()))

    return fit


def _estimate(
    found: Mixed, names: Sequence[str], there: np.ndarray, effects: Sequence[str], factor: str, rows: int
) -> Estimate:
    """Put fixed effects and variance components into one estimate; the two are asymptotically independent."""
    q, lower = len(effects), [(i, j) for i in range(len(effects)) for j in range(i + 1)]
    d = np.zeros((q, q))
    for value, (i, j) in zip(found.components, lower, strict=False):
        d[i, j] = d[j, i] = value
    labels, scales, values, jacobian = [], [], [], np.eye(len(found.components))
    for at, (i, j) in enumerate(lower):
        if i == j:
            labels.append(f"var({effects[i]}|{factor})")
            scales.append("log")
            values.append(d[i, i])
            continue
        labels.append(f"corr({effects[j]}, {effects[i]}|{factor})")
        scales.append("fisher")
        size = np.sqrt(d[i, i] * d[j, j])
        r = d[i, j] / size if size > 0 else np.nan
        values.append(np.clip(r, -1 + 1e-9, 1 - 1e-9))
        jacobian[at] = 0.0
        jacobian[at, at] = 1 / size if size > 0 else np.nan
        for k in (i, j):
            jacobian[at, lower.index((k, k))] = -r / (2 * d[k, k]) if d[k, k] > 0 else np.nan
    p, c = len(names), len(labels) + 1
    covariance = np.zeros((p + c, p + c))
    covariance[:p, :p] = np.nan
    covariance[np.ix_(np.flatnonzero(there), np.flatnonzero(there))] = found.beta_covariance
    covariance[p:, p:] = jacobian @ found.components_covariance @ jacobian.T
    beta = np.full(p, np.nan)
    beta[there] = found.beta
    return Estimate(
        (*names, *labels, "var(residual)"), np.concatenate([beta, values, found.components[-1:]]), covariance,
        (*("identity",) * p, *scales, "log"), rows,
    )  # fmt: skip


register(Analysis("mixed", "Linear mixed regression (REML)", _prepare, groups=True))
