"""The categorical family: one of K levels, by a softmax.

Support: codes 0 to K-1. Parameter: mu, of shape (n, K-1) or (K-1,): the linear predictors of the levels after
the first, whose own is 0. The probability of level k is exp(mu_k) / (1 + sum exp(mu)).

>>> from bayessynth import families
>>> families.get("categorical").logp([0, 2, 3], mu=[0.0, 0.0]).round(3).tolist()
[-1.099, -1.099, -inf]
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayessynth.families import checks, defaults
from bayessynth.families.custom import custom_dist, integers
from bayessynth.families.family import Family, Parameter
from bayessynth.families.registry import register
from bayessynth.families.restricted import restricted


def _sample(rng: np.random.Generator, n: int, *, mu: Any) -> np.ndarray:
    # One row a level: reductions over a short last axis are slow.
    eta = np.atleast_2d(np.asarray(mu, dtype=float)).T
    top = np.maximum(eta.max(axis=0), 0.0)
    cumulative = np.exp(np.subtract(eta, top, order="C"))
    first = np.exp(-top)
    cumulative[0] += first
    np.cumsum(cumulative, axis=0, out=cumulative)
    # A point between 0 and the total weight; the level is the number of boundaries it has passed.
    point = rng.random(n) * cumulative[-1]
    codes = (point >= first).astype(np.int64)
    for boundary in cumulative[:-1]:
        codes += point >= boundary
    return codes


def _logp(y: Any, *, mu: Any) -> np.ndarray:
    y = np.atleast_1d(np.asarray(y))
    mu = np.atleast_2d(np.asarray(mu, dtype=float))
    eta = np.concatenate([np.zeros((len(mu), 1)), mu], axis=1)
    eta = np.broadcast_to(eta, (len(y), eta.shape[1]))
    ok = (y >= 0) & (y < eta.shape[1]) & (y == np.floor(y))
    code = np.where(ok, y, 0).astype(np.int64)
    top = eta.max(axis=1)
    total = top + np.log(np.exp(eta - top[:, None]).sum(axis=1))
    return np.where(ok, eta[np.arange(len(y)), code] - total, -np.inf)


def _dist(pm: Any, name: str, params: dict[str, Any], **kwargs: Any) -> Any:
    def logp(value: Any, mu: Any) -> Any:
        # pm.Categorical takes the logarithm of a probability: -inf with a NaN gradient as soon as the softmax
        # underflows. The predictor minus the log of the sum stays finite.
        levels = pm.math.arange(1, mu.shape[-1] + 1)
        chosen = pm.math.sum(pm.math.switch(pm.math.eq(value[..., None], levels), mu, 0.0), axis=-1)
        top = pm.math.maximum(pm.math.max(mu, axis=-1), 0.0)
        total = pm.math.exp(-top) + pm.math.sum(pm.math.exp(mu - top[..., None]), axis=-1)
        inside = pm.math.and_(pm.math.ge(value, 0), pm.math.le(value, mu.shape[-1]))
        return pm.math.switch(inside, chosen - top - pm.math.log(total), -np.inf)

    return custom_dist(
        pm, name, {"mu": params["mu"]}, logp, _sample, dtype="int64", vectors=("mu",), **integers(kwargs)
    )


CATEGORICAL = register(
    Family(
        name="categorical",
        kinds=frozenset({"categorical", "ordinal", "binary"}),
        parameters=(Parameter("mu", ("identity",), defaults.centred_predictor),),
        discrete=True,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=checks.codes,
        multinomial=True,
        default_for=frozenset({"categorical"}),
    )
)
restricted(CATEGORICAL)
