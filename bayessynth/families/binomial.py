"""The binomial family: successes out of a known number of trials.

Support: whole numbers from 0 to the trials. Parameter: p, the probability of a success. Option: ``trials``,
one number or one a row. The mean is trials * p.

>>> from bayessynth import families
>>> families.get("binomial").logp([0, 3], p=0.5, trials=2).round(3).tolist()
[-1.386, -inf]
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from bayessynth.families import checks, defaults
from bayessynth.families.cumulative import Cumulative, interval
from bayessynth.families.custom import integers
from bayessynth.families.family import Family, Parameter
from bayessynth.families.registry import register
from bayessynth.families.truncated import truncated


def _sample(rng: np.random.Generator, n: int, *, p: Any, trials: Any) -> np.ndarray:
    return rng.binomial(np.asarray(trials).astype(np.int64), p, size=n).astype(float)


def _logp(y: Any, *, p: Any, trials: Any) -> np.ndarray:
    y, p, trials = np.asarray(y, dtype=float), np.asarray(p, dtype=float), np.asarray(trials, dtype=float)
    ok = (y >= 0) & (y <= trials) & (y == np.floor(y))
    value = np.where(ok, y, 0.0)
    ways = special.gammaln(trials + 1) - special.gammaln(value + 1) - special.gammaln(trials - value + 1)
    return np.where(ok, ways + special.xlogy(value, p) + special.xlog1py(trials - value, -p), -np.inf)


def _dist(pm: Any, name: str, params: dict[str, Any], *, trials: Any, **kwargs: Any) -> Any:
    n = trials if hasattr(trials, "astype") else np.asarray(trials)
    return pm.Binomial(name, n=n.astype("int64"), p=params["p"], **integers(kwargs))


def _check(y: Any, column: str, *, trials: Any = None, **options: Any) -> None:
    checks.counts(y, column)
    if trials is None:
        return
    y, trials = np.asarray(y, dtype=float), np.asarray(trials, dtype=float)
    ok = np.isfinite(trials) & (trials >= 0) & (trials == np.floor(trials))
    checks.require(ok, np.broadcast_to(trials, y.shape), f"{column} (trials)", "whole trials from 0", "Correct them.")
    checks.require(y <= trials, y, column, "values of at most their trials", "Check the column named in trials=.")


def _below(m: Any, x: Any, *, p: Any, trials: Any) -> Any:
    some = m.lt(x, trials)
    return m.switch(some, m.betainc(m.switch(some, trials - x, 1.0), x + 1.0, 1.0 - p), 1.0)


def _above(m: Any, x: Any, *, p: Any, trials: Any) -> Any:
    some = m.lt(x, trials)
    return m.switch(some, m.betainc(x + 1.0, m.switch(some, trials - x, 1.0), p), 0.0)


BINOMIAL = register(
    Family(
        name="binomial",
        kinds=frozenset({"count"}),
        parameters=(Parameter("p", ("logit", "probit", "cloglog"), defaults.centred_predictor),),
        discrete=True,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=_check,
        options=("trials",),
        beside={"trials": None},
        examples=({"trials": 7},),
    )
)
truncated(BINOMIAL, interval(BINOMIAL, Cumulative(_below, _above, (-1.0, np.inf), 0.0)))
