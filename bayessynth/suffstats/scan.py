"""One pass over a column of numbers: what is missing or infinite, the range, the moments."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from bayessynth.families import Moments

# Values that are summed by themselves before they are added to the total, which keeps rounding small.
_BLOCK = 1024


class Scan(NamedTuple):
    """What one pass over a column of numbers finds.

    Attributes
    ----------
    missing, infinite, fractional, positive : int
        Number of values that are NaN; infinite; finite and not whole; finite and above zero.
    low, high : float
        Range of the finite values.
    n : int
        Number of finite values.
    shift, total, squares : float
        Sum, and sum of squares, of the finite values less ``shift``.
    """

    missing: int
    infinite: int
    fractional: int
    positive: int
    low: float
    high: float
    n: int
    shift: float
    total: float
    squares: float

    @property
    def moments(self) -> Moments:
        """Moments of the finite values, without those of their logarithms.

        >>> scan(np.array([1.0, 3.0, np.nan])).moments.mean
        2.0
        """
        if not self.n:
            return Moments()
        away = self.total / self.n
        squares = max(self.squares - self.n * away * away, 0.0)
        return Moments(self.n, self.shift + away, squares, self.low, self.high, self.positive)

    def products(self, shift: float, scale: float) -> np.ndarray:
        """Return sums of products of 1 and of v = (value - shift) / scale, shape (2, 2).

        >>> scan(np.array([1.0, 3.0])).products(1.0, 2.0).tolist()
        [[2.0, 1.0], [1.0, 1.0]]
        """
        away = self.shift - shift
        first = (self.total + self.n * away) / scale
        second = (self.squares + 2.0 * away * self.total + self.n * away * away) / scale**2
        return np.array([[self.n, first], [first, second]])


def scan(values: np.ndarray) -> Scan:
    """Scan a column of floats.

    >>> found = scan(np.array([0.5, np.nan, -np.inf, 3.0]))
    >>> found.missing, found.infinite, found.fractional, found.low, found.high
    (1, 1, 1, 0.5, 3.0)
    """
    finite = values[np.isfinite(values[:_BLOCK]).nonzero()[0]] if len(values) else values
    shift = float(finite.mean()) if len(finite) else 0.0
    return Scan(*_scan(np.ascontiguousarray(values), shift))


@njit(cache=True, nogil=True, error_model="numpy")
def _scan(
    values: np.ndarray, shift: float
) -> tuple[int, int, int, int, float, float, int, float, float, float]:  # fmt: skip
    missing, infinite, fractional, positive, n = 0, 0, 0, 0, 0
    low, high, total, squares = math.inf, -math.inf, 0.0, 0.0
    for start in range(0, len(values), _BLOCK):
        own, own_squares = 0.0, 0.0
        for i in range(start, min(start + _BLOCK, len(values))):
            v = values[i]
            if v - v != 0.0:
                if v != v:
                    missing += 1
                else:
                    infinite += 1
                continue
            n += 1
            low = min(low, v)
            high = max(high, v)
            positive += v > 0.0
            fractional += v != math.floor(v)
            d = v - shift
            own += d
            own_squares += d * d
        total += own
        squares += own_squares
    return missing, infinite, fractional, positive, low, high, n, shift, total, squares
