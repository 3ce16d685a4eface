"""Families within limits: numbers between two ends, which may differ from row to row.

With log density log p and ends a ≤ b the truncated family has log p(y) - log P(a ≤ y ≤ b) on the interval and nothing
outside (Johnson, Kotz & Balakrishnan 1994, Continuous Univariate Distributions, vol. 1, section 10.1 for the normal).
Parameters and priors are those of the family that is truncated: a coefficient keeps its meaning. Where both ends are
one number the value is certain.

A family states that it can be truncated in its own file, by :func:`truncated`.

>>> from bayessynth import families
>>> families.get("truncated_normal").logp(0.0, mu=0.0, sigma=1.0, lower=0.0, upper=np.inf).round(3).item()
-0.226
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayessynth.families.custom import custom_dist, integers
from bayessynth.families.family import Family
from bayessynth.families.registry import register

#: What stands beside a value of a truncated family.
ENDS: Mapping[str, float] = {"lower": -np.inf, "upper": np.inf}
# Rounds in which draws outside are drawn anew before the distribution function is inverted.
_ROUNDS = 4
# Halvings of an interval: a double has no more.
_HALVINGS = 1100
_FAR = 1e300


@dataclass(frozen=True)
class Interval:
    """What a family knows of the probability of an interval.

    Attributes
    ----------
    log_mass : callable
        ``log_mass(lower, upper, **params)``, shape (n,): log P(lower ≤ y ≤ upper), with digits in both tails.
    log_mass_graph : callable
        ``log_mass_graph(pm, lower, upper, **params)``, a PyTensor expression; ends may be infinite, and no gradient may
        be NaN there.
    draw : callable or None
        ``draw(rng, n, lower, upper, **params)`` draws within the ends. None: draws of the family outside are drawn
        anew, and what is still outside is drawn by inverting ``log_mass``.
    """

    log_mass: Callable[..., np.ndarray]
    log_mass_graph: Callable[..., Any]
    draw: Callable[..., np.ndarray] | None = None


def truncated(base: Family, own: Interval) -> Family:
    """Register a family within ends, under the name ``truncated_`` and the family's.

    Parameters
    ----------
    base : Family
    own : Interval

    Examples
    --------
    >>> from bayessynth import families
    >>> family = families.get("truncated_poisson")
    >>> family.sample(np.random.default_rng(1), 3, mu=9.0, lower=np.zeros(3), upper=np.array([0.0, 1.0, 0.0])).max()
    np.float64(1.0)
    """
    needed = {name: default for name, default in base.beside.items() if default is None}

    def sample(rng: np.random.Generator, n: int, *, lower: Any, upper: Any, **params: Any) -> np.ndarray:
        lower, upper = (np.broadcast_to(np.asarray(v, dtype=float), (n,)) for v in (lower, upper))
        if own.draw is not None:
            drawn = own.draw(rng, n, lower, upper, **params)
        else:
            drawn = _draw(base, own, rng, n, lower, upper, params)
        return np.clip(drawn, lower, upper)

    def logp(y: Any, *, lower: Any, upper: Any, **params: Any) -> np.ndarray:
        return within(base.logp(y, **params), y, lower, upper, lambda a, b: own.log_mass(a, b, **params))

    def dist(pm: Any, name: str, params: dict[str, Any], *, lower: Any, upper: Any, **kwargs: Any) -> Any:
        beside = {key: kwargs.pop(key) for key in needed if key in kwargs}
        options = {key: kwargs.pop(key) for key in base.options if key in kwargs}
        count = len(params)
        names = (*params, *beside)

        def log_density(value: Any, *given: Any) -> Any:
            low, high, *rest = given
            known = dict(zip(names, rest, strict=True))
            others = {k: known[k] for k in names[count:]} | options
            plain = density_graph(base, pm, value, {k: known[k] for k in names[:count]}, others)
            return _within_graph(pm, plain, value, low, high, own, {**known, **options})

        def draw(rng: np.random.Generator, n: int, **given: Any) -> np.ndarray:
            return sample(rng, n, **given, **options)

        everything = {"lower": lower, "upper": upper, **params, **beside}
        dtype = "int64" if base.discrete else "float64"
        kwargs = integers(kwargs) if base.discrete else kwargs
        return custom_dist(pm, name, everything, log_density, draw, dtype=dtype, **kwargs)

    def check(y: Any, column: str, *, lower: Any = None, upper: Any = None, **options: Any) -> None:
        base.check(y, column, **options)

    return register(
        Family(
            name=f"truncated_{base.name}", kinds=base.kinds, parameters=base.parameters, discrete=base.discrete,
            sample=sample, logp=logp, dist=dist, check=check, beside={**needed, **ENDS}, declared=False, base=base,
            options=base.options,
            examples=base.examples,
        )
    )  # fmt: skip


def within(plain: np.ndarray, y: Any, lower: Any, upper: Any, log_mass: Callable[..., np.ndarray]) -> np.ndarray:
    """Return log densities within ends from those without; -inf outside, 0 where both ends are one number."""
    y, lower, upper = (np.asarray(v, dtype=float) for v in (y, lower, upper))
    proper = lower < upper
    with np.errstate(invalid="ignore"):
        found = plain - log_mass(np.where(proper, lower, -np.inf), np.where(proper, upper, np.inf))
    certain = np.isfinite(plain) & (lower == upper)
    return np.where((y >= lower) & (y <= upper), np.where(certain, 0.0, found), -np.inf)


def _within_graph(pm: Any, plain: Any, value: Any, lower: Any, upper: Any, own: Interval, known: Any) -> Any:
    """Return :func:`within` as a PyTensor expression."""
    proper = pm.math.lt(lower, upper)
    low, high = pm.math.switch(proper, lower, -np.inf), pm.math.switch(proper, upper, np.inf)
    found = pm.math.switch(proper, plain - own.log_mass_graph(pm, low, high, **known), 0.0)
    inside = pm.math.and_(pm.math.ge(value, lower), pm.math.le(value, upper))
    return pm.math.switch(inside, found, -np.inf)


def density_graph(base: Family, pm: Any, value: Any, params: Mapping[str, Any], options: Mapping[str, Any]) -> Any:
    """Return a family's log density of a value as a PyTensor expression, by its own PyMC variable."""
    with pm.Model(model=None):
        return pm.logp(base.dist(pm, "y", dict(params), **options), value)


