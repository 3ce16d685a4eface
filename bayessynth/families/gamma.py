"""The gamma family.

Support: above 0. Parameters: mu (mean), alpha (shape). The variance is mu² / alpha, the coefficient of
variation alpha**-0.5. In PyMC: ``Gamma(alpha=alpha, beta=alpha / mu)``, the same as
``Gamma(mu=mu, sigma=mu / sqrt(alpha))`` without the detour over squares.

>>> from bayessynth import families
>>> families.get("gamma").logp([1.0, -1.0], mu=1.0, alpha=1.0).tolist()
[-1.0, -inf]
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from bayessynth.families import checks, defaults
from bayessynth.families.cumulative import Cumulative, interval
from bayessynth.families.family import Family, Parameter
from bayessynth.families.registry import register
from bayessynth.families.truncated import truncated

_TINY, _HUGE = float(np.finfo(float).tiny), 1e300


def _sample(rng: np.random.Generator, n: int, *, mu: Any, alpha: Any) -> np.ndarray:
    with np.errstate(over="ignore"):
        draws = rng.standard_gamma(alpha, size=n) * mu / alpha
    # A small shape underflows to an exact 0, which is outside the support.
    return np.clip(draws, _TINY, _HUGE)


def _logp(y: Any, *, mu: Any, alpha: Any) -> np.ndarray:
    y, mu, alpha = np.asarray(y, dtype=float), np.asarray(mu, dtype=float), np.asarray(alpha, dtype=float)
    safe = np.where(y > 0, y, 1.0)
    rate = alpha / mu
    density = alpha * np.log(rate) + (alpha - 1.0) * np.log(safe) - rate * safe - special.gammaln(alpha)
    return np.where(y > 0, density, -np.inf)


def _dist(pm: Any, name: str, params: dict[str, Any], **kwargs: Any) -> Any:
    return pm.Gamma(name, alpha=params["alpha"], beta=params["alpha"] / params["mu"], **kwargs)


def _below(m: Any, x: Any, *, mu: Any, alpha: Any) -> Any:
    return m.gammainc(alpha, alpha / mu * x)


def _above(m: Any, x: Any, *, mu: Any, alpha: Any) -> Any:
    return m.gammaincc(alpha, alpha / mu * x)


GAMMA = register(
    Family(
        name="gamma",
        kinds=frozenset({"positive", "count"}),
        parameters=(
            Parameter("mu", ("log", "softplus"), defaults.mean_predictor),
            Parameter("alpha", ("log",), defaults.around(1.0), defaults.shape_prior),
        ),
        discrete=False,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=checks.positive,
    )
)
truncated(GAMMA, interval(GAMMA, Cumulative(_below, _above, (0.0, np.inf), 1.0)))
