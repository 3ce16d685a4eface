"""The negative binomial family: a Poisson whose mean varies as a gamma.

Support: whole numbers from 0. Parameters: mu (mean), alpha (shape of the gamma). The variance is
mu + mu² / alpha; a large alpha is the Poisson.

>>> from bayessynth import families
>>> families.get("negative_binomial").logp([0, -1], mu=1.0, alpha=1.0).round(3).tolist()
[-0.693, -inf]
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


def _sample(rng: np.random.Generator, n: int, *, mu: Any, alpha: Any) -> np.ndarray:
    return counts.draw_negative_binomial(rng, n, mu, alpha)


def _logp(y: Any, *, mu: Any, alpha: Any) -> np.ndarray:
    return counts.negative_binomial_logp(y, mu, alpha)


def _dist(pm: Any, name: str, params: dict[str, Any], **kwargs: Any) -> Any:
    return pm.NegativeBinomial(name, mu=params["mu"], alpha=params["alpha"], **integers(kwargs))


def _below(m: Any, x: Any, *, mu: Any, alpha: Any) -> Any:
    return m.betainc(alpha, x + 1.0, alpha / (alpha + mu))


def _above(m: Any, x: Any, *, mu: Any, alpha: Any) -> Any:
    return m.betainc(x + 1.0, alpha, mu / (alpha + mu))


NEGATIVE_BINOMIAL = register(
    Family(
        name="negative_binomial",
        kinds=frozenset({"count"}),
        parameters=(
            Parameter("mu", ("log", "softplus"), defaults.mean_predictor),
            Parameter("alpha", ("log",), defaults.around(1.0), defaults.shape_prior),
        ),
        discrete=True,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=checks.counts_only,
        default_for=frozenset({"count"}),
    )
)
truncated(NEGATIVE_BINOMIAL, interval(NEGATIVE_BINOMIAL, Cumulative(_below, _above, (-1.0, np.inf), 0.0)))