def _draw(
    base: Family, own: Interval, rng: np.random.Generator, n: int, lower: np.ndarray, upper: np.ndarray,
    params: Mapping[str, Any],
) -> np.ndarray:  # fmt: skip
    """Draw anew what is outside, a few times; then invert the distribution function of the rows that are left."""
    found = np.asarray(base.sample(rng, n, **params), dtype=float)
    left = np.flatnonzero((found < lower) | (found > upper))
    for _ in range(_ROUNDS):
        if not len(left):
            return found
        found[left] = base.sample(rng, len(left), **rows_of(params, left))
        left = left[(found[left] < lower[left]) | (found[left] > upper[left])]
    if len(left):
        known = rows_of(params, left)
        found[left] = inverted(own, rng.random(len(left)), lower[left], upper[left], known, base.discrete)
    return found


def inverted(
    own: Interval, u: np.ndarray, lower: np.ndarray, upper: np.ndarray, params: Mapping[str, Any], discrete: bool
) -> np.ndarray:
    """Return quantiles within ends, by halving: the least x with P(lower ≤ y ≤ x) ≥ u P(lower ≤ y ≤ upper)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        target = np.log(u) + own.log_mass(lower, upper, **params)
        low, high = np.maximum(lower, -_FAR), np.minimum(upper, _FAR)
        for _ in range(_HALVINGS):
            middle = _middle(low, high)
            middle = np.floor(middle) if discrete else middle
            done = (middle >= high) | ((middle <= low) & ~np.asarray(discrete))
            if done.all():
                break
            enough = own.log_mass(lower, middle, **params) >= target
            high = np.where(enough & ~done, middle, high)
            low = np.where(enough | done, low, np.where(discrete, middle + 1.0, middle))
    return high


def _middle(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return what lies between, in size where the ends differ in size by much: few halvings find any scale."""
    top, bottom = np.maximum(np.abs(low), np.abs(high)), np.minimum(np.abs(low), np.abs(high))
    same = np.sign(low) == np.sign(high)
    size = np.sqrt(np.maximum(bottom, 1e-300)) * np.sqrt(top)
    far = same & (top > 4.0 * bottom) & (bottom > 0)
    across = (low < 0) & (high > 0) & (top > 1e4)
    zero_end = ((low == 0) | (high == 0)) & (top > 1e4)
    return np.where(far, np.sign(high) * size,
                    np.where(across, 0.0, np.where(zero_end, np.sign(low + high) * np.sqrt(top),
                                                   low + 0.5 * (high - low))))  # fmt: skip


def rows_of(params: Mapping[str, Any], rows: np.ndarray) -> dict[str, Any]:
    """Return parameters for some of the rows; one number stands for all.

    >>> rows_of({"mu": np.array([1.0, 2.0]), "sigma": 3.0}, np.array([1]))
    {'mu': array([2.]), 'sigma': 3.0}
    """
    return {key: value[rows] if np.ndim(value) else value for key, value in params.items()}
