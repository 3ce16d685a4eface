"""The beta family.

Support: strictly between 0 and 1. Parameters: mu (mean), kappa (precision). The variance is
mu (1 - mu) / (kappa + 1); in PyMC ``Beta(mu, nu=kappa)``, with alpha = mu kappa and beta = (1 - mu) kappa.
The default prior of kappa is half-Cauchy as in bambi, with a scale at which means between groups of ten
observations are ordinary.

>>> from bayessynth import families
>>> families.get("beta").logp([0.5, 1.5], mu=0.5, kappa=4.0).round(3).tolist()
[0.405, -inf]
"""

from __future__ import annotations

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

#: Draws and means are held inside the open interval: rounding reaches 0 and 1, which are outside the support.
_LOW, _HIGH = 1e-300, 1.0 - 2.0**-53


def _sample(rng: np.random.Generator, n: int, *, mu: Any, kappa: Any) -> np.ndarray:
    mean = np.clip(mu, _LOW, _HIGH)
    alpha, beta = np.maximum(mean * kappa, _LOW), np.maximum((1.0 - mean) * kappa, _LOW)
    return np.clip(rng.beta(alpha, beta, size=n), _LOW, _HIGH)


def _logp(y: Any, *, mu: Any, kappa: Any) -> np.ndarray:
    y, mu = np.asarray(y, dtype=float), np.asarray(mu, dtype=float)
    inside = (y > 0) & (y < 1)
    safe = np.where(inside, y, 0.5)
    alpha, beta = mu * kappa, (1.0 - mu) * kappa
    norm = special.gammaln(alpha) + special.gammaln(beta) - special.gammaln(alpha + beta)
    density = (alpha - 1.0) * np.log(safe) + (beta - 1.0) * np.log1p(-safe) - norm
    return np.where(inside, density, -np.inf)


def _dist(pm: Any, name: str, params: dict[str, Any], **kwargs: Any) -> Any:
    return pm.Beta(name, mu=params["mu"], nu=params["kappa"], **kwargs)


def _check(y: Any, column: str, **options: Any) -> None:
    checks.finite(y, column)
    y = np.asarray(y, dtype=float)
    remedy = "Move exact 0 and 1 inside, e.g. (y * (n - 1) + 0.5) / n, or use family='normal'."
    checks.require((y > 0) & (y < 1), y, column, "values strictly between 0 and 1", remedy)


def _kappa_prior(summary: Summary) -> Prior:
    return Prior("HalfCauchy", beta=10)


def _below(m: Any, x: Any, *, mu: Any, kappa: Any) -> Any:
    return m.betainc(mu * kappa, (1.0 - mu) * kappa, x)


def _above(m: Any, x: Any, *, mu: Any, kappa: Any) -> Any:
    return m.betainc((1.0 - mu) * kappa, mu * kappa, 1.0 - x)


BETA = register(
    Family(
        name="beta",
        kinds=frozenset({"proportion"}),
        parameters=(
            Parameter("mu", ("logit", "probit", "cloglog"), defaults.mean_predictor),
            Parameter("kappa", ("log",), defaults.around(10.0), _kappa_prior),
        ),
        discrete=False,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=_check,
        default_for=frozenset({"proportion"}),
    )
)
truncated(BETA, interval(BETA, Cumulative(_below, _above, (0.0, 1.0), 0.5)))
