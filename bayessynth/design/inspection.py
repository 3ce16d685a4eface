"""How events came to be known only to lie in an interval: what is learnt of the inspections between which they came.

Either records are seen at visits that all have in common, each of which a record attends or misses; or every record has
inspections of its own, and the intervals around events have widths that depend on when the events came.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

# A visit is shared by so many records at the least; visits are at most so many, and hold such a share of all ends.
_SHARED, _MOST, _COVERED = 3, 60, 0.95


@dataclass(frozen=True)
class Inspection:
    """What is known of the intervals in which events lie: counts and sums over records.

    Attributes
    ----------
    exact, within : int
        Of the events, how many have a known time, and how many lie in an interval.
    visits : tuple of float
        Times of visits that records have in common, in order; none where every record has inspections of its own.
    attended, missed : tuple of int
        How many records were seen at each visit, and how many at visits around it only.
    count : int
        Intervals whose widths are summed up.
    products : tuple of float
        Sums over these of 1, x, x², z, xz and z², x being the logarithm of an interval's middle and z of its width.
    ends : bool
        Whether follow-up without event ends at visits, too.
    last : float
        No interval ends later.

    Examples
    --------
    >>> own = inspections(np.array([0.0, 1.0, 1.0]), np.array([1.0, 2.0, 1.0]), np.array([True, True, True]))
    >>> own.exact, own.within
    (1, 2)
    >>> Inspection.from_json(own.to_json()) == own
    True
    """

    exact: int
    within: int
    visits: tuple[float, ...]
    attended: tuple[int, ...]
    missed: tuple[int, ...]
    count: int
    products: tuple[float, ...]
    ends: bool
    last: float

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Inspection:
        """Make it of what :meth:`to_json` returned."""
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items()}
        return cls(**values)


def inspections(low: np.ndarray, high: np.ndarray, event: np.ndarray) -> Inspection:
    """Learn from times, the ends of intervals, and whether records had the event.

    Parameters
    ----------
    low, high : ndarray of shape (n,)
        An event came after ``low`` and by ``high``, or at ``low`` where that is not below ``high``.
    event : ndarray of bool, shape (n,)

    Returns
    -------
    Inspection
        None of its numbers is one record's.
    """
    within = event & (high > low)
    bottom, top = low[within], high[within]
    visits = _visits(np.concatenate([bottom[bottom > 0], top]))
    seen = [int((bottom == v).sum() + (top == v).sum() + (low[~event] == v).sum()) for v in visits]
    passed = [int(((bottom < v) & (v < top)).sum()) for v in visits]
    # The first interval begins at 0, whatever the time between inspections: others say more, where there are any.
    later = bottom > 0 if (bottom > 0).sum() >= 2 * _SHARED else np.ones(len(bottom), dtype=bool)
    x, z = np.log(0.5 * (bottom + top)[later]), np.log((top - bottom)[later])
    sums = [float(np.sum(v)) for v in (x, x * x, z, x * z, z * z)]
    largest = float(top.max()) if len(top) else 0.0
    shared = bool(visits) and largest == visits[-1]
    ends = bool(visits) and bool(np.isin(low[~event], visits).mean() >= _COVERED if (~event).any() else False)
    return Inspection(
        int((event & ~within).sum()), int(within.sum()), visits, tuple(seen), tuple(passed), len(x),
        (float(len(x)), *sums), ends, largest if shared or not len(top) else _above(largest),
    )  # fmt: skip


def _visits(ends: np.ndarray) -> tuple[float, ...]:
    """Return the times that ends of intervals have in common, none if they do not."""
    values, counts = np.unique(ends, return_counts=True)
    common = values[counts >= _SHARED]
    covered = counts[counts >= _SHARED].sum() >= _COVERED * max(len(ends), 1)
    return tuple(common.tolist()) if covered and 0 < len(common) <= _MOST else ()


def _above(value: float) -> float:
    """Return a number with two digits that is above a value."""
    unit = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(f"{(np.floor(value / unit + 1e-9) + 1) * unit:.2g}")
