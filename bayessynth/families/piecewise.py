"""The piecewise-exponential family: proportional hazards with a smooth step function as baseline.

Support: above 0. Parameter: rate, the hazard in the first interval; a coefficient of log rate is a log hazard ratio, as
Cox's: above 0 means earlier events. Vector: baseline, log ratios of the hazard in each later interval to that in the
first, a random walk from 0, which smooths it. Its steps are normal with one unknown scale, which is integrated out (a
multivariate t), so that the data choose how smooth the baseline is. Option: ``cuts``, the times between intervals,
learnt from quantiles of the events' times and rounded; none gives a constant hazard.

Strata have baselines of their own: beside a time may stand ``shift``, which is added to it before the baseline is
looked up, so that strata stand one after another on one axis, with a cut where each begins, and records enter there.

With rate r and baseline b the hazard in interval k is r exp(b_k), b_1 = 0 (Friedman 1982, Annals of Statistics 10,
101-113; the random walk as in Fahrmeir & Lang 2001, Applied Statistics 50, 201-220).

>>> from bayessynth import families
>>> piecewise = families.get("piecewise")
>>> piecewise.logp([1.0, 3.0], rate=1.0, baseline=[0.5], cuts=(2.0,)).round(3).tolist()
[-1.0, -3.149]
>>> piecewise.logp([3.0], rate=1.0, event=0).tolist()
[-3.0]
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bayessynth.errors import SpecError
from bayessynth.families import lifetimes
from bayessynth.families.custom import custom_dist
from bayessynth.families.family import Family, Parameter, Vector
from bayessynth.families.links import inverse
from bayessynth.families.prior import REAL, Prior
from bayessynth.families.registry import register

# Events in an interval at the least, and most intervals of equal numbers of events. In between they grow with the cube
# root of the events, as the bins of a histogram do that balances bias and variance (Freedman & Diaconis 1981).
_EVENTS, _INTERVALS = 15, 10
# Finer intervals at both ends, where there are events enough: follow-up often starts or ends within a short time.
_ENDS = (0.02, 0.05, 0.95, 0.98)
_EVENTS_AT_ENDS = 10
_DECIMALS = 6
# The scale of a step of the log hazard is below 0.09 or above 0.7 in one of twenty cases each.
_STEPS = Prior("MvStudentT", nu=2, sigma=0.15)
_BESIDE = {**lifetimes.BESIDE, "shift": 0.0}


def _cuts(cuts: Any) -> np.ndarray:
    values = np.asarray(cuts, dtype=float)
    if values.ndim != 1 or not np.isfinite(values).all() or (values <= 0).any() or (np.diff(values) <= 0).any():
        raise SpecError(f"Family 'piecewise' needs cuts= as increasing times above 0, not {cuts!r}.")
    return values


def _levels(baseline: Any, cuts: np.ndarray) -> np.ndarray:
    """Return log hazards of all intervals relative to the first, shape (K,)."""
    later = np.asarray(baseline, dtype=float).reshape(-1) if baseline is not None else np.empty(0)
    if len(later) != len(cuts):
        need = f"{len(cuts)} cuts needs a baseline of {len(cuts)} numbers"
        raise SpecError(f"Family 'piecewise' with {need}, not {baseline!r}.")
    return np.concatenate([[0.0], later])


def _at_starts(cuts: np.ndarray, hazards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where intervals start, and the cumulative baseline hazard there, each of shape (K,)."""
    starts = np.concatenate([[0.0], cuts])
    return starts, np.concatenate([[0.0], np.cumsum(hazards[:-1] * np.diff(starts))])


