"""How well an analysis of copies agrees with that of the original, and what agreement perfect copies would reach.

References
----------
Karr, Kohnen, Oganian, Reiter and Sanil (2006). A framework for evaluating the utility of data altered to protect
confidentiality. The American Statistician 60(3).
"""

from __future__ import annotations

from typing import Any

import numpy as np

_Z = 1.959963984540054


def overlap(low: Any, high: Any, other_low: Any, other_high: Any, clipped: bool = True) -> np.ndarray:
    """Return the average share that two intervals have of each other: 1 equal, 0 apart (below, if not clipped).

    >>> float(overlap(0.0, 2.0, 1.0, 3.0)), float(overlap(0.0, 1.0, 2.0, 3.0, clipped=False))
    (0.5, -1.0)
    """
    common = np.minimum(high, other_high) - np.maximum(low, other_low)
    found = 0.5 * (common / np.subtract(high, low) + common / np.subtract(other_high, other_low))
    return np.asarray(np.maximum(found, 0.0) if clipped else found)


def expected_distance(m: int, ratio: float, proper: bool = True) -> float:
    """Return the mean of |q̄ − q_o|/se_o over perfect copies: .798 √((1 + k/n)/m), for plug-in copies .798/√m.

    >>> round(expected_distance(5, 1.0), 3)
    0.505
    """
    return float(np.sqrt(2 / np.pi) * np.sqrt((1 + ratio if proper else 1.0) / m))


def expected_overlap(m: int, ratio: float, proper: bool = True) -> float:
    """Return the mean overlap that perfect copies reach: 1 − .2035 √((1 + k/n)/m), for plug-in copies without k/n.

    >>> [round(expected_overlap(m, 1.0), 3) for m in (1, 5, 20, 100)]
    [0.712, 0.871, 0.936, 0.971]
    """
    return 1 - expected_distance(m, ratio, proper) / (2 * _Z)


def limits(estimate: Any, variance: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the limits of a normal 95 % interval.

    >>> limits(0.0, 1.0)[1].round(2).item()
    1.96
    """
    half = _Z * np.sqrt(variance)
    return np.asarray(estimate - half), np.asarray(estimate + half)
