"""Columns drawn from a model of cells, each given the cells of the columns that its equation reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bayessynth.fitting.noise_aware.tables.decode import redrawn
from bayessynth.fitting.noise_aware.tables.posterior import TablePosterior
from bayessynth.fitting.noise_aware.tables.sums import calibrated
from bayessynth.rules import Narrowed


@dataclass(frozen=True, eq=False)
class Grid:
    """How the numbers of a column lie in cells.

    Attributes
    ----------
    ends : tuple of float
        The lower end of each cell, and the upper end of the last.
    decimals : int or None
        Decimals of the values; None for as many as there are.
    """

    ends: tuple[float, ...]
    decimals: int | None

    def cells(self, values: np.ndarray) -> np.ndarray:
        """Return the cell of each value; beyond the bounds it is the nearest.

        >>> Grid((0.0, 1.0, 5.0), None).cells(np.array([-1.0, 0.5, 1.0, 9.0])).tolist()
        [0, 0, 1, 1]
        """
        return np.searchsorted(self.ends[1:-1], values, side="right")


@dataclass(frozen=True, eq=False)
class Cells:
    """The posterior of all columns that tables of counts serve.

    Attributes
    ----------
    posterior : TablePosterior
        A draw for each copy.
    reads : mapping of str to sequence of str
        By column, those that its equation reads, in the order in which they are handed in.
    grids : mapping of str to Grid
        Of the columns of numbers.

    Examples
    --------
    >>> from bayessynth.fitting.noise_aware.tables import fit_tables
    >>> from bayessynth.privacy import NoisyMarginals
    >>> noisy = NoisyMarginals((("a",),), {"a": ("0", "1")}, (np.array([90.0, 10.0]),), 4.0, None)
    >>> cells = Cells(fit_tables([noisy], 4, random_seed=1), {"a": ()}, {})
    >>> cells.copies, Cells.from_arrays(*cells.to_arrays()).reads
    (4, {'a': ()})
    """

    posterior: TablePosterior
    reads: Mapping[str, Sequence[str]]
    grids: Mapping[str, Grid]

    @property
    def copies(self) -> int:
        """How many copies can be drawn."""
        return len(self.posterior.draws)

    def at(self, copy: int) -> Conditionals:
        """Return what a copy draws its columns from."""
        return Conditionals(self.posterior, copy, self.reads, self.grids)

    def to_arrays(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Return JSON data and arrays from which :meth:`from_arrays` makes the same."""
        declared, arrays = self.posterior.to_arrays()
        reads = {column: list(names) for column, names in self.reads.items()}
        grids = {column: [list(grid.ends), grid.decimals] for column, grid in self.grids.items()}
        return {"tables": declared, "reads": reads, "grids": grids}, arrays

    @classmethod
    def from_arrays(cls, declared: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Cells:
        """Make cells of what :meth:`to_arrays` returned."""
        reads = {column: tuple(names) for column, names in declared["reads"].items()}
        grids = {column: Grid(tuple(ends), decimals) for column, (ends, decimals) in declared["grids"].items()}
        return cls(TablePosterior.from_arrays(declared["tables"], arrays), reads, grids)


@dataclass(frozen=True, eq=False)
class Conditionals:
    """The conditional distributions of one posterior draw.

    Attributes
    ----------
    posterior : TablePosterior
    copy : int
        The draw.
    reads, grids
        As of :class:`Cells`.

    Examples
    --------
    >>> from bayessynth.fitting.noise_aware.tables import fit_tables
    >>> from bayessynth.privacy import NoisyMarginals
    >>> noisy = NoisyMarginals((("a", "b"),), {"a": ("0", "1"), "b": ("[0, 1)", "[1, 5]")},
    ...                        (np.array([[900.0, 100.0], [100.0, 900.0]]),), 4.0, None)
    >>> found = Conditionals(fit_tables([noisy], 4, random_seed=1), 0, {"a": ("b",)}, {"b": Grid((0, 1, 5), None)})
    >>> drawn = found.draw("a", [np.full(1000, 0.5)], {}, 1000, Narrowed(), 2, np.random.default_rng(1))
    >>> bool(0.05 < drawn.mean() < 0.15)
    True
    """

    posterior: TablePosterior
    copy: int
    reads: Mapping[str, Sequence[str]]
    grids: Mapping[str, Grid]

    @cached_property
    def _tables(self) -> list[np.ndarray]:
        layout = self.posterior.layout
        return calibrated(self.posterior.tree, layout.factors(self.posterior.draws[self.copy]))

    def table(self, column: str) -> np.ndarray:
        """Return the probabilities of a column's cells given those that its equation reads; the column's axis is last.

        Cells that the model all but excludes are given the column's own probabilities.
        """
        layout, tree = self.posterior.layout, self.posterior.tree
        wanted = [layout.columns.index(name) for name in (*self.reads[column], column)]
        home = tree.home(wanted)
        clique, joint = tree.cliques[home], self._tables[home]
        summed = joint.sum(axis=tuple(p for p, i in enumerate(clique) if i not in wanted))
        left = [i for i in clique if i in wanted]
        summed = np.maximum(summed.transpose([left.index(i) for i in wanted]), 0.0)
        own = summed.reshape(-1, summed.shape[-1]).sum(axis=0)
        totals = summed.sum(axis=-1, keepdims=True)
        return np.where(totals > 0, summed / np.where(totals > 0, totals, 1.0), own / own.sum())

    def draw(
        self, column: str, predictors: Sequence[np.ndarray], groups: Mapping[str, np.ndarray], n: int,
        narrowed: Narrowed, levels: int, rng: np.random.Generator,
    ) -> np.ndarray:  # fmt: skip
        """Draw a column; numbers are uniform over the values of their cell, as is public.

        Parameters
        ----------
        column : str
        predictors : sequence of ndarray of shape (n,)
            Encoded columns that the equation reads, in its order.
        groups, narrowed
            Not used: such a fit has neither groups of these columns nor rules.
        n : int
        levels : int
            Number of the column's levels, 0 for numbers.
        rng : Generator

        Returns
        -------
        ndarray of shape (n,)
            Encoded as floats, codes of levels too.
        """
        rows = self._rows(column, predictors, n)
        ends = np.cumsum(rows, axis=-1)
        cells = (rng.random(n)[:, None] * ends[:, -1:] >= ends[:, :-1]).sum(axis=1)
        return (
            cells.astype(float) if levels else redrawn(self.grids[column].ends, self.grids[column].decimals, cells, rng)
        )

    def probability(
        self, column: str, predictors: Sequence[np.ndarray], groups: Mapping[str, np.ndarray], n: int,
        narrowed: Narrowed, levels: int, values: np.ndarray, half: float, rng: np.random.Generator,
    ) -> np.ndarray:  # fmt: skip
        """Return the probability, or density, that :meth:`draw` gives certain values.

        Parameters
        ----------
        column, predictors, groups, n, narrowed, levels
            As in :meth:`draw`.
        values : ndarray of shape (units,)
            Encoded; each is looked for in n / units rows, which follow one another.
        half : float
            Half of the last decimal's step, within which a number counts as the value; 0 for a density.
        rng : Generator
            Not used.

        Returns
        -------
        ndarray of shape (n,)
        """
        rows, wanted = self._rows(column, predictors, n), np.repeat(values, n // max(len(values), 1))
        if levels:
            return rows[np.arange(n), wanted.astype(int)]
        ends = np.asarray(self.grids[column].ends)
        cells = self.grids[column].cells(wanted)
        within = (wanted >= ends[0] - half) & (wanted <= ends[-1] + half)
        return within * rows[np.arange(n), cells] * (2 * half or 1.0) / np.diff(ends)[cells]

    def _rows(self, column: str, predictors: Sequence[np.ndarray], n: int) -> np.ndarray:
        """Return the probabilities of a column's cells in every row, shape (n, cells)."""
        table, place = self.table(column), np.zeros(n, dtype=np.int64)
        for name, values, size in zip(self.reads[column], predictors, table.shape[:-1], strict=True):
            cells = self.grids[name].cells(values) if name in self.grids else values.astype(np.int64)
            place = place * size + cells
        return table.reshape(-1, table.shape[-1])[place]
