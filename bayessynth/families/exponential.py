"""The exponential family: a constant hazard.

Support: above 0. Parameter: scale, the mean time, so that a coefficient of log scale is a log ratio of times
(accelerated failure): above 0 means later events. The log hazard ratio is minus it. S(y) = exp(-y / scale).

>>> from bayessynth import families
>>> families.get("exponential").logp([1.0, -1.0], scale=1.0).tolist()
[-1.0, -inf]
>>> families.get("exponential").logp([3.0], scale=1.0, event=0).round(9).tolist()
[-3.0]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayessynth.families import defaults, lifetimes
from bayessynth.families.family import Family, Parameter
from bayessynth.families.registry import register
from bayessynth.families.weibull import GUMBEL


def _sample(rng: np.random.Generator, n: int, *, scale: Any, entry: Any = 0.0, **beside: Any) -> np.ndarray:
    return lifetimes.draw(GUMBEL, rng, n, np.log(scale), 1.0, entry)


def _logp(y: Any, *, scale: Any, **beside: Any) -> np.ndarray:
    return lifetimes.logp(GUMBEL, y, np.log(scale), 1.0, **beside)


def place(log: Any, scale: Any) -> tuple[Any, Any]:
    """Return location and slope of z."""
    return log(scale), np.float64(1.0)


def _dist(pm: Any, name: str, params: dict[str, Any], **kwargs: Any) -> Any:
    return lifetimes.dist(GUMBEL, pm, name, {"scale": params["scale"]}, place, _sample, kwargs)


FAMILY = register(
    Family(
        name="exponential",
        kinds=frozenset({"positive", "count"}),
        parameters=(Parameter("scale", ("log",), defaults.mean_predictor),),
        discrete=False,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=lifetimes.check,
        beside=lifetimes.BESIDE,
    )
)
