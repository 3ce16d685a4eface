"""The zero-inflated negative binomial family: a negative binomial count, or a 0 of another origin.

Support: whole numbers from 0. Parameters: mu (mean of the negative binomial),
psi (probability of the negative binomial part), alpha (shape, as in ``negative_binomial``).
A 0 may come from either part. The mean is psi * mu.

>>> from bayessynth import families
>>> families.get("zero_inflated_negative_binomial").logp([0], mu=1.0, psi=0.5, alpha=1.0).round(3).tolist()
[-0.288]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayessynth.families import checks, counts, defaults
from bayessynth.families.custom import custom_dist, integers
from bayessynth.families.family import Family, Parameter
from bayessynth.families.registry import register


def _sample(rng: np.random.Generator, n: int, *, mu: Any, psi: Any, alpha: Any) -> np.ndarray:
    kept = rng.random(n) < psi
    return np.where(kept, counts.draw_negative_binomial(rng, n, mu, alpha), 0.0)


def _logp(y: Any, *, mu: Any, psi: Any, alpha: Any) -> np.ndarray:
    return counts.zero_inflated_logp(y, psi, lambda value: counts.negative_binomial_logp(value, mu, alpha))


def _dist(pm: Any, name: str, params: dict[str, Any], **kwargs: Any) -> Any:
    def logp(value: Any, mu: Any, psi: Any, alpha: Any) -> Any:
        return counts.zero_inflated_graph(pm, value, psi, pm.NegativeBinomial.dist(mu=mu, alpha=alpha))

    ordered = {key: params[key] for key in ("mu", "psi", "alpha")}
    return custom_dist(pm, name, ordered, logp, _sample, dtype="int64", **integers(kwargs))


register(
    Family(
        name="zero_inflated_negative_binomial",
        kinds=frozenset({"count"}),
        parameters=(
            Parameter("mu", ("log", "softplus"), defaults.mean_predictor),
            Parameter("psi", ("logit", "probit", "cloglog"), defaults.centred_predictor, defaults.share_prior),
            Parameter("alpha", ("log",), defaults.around(1.0), defaults.shape_prior),
        ),
        discrete=True,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=checks.counts_only,
    )
)
