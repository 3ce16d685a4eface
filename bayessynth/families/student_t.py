"""The Student t family: a normal with heavy tails.

Support: all real numbers. Parameters: mu (location; the mean where nu > 1), sigma (scale), nu (degrees of
freedom). The variance is sigma² nu / (nu - 2) where nu > 2. The prior of nu, Gamma(2, 0.1), is that of
M. Juárez and M. Steel, "Model-based clustering of non-Gaussian panel data" (JBES, 2010).

>>> from bayessynth import families
>>> families.get("student_t").logp(0.0, mu=0.0, sigma=1.0, nu=4.0).round(3).item()
-0.981
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from bayessynth.families import checks, defaults
from bayessynth.families.cumulative import Cumulative, interval
from bayessynth.families.family import Family, Parameter
from bayessynth.families.prior import Prior
from bayessynth.families.registry import register
from bayessynth.families.summary import Summary
from bayessynth.families.truncated import truncated

#: With few degrees of freedom a draw can overflow; it is held at this, still far beyond any data.
_MAX_DRAW = 1e300


def _sample(rng: np.random.Generator, n: int, *, mu: Any, sigma: Any, nu: Any) -> np.ndarray:
    with np.errstate(over="ignore"):
        draws = mu + sigma * rng.standard_t(nu, size=n)
    return np.clip(draws, -_MAX_DRAW, _MAX_DRAW)


def _logp(y: Any, *, mu: Any, sigma: Any, nu: Any) -> np.ndarray:
    nu = np.asarray(nu, dtype=float)
    z = (np.asarray(y, dtype=float) - mu) / sigma
    constant = special.gammaln((nu + 1.0) / 2.0) - special.gammaln(nu / 2.0) - 0.5 * np.log(nu * math.pi)
    return constant - np.log(sigma) - (nu + 1.0) / 2.0 * np.log1p(z * z / nu)


def _dist(pm: Any, name: str, params: dict[str, Any], **kwargs: Any) -> Any:
    return pm.StudentT(name, mu=params["mu"], sigma=params["sigma"], nu=params["nu"], **kwargs)


def _nu_prior(summary: Summary) -> Prior:
    return Prior("Gamma", alpha=2, beta=0.1)


def _tail(m: Any, z: Any, nu: Any) -> Any:
    """Return P(t > |z|)."""
    return 0.5 * m.betainc(0.5 * nu, np.float64(0.5), nu / (nu + z * z))


def _below(m: Any, x: Any, *, mu: Any, sigma: Any, nu: Any) -> Any:
    z = (x - mu) / sigma
    tail = _tail(m, z, nu)
    return m.switch(m.gt(z, 0), 1.0 - tail, tail)


def _above(m: Any, x: Any, *, mu: Any, sigma: Any, nu: Any) -> Any:
    z = (x - mu) / sigma
    tail = _tail(m, z, nu)
    return m.switch(m.gt(z, 0), tail, 1.0 - tail)


STUDENT_T = register(
    Family(
        name="student_t",
        kinds=frozenset({"continuous", "positive", "proportion", "count", "datetime"}),
        parameters=(
            Parameter("mu", ("identity", "log"), defaults.mean_predictor),
            Parameter("sigma", ("log",), defaults.scale_predictor, defaults.scale_prior),
            Parameter("nu", ("log",), defaults.around(20.0), _nu_prior),
        ),
        discrete=False,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=checks.finite,
    )
)
truncated(STUDENT_T, interval(STUDENT_T, Cumulative(_below, _above, (-np.inf, np.inf), 0.0)))
