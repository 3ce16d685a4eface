"""The log-logistic family: a hazard that rises and then falls, where alpha is above 1.

Support: above 0. Parameters: scale, the median, and alpha, the shape. S(y) = 1 / (1 + (y / scale)^alpha). A coefficient
of log scale is a log ratio of times (accelerated failure): above 0 means later events; alpha times it is the log ratio
of the odds of being without the event by any time.

>>> from bayessynth import families
>>> families.get("loglogistic").logp([1.0, -1.0], scale=1.0, alpha=1.0).round(3).tolist()
[-1.386, -inf]
>>> families.get("loglogistic").logp([3.0], scale=1.0, alpha=1.0, event=0).round(3).tolist()
[-1.386]
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from bayessynth.families import defaults, lifetimes
from bayessynth.families.family import Family, Parameter
from bayessynth.families.registry import register


def _quantile(g: Any) -> np.ndarray:
    # log(exp(g) - 1) without overflow.
    return np.asarray(g + np.log(-np.expm1(-g)))


#: z = alpha log(y / scale) is standard logistic: G = log(1 + exp(z)).
LOGISTIC = lifetimes.Standard(
    cumulative=lambda z: np.logaddexp(0.0, z),
    log_slope=special.log_expit,
    quantile=_quantile,
    cumulative_graph=lambda z, pm: pm.math.softplus(z),
    log_slope_graph=lambda z, pm: -pm.math.softplus(-z),
)


def _sample(rng: np.random.Generator, n: int, *, scale: Any, alpha: Any, entry: Any = 0.0, **beside: Any) -> np.ndarray:
    return lifetimes.draw(LOGISTIC, rng, n, np.log(scale), alpha, entry)


def _logp(y: Any, *, scale: Any, alpha: Any, **beside: Any) -> np.ndarray:
    return lifetimes.logp(LOGISTIC, y, np.log(scale), alpha, **beside)


def place(log: Any, scale: Any, alpha: Any) -> tuple[Any, Any]:
    """Return location and slope of z."""
    return log(scale), alpha


def _dist(pm: Any, name: str, params: dict[str, Any], **kwargs: Any) -> Any:
    ordered = {"scale": params["scale"], "alpha": params["alpha"]}
    return lifetimes.dist(LOGISTIC, pm, name, ordered, place, _sample, kwargs)


FAMILY = register(
    Family(
        name="loglogistic",
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
