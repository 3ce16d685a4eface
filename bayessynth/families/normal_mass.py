"""The probability that a standard normal lies in an interval, on the logarithmic scale, and draws within it.

log(Φ(b) - Φ(a)) is taken in the tail in which both ends lie: log Φ(b) + log(1 - exp(log Φ(a) - log Φ(b))) for the
mirror image below zero where a > 0. Of a narrow interval it is the density in its middle times its width, whose error
is a share of width² (middle² - 1) / 24.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from bayessynth.families.links import log_normal_cdf_graph

#: Width, times 1 and the distance of the middle, below which an interval counts as narrow.
NARROW = 1e-5
#: What stands for an infinite end.
FAR = 1e100
_HALF_LOG_2PI = 0.5 * math.log(2.0 * math.pi)


def log_mass(low: Any, high: Any) -> np.ndarray:
    """Return log P(low ≤ z ≤ high) of a standard normal; ends may be infinite.

    Examples
    --------
    >>> log_mass(np.array([40.0, 0.0]), np.array([np.inf, 1e-9])).round(3).tolist()
    [-804.608, -21.642]
    """
    low, high = np.broadcast_arrays(np.clip(low, -FAR, FAR), np.clip(high, -FAR, FAR))
    flip = low > 0
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    middle, width = 0.5 * (a + b), b - a
    narrow = width * (1.0 + np.abs(middle)) < NARROW
    top = special.log_ndtr(np.where(narrow, 0.0, b))
    bottom = special.log_ndtr(np.where(narrow, -1.0, a))
    with np.errstate(divide="ignore"):
        thin = -0.5 * np.square(np.where(narrow, middle, 0.0)) - _HALF_LOG_2PI + np.log(np.where(narrow, width, 1.0))
        return np.where(narrow, thin, top + np.log(-np.expm1(bottom - top)))


def log_mass_graph(low: Any, high: Any, pm: Any) -> Any:
    """Return :func:`log_mass` as a PyTensor expression; ends must be finite, at most ``FAR`` in absolute value."""
    flip = pm.math.gt(low, 0)
    a, b = pm.math.switch(flip, -high, low), pm.math.switch(flip, -low, high)
    middle, width = np.float64(0.5) * (a + b), b - a
    narrow = pm.math.lt(width * (1.0 + pm.math.abs(middle)), np.float64(NARROW))
    top = log_normal_cdf_graph(pm.math.switch(narrow, 0.0, b), pm)
    bottom = log_normal_cdf_graph(pm.math.switch(narrow, -1.0, a), pm)
    near, some = pm.math.switch(narrow, middle, 0.0), pm.math.switch(narrow, width, 1.0)
    thin = np.float64(-0.5) * near * near - np.float64(_HALF_LOG_2PI) + pm.math.log(some)
    return pm.math.switch(narrow, thin, top + pm.math.log1mexp(bottom - top))


def standard_graph(end: Any, mu: Any, sigma: Any, pm: Any) -> Any:
    """Return (end - mu) / sigma as a PyTensor expression, ±``FAR`` for an infinite end, its gradient never NaN."""
    infinite = pm.math.eq(pm.math.abs(end), np.inf)
    z = (pm.math.switch(infinite, 0.0, end) - mu) / sigma
    # NumPy's numbers, since PyTensor makes 32-bit constants of Python's.
    most, least = np.float64(FAR), np.float64(-FAR)
    return pm.math.switch(infinite, pm.math.switch(pm.math.gt(end, 0), most, least), pm.math.clip(z, least, most))


def draw(rng: np.random.Generator, n: int, low: Any, high: Any) -> np.ndarray:
    """Draw standard normals within ends, shape (n,), by the inverse of log Φ in the tail in which the interval lies.

    >>> draw(np.random.default_rng(1), 2, np.array([40.0, -np.inf]), np.array([np.inf, -50.0])).round(1).tolist()
    [40.0, -50.0]
    """
    low, high = (np.broadcast_to(np.clip(v, -FAR, FAR), (n,)) for v in (low, high))
    flip = low > 0
    a, b = np.where(flip, -high, low), np.where(flip, -low, high)
    u = rng.random(n)
    with np.errstate(divide="ignore"):
        # log(Φ(a) + u (Φ(b) - Φ(a)))
        found = special.ndtri_exp(np.logaddexp(special.log_ndtr(a), np.log(u) + log_mass(a, b)))
    # A narrow interval, whose ends have one log Φ, is even.
    found = np.where((b - a) * (1.0 + np.abs(a)) < NARROW, a + u * (b - a), found)
    found = np.clip(found, a, b)
    return np.where(flip, -found, found)
