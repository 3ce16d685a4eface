"""The semicontinuous family: point masses beside a lognormal positive part.

Support: the points and the numbers above 0. Parameters: mu and sigma of the logarithm of the continuous part,
psi, the probability of the continuous part. Option: ``points``, the values that have mass of their own, (0,)
unless given. Vector: weights, the shares of the points among themselves, where there is more than one.
The log density of a point is that of its mass; of any other value that of the continuous part.

>>> from bayessynth import families
>>> families.get("semicontinuous").logp([0.0, 1.0, -1.0], mu=0.0, psi=0.5, sigma=1.0).round(3).tolist()
[-0.693, -1.612, -inf]
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special

from bayessynth.errors import SpecError
from bayessynth.families import checks, defaults
from bayessynth.families.custom import custom_dist
from bayessynth.families.family import Family, Parameter, Vector
from bayessynth.families.links import inverse
from bayessynth.families.prior import Prior
from bayessynth.families.registry import register

_ZERO = (0.0,)
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


def _points(points: Any) -> np.ndarray:
    values = np.asarray(points, dtype=float)
    if values.ndim != 1 or not values.size or not np.isfinite(values).all() or len(np.unique(values)) != len(values):
        raise SpecError(f"Family 'semicontinuous' needs points= as distinct finite numbers, not {points!r}.")
    return values


def _shares(weights: Any, points: np.ndarray) -> np.ndarray:
    if len(points) == 1:
        return np.ones(1)
    shares = np.asarray(weights, dtype=float) if weights is not None else np.empty(0)
    if shares.shape != points.shape:
        need = f"{len(points)} points needs {len(points)} weights"
        raise SpecError(f"Family 'semicontinuous' with {need}, not {weights!r}.")
    return shares


def _sample(
    rng: np.random.Generator,
    n: int,
    *,
    mu: Any,
    psi: Any,
    sigma: Any,
    weights: Any = None,
    points: Any = _ZERO,
) -> np.ndarray:
    values = _points(points)
    u = rng.random(n)
    draws = inverse("log", mu + sigma * rng.standard_normal(n))
    # What of u lies above psi is uniform there: it also chooses the point.
    rest = (u - psi) / np.maximum(1.0 - np.asarray(psi), 2.0**-53)
    bounds = np.cumsum(_shares(weights, values))[:-1]
    return np.where(u < psi, draws, values[np.searchsorted(bounds, rest, side="right")])


def _logp(y: Any, *, mu: Any, psi: Any, sigma: Any, weights: Any = None, points: Any = _ZERO) -> np.ndarray:
    y, psi = np.asarray(y, dtype=float), np.asarray(psi, dtype=float)
    safe = np.where(y > 0, y, 1.0)
    z = (np.log(safe) - mu) / sigma
    density = special.xlogy(1.0, psi) - 0.5 * z * z - np.log(sigma) - _HALF_LOG_2PI - np.log(safe)
    logp = np.where(y > 0, density, -np.inf)
    values = _points(points)
    for value, share in zip(values, _shares(weights, values), strict=True):
        logp = np.where(y == value, special.xlog1py(1.0, -psi) + special.xlogy(1.0, share), logp)
    return logp


def _dist(pm: Any, name: str, params: dict[str, Any], *, points: Any = _ZERO, **kwargs: Any) -> Any:
    values = _points(points)

    def logp(value: Any, mu: Any, psi: Any, sigma: Any, *weights: Any) -> Any:
        # log(1 - psi), spelt so that PyTensor knows it as the log of a sigmoid and keeps its digits.
        other = pm.math.log(1 - psi)
        continuous = pm.math.gt(value, 0)
        safe = pm.math.switch(continuous, value, 1.0)
        z = (pm.math.log(safe) - mu) / sigma
        density = pm.math.log(psi) - 0.5 * z * z - pm.math.log(sigma) - _HALF_LOG_2PI - pm.math.log(safe)
        result = pm.math.switch(continuous, density, -np.inf)
        for index, point in enumerate(values):
            mass = other + pm.math.log(weights[0].reshape((-1,))[index]) if weights else other
            result = pm.math.switch(pm.math.eq(value, point), mass, result)
        return result

    def sample(rng: np.random.Generator, n: int, **rows: np.ndarray) -> np.ndarray:
        return _sample(rng, n, points=points, **rows)

    keys = ("mu", "psi", "sigma", "weights") if len(values) > 1 else ("mu", "psi", "sigma")
    ordered = {key: params[key] for key in keys}
    return custom_dist(pm, name, ordered, logp, sample, dtype="float64", shared=("weights",), **kwargs)


def _check(y: Any, column: str, *, points: Any = _ZERO, **options: Any) -> None:
    checks.finite(y, column)
    y = np.asarray(y, dtype=float)
    values = _points(points)
    named = ", ".join(f"{value:g}" for value in values)
    remedy = "Add the value to points=, or use family='normal'."
    checks.require((y > 0) | np.isin(y, values), y, column, f"values above 0 or one of the points ({named})", remedy)


def _n_weights(n_levels: int, options: Mapping[str, Any]) -> int:
    length = len(_points(options.get("points", _ZERO)))
    return length if length > 1 else 0


def _weights(pm: Any, name: str, length: int, prior: Prior, options: Mapping[str, Any], **kwargs: Any) -> Any:
    if prior.name != "Dirichlet":
        raise SpecError(f"Weights of points take a Dirichlet prior, not {prior!r}.")
    a = np.broadcast_to(np.asarray(prior.params["a"], dtype=float).reshape(-1), (length,))
    return pm.Dirichlet(name, a=a, **kwargs)


register(
    Family(
        name="semicontinuous",
        kinds=frozenset({"positive", "count", "continuous"}),  # continuous: codes such as -8 beside amounts
        parameters=(
            Parameter("mu", ("identity",), defaults.log_values_predictor),
            Parameter("psi", ("logit", "probit", "cloglog"), defaults.positive_predictor, defaults.share_prior),
            Parameter("sigma", ("log",), defaults.log_scale_predictor, defaults.log_scale_prior),
        ),
        discrete=False,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=_check,
        vectors=(Vector("weights", "simplex", _n_weights, Prior("Dirichlet", a=1), _weights),),
        options=("points",),
        default_for=frozenset({"positive with zeros"}),
        examples=({"points": (0.0,)}, {"points": (-2.0, 0.0, 1.5)}),
    )
)
