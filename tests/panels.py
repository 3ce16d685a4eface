"""Simulated rows from start to stop, whose truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

#: Log hazard ratios of the marker, whose value changes from row to row, and of treatment.
EFFECTS = {"x": 0.8, "treat": -0.7}
# Usual time between visits, by the number of the visit; later ones have the last.
_GAPS = (0.5, 0.5, 1.0)


def visits(units: int = 300, seed: int = 1) -> pd.DataFrame:
    """Return a marker at visits, the hazard e^(-1.9 + 0.8 x - 0.7 treat) between them, and random censoring until 8."""
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(units):
        treat, level, end = int(rng.integers(0, 2)), rng.normal(0, 0.7), min(rng.exponential(9.0), 8.0)
        t, k, x = 0.0, 0, level + rng.normal(0, 0.6)
        while True:
            due = t + round(_GAPS[min(k, 2)] * rng.uniform(0.8, 1.2), 2)
            event = t + rng.exponential(1.0 / (0.15 * np.exp(EFFECTS["x"] * x + EFFECTS["treat"] * treat)))
            stop = min(event, end, due)
            shown = max(round(stop, 3), round(t + 0.001, 3))
            rows.append((i, treat, round(t, 3), shown, round(x, 3), int(event == stop)))
            if stop < due or shown >= end:
                break
            t, k, x = shown, k + 1, 0.3 * level + 0.7 * x + rng.normal(0, 0.45)
    return pd.DataFrame(rows, columns=["id", "treat", "start", "stop", "x", "d"])


#: Correlation of the effects that a unit has on its marker and on its log hazard, and their standard deviations.
CORRELATION, DEVIATIONS = 0.8, (1.0, 0.9)


def shared_effects(units: int = 250, seed: int = 1) -> pd.DataFrame:
    """Return a marker at visits and the hazard between them, whose unit's effects are correlated."""
    rng = np.random.default_rng(seed)
    root = np.linalg.cholesky([[1.0, CORRELATION], [CORRELATION, 1.0]])
    rows = []
    for i in range(units):
        level, risk = root @ rng.standard_normal(2) * DEVIATIONS
        treat = int(rng.integers(0, 2))
        event = rng.exponential(1.0 / (0.12 * np.exp(risk - 0.5 * treat)))
        end = max(round(min(event, rng.exponential(12.0), 10.0), 3), 0.001)
        t = 0.0
        while t < end:
            stop = min(round(t + rng.uniform(0.8, 1.2), 2), end)
            y = 1.0 + 0.1 * t + level + rng.normal(0, 0.5)
            rows.append((i, treat, t, stop, round(y, 3), int(stop == end and round(event, 3) <= end)))
            t = stop
    return pd.DataFrame(rows, columns=["id", "treat", "start", "stop", "y", "d"])
