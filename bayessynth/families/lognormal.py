"""The lognormal family: a normal on the logarithmic scale.

Support: above 0. Parameters: mu and sigma, mean and standard deviation of the logarithm. The mean is
exp(mu + sigma² / 2).

>>> from bayessynth import families
>>> families.get("lognormal").logp([1.0, -1.0], mu=0.0, sigma=1.0).round(3).tolist()
[-0.919, -inf]
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bayessynth.families import checks, defaults
from bayessynth.families.family import Family, Parameter
from bayessynth.families.links import inverse
from bayessynth.families.registry import register


def _sample(rng: np.random.Generator, n: int, *, mu: Any, sigma: Any) -> np.ndarray:
    return inverse("log", mu + sigma * rng.standard_normal(n))


def _logp(y: Any, *, mu: Any, sigma: Any) -> np.ndarray:
    y = np.asarray(y, dtype=float)
    log_y = np.log(np.where(y > 0, y, 1.0))
    z = (log_y - mu) / sigma
    density = -0.5 * z * z - np.log(sigma) - 0.5 * math.log(2.0 * math.pi) - log_y
    return np.where(y > 0, density, -np.inf)


def _dist(pm: Any, name: str, params: dict[str, Any], **kwargs: Any) -> Any:
    return pm.LogNormal(name, mu=params["mu"], sigma=params["sigma"], **kwargs)


register(
    Family(
        name="lognormal",
        kinds=frozenset({"positive", "count"}),
        parameters=(
            Parameter("mu", ("identity",), defaults.log_values_predictor),
            Parameter("sigma", ("log",), defaults.log_scale_predictor, defaults.log_scale_prior),
        ),
        discrete=False,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=checks.positive,
        default_for=frozenset({"positive"}),
        gaussian=np.log,
    )
)
