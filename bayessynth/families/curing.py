"""Cure: a share of records never has the event, however long they are watched (mixture cure model).

With probability 1 - p a record is cured; else its time follows a family of times until an event, with survival S. An
event has the log density log p + log f, a record censored at y has log(1 - p + p S(y)), and delayed entry divides by
1 - p + p S(entry) (Berkson & Gage 1952, JASA 47, 501-515; Farewell 1982, Biometrics 38, 1041-1046). Who never has the
event is drawn with the time :data:`NEVER`.

Cure and late events look alike until follow-up outlasts all events: p is known only where the survival curve has come
to a plateau.

Every family of times has one with a cured share: its parameters, and susceptible, the probability of not being cured,
by the logit. No equation can name it; ``bs.Survival(…, family="weibull", cure="~ x")`` stands for ``cure_weibull`` with
the formula ``susceptible ~ x``.

>>> from bayessynth import families
>>> families.get("cure_weibull").logp([50.0], scale=1.0, alpha=2.0, susceptible=0.6, event=0).round(3).tolist()
[-0.916]
>>> families.get("cure_lognormal").logp([1.0], mu=0.0, sigma=1.0, susceptible=0.6, event=0).round(3).tolist()
[-0.357]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bayessynth.families import exponential, lifetimes, loglogistic, lognormal, piecewise, weibull
from bayessynth.families.custom import custom_dist
from bayessynth.families.family import Family, Parameter
from bayessynth.families.prior import Prior
from bayessynth.families.registry import register

#: The time of an event that never comes.
NEVER = 1e100
#: What the probability of being susceptible is called.
SUSCEPTIBLE = "susceptible"
_FIXED = ("cuts",)
_NAME = "cure_"
Graph = Callable[[Any, Any, Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]], Any]


def cured_name(family: str) -> str:
    """Return the name of a family of times with a cured share.

    >>> cured_name("weibull")
    'cure_weibull'
    """
    return f"{_NAME}{family}"


def cured(base: Family, graph: Graph) -> Family:
    """Return a family with a cured share, its name that of the family of times with ``cure_`` before.

    Parameters
    ----------
    base : Family
        Of times until an event.
    graph : callable
        ``graph(pm, value, params, beside, options)``, its log densities as a PyTensor expression.

    Examples
    --------
    >>> from bayessynth import families
    >>> [p.name for p in families.get("cure_exponential").parameters]
    ['scale', 'susceptible']
    """
    own = Parameter(
        SUSCEPTIBLE, ("logit",), lambda summary, link: (1.0, 0.8), lambda summary: Prior("Beta", alpha=2, beta=1)
    )

    def sample(rng: np.random.Generator, n: int, *, susceptible: Any, **given: Any) -> np.ndarray:
        times, share = base.sample(rng, n, **given), np.asarray(susceptible, dtype=float)
        if "entry" in given:
            left = np.exp(_before(base, given["entry"], n, given))
            share = share * left / (1.0 - share + share * left)
        return np.where(rng.random(n) < share, times, NEVER)

    def logp(
        y: Any, *, susceptible: Any, event: Any = 1.0, entry: Any = 0.0, upper: Any = 0.0, **given: Any
    ) -> np.ndarray:
        y, share = np.asarray(y, dtype=float), np.asarray(susceptible, dtype=float)
        never = y >= NEVER
        seen = (np.broadcast_to(np.asarray(event, dtype=float), y.shape) > 0) & ~never
        with np.errstate(divide="ignore"):
            log_p, log_q = np.log(share), np.log1p(-share)
        times = log_p + base.logp(y, event=seen.astype(float), upper=upper, **given)
        found = np.where(seen, times, np.where(never, log_q, np.logaddexp(log_q, times)))
        found = found - np.logaddexp(log_q, log_p + _before(base, entry, len(y), given))
        return np.where((y >= 0) & (y >= entry), found, -np.inf)

    def dist(pm: Any, name: str, params: dict[str, Any], **kwargs: Any) -> Any:
        return _dist(base, graph, sample, pm, name, params, kwargs)

    return replace(
        base, name=cured_name(base.name), parameters=(*base.parameters, own), sample=sample, logp=logp, dist=dist,
        default_for=frozenset(), gaussian=None, declared=False,
        instead=f"Declare the times as bs.Survival(…, family={base.name!r}, cure='~ 1').",
    )  # fmt: skip


def _before(base: Family, entry: Any, n: int, given: Mapping[str, Any]) -> np.ndarray:
    """Return log S at entry, shape (n,)."""
    at = np.broadcast_to(np.asarray(entry, dtype=float), (n,))
    rest = {k: v for k, v in given.items() if k not in lifetimes.BESIDE}
    return base.logp(at, event=np.zeros(n), **rest)


def _dist(
    base: Family, graph: Graph, sample: Callable[..., np.ndarray], pm: Any, name: str, params: dict[str, Any],
    kwargs: dict[str, Any],
) -> Any:  # fmt: skip
    """Build the PyMC variable."""
    beside = {key: kwargs.pop(key) for key in base.beside if key in kwargs}
    fixed = {key: kwargs.pop(key) for key in _FIXED if key in kwargs}
    kept = [p.name for p in base.parameters] + [v.name for v in base.vectors if v.name in params and v.length(0, fixed)]
    ordered = {SUSCEPTIBLE: params[SUSCEPTIBLE], **{key: params[key] for key in kept}, **beside}

    def log_density(value: Any, share: Any, *given: Any) -> Any:
        own, seen = dict(zip(kept, given, strict=False)), dict(zip(beside, given[len(kept) :], strict=True))
        never = pm.math.ge(value, np.float64(NEVER))
        event = pm.math.switch(never, np.float64(0.0), seen.get("event", np.float64(1.0)))
        shift = {"shift": seen["shift"]} if "shift" in seen else {}
        upper = {"upper": seen["upper"]} if "upper" in seen else {}
        times = pm.math.log(share) + graph(
            pm, pm.math.switch(never, np.float64(1.0), value), own, {"event": event, **upper, **shift}, fixed
        )
        cure = pm.math.log1p(-share)
        found = pm.math.switch(pm.math.gt(event, 0), times, pm.math.logaddexp(cure, times))
        found = pm.math.switch(never, cure, found)
        inside = pm.math.ge(value, 0)
        if "entry" in seen:
            left = graph(pm, seen["entry"], own, {"event": np.float64(0.0), **shift}, fixed)
            found = found - pm.math.logaddexp(cure, pm.math.log(share) + left)
            inside = pm.math.and_(inside, pm.math.ge(value, seen["entry"]))
        return pm.math.switch(inside, found, -np.inf)

    def draw(rng: np.random.Generator, n: int, **given: np.ndarray) -> np.ndarray:
        return sample(rng, n, **given, **fixed)

    return custom_dist(pm, name, ordered, log_density, draw, dtype="float64", shared=("baseline",), **kwargs)


def _accelerated(standard: lifetimes.Standard, place: Callable[..., tuple[Any, Any]]) -> Graph:
    """Return the log densities of a family of accelerated failure as a PyTensor expression."""

    def graph(pm: Any, value: Any, own: Mapping[str, Any], beside: Mapping[str, Any], fixed: Mapping[str, Any]) -> Any:
        location, slope = place(pm.math.log, **own)
        return lifetimes.graph(standard, value, location, slope, beside, pm)

    return graph


def _stepwise(pm: Any, value: Any, own: Mapping[str, Any], beside: Mapping[str, Any], fixed: Mapping[str, Any]) -> Any:
    return piecewise.graph(pm, value, own["rate"], own.get("baseline"), fixed.get("cuts", ()), beside)


#: Names of the families with a cured share.
CURED = tuple(
    register(cured(base, graph)).name
    for base, graph in (
        (exponential.FAMILY, _accelerated(weibull.GUMBEL, exponential.place)),
        (weibull.FAMILY, _accelerated(weibull.GUMBEL, weibull.place)),
        (loglogistic.FAMILY, _accelerated(loglogistic.LOGISTIC, loglogistic.place)),
        (lognormal.FAMILY, _accelerated(lognormal.NORMAL, lognormal.place)),
        (piecewise.FAMILY, _stepwise),
    )
)
