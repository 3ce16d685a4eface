"""The point family: one value for every row, without parameters.

Support: the value. Option: ``value``, a number (default 0).

>>> from bayessynth import families
>>> families.get("point").logp([1.0, 2.0], value=1.0).tolist()
[0.0, -inf]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayessynth.families import checks
from bayessynth.families.family import Family
from bayessynth.families.registry import register


def _sample(rng: np.random.Generator, n: int, *, value: float = 0.0) -> np.ndarray:
    return np.full(n, float(value))


def _logp(y: Any, *, value: float = 0.0) -> np.ndarray:
    return np.where(np.asarray(y, dtype=float) == value, 0.0, -np.inf)


def _dist(pm: Any, name: str, params: dict[str, Any], *, value: float = 0.0, **kwargs: Any) -> Any:
    return pm.DiracDelta(name, c=float(value), **kwargs)


def _check(y: Any, column: str, *, value: float = 0.0, **options: Any) -> None:
    checks.finite(y, column)
    y = np.asarray(y, dtype=float)
    checks.require(y == value, y, column, f"the value {value} in every row", "Use another family.")


register(
    Family(
        name="point",
        kinds=frozenset({"constant", "continuous", "positive", "proportion", "count", "datetime"}),
        parameters=(),
        discrete=True,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=_check,
        options=("value",),
        default_for=frozenset({"constant"}),
        examples=({"value": 3.0}, {"value": -0.5}),
    )
)
