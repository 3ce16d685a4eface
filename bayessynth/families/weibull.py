"""The Weibull family: a hazard that rises or falls as a power of time.

Support: above 0. Parameters: scale, the time by which 63 % have had the event, and alpha, the shape; the hazard rises
where alpha is above 1. S(y) = exp(-(y / scale)^alpha). A coefficient of log scale is a log ratio of times (accelerated
failure): above 0 means later events; -alpha times it is the log hazard ratio.

>>> from bayessynth import families
>>> families.get("weibull").logp([1.0, -1.0], scale=1.0, alpha=2.0).round(3).tolist()
[-0.307, -inf]
>>> families.get("weibull").logp([2.0], scale=1.0, alpha=2.0, event=0, entry=1.0).tolist()
[-3.0]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayessynth.families import defaults, lifetimes
from bayessynth.families.family import Family, Parameter
from bayessynth.families.links import inverse
from bayessynth.families.registry import register

#: z = alpha log(y / scale) is standard Gumbel (of minima): G = exp(z).
GUMBEL = lifetimes.Standard(
    cumulative=lambda z: inverse("log", z),
    log_slope=lambda z: z,
    quantile=np.log,
    cumulative_graph=lambda z, pm: pm.math.exp(z),
    log_slope_graph=lambda z, pm: z,
)


def _sample(rng: np.random.Generator, n: int, *, scale: Any, alpha: Any, entry: Any = 0.0, **beside: Any) -> np.ndarray:
    return lifetimes.draw(GUMBEL, rng, n, np.log(scale), alpha, entry)


def _logp(y: Any, *, scale: Any, alpha: Any, **beside: Any) -> np.ndarray:
    return lifetimes.logp(GUMBEL, y, np.log(scale), alpha, **beside)


def place(log: Any, scale: Any, alpha: Any) -> tuple[Any, Any]:
    """Return location and slope of z."""
    return log(scale), alpha


def _dist(pm: Any, name: str, params: dict[str, Any], **kwargs: Any) -> Any:
    ordered = {"scale": params["scale"], "alpha": params["alpha"]}
    return lifetimes.dist(GUMBEL, pm, name, ordered, place, _sample, kwargs)


FAMILY = register(
    Family(
        name="weibull",
        kinds=frozenset({"positive", "count"}),
        parameters=(
            Parameter("scale", ("log",), defaults.mean_predictor),
            Parameter("alpha", ("log",), defaults.around(1.0), defaults.time_shape_prior),
        ),
        discrete=False,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=lifetimes.check,
        beside=lifetimes.BESIDE,
    )
)
