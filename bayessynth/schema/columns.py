"""Encoded columns: what a model and a generator work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Columns:
    """Encoded columns of a table.

    Attributes
    ----------
    arrays : mapping of str to ndarray
        Numbers as floats with NaN for missing cells (datetimes as days since 1970-01-01 UTC); levels and groups as
        integer codes with -1 for missing cells.
    n : int
        Rows.
    levels : mapping of str to tuple
        Values behind the codes.

    Examples
    --------
    >>> Columns({"x": np.array([1.0, np.nan])}, 2, {}).missing("x").tolist()
    [False, True]
    """

    arrays: Mapping[str, np.ndarray]
    n: int
    levels: Mapping[str, tuple[Any, ...]]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self.arrays)

    def take(self, rows: np.ndarray) -> Columns:
        """Return some of the rows, with the same levels.

        Parameters
        ----------
        rows : ndarray
            Positions of rows, or a mask.

        Examples
        --------
        >>> Columns({"x": np.array([1.0, 2.0, 4.0])}, 3, {}).take(np.array([2, 0]))["x"].tolist()
        [4.0, 1.0]
        """
        positions = np.arange(self.n)[rows]
        return Columns({name: values[positions] for name, values in self.arrays.items()}, len(positions), self.levels)

    def missing(self, name: str) -> np.ndarray:
        """Return where a column's cells are missing."""
        values = self.arrays[name]
        return values < 0 if name in self.levels else np.isnan(values)
