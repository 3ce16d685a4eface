"""The normal family.

Support: all real numbers. Parameters: mu (mean; identity or log link), sigma (standard deviation).

>>> from bayessynth import families
>>> families.get("normal").logp(0.0, mu=0.0, sigma=1.0).round(3).item()
-0.919
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bayessynth.families import checks, defaults, normal_mass
from bayessynth.families.family import Family, Parameter
from bayessynth.families.registry import register
from bayessynth.families.truncated import Interval, truncated


def _sample(rng: np.random.Generator, n: int, *, mu: Any, sigma: Any) -> np.ndarray:
    return mu + sigma * rng.standard_normal(n)


def _logp(y: Any, *, mu: Any, sigma: Any) -> np.ndarray:
    z = (np.asarray(y, dtype=float) - mu) / sigma
    return -0.5 * z * z - np.log(sigma) - 0.5 * math.log(2.0 * math.pi)


def _dist(pm: Any, name: str, params: dict[str, Any], **kwargs: Any) -> Any:
    return pm.Normal(name, mu=params["mu"], sigma=params["sigma"], **kwargs)


def _log_mass(lower: Any, upper: Any, *, mu: Any, sigma: Any) -> np.ndarray:
    return normal_mass.log_mass((lower - mu) / sigma, (upper - mu) / sigma)


def _log_mass_graph(pm: Any, lower: Any, upper: Any, *, mu: Any, sigma: Any) -> Any:
    low, high = (normal_mass.standard_graph(end, mu, sigma, pm) for end in (lower, upper))
    return normal_mass.log_mass_graph(low, high, pm)


def _draw(rng: np.random.Generator, n: int, lower: Any, upper: Any, *, mu: Any, sigma: Any) -> np.ndarray:
    return mu + sigma * normal_mass.draw(rng, n, (lower - mu) / sigma, (upper - mu) / sigma)


NORMAL = register(
    Family(
        name="normal",
        kinds=frozenset({"continuous", "positive", "proportion", "count", "datetime"}),
        parameters=(
            Parameter("mu", ("identity", "log"), defaults.mean_predictor),
            Parameter("sigma", ("log",), defaults.scale_predictor, defaults.scale_prior),
        ),
        discrete=False,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=checks.finite,
        default_for=frozenset({"continuous", "datetime"}),
        gaussian=np.asarray,
    )
)
truncated(NORMAL, Interval(_log_mass, _log_mass_graph, _draw))
