"""The probability of an interval from distribution functions that NumPy and PyTensor both have.

P(a ≤ y ≤ b) is taken as a difference of P(y ≤ ·) or of P(y > ·), whichever is the smaller at the lower end. In NumPy,
where the difference has lost its digits, it is summed up instead: over the points of a discrete family, by
Gauss-Legendre quadrature of the density of a continuous one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from scipy import special

from bayessynth.families.family import Family
from bayessynth.families.truncated import Interval, rows_of

#: A difference below this share of what it is taken of has lost digits.
_LOST = 1e-5
_UNDERFLOW = 1e-280
# Points of a sum, nodes of a quadrature, and e-foldings of the density over which it goes.
_POINTS, _NODES, _FOLDINGS = 512, 80, 45.0
_LEAST = np.float64(1e-300)

NUMPY = SimpleNamespace(
    switch=np.where, maximum=np.maximum, log=np.log, gt=np.greater, lt=np.less, and_=np.logical_and, abs=np.abs,
    gammainc=special.gammainc, gammaincc=special.gammaincc, betainc=special.betainc,
)  # fmt: skip


@dataclass(frozen=True)
class Cumulative:
    """Distribution functions of a family at points within its support.

    Attributes
    ----------
    below, above : callable
        ``below(m, x, **params)`` is P(y ≤ x) and ``above`` P(y > x), in functions of ``m``: NumPy's or PyTensor's.
    support : tuple of float
        Points at and beyond which nothing more lies; of a discrete family the first is the greatest point of no
        probability.
    inside : float
        A point within the support that stands for those outside, where the functions are not asked.
    """

    below: Callable[..., Any]
    above: Callable[..., Any]
    support: tuple[float, float]
    inside: float


def interval(base: Family, own: Cumulative) -> Interval:
    """Return what :func:`~bayessynth.families.truncated.truncated` takes.

    Examples
    --------
    >>> from bayessynth import families
    >>> family = families.get("truncated_gamma")
    >>> family.logp(np.array([90.0]), mu=1.0, alpha=2.0, lower=80.0, upper=np.inf).round(2).tolist()
    [-19.2]
    """

    def log_mass(lower: Any, upper: Any, **params: Any) -> np.ndarray:
        lower, upper = np.broadcast_arrays(np.asarray(lower, dtype=float), np.asarray(upper, dtype=float))
        with np.errstate(all="ignore"):
            mass, of = _mass(NUMPY, base, own, lower, upper, params)
            # A parameter may be what makes n rows of one.
            lower, upper = np.broadcast_to(lower, np.shape(mass)), np.broadcast_to(upper, np.shape(mass))
            found = np.array(np.log(mass), dtype=float, ndmin=1)
            lost = np.atleast_1d(~(mass > _LOST * of) & (lower <= upper))
            rows = np.flatnonzero(lost)
            if len(rows):
                given = rows_of(params, rows)
                low, high = np.atleast_1d(lower)[rows], np.atleast_1d(upper)[rows]
                found[rows] = _summed(base, own, low, high, given, np.atleast_1d(mass)[rows])
        return found.reshape(np.shape(mass))

    def log_mass_graph(pm: Any, lower: Any, upper: Any, **params: Any) -> Any:
        pt = pm.math.pt
        names = ("switch", "maximum", "log", "gt", "lt", "and_", "abs")
        m = SimpleNamespace(**{name: getattr(pm.math, name) for name in names},
                            gammainc=pt.gammainc, gammaincc=pt.gammaincc, betainc=pt.betainc)  # fmt: skip
        return pm.math.log(pm.math.maximum(_mass(m, base, own, lower, upper, params)[0], _LEAST))

    return Interval(log_mass, log_mass_graph)


def _mass(m: Any, base: Family, own: Cumulative, lower: Any, upper: Any, params: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return the probability of an interval, and the larger of the two numbers that it is the difference of."""
    low_below, low_above = _at(m, own, lower - 1.0 if base.discrete else lower, params)
    high_below, high_above = _at(m, own, upper, params)
    right = m.gt(low_below, 0.5)
    return m.switch(right, low_above - high_above, high_below - low_below), m.switch(right, low_above, high_below)


def _at(m: Any, own: Cumulative, x: Any, params: Mapping[str, Any]) -> tuple[Any, Any]:
    least, most = own.support
    within = m.and_(m.gt(x, least), m.lt(x, most))
    safe = m.switch(within, x, own.inside)
    beyond = m.gt(x, own.inside)
    below, above = own.below(m, safe, **params), own.above(m, safe, **params)
    return m.switch(within, below, m.switch(beyond, 1.0, 0.0)), m.switch(within, above, m.switch(beyond, 0.0, 1.0))


def _summed(
    base: Family, own: Cumulative, lower: np.ndarray, upper: np.ndarray, params: Mapping[str, Any], mass: np.ndarray
) -> np.ndarray:
    """Return the log probability of intervals that are narrow or far out."""
    lower, upper = np.maximum(lower, own.support[0]), np.minimum(upper, own.support[1])
    if base.discrete:
        wide = (upper - lower >= _POINTS) & (mass > _UNDERFLOW)
        lower = np.maximum(lower, own.support[0] + 1.0)
        rising = np.isfinite(upper) & ~(_logp(base, lower, params) > _logp(base, upper, params))
        steps = np.arange(_POINTS)[:, None]
        points = np.where(rising, upper - steps, lower + steps)
        inside = (points >= lower) & (points <= upper)
        terms = np.where(inside, _logp(base, np.where(inside, points, lower), params), -np.inf)
        return np.where(wide, np.log(mass), special.logsumexp(terms, axis=0))
    near, sign, reach = _reach(base, lower, upper, params)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    points = near + sign * reach * 0.5 * (nodes[:, None] + 1.0)
    terms = _logp(base, points, params) + np.log(0.5 * reach * weights[:, None])
    return np.asarray(special.logsumexp(np.where(np.isnan(terms), -np.inf, terms), axis=0))


def _reach(
    base: Family, lower: np.ndarray, upper: np.ndarray, params: Mapping[str, Any]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the end where most lies, the direction in which the interval goes on, and how far anything lies there."""
    at_low = np.where(np.isfinite(lower), _logp(base, np.where(np.isfinite(lower), lower, 1.0), params), -np.inf)
    at_high = np.where(np.isfinite(upper), _logp(base, np.where(np.isfinite(upper), upper, 1.0), params), -np.inf)
    left = at_low >= at_high
    near, sign = np.where(left, lower, upper), np.where(left, 1.0, -1.0)
    step = 1e-6 * np.maximum(np.abs(near), 1e-6)
    step = np.where(np.isfinite(upper - lower), np.minimum(step, 0.5 * (upper - lower)), step)
    slope = (_logp(base, near, params) - _logp(base, near + sign * step, params)) / step
    reach = np.where(slope > 0, _FOLDINGS / np.maximum(slope, 1e-300), np.inf)
    return near, sign, np.minimum(np.minimum(reach, upper - lower), 1e300)


def _logp(base: Family, y: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    return np.asarray(base.logp(y, **params), dtype=float)
