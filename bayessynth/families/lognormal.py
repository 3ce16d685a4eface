"""The lognormal family: a normal on the logarithmic scale.

Support: above 0. Parameters: mu and sigma, mean and standard deviation of the logarithm. The mean is
exp(mu + sigma² / 2). As a time until an event (:mod:`bayessynth.families.lifetimes`) a coefficient of mu is a log ratio
of times: above 0 means later events.

>>> from bayessynth import families
>>> families.get("lognormal").logp([1.0, -1.0], mu=0.0, sigma=1.0).round(3).tolist()
[-0.919, -inf]
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from bayessynth.families import checks, defaults, lifetimes, normal_mass
from bayessynth.families.family import Family, Parameter
from bayessynth.families.links import inverse, log_normal_cdf_graph
from bayessynth.families.registry import register
from bayessynth.families.truncated import Interval, truncated

_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)
#: z = (log y - mu) / sigma is standard normal: G = -log Φ(-z).
NORMAL = lifetimes.Standard(
    cumulative=lambda z: -special.log_ndtr(-z),
    log_slope=lambda z: -0.5 * z * z - _HALF_LOG_2PI - special.log_ndtr(-z),
    quantile=lambda g: -special.ndtri_exp(-g),
    cumulative_graph=lambda z, pm: -log_normal_cdf_graph(-z, pm),
    log_slope_graph=lambda z, pm: -0.5 * z * z - _HALF_LOG_2PI - log_normal_cdf_graph(-z, pm),
)


def _sample(rng: np.random.Generator, n: int, *, mu: Any, sigma: Any, **beside: Any) -> np.ndarray:
    if "entry" in beside:
        return lifetimes.draw(NORMAL, rng, n, mu, 1.0 / sigma, beside["entry"])
    return inverse("log", mu + sigma * rng.standard_normal(n))


def _logp(y: Any, *, mu: Any, sigma: Any, **beside: Any) -> np.ndarray:
    y = np.asarray(y, dtype=float)
    if beside:
        return lifetimes.logp(NORMAL, y, mu, 1.0 / sigma, **beside)
    log_y = np.log(np.where(y > 0, y, 1.0))
    z = (log_y - mu) / sigma
    density = -0.5 * z * z - np.log(sigma) - _HALF_LOG_2PI - log_y
    return np.where(y > 0, density, -np.inf)


def place(log: Any, mu: Any, sigma: Any) -> tuple[Any, Any]:
    """Return location and slope of z."""
    return mu, 1.0 / sigma


def _dist(pm: Any, name: str, params: dict[str, Any], **kwargs: Any) -> Any:
    ordered = {"mu": params["mu"], "sigma": params["sigma"]}
    if kwargs.keys() & lifetimes.BESIDE.keys():
        return lifetimes.dist(NORMAL, pm, name, ordered, place, _sample, kwargs)
    return pm.LogNormal(name, **ordered, **kwargs)


def _check(y: Any, column: str, **beside: Any) -> None:
    if beside:
        lifetimes.check(y, column, **beside)
    else:
        checks.positive(y, column)


def _standard(end: Any, mu: Any, sigma: Any) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return (np.log(np.maximum(end, 0.0)) - mu) / sigma


def _log_mass(lower: Any, upper: Any, *, mu: Any, sigma: Any) -> np.ndarray:
    return normal_mass.log_mass(_standard(lower, mu, sigma), _standard(upper, mu, sigma))


def _log_mass_graph(pm: Any, lower: Any, upper: Any, *, mu: Any, sigma: Any) -> Any:
    logs = (pm.math.log(pm.math.maximum(end, 0.0)) for end in (lower, upper))
    low, high = (normal_mass.standard_graph(end, mu, sigma, pm) for end in logs)
    return normal_mass.log_mass_graph(low, high, pm)


def _draw(rng: np.random.Generator, n: int, lower: Any, upper: Any, *, mu: Any, sigma: Any) -> np.ndarray:
    z = normal_mass.draw(rng, n, _standard(lower, mu, sigma), _standard(upper, mu, sigma))
    return inverse("log", mu + sigma * z)


FAMILY = register(
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
        check=_check,
        beside=lifetimes.BESIDE,
        default_for=frozenset({"positive"}),
        gaussian=np.log,
    )
)
truncated(FAMILY, Interval(_log_mass, _log_mass_graph, _draw))
