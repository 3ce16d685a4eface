"""The Poisson family.

Support: whole numbers from 0. Parameter: mu, mean and variance.

>>> from bayessynth import families
>>> families.get("poisson").logp([0, -1], mu=2.0).tolist()
[-2.0, -inf]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayessynth.families import checks, counts, defaults
from bayessynth.families.cumulative import Cumulative, interval
from bayessynth.families.custom import integers
from bayessynth.families.family import Family, Parameter
from bayessynth.families.registry import register
from bayessynth.families.truncated import truncated


def _sample(rng: np.random.Generator, n: int, *, mu: Any) -> np.ndarray:
    return counts.draw_poisson(rng, n, mu)


def _logp(y: Any, *, mu: Any) -> np.ndarray:
    return counts.poisson_logp(y, mu)


def _dist(pm: Any, name: str, params: dict[str, Any], **kwargs: Any) -> Any:
    return pm.Poisson(name, mu=params["mu"], **integers(kwargs))


def _below(m: Any, x: Any, *, mu: Any) -> Any:
    return m.gammaincc(x + 1.0, mu)


def _above(m: Any, x: Any, *, mu: Any) -> Any:
    return m.gammainc(x + 1.0, mu)


POISSON = register(
    Family(
        name="poisson",
        kinds=frozenset({"count"}),
        parameters=(Parameter("mu", ("log", "softplus"), defaults.mean_predictor),),
        discrete=True,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=checks.counts_only,
    )
)
truncated(POISSON, interval(POISSON, Cumulative(_below, _above, (-1.0, np.inf), 0.0)))
