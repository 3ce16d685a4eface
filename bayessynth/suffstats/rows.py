"""The rows of an equation, column by column: what is kept where a family has no smaller statistic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Rows:
    """The rows of an equation as compact arrays.

    Attributes
    ----------
    columns : mapping of str to ndarray of shape (n,)
        Encoded columns that the equation reads, its response among them.
    groups : mapping of str to ndarray of shape (n,)
        Label codes of the grouping columns.
    n : int
        Number of rows.

    Examples
    --------
    >>> one = Rows({"y": np.array([1.5, 2.0])}, {}, 2)
    >>> (one + one).n, one.size
    (4, 16)
    """

    columns: Mapping[str, np.ndarray]
    groups: Mapping[str, np.ndarray]
    n: int

    exact = True
    what = "rows"

    @property
    def size(self) -> int:
        """Bytes that the arrays take.

        >>> Rows({"y": np.zeros(3)}, {}, 3).size
        24
        """
        return int(sum(a.nbytes for a in (*self.columns.values(), *self.groups.values())))

    @property
    def weights(self) -> None:
        """Each row counts once.

        >>> Rows({}, {}, 0).weights is None
        True
        """
        return None

    @property
    def arrays(self) -> Mapping[str, np.ndarray]:
        """All arrays, columns before groups.

        >>> list(Rows({"y": np.zeros(1)}, {"g": np.zeros(1, int)}, 1).arrays)
        ['y', 'g']
        """
        return {**self.columns, **self.groups}

    def rows(self) -> Rows:
        """Return the rows themselves.

        >>> Rows({}, {}, 0).rows()
        Rows(columns={}, groups={}, n=0)
        """
        return self

    def recoded(self, places: Mapping[str, np.ndarray]) -> Rows:
        """Return the rows with other label codes.

        Parameters
        ----------
        places : mapping of str to ndarray
            The new code of every old one, by grouping column.

        Examples
        --------
        >>> Rows({}, {"g": np.array([0, 1])}, 2).recoded({"g": np.array([5, 3])}).groups["g"].tolist()
        [5, 3]
        """
        groups = {name: compact(places[name][codes]) for name, codes in self.groups.items()}
        return Rows(self.columns, groups, self.n)

    def take(self, places: np.ndarray) -> Rows:
        """Return some of the rows.

        >>> Rows({"y": np.array([1.0, 2.0])}, {}, 2).take(np.array([1])).columns["y"].tolist()
        [2.0]
        """
        columns = {name: values[places] for name, values in self.columns.items()}
        return Rows(columns, {name: codes[places] for name, codes in self.groups.items()}, len(places))

    def __add__(self, other: Rows) -> Rows:
        return joined([self, other])


def joined(parts: list[Rows]) -> Rows:
    """Return the rows of parts one after the other.

    >>> joined([Rows({"y": np.zeros(1)}, {}, 1)] * 3).n
    3
    """
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    return Rows(
        {name: np.concatenate([p.columns[name] for p in parts]) for name in first.columns},
        {name: np.concatenate([p.groups[name] for p in parts]) for name in first.groups},
        sum(p.n for p in parts),
    )


def compact(codes: np.ndarray) -> np.ndarray:
    """Return whole numbers in the narrowest dtype that holds them; other numbers as they are.

    >>> compact(np.array([0, 200])).dtype, compact(np.array([0.0, 1.0])).dtype
    (dtype('int16'), dtype('float64'))
    """
    if codes.dtype.kind == "f" or not codes.size:
        return codes
    largest = max(int(codes.max()), -int(codes.min()))
    return codes.astype(np.min_scalar_type(-largest - 1), copy=False)
