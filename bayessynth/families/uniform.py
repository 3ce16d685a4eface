"""The uniform family: any value between two bounds, without parameters.

Support: from the lower to the upper bound. Option: ``bounds``, a pair.

>>> from bayessynth import families
>>> families.get("uniform").logp([1.0, 5.0], bounds=(0.0, 2.0)).round(3).tolist()
[-0.693, -inf]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayessynth.errors import SpecError
from bayessynth.families import checks
from bayessynth.families.family import Family
from bayessynth.families.registry import register
from bayessynth.families.truncated import Interval, truncated


def _limits(bounds: Any) -> tuple[float, float]:
    low, high = (float(value) for value in bounds)
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise SpecError(f"Family 'uniform' needs bounds=(low, high), finite, low below high, not {bounds!r}.")
    return low, high


def _sample(rng: np.random.Generator, n: int, *, bounds: Any) -> np.ndarray:
    low, high = _limits(bounds)
    return low + (high - low) * rng.random(n)


def _logp(y: Any, *, bounds: Any) -> np.ndarray:
    low, high = _limits(bounds)
    y = np.asarray(y, dtype=float)
    return np.where((y >= low) & (y <= high), -np.log(high - low), -np.inf)


def _dist(pm: Any, name: str, params: dict[str, Any], *, bounds: Any, **kwargs: Any) -> Any:
    low, high = _limits(bounds)
    return pm.Uniform(name, lower=low, upper=high, **kwargs)


def _check(y: Any, column: str, *, bounds: Any = None, **options: Any) -> None:
    checks.finite(y, column)
    if bounds is None:
        return
    low, high = _limits(bounds)
    y = np.asarray(y, dtype=float)
    checks.require((y >= low) & (y <= high), y, column, f"values from {low} to {high}", "Widen bounds=.")


def _log_mass(lower: Any, upper: Any, *, bounds: Any) -> np.ndarray:
    low, high = _limits(bounds)
    with np.errstate(divide="ignore"):
        return np.log((np.clip(upper, low, high) - np.clip(lower, low, high)) / (high - low))


def _log_mass_graph(pm: Any, lower: Any, upper: Any, *, bounds: Any) -> Any:
    low, high = _limits(bounds)
    return pm.math.log((pm.math.clip(upper, low, high) - pm.math.clip(lower, low, high)) / np.float64(high - low))


def _draw(rng: np.random.Generator, n: int, lower: Any, upper: Any, *, bounds: Any) -> np.ndarray:
    low, high = (np.clip(end, *_limits(bounds)) for end in (lower, upper))
    return np.asarray(low + (high - low) * rng.random(n))


UNIFORM = register(
    Family(
        name="uniform",
        kinds=frozenset({"continuous", "positive", "proportion", "count", "datetime"}),
        parameters=(),
        discrete=False,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=_check,
        options=("bounds",),
        examples=({"bounds": (-1.0, 3.0)},),
    )
)
truncated(UNIFORM, Interval(_log_mass, _log_mass_graph, _draw))
