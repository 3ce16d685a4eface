"""The distinct rows of an equation and how often each occurs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayessynth.suffstats.rows import Rows, joined

# Distinct rows are counted while they are at most so many, or at most such a share of all rows.
FEW, SHARE = 1000, 0.25
# Rows of whole numbers up to here are counted in a table with at most so many entries.
_WHOLE, _TABLE = 2.0**53, 1 << 24


@dataclass(frozen=True)
class Counts:
    """The distinct rows of an equation and how often each occurs.

    The posterior given them is that given the rows, exactly, in any family.

    Attributes
    ----------
    distinct : Rows
        In order of their values, so that it does not depend on the order of the rows.
    counts : ndarray of int64, shape (n distinct,)

    Examples
    --------
    >>> one = counted(Rows({"y": np.array([2.0, 1.0, 2.0])}, {}, 3))
    >>> one.distinct.columns["y"].tolist(), (one + one).counts.tolist()
    ([1.0, 2.0], [2, 4])
    """

    distinct: Rows
    counts: np.ndarray

    exact = True
    what = "counts of distinct rows"

    @property
    def n(self) -> int:
        """Number of rows.

        >>> counted(Rows({"y": np.zeros(5)}, {}, 5)).n
        5
        """
        return int(self.counts.sum())

    @property
    def size(self) -> int:
        """Bytes that the arrays take.

        >>> counted(Rows({"y": np.zeros(5)}, {}, 5)).size
        16
        """
        return self.distinct.size + int(self.counts.nbytes)

    @property
    def weights(self) -> np.ndarray:
        """How often each distinct row counts.

        >>> counted(Rows({"y": np.zeros(5)}, {}, 5)).weights.tolist()
        [5]
        """
        return self.counts

    @property
    def compresses(self) -> bool:
        """Whether counting takes less than the rows.

        >>> counted(Rows({"y": np.arange(5.0)}, {}, 5)).compresses
        True
        """
        return self.distinct.n <= max(FEW, SHARE * self.n)

    def rows(self) -> Rows:
        """Return every row as often as it occurs.

        >>> counted(Rows({"y": np.array([2.0, 1.0, 2.0])}, {}, 3)).rows().columns["y"].tolist()
        [1.0, 2.0, 2.0]
        """
        return self.distinct.take(np.repeat(np.arange(self.distinct.n), self.counts))

    def recoded(self, places: Mapping[str, np.ndarray]) -> Counts:
        """Return the same with other label codes; see :meth:`Rows.recoded`.

        >>> one = counted(Rows({}, {"g": np.array([0, 1])}, 2))
        >>> one.recoded({"g": np.array([5, 3])}).distinct.groups["g"].tolist()
        [3, 5]
        """
        return counted(self.distinct.recoded(places), self.counts)

    def __add__(self, other: Counts) -> Counts:
        return counted(joined([self.distinct, other.distinct]), np.concatenate([self.counts, other.counts]))


def counted(rows: Rows, counts: np.ndarray | None = None) -> Counts:
    """Count equal rows.

    Parameters
    ----------
    rows : Rows
    counts : ndarray of int64, optional
        How often each row counts already.

    Examples
    --------
    >>> counted(Rows({}, {"g": np.array([1, 0, 1])}, 3)).counts.tolist()
    [1, 2]
    """
    if not rows.n:
        return Counts(rows, np.zeros(0, dtype=np.int64))
    return _in_a_table(rows, counts) or _hashed(rows, counts)


def _in_a_table(rows: Rows, counts: np.ndarray | None) -> Counts | None:
    """Count rows of whole numbers in a table of all their combinations, if it has few enough entries."""
    joint, size = np.zeros(rows.n, dtype=np.int64), 1
    ranges: list[tuple[int, int]] = []
    for values in rows.arrays.values():
        low, high = float(values.min()), float(values.max())
        size = int(size * min(high - low + 1.0, 2.0**40))
        if max(-low, high) > _WHOLE or size > min(max(4 * rows.n, 1 << 16), _TABLE):
            return None
        whole = values.astype(np.int64, copy=False)
        if values.dtype.kind == "f" and not np.array_equal(whole, values):
            return None
        ranges.append((int(low), int(high - low) + 1))
        joint = joint * ranges[-1][1] + (whole - int(low))
    # Sums of float counts are exact up to 2**53 rows.
    table = np.bincount(joint, weights=counts)
    cells = np.flatnonzero(table)
    total, found = table[cells].astype(np.int64), {}
    for (name, values), (low, width) in zip(reversed(list(rows.arrays.items())), reversed(ranges), strict=True):
        cells, code = np.divmod(cells, width)
        found[name] = (code + low).astype(values.dtype)
    columns = {name: found[name] for name in rows.columns}
    return Counts(Rows(columns, {name: found[name] for name in rows.groups}, len(total)), total)


def _hashed(rows: Rows, counts: np.ndarray | None) -> Counts:
    joint = np.zeros(rows.n, dtype=np.int64)
    for values in rows.arrays.values():
        codes, distinct = pd.factorize(values)
        joint, _ = pd.factorize(joint * len(distinct) + codes)
    first = np.full(int(joint.max()) + 1, -1)
    first[joint[::-1]] = np.arange(rows.n)[::-1]
    total = np.bincount(joint, weights=counts).astype(np.int64)
    found = rows.take(first)
    order = np.lexsort(tuple(found.arrays.values())[::-1]) if found.arrays else np.arange(len(first))
    return Counts(found.take(order), total[order])
