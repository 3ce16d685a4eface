"""Intervals in which events lie, drawn around the events of a copy as inspections would find them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayessynth.design.inspection import Inspection

# Intervals enough for their widths to depend on their middles, and for a width at all to be learnt.
_SLOPE, _LEAST = 20, 3


@dataclass(frozen=True)
class Habits:
    """One draw of how a copy's records are inspected, from its posterior.

    Attributes
    ----------
    exact : float
        Probability that an event's time is known.
    attended : ndarray
        Probability that a record attends each visit.
    line : tuple of float
        Intercept and slope of the logarithm of a width in that of its time, and standard deviation around them.
    """

    exact: float
    attended: np.ndarray
    line: tuple[float, float, float]


def habits_of(own: Inspection, rng: np.random.Generator) -> Habits:
    """Draw how records are inspected: shares under Jeffreys' prior, widths from a linear regression's posterior.

    The prior of the regression is the usual flat one (Gelman et al. 2013, Bayesian Data Analysis, section 14.2).

    Examples
    --------
    >>> own = Inspection(50, 50, (), (), (), 0, (0.0,) * 6, False, 9.0)
    >>> 0.3 < habits_of(own, np.random.default_rng(1)).exact < 0.7
    True
    """
    exact = rng.beta(0.5 + own.exact, 0.5 + own.within) if own.exact else 0.0
    seen, passed = np.asarray(own.attended, dtype=float), np.asarray(own.missed, dtype=float)
    attended = np.where(passed > 0, rng.beta(0.5 + seen, 0.5 + passed), 1.0)
    return Habits(float(exact) if own.within else 1.0, attended, _line(own, rng))


def _line(own: Inspection, rng: np.random.Generator) -> tuple[float, float, float]:
    n, x, xx, z, xz, zz = own.products
    p = 2 if own.count >= _SLOPE and xx - x * x / n > 1e-9 * xx else 1
    if own.count < _LEAST:
        return (z / n if own.count else 0.0), 0.0, 0.0
    gram, cross = np.array([[n, x], [x, xx]])[:p, :p], np.array([z, xz])[:p]
    inverse = np.linalg.inv(gram)
    mean = inverse @ cross
    residual = max(zz - float(cross @ mean), 0.0)
    variance = residual / rng.chisquare(own.count - p)
    drawn = mean + np.linalg.cholesky(inverse) @ rng.standard_normal(p) * np.sqrt(variance)
    return float(drawn[0]), float(drawn[1]) if p == 2 else 0.0, float(np.sqrt(variance))


def around(
    own: Inspection, habits: Habits, time: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return what is known of events at given times: after which time they came, and by which, each of shape (n,).

    Both are the time itself where it is known.

    Examples
    --------
    >>> own = Inspection(0, 30, (1.0, 2.0, 3.0), (20, 20, 20), (0, 0, 0), 0, (0.0,) * 6, True, 3.0)
    >>> rng = np.random.default_rng(1)
    >>> low, high = around(own, habits_of(own, rng), np.array([0.5, 2.2]), rng)
    >>> low.tolist(), high.tolist()
    ([0.0, 2.0], [1.0, 3.0])
    """
    low, high = _at_visits(own, habits, time, rng) if own.visits else _apart(own, habits, time, rng)
    exact = rng.random(len(time)) < habits.exact
    return np.where(exact, time, low), np.where(exact, time, high)


def _at_visits(
    own: Inspection, habits: Habits, time: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the last visit attended before each event, 0 if none was, and the first one after it."""
    visits = np.asarray(own.visits)
    time = np.minimum(time, visits[-1])
    came = rng.random((len(time), len(visits))) < habits.attended
    before = visits < time[:, None]
    low = np.where(came & before, visits, 0.0).max(axis=1)
    # Who misses all later visits is seen at the last one: had that been missed, the event would not be known.
    high = np.where(came & ~before, visits, visits[-1]).min(axis=1)
    return low, high


def nearest_visit(own: Inspection, time: np.ndarray) -> np.ndarray:
    """Return the visit nearest to each time.

    >>> own = Inspection(0, 30, (1.0, 2.0, 3.0), (20, 20, 20), (0, 0, 0), 0, (0.0,) * 6, True, 3.0)
    >>> nearest_visit(own, np.array([0.1, 2.7])).tolist()
    [1.0, 3.0]
    """
    visits = np.asarray(own.visits)
    return np.asarray(visits[np.searchsorted(0.5 * (visits[1:] + visits[:-1]), time)])


def _apart(
    own: Inspection, habits: Habits, time: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return ends of intervals of drawn widths; the event is anywhere in its interval."""
    intercept, slope, sd = habits.line
    width = np.exp(intercept + slope * np.log(time) + sd * rng.standard_normal(len(time)))
    low = np.maximum(time - width * rng.random(len(time)), 0.0)
    return low, np.maximum(np.minimum(low + width, own.last), time)
