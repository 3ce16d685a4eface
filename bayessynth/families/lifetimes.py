"""Times until an event, seen or censored: what families of such times share.

A row's time y is that of the event (``event`` 1), or a time until which it had not come (``event`` 0, right-censored).
Beside it may stand ``entry``, from which on the record was watched (delayed entry; 0 for always), and ``upper``: where
that is above y, the event came after y and not after ``upper`` (interval-censored; left-censored with y = 0).

With hazard h and cumulative hazard H = -log S a row's log density is log h(y) - H(y) of an event, -H(y) of a
right-censored time, and log(S(y) - S(upper)) of an interval, each plus H(entry) (Kalbfleisch & Prentice 2002, The
Statistical Analysis of Failure Time Data, section 3.2).

Accelerated failure: a family of the form z = a (log y - location) has H(y) = G(z), and h(y) = a G'(z) / y.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayessynth.families import checks
from bayessynth.families.custom import custom_dist
from bayessynth.families.links import inverse

#: What stands beside a time, with its value where an equation has none: an event, watched from 0, at a known time.
BESIDE: Mapping[str, float] = {"event": 1.0, "entry": 0.0, "upper": 0.0}


@dataclass(frozen=True)
class Standard:
    """A distribution of z, by its cumulative hazard G.

    Attributes
    ----------
    cumulative, log_slope, quantile : callable
        G, log G' and the inverse of G, in NumPy.
    cumulative_graph, log_slope_graph : callable
        G and log G' in PyTensor, ``(z, pm)``.
    """

    cumulative: Callable[[Any], Any]
    log_slope: Callable[[Any], Any]
    quantile: Callable[[Any], Any]
    cumulative_graph: Callable[[Any, Any], Any]
    log_slope_graph: Callable[[Any, Any], Any]


def logp(
    own: Standard, y: Any, location: Any, slope: Any, event: Any = 1.0, entry: Any = 0.0, upper: Any = 0.0
) -> np.ndarray:
    """Return the log density of every row, -inf for an event at no time above 0.

    Parameters
    ----------
    own : Standard
    y : ndarray of shape (n,)
    location, slope : ndarray of shape (n,) or float
        Of z = slope (log y - location).
    event, entry, upper : ndarray of shape (n,) or float
    """

    def z(t: Any) -> np.ndarray:
        return np.asarray(slope * (np.log(np.where(t > 0, t, 1.0)) - location))

    def cumulative(t: Any) -> np.ndarray:
        return np.where(t > 0, own.cumulative(z(t)), 0.0)

    return rows(np.asarray(y, dtype=float), event, entry, upper, cumulative,
                lambda t: np.log(slope) + own.log_slope(z(t)) - np.log(t))  # fmt: skip


def rows(
    y: np.ndarray,
    event: Any,
    entry: Any,
    upper: Any,
    cumulative: Callable[[Any], Any],
    log_hazard: Callable[[Any], Any],
) -> np.ndarray:
    """Return log densities from a cumulative hazard and a log hazard at times above 0, -inf outside the support."""
    event, entry, upper = (np.broadcast_to(np.asarray(v, dtype=float), y.shape) for v in (event, entry, upper))
    within, seen = upper > y, event > 0
    positive = np.where(y > 0, y, 1.0)
    survived = cumulative(np.where(y > 0, y, 0.0))
    until = cumulative(np.where(within, upper, positive))
    gap = np.where(within, until - survived, 1.0)
    with np.errstate(divide="ignore"):
        between = -survived + np.log(-np.expm1(-gap))
    exact = np.where(y > 0, log_hazard(positive) - survived, -np.inf)
    found = np.where(seen, np.where(within, between, exact), -survived)
    inside = np.where(seen & ~within, y > 0, y >= 0) & (y >= entry)
    return np.where(inside, found + cumulative(entry), -np.inf)


def graph(own: Standard, value: Any, location: Any, slope: Any, beside: Mapping[str, Any], pm: Any) -> Any:
    """Return :func:`logp` as a PyTensor expression; what is not in ``beside`` is left out of it."""

    def z(t: Any) -> Any:
        return slope * (pm.math.log(pm.math.switch(pm.math.gt(t, 0), t, 1.0)) - location)

    def cumulative(t: Any) -> Any:
        return pm.math.switch(pm.math.gt(t, 0), own.cumulative_graph(z(t), pm), 0.0)

    def log_hazard(t: Any) -> Any:
        return pm.math.log(slope) + own.log_slope_graph(z(t), pm) - pm.math.log(t)

    return rows_graph(value, beside, cumulative, log_hazard, pm)


def rows_graph(
    value: Any, beside: Mapping[str, Any], cumulative: Callable[[Any], Any], log_hazard: Callable[[Any], Any], pm: Any
) -> Any:
    """Return :func:`rows` as a PyTensor expression."""
    positive = pm.math.switch(pm.math.gt(value, 0), value, 1.0)
    survived = cumulative(value)
    exact = pm.math.switch(pm.math.gt(value, 0), log_hazard(positive) - survived, -np.inf)
    if "upper" in beside:
        within = pm.math.gt(beside["upper"], value)
        until = cumulative(pm.math.switch(within, beside["upper"], positive))
        gap = pm.math.switch(within, until - survived, 1.0)
        exact = pm.math.switch(within, -survived + pm.math.log1mexp(-gap), exact)
    found = pm.math.switch(pm.math.gt(beside["event"], 0), exact, -survived) if "event" in beside else exact
    inside = pm.math.ge(value, 0)
    if "entry" in beside:
        found = found + cumulative(beside["entry"])
        inside = pm.math.and_(inside, pm.math.ge(value, beside["entry"]))
    return pm.math.switch(inside, found, -np.inf)


def dist(
    own: Standard, pm: Any, name: str, params: Mapping[str, Any], place: Callable[..., tuple[Any, Any]],
    sampler: Callable[..., np.ndarray], kwargs: dict[str, Any],
) -> Any:  # fmt: skip
    """Build the PyMC variable of a family of accelerated failure.

    Parameters
    ----------
    own : Standard
    pm, name
        As ``Family.dist`` takes them.
    params : mapping
        Parameters in the order in which ``place`` takes them.
    place : callable
        ``place(log, *params)`` returns location and slope of z.
    sampler : callable
        ``Family.sample``'s own.
    kwargs : dict
        Of ``Family.dist``; what stands beside the values is among them.
    """
    beside = {key: kwargs.pop(key) for key in BESIDE if key in kwargs}
    count = len(params)

    def log_density(value: Any, *given: Any) -> Any:
        location, slope = place(pm.math.log, *given[:count])
        return graph(own, value, location, slope, dict(zip(beside, given[count:], strict=True)), pm)

    def sample(rng: np.random.Generator, n: int, **given: np.ndarray) -> np.ndarray:
        return sampler(rng, n, **given)

    return custom_dist(pm, name, {**params, **beside}, log_density, sample, dtype="float64", **kwargs)


def draw(own: Standard, rng: np.random.Generator, n: int, location: Any, slope: Any, entry: Any = 0.0) -> np.ndarray:
    """Draw times of events that come after entry, shape (n,): by the inverse of G."""
    entry = np.asarray(entry, dtype=float)
    before = np.where(entry > 0, own.cumulative(slope * (np.log(np.where(entry > 0, entry, 1.0)) - location)), 0.0)
    z = own.quantile(before + rng.standard_exponential(n))
    return np.maximum(inverse("log", location + z / slope), entry)


def check(y: Any, column: str, **beside: Any) -> None:
    """Check times: above 0 and after entry; from 0 where they begin an interval, or only say how long there was none.

    >>> check(np.array([2.0, 0.0]), "time", upper=np.array([0.0, 1.5]))
    """
    checks.finite(y, column)
    y = np.asarray(y, dtype=float)
    within = np.broadcast_to(np.asarray(beside.get("upper", 0.0), dtype=float) > y, y.shape)
    within = within | np.broadcast_to(np.asarray(beside.get("event", 1.0), dtype=float) <= 0, y.shape)
    remedy = (
        "A time counts from when the record could first have had the event: mend such times, or leave the rows out."
    )
    checks.require((y > 0) | (within & (y == 0)), y, column, "times above 0", remedy)
    entry = np.broadcast_to(np.asarray(beside.get("entry", 0.0), dtype=float), y.shape)
    remedy = "A record is watched from its entry to a later time: mend such rows, or leave them out."
    checks.require((y > entry) | (within & (y >= entry)), y, column, "times after entry", remedy)