def _logp(y: Any, *, rate: Any, baseline: Any = None, cuts: Any = (), event: Any = 1.0, entry: Any = 0.0,
          upper: Any = 0.0, shift: Any = 0.0) -> np.ndarray:  # fmt: skip
    times = _cuts(cuts)
    levels = _levels(baseline, times)
    hazards = inverse("log", levels)
    starts, before = _at_starts(times, hazards)

    def reached(t: Any) -> np.ndarray:
        k = np.searchsorted(times, t, side="left")
        return np.asarray(before[k] + hazards[k] * (t - starts[k]))

    def cumulative(t: Any) -> np.ndarray:
        return np.asarray(rate * (reached(t + shift) - reached(shift)))

    def log_hazard(t: Any) -> np.ndarray:
        return np.asarray(np.log(rate) + levels[np.searchsorted(times, t + shift, side="left")])

    return lifetimes.rows(np.asarray(y, dtype=float), event, entry, upper, cumulative, log_hazard)


def _sample(rng: np.random.Generator, n: int, *, rate: Any, baseline: Any = None, cuts: Any = (), entry: Any = 0.0,
            shift: Any = 0.0, **beside: Any) -> np.ndarray:  # fmt: skip
    times = _cuts(cuts)
    hazards = inverse("log", _levels(baseline, times))
    starts, before = _at_starts(times, hazards)
    entry = np.asarray(entry, dtype=float) + shift
    first = np.searchsorted(times, entry, side="left")
    reached = before[first] + hazards[first] * (entry - starts[first]) + rng.standard_exponential(n) / rate
    k = np.searchsorted(before[1:], reached, side="left")
    return np.maximum(starts[k] + np.maximum((reached - before[k]) / hazards[k], 1e-300), entry) - shift


def graph(pm: Any, value: Any, rate: Any, baseline: Any, cuts: Any, beside: Mapping[str, Any]) -> Any:
    """Return the log densities as a PyTensor expression; what is not in ``beside`` is left out of it."""
    times = _cuts(cuts)
    ends, shift = np.concatenate([[0.0], times, [np.inf]]), beside.get("shift")
    levels: list[Any] = [np.float64(0.0), *(baseline.reshape((-1,))[i] for i in range(len(times)))]

    def reached(t: Any) -> Any:
        parts = [
            pm.math.exp(level) * (pm.math.maximum(pm.math.minimum(t, high) - low, 0.0))
            for level, low, high in zip(levels, ends[:-1], ends[1:], strict=True)
        ]
        return sum(parts[1:], start=parts[0])

    def cumulative(t: Any) -> Any:
        return rate * (reached(t) if shift is None else reached(t + shift) - reached(shift))

    def log_hazard(t: Any) -> Any:
        found: Any = levels[0]
        t = t if shift is None else t + shift
        for cut, level in zip(times, levels[1:], strict=True):
            found = pm.math.switch(pm.math.gt(t, cut), level, found)
        return pm.math.log(rate) + found

    return lifetimes.rows_graph(value, beside, cumulative, log_hazard, pm)


def _dist(pm: Any, name: str, params: dict[str, Any], *, cuts: Any = (), **kwargs: Any) -> Any:
    times = _cuts(cuts)
    beside = {key: kwargs.pop(key) for key in _BESIDE if key in kwargs}

    def logp(value: Any, rate: Any, *given: Any) -> Any:
        baseline, rest = (given[0], given[1:]) if len(times) else (None, given)
        return graph(pm, value, rate, baseline, cuts, dict(zip(beside, rest, strict=True)))

    def sample(rng: np.random.Generator, n: int, **rows: np.ndarray) -> np.ndarray:
        return _sample(rng, n, cuts=cuts, **rows)

    vector = {"baseline": params["baseline"]} if len(times) else {}
    ordered = {"rate": params["rate"], **vector, **beside}
    return custom_dist(pm, name, ordered, logp, sample, dtype="float64", shared=("baseline",), **kwargs)


