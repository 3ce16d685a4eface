"""Which form of group effects the sampler is given: centred or non-centred. Both mean the same model."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from bayessynth.design.component import Component

# Reliability of a group's mean from which effects are centred. The centred form mixes the better the more the data
# say of each effect, the non-centred the less (Papaspiliopoulos, Roberts & Skold 2007); below this the centred one
# risks the funnel at small standard deviations (Betancourt & Girolami 2015).
RELIABLE = 0.65


def centred(component: Component, factor: str) -> bool:
    """Tell whether the effects of a factor are centred."""
    return reliability(component, factor) > RELIABLE


def reliability(component: Component, factor: str) -> float:
    """Return the share of the variance of group means that lies between groups, by one-way analysis of variance.

    On ranks, so that it serves all families, with common effects and the means of other factors' groups taken out.
    """
    weights = np.ones(len(component.y)) if component.weights is None else component.weights.astype(float)
    n = weights.sum()
    scores = _ranks(component.y, component.weights)
    scores = scores - weights @ scores / n
    for matrix in component.matrices.values():
        if matrix.shape[1]:
            columns, root = matrix - weights @ matrix / n, np.sqrt(weights)
            scores = scores - columns @ np.linalg.lstsq(columns * root[:, None], scores * root, rcond=None)[0]
    for other, index in component.index.items():
        if other != factor:
            scores = scores - _means(scores, index, weights)[index]
    index = component.index[factor]
    sizes = np.bincount(index, weights=weights)
    groups = int((sizes > 0).sum())
    if n <= groups or groups < 2:
        return 0.0
    means = _means(scores, index, weights)
    within = float((weights * (scores - means[index]) ** 2).sum()) / (n - groups)
    between = float((sizes * means**2).sum()) / (groups - 1)
    return float(max(0.0, 1.0 - within / between)) if between > 0 else 0.0


def _ranks(y: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """Return the ranks of rows, equal ones sharing theirs, as if each stood there as often as it counts."""
    if weights is None:
        return rankdata(y)
    values, place = np.unique(y, return_inverse=True)
    counts = np.bincount(place, weights=weights, minlength=len(values))
    return (np.cumsum(counts) - (counts - 1.0) / 2.0)[place]


def _means(scores: np.ndarray, index: np.ndarray, weights: np.ndarray) -> np.ndarray:
    sizes = np.bincount(index, weights=weights)
    return np.bincount(index, weights=weights * scores) / np.maximum(sizes, 1)
