"""A log-linear model of cells, and what noisy tables say of it, in orthonormal contrasts.

The effect of a set of columns is a table of its levels that sums to zero over each of them; in contrasts that are
orthonormal it has as many numbers as are free. Noisy tables fall apart in the same contrasts: a table of a set gives an
independent noisy sum for every set within it, and what several tables say of one set is averaged by its precision, with
nothing lost (the residual basis of Xiao, He, Zhang & Kifer 2023).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from scipy.linalg import helmert

from bayessynth.errors import FitError
from bayessynth.fitting.noise_aware.tables.junction import Axes
from bayessynth.fitting.noise_aware.tables.sums import gathered
from bayessynth.privacy import NoisyMarginals


@dataclass(frozen=True)
class Layout:
    """The effects of a log-linear model, as one vector.

    Attributes
    ----------
    columns : tuple of str
    cells : tuple of tuple of str
        Labels of each column's cells.
    cliques : tuple of tuple of int
        Sets of columns with a table that no other table holds, in rising order.
    effects : dict of tuple of int to slice
        Where the effect of each set stands.

    Examples
    --------
    >>> layout = layout_of(("a", "b"), (("0", "1"), ("x", "y", "z")), [(0, 1)])
    >>> layout.effects
    {(0,): slice(0, 1, None), (1,): slice(1, 3, None), (0, 1): slice(3, 5, None)}
    """

    columns: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    cliques: tuple[Axes, ...]
    effects: dict[Axes, slice]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Levels of each column."""
        return tuple(map(len, self.cells))

    @property
    def size(self) -> int:
        """Numbers of all effects."""
        return sum(own.stop - own.start for own in self.effects.values())

    def factors(self, effects: np.ndarray) -> dict[Axes, np.ndarray]:
        """Return the tables of all effects, whose sum is the log probability of a cell up to a constant."""
        found = {}
        for axes, own in self.effects.items():
            table = effects[own].reshape([self.sizes[i] - 1 for i in axes])
            found[axes] = _turned(table, [contrasts(self.sizes[i]).T for i in axes])
        return found

    def moments(self, tables: Mapping[Axes, np.ndarray]) -> np.ndarray:
        """Return the sums of the contrasts of all effects over tables of the cliques, shape (size,)."""
        found = np.empty(self.size, dtype=np.result_type(*tables.values()))
        for clique, table in tables.items():
            for axes, part in gathered(table, clique, self.within(clique)).items():
                found[self.effects[axes]] = _turned(part, [contrasts(self.sizes[i]) for i in axes]).ravel()
        return found

    def features(self, codes: np.ndarray) -> np.ndarray:
        """Return the contrasts of all effects of records, shape (records, size)."""
        found = np.empty((len(codes), self.size), dtype=np.float32)
        for axes, own in self.effects.items():
            product = contrasts(self.sizes[axes[0]])[codes[:, axes[0]]]
            for i in axes[1:]:
                product = (product[:, :, None] * contrasts(self.sizes[i])[codes[:, i]][:, None]).reshape(len(codes), -1)
            found[:, own] = product
        return found

    def within(self, clique: Axes) -> list[Axes]:
        """Return the sets of columns within a clique that have an effect."""
        return [axes for k in range(1, len(clique) + 1) for axes in combinations(clique, k)]


def layout_of(
    columns: Sequence[str], cells: Sequence[tuple[str, ...]], cliques: Sequence[Sequence[int]]
) -> Layout:  # fmt: skip
    """Lay out the effects of all sets of columns that lie within a clique."""
    asked = sorted({tuple(sorted(clique)) for clique in cliques}, key=lambda one: (len(one), one))
    largest = tuple(one for one in asked if not any(set(one) < set(other) for other in asked))
    sets = sorted({axes for one in largest for k in range(1, len(one) + 1) for axes in combinations(one, k)},
                  key=lambda one: (len(one), one))  # fmt: skip
    effects, start = {}, 0
    for axes in sets:
        effects[axes] = slice(start, start := start + math.prod(len(cells[i]) - 1 for i in axes))
    return Layout(tuple(columns), tuple(cells), largest, effects)


@dataclass(frozen=True)
class Sums:
    """What noisy tables say of the effects' contrasts.

    Attributes
    ----------
    layout : Layout
    total : float
        Number of rows, noisy where it is private.
    total_variance : float
        Variance of its noise; 0 where the number is public.
    values, variances : ndarray of shape (layout.size,)
        Noisy sums of contrasts over all rows, and the variances of their noise.
    """

    layout: Layout
    total: float
    total_variance: float
    values: np.ndarray
    variances: np.ndarray


def sums_of(noisy: Sequence[NoisyMarginals]) -> Sums:
    """Return what noisy tables, with noise of the same or of different variances, say together.

    Raises
    ------
    FitError
        If a column has different cells in two of them.

    Examples
    --------
    >>> table = NoisyMarginals((("a",), ("a", "b")), {"a": ("0", "1"), "b": ("x", "y")},
    ...                        (np.array([40.0, 60.0]), np.array([[10.0, 30.0], [40.0, 20.0]])), 4.0, None)
    >>> found = sums_of([table])
    >>> found.total, found.total_variance  # two tables of 2 and of 4 cells: 1 / (1 / (2 * 4) + 1 / (4 * 4))
    (100.0, 5.333333333333333)
    """
    cells: dict[str, tuple[str, ...]] = {}
    for one in noisy:
        for name, labels in one.cells.items():
            if cells.setdefault(name, labels) != labels:
                raise FitError(
                    f"Column {name!r} has {len(cells[name])} cells in one release of noisy tables and {len(labels)} or "
                    "others in another. Release all of them with the same domain."
                )
    place = {name: i for i, name in enumerate(cells)}
    tables = [(tuple(place[c] for c in clique), table, one.variance)
              for one in noisy for clique, table in zip(one.cliques, one.counts, strict=True)]  # fmt: skip
    layout = layout_of(tuple(cells), tuple(cells.values()), [axes for axes, _, _ in tables])
    precision, weighted = np.zeros(layout.size), np.zeros(layout.size)
    total_precision = total_weighted = 0.0
    for axes, table, variance in tables:
        order = sorted(axes)
        sorted_table = table.transpose([axes.index(i) for i in order])
        total_precision += 1 / (variance * table.size)
        total_weighted += float(table.sum()) / (variance * table.size)
        for part, summed in gathered(sorted_table, tuple(order), layout.within(tuple(order))).items():
            spread_over = table.size / summed.size
            own = layout.effects[part]
            turned = _turned(summed, [contrasts(layout.sizes[i]) for i in part]).ravel()
            precision[own] += 1 / (variance * spread_over)
            weighted[own] += turned / (variance * spread_over)
    public = next((one.n for one in noisy if one.n is not None), None)
    if public is not None:
        return Sums(layout, float(public), 0.0, weighted / precision, 1 / precision)
    return Sums(layout, total_weighted / total_precision, 1 / total_precision, weighted / precision, 1 / precision)


@lru_cache(maxsize=256)
def contrasts(levels: int) -> np.ndarray:
    """Return orthonormal contrasts of a column's levels, shape (levels, levels - 1).

    >>> contrasts(2).round(3).tolist()
    [[0.707], [-0.707]]
    """
    return helmert(levels).T


def _turned(table: np.ndarray, matrices: Sequence[np.ndarray]) -> np.ndarray:
    """Multiply each axis of a table by a matrix."""
    for axis, matrix in enumerate(matrices):
        table = np.moveaxis(np.tensordot(table, matrix, axes=(axis, 0)), -1, axis)
    return table