def _baseline(pm: Any, name: str, length: int, prior: Prior, options: Mapping[str, Any], **kwargs: Any) -> Any:
    """Build the random walk: steps from 0 to the first value, and from each to the next."""
    if prior.support != REAL:
        raise SpecError(f"The steps of a baseline take a prior on all real numbers, not {prior!r}.")

    def steps() -> Any:
        if prior.name != "MvStudentT":
            return prior.dist(pm)
        own = prior.params
        return pm.MvStudentT.dist(nu=own["nu"], mu=np.zeros(length), chol=np.asarray(own["sigma"]) * np.eye(length))

    def logp(value: Any, start: Any) -> Any:
        before = pm.math.concatenate([np.zeros(1), value[:-1]])
        return pm.math.sum(pm.logp(steps(), value - before))

    def random(start: np.ndarray, rng: np.random.Generator, size: Any) -> np.ndarray:
        shape = () if size is None else tuple(size)
        return np.cumsum(prior.sample(rng, (*shape, length)), axis=-1)

    return pm.CustomDist(name, np.zeros(length), logp=logp, random=random, signature="(k)->(k)",
                         support_point=lambda rv, size, start: start, **kwargs)  # fmt: skip


def _learn(y: Any, *, event: Any = 1.0, shift: Any = 0.0, **beside: Any) -> dict[str, tuple[float, ...]]:
    """Return cuts at quantiles of the events' times, of each stratum; none of them is a time of the rows."""
    y = np.asarray(y, dtype=float)
    came = np.broadcast_to(np.asarray(event, dtype=float) > 0, y.shape) & (y > 0)
    stratum = np.broadcast_to(np.asarray(shift, dtype=float), y.shape)
    found: list[float] = []
    for start in np.unique(stratum).tolist():
        found += [start] if start > 0 else []
        found += [start + cut for cut in _quantiles(y, y[came & (stratum == start)])]
    return {"cuts": tuple(found)}


def _quantiles(y: np.ndarray, times: np.ndarray) -> list[float]:
    """Return rounded quantiles of the events' times among those of all rows."""
    intervals = max(1, min(len(times) // _EVENTS, round(len(times) ** (1 / 3)), _INTERVALS))
    shares = {j / intervals for j in range(1, intervals)}
    shares |= {p for p in _ENDS if len(times) * min(p, 1.0 - p) >= _EVENTS_AT_ENDS}
    if not shares:
        return []
    taken = set(y.tolist())
    step = 0.5 * 10.0 ** -_decimals(y)
    return sorted({_apart(float(f"{q:.2g}"), taken, step) for q in np.quantile(times, sorted(shares))})


def _decimals(y: np.ndarray) -> int:
    """Return with how many decimals times are written, at most 6."""
    for decimals in range(_DECIMALS):
        if np.allclose(y, np.round(y, decimals), rtol=0.0, atol=1e-9):
            return decimals
    return _DECIMALS


def _apart(time: float, taken: set[float], step: float) -> float:
    """Return a rounded time, moved by half a unit where a record has it; of a long time by what twelve digits show.

    >>> _apart(5.0, {5.0}, 0.5), _apart(1e100, {1e100}, 0.5) > 1e100
    (5.5, True)
    """
    while time in taken or time <= 0:
        time = float(f"{time + max(step, 1e-9 * time):.12g}")
    return time


def _n_later(n_levels: int, options: Mapping[str, Any]) -> int:
    return len(_cuts(options.get("cuts", ())))


def _rate_predictor(summary: Any, link: str) -> tuple[float, float]:
    """Return location and spread of the log hazard: that of one event in the mean time."""
    mean = summary.mean if summary.mean > 0 else 1.0
    return round(-math.log(mean), 1), 1.0


FAMILY = register(
    Family(
        name="piecewise",
        kinds=frozenset({"positive", "count"}),
        parameters=(Parameter("rate", ("log",), _rate_predictor),),
        discrete=False,
        sample=_sample,
        logp=_logp,
        dist=_dist,
        check=lifetimes.check,
        vectors=(Vector("baseline", "walk", _n_later, _STEPS, _baseline),),
        options=("cuts",),
        beside=_BESIDE,
        learn=_learn,
        examples=({"cuts": ()}, {"cuts": (0.3, 1.1, 2.5)}),
    )
)
