"""Domains and small tables that the tests of formal privacy share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import bayessynth as bs
from bayessynth.privacy import Exact, Release
from bayessynth.privacy.noise import Noise

DOMAIN = bs.Domain(
    {
        "x": bs.Bounds(0, 100, grid=4),
        "y": bs.Bounds(-1, 3),
        "sex": bs.Levels("f", "m"),
        "arm": bs.Levels("a", "b", "c"),
        "site": bs.Levels(1, 2, 3),
    },
    source="codebook",
)
# As DOMAIN, but for what missing and unknown cells count as.
FILLED = bs.Domain(
    {
        "x": bs.Bounds(0, 100, grid=4, missing=50),
        "y": bs.Bounds(-1, 3, missing=1),
        "sex": bs.Levels("f", "m", missing="f"),
        "arm": bs.Levels("a", "b", "c", missing="c"),
        "site": bs.Levels(1, 2, 3, missing=1),
    },
    source="codebook",
)


class Silent:
    """No noise at all, so that exact statistics show."""

    test = True

    def gaussian(self, values: Any, scale: float) -> np.ndarray:
        return np.array(list(values), dtype=np.int64)

    def largest(self, scores: Any, scale: float) -> int:
        return int(np.argmax(scores))


def start(
    domain: bs.Domain = DOMAIN, unit: bs.Unit | None = None, noise: Noise | None = None, epsilon: float = 1.0
) -> Release:
    return Release(domain, unit or bs.Unit(), bs.Ledger(epsilon, 1e-5), noise or Exact())


def table(n: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    sex = rng.integers(0, 2, n)
    x = np.clip(rng.normal(50 + 10 * sex, 15), 0, 100).round(2)
    return pd.DataFrame({
        "x": x, "y": np.clip(1 + 0.01 * (x - 50) + rng.normal(0, 0.4, n), -1, 3), "sex": np.array(["f", "m"])[sex],
        "arm": rng.choice(["a", "b", "c"], n), "site": rng.integers(1, 4, n),
        "person": rng.integers(0, max(1, n // 3), n),
    })  # fmt: skip
