"""The Bernoulli family: one of two levels.

Support: codes 0 and 1. Parameter: p, the probability of code 1 (the second level).

>>> from bayessynth import families
>>> families.get("bernoulli").logp([0, 1, 2], p=0.5).round(3).tolist()
[-0.693, -0.693, -inf]
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from bayessynth.families import checks, defaults
from bayessynth.families.custom import integers
from bayessynth.families.family import Family, Parameter
from bayessynth.families.registry import register
from bayessynth.families.restricted import restricted


def _sample(rng: np.random.Generator, n: int, *, p: Any) -> np.ndarray:
    return (rng.random(n) < p).astype(np.int64)


def _logp(y: Any, *, p: Any) -> np.ndarray:
    y, p = np.asarray(y), np.asarray(p, dtype=float)
    outcome = np.where(y == 1, special.xlogy(1.0, p), special.xlog1py(1.0, -p))
    return np.where((y == 0) | (y == 1), outcome, -np.inf)


def _dist(pm: Any, name: str, params: dict[str, Any], **kwargs: Any) -> Any:
    return pm.Bernoulli(name, p=params["p"], **integers(kwargs))


def _check(y: Any, column: str, **options: Any) -> None:
    checks.codes(y, column)
    y = np.asarray(y)
    remedy = "Use family='categorical' for more than two levels."
    checks.require(y <= 1, y, column, "codes 0 and 1", remedy)


BERNOULLI = register(
    Family(
        name="bernoulli",
        kinds=frozenset({"binary"}),
        parameters=(Parameter("p", ("logit", "probit", "cloglog"), defaults.mean_predictor),),
        discrete=True,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=_check,
        default_for=frozenset({"binary"}),
    )
)
restricted(BERNOULLI)
