"""How well an analysis of copies agrees with that of the original, and what agreement perfect copies would reach.

References
----------
Karr, Kohnen, Oganian, Reiter and Sanil (2006). A framework for evaluating the utility of data altered to protect
confidentiality. The American Statistician 60(3).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

_Z = 1.959963984540054


def overlap(low: Any, high: Any, other_low: Any, other_high: Any, clipped: bool = True) -> np.ndarray:
    """Return the average share that two intervals have of each other: 1 equal, 0 apart (below, if not clipped).

    >>> float(overlap(0.0, 2.0, 1.0, 3.0)), float(overlap(0.0, 1.0, 2.0, 3.0, clipped=False))
    (0.5, -1.0)
    """
    common = np.minimum(high, other_high) - np.maximum(low, other_low)
    found = 0.5 * (common / np.subtract(high, low) + common / np.subtract(other_high, other_low))
    return np.asarray(np.maximum(found, 0.0) if clipped else found)


def spread(m: int, ratio: float, proper: bool = True, noise: Any = 0.0) -> np.ndarray:
    """Return the standard deviation of (q̄ − q_o)/se_o over perfect copies: √(N + (1 + n/k + N)/m).

    Given the release, the original's estimate varies about the posterior mean by the noise N alone; a copy's by N, by
    the sampling error of the original, which it does not know, and by its own. Plug-in copies have the last only.

    Parameters
    ----------
    m : int
        Number of copies.
    ratio : float
        k/n.
    proper : bool
        Whether each copy has a posterior draw of its own.
    noise : float or ndarray
        N, the variance in units of se_o² that formal privacy adds to the posterior; 0 without it.

    Examples
    --------
    >>> spread(20, 1.0).round(3).item(), spread(100, 1.0, noise=2.0).round(3).item()
    (0.316, 1.428)
    """
    own = float(proper) + 1 / ratio
    return np.sqrt(noise + (own + np.asarray(noise)) / m)


def expected_distance(m: int, ratio: float, proper: bool = True, noise: Any = 0.0) -> float:
    """Return the mean of |q̄ − q_o|/se_o over perfect copies, and over coefficients if ``noise`` differs: .798 spreads.

    Parameters as :func:`spread`.

    >>> round(expected_distance(5, 1.0), 3)
    0.505
    """
    return float(np.sqrt(2 / np.pi) * spread(m, ratio, proper, noise).mean())


def expected_overlap(m: int, ratio: float, proper: bool = True, noise: Any = 0.0) -> float:
    """Return the mean overlap that perfect copies reach, that of intervals of equal width, 0 where they are apart.

    While they are hardly ever apart, this is 1 − .2035 √((1 + n/k)/m). Parameters as :func:`spread`.

    >>> [round(expected_overlap(m, 1.0), 3) for m in (1, 5, 20, 100)]
    [0.713, 0.871, 0.936, 0.971]
    """
    # The mean of max(0, 1 − |d|/w) for d ~ N(0, s²) and w, the width of an interval.
    w, s = 2 * _Z, spread(m, ratio, proper, noise)
    near = 2 * special.ndtr(w / s) - 1
    return float((near - np.sqrt(2 / np.pi) * s / w * -np.expm1(-((w / s) ** 2) / 2)).mean())


def limits(estimate: Any, variance: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of a normal 95 % interval.

    >>> limits(0.0, 1.0)[1].round(2).item()
    1.96
    """
    half = _Z * np.sqrt(variance)
    return np.asarray(estimate - half), np.asarray(estimate + half)
