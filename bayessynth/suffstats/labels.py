"""Codes of labels and of their combinations that grow while data stream by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit

# Whole numbers within a range so long are looked up in a table.
_TABLE = 1 << 24


class Labels:
    """Codes of one grouping column's labels, in the order in which they are first met.

    Examples
    --------
    >>> labels = Labels()
    >>> labels.of(["b", "a"]).tolist(), labels.of_numbers(np.array([7, 7])).tolist(), labels.found
    ([0, 1], [2, 2], ['b', 'a', 7])
    """

    def __init__(self) -> None:
        self.found: list[Any] = []
        self._code: dict[Any, int] = {}
        self._low = 0
        self._table = np.empty(0, dtype=np.int64)

    def of(self, labels: Sequence[Any]) -> np.ndarray:
        """Return the codes of labels."""
        for label in labels:
            if label not in self._code:
                self._code[label] = len(self.found)
                self.found.append(label)
        return np.array([self._code[label] for label in labels], dtype=np.int64)

    def of_numbers(self, values: np.ndarray) -> np.ndarray:
        """Return the codes of whole numbers, of which labels recur often."""
        low, high = int(values.min()), int(values.max())
        if high - low >= _TABLE:
            distinct, place = np.unique(values, return_inverse=True)
            return self.of(distinct.tolist())[place]
        low, high = self._reach(low, high)
        if high - low >= _TABLE:
            self._low, self._table = low, np.empty(0, dtype=np.int64)
            distinct, place = np.unique(values, return_inverse=True)
            return self.of(distinct.tolist())[place]
        if low != self._low or high - low + 1 != len(self._table):
            self._low, self._table = low, np.full(high - low + 1, -1, dtype=np.int64)
        codes = np.empty(len(values), dtype=np.int64)
        if _look_up(values, self._low, self._table, codes) < 0:
            met = np.zeros(len(self._table), dtype=bool)
            met[values - self._low] = True
            fresh = np.flatnonzero(met & (self._table < 0))
            self._table[fresh] = self.of((fresh + self._low).tolist())
            _look_up(values, self._low, self._table, codes)
        return codes

    def _reach(self, low: int, high: int) -> tuple[int, int]:
        """Return the range of the table with these numbers added."""
        if not len(self._table):
            return low, high
        return min(low, self._low), max(high, self._low + len(self._table) - 1)


@njit(cache=True, nogil=True)
def _look_up(values: np.ndarray, low: int, table: np.ndarray, codes: np.ndarray) -> int:
    """Enter the codes of values, all within the table; return the smallest."""
    smallest = 0
    for i in range(len(values)):
        code = table[values[i] - low]
        codes[i] = code
        smallest = min(smallest, code)
    return smallest


class Pairs:
    """Codes of pairs of codes, in the order of the pairs among those that are new in a chunk.

    Examples
    --------
    >>> pairs = Pairs()
    >>> pairs.of(np.array([1, 0, 1]), np.array([0, 5, 0])).tolist(), pairs.of(np.array([2]), np.array([0])).tolist()
    ([1, 0, 1], [2])
    >>> pairs.firsts.tolist(), pairs.seconds.tolist()
    ([0, 1, 2], [5, 0, 0])
    """

    def __init__(self) -> None:
        self.firsts = np.empty(0, dtype=np.int64)
        self.seconds = np.empty(0, dtype=np.int64)
        self._sorted = np.empty(0, dtype=np.int64)
        self._order = np.empty(0, dtype=np.int64)

    def of(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Return the codes of pairs; both parts lie below 2**31."""
        distinct, place = np.unique((first << 32) | second, return_inverse=True)
        at = np.searchsorted(self._sorted, distinct)
        known = np.zeros(len(distinct), dtype=bool)
        inside = at < len(self._sorted)
        known[inside] = self._sorted[at[inside]] == distinct[inside]
        fresh = distinct[~known]
        if len(fresh):
            size = len(self.firsts)
            self.firsts = np.concatenate([self.firsts, fresh >> 32])
            self.seconds = np.concatenate([self.seconds, fresh & 0xFFFFFFFF])
            self._sorted = np.insert(self._sorted, at[~known], fresh)
            self._order = np.insert(self._order, at[~known], np.arange(size, size + len(fresh)))
        return self._order[np.searchsorted(self._sorted, distinct)][place]
