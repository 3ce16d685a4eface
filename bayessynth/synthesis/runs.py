"""A long column of group numbers, kept as short as its runs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Runs:
    """A sequence in which every value stands some number of times in a row.

    The groups of 10⁸ rows take the memory of the groups, not of the rows.

    Attributes
    ----------
    ends : ndarray or None
        Where the run of each value ends; None if every value stands once.
    values : ndarray or None
        The values; None if they are 0, 1, 2, …

    Examples
    --------
    >>> runs = Runs(ends=np.array([2, 3, 7]))
    >>> len(runs), runs.on(slice(1, 5)).tolist(), runs.take(np.array([0, 6])).tolist()
    (7, [0, 1, 2, 2], [0, 2])
    """

    ends: np.ndarray | None = None
    values: np.ndarray | None = None

    def __len__(self) -> int:
        if self.ends is not None:
            return int(self.ends[-1]) if len(self.ends) else 0
        return 0 if self.values is None else len(self.values)

    def on(self, places: slice) -> np.ndarray:
        """Return the values at a range of places, as 64-bit integers."""
        if self.ends is None:
            assert self.values is not None
            return self.values[places].astype(np.int64, copy=False)
        start, stop, _ = places.indices(len(self))
        stop = max(start, stop)
        first = int(np.searchsorted(self.ends, start, side="right"))
        last = int(np.searchsorted(self.ends, stop - 1, side="right")) + 1
        within = np.clip(self.ends[first:last], start, stop)
        runs = np.repeat(np.arange(first, first + len(within)), np.diff(within, prepend=start))
        return runs if self.values is None else self.values[runs].astype(np.int64, copy=False)

    def take(self, places: np.ndarray) -> np.ndarray:
        """Return the values at any places, as 64-bit integers."""
        if self.ends is None:
            assert self.values is not None
            return self.values[places].astype(np.int64, copy=False)
        runs = np.searchsorted(self.ends, places, side="right")
        return runs if self.values is None else self.values[runs].astype(np.int64, copy=False)
