"""A column drawn from its trees, given the columns before it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from bayessynth.rules import Narrowed
from bayessynth.trees.conditional import ORDINARY, Ensemble
from bayessynth.trees.density import Limits, cells_of, probabilities
from bayessynth.trees.effects import new_effects
from bayessynth.trees.forest import Forest
from bayessynth.trees.stand import Draws, Stack, draw, stacks, uniforms_of

# What stands for limits where there are none.
_NO_LIMITS = (np.zeros(0), np.zeros(0), np.zeros((0, 0), dtype=bool), np.zeros(0, dtype=bool), np.zeros(0, dtype=bool))


@dataclass(frozen=True)
class Grove:
    """All trees of one copy, with the effects of its groups.

    Attributes
    ----------
    trees : mapping of str to sequence of Ensemble
    smoothing : float
    effects : mapping of str to ndarray of shape (groups, effects)
        By factor, the coarsest first.
    places : mapping of str to sequence
        By factor: column and ensemble of each effect.
    sized : mapping of str to str
        Columns and masks whose trees read how many rows a group has, with their level.
    sizes : mapping of str to ndarray of shape (groups,)
        By level: the logarithm of how many rows each group has.
    """

    trees: Mapping[str, Sequence[Ensemble]] = field(default_factory=dict)
    smoothing: float = 0.0
    effects: Mapping[str, np.ndarray] = field(default_factory=dict)
    places: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)
    sized: Mapping[str, str] = field(default_factory=dict)
    sizes: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, forest: Forest, copy: int, rows: Mapping[str, np.ndarray], rng: np.random.Generator) -> Grove:
        """Take one copy's trees, and draw the effects of its groups.

        Parameters
        ----------
        forest : Forest
        copy : int
        rows : mapping of str to ndarray of shape (groups,)
            Rows of every group, by factor; NaN where they are not known, which only effects may.
        rng : Generator
        """
        trees = {column: drawn[copy] for column, drawn in forest.trees.items()}
        factors = sorted(forest.effects, key=lambda factor: len(rows[factor]))
        effects = {f: new_effects(forest.effects[f][copy], rows[f], rng) for f in factors}
        sizes = {level: np.log(np.maximum(rows[level], 1)) for level in forest.sized.values()}
        return cls(trees, forest.settings.smoothing, effects, forest.places, forest.sized, sizes)

    def draw(
        self, column: str, predictors: Sequence[np.ndarray], groups: Mapping[str, np.ndarray], n: int,
        narrowed: Narrowed, levels: int, rng: np.random.Generator,
    ) -> np.ndarray:  # fmt: skip
        """Draw a column.

        Parameters
        ----------
        column : str
        predictors : sequence of ndarray of shape (n,)
            Encoded columns that the trees read, in their order; sizes of groups aside.
        groups : mapping of str to ndarray of shape (n,)
            Group of every row, by the equation's factors.
        n : int
        narrowed : Narrowed
            What rules leave of the draw.
        levels : int
            Number of the column's levels, 0 for numbers.
        rng : Generator

        Returns
        -------
        ndarray of shape (n,)
            Encoded as floats, codes of levels too.
        """
        return Stand([self]).draw([0, n], [rng], column, predictors, groups, narrowed, levels)

    def probability(
        self, column: str, predictors: Sequence[np.ndarray], groups: Mapping[str, np.ndarray], n: int,
        narrowed: Narrowed, levels: int, values: np.ndarray, half: float, rng: np.random.Generator,
    ) -> np.ndarray:  # fmt: skip
        """Return the probability that :meth:`draw` gives certain values, exact on average over the generator's draws.

        Parameters
        ----------
        column, predictors, groups, n, narrowed, levels
            As in :meth:`draw`.
        values : ndarray of shape (units,)
            Encoded; each is looked for in n / units rows, which follow one another.
        half : float
            Half of the last decimal's step; 0 for a column with as many decimals as there are, whose numbers then have
            a probability in units of a width that is the same in all rows.
        rng : Generator
            Draws the leaves to which smoothing moves draws.

        Returns
        -------
        ndarray of shape (n,)
        """
        limits, each = _limits(narrowed, 0 if narrowed.free else n, levels), n // max(len(values), 1)
        predictors = self.with_sizes(column, predictors)

        def of(number: int, wanted: np.ndarray) -> np.ndarray:
            ensemble, free, times, own = self.trees[column][number], narrowed.free, each, limits
            table = _side_by_side([*_read(predictors, ensemble), *self.effects_of(column, number, groups)], n)
            if ensemble.distance is not None:
                start = ensemble.distance.start(table[:, ensemble.distance.base])
                own = _from_start(_limits(narrowed, n, levels), ensemble, start)
                wanted, free, times = np.repeat(wanted, each) - start, False, 1
            cells, found = cells_of(wanted, half, levels, ensemble.leaves), np.empty(n)
            probabilities(table, ensemble.features, ensemble.nodes, ensemble.leaves, self.smoothing, cells,
                          Limits(*own), free, times, rng.random(n), found)  # fmt: skip
            return found

        return self._over(list(range(len(self.trees[column]))), column, predictors, of, values)

    def _over(
        self, numbers: list[int], column: str, predictors: Sequence[np.ndarray],
        of: Callable[[int, np.ndarray], np.ndarray], values: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        """Return the probabilities of values under ensembles of which each draws what those before it leave."""
        first, *others = numbers
        if not others:
            return of(first, values)
        distance = self.trees[column][first].distance
        later, found = self._over(others, column, predictors, of, values), of(first, values)
        if later.any():
            found = found + of(first, np.full(len(values), ORDINARY)) * later
        return found if distance is None else np.where(np.isfinite(predictors[distance.base]), found, later)

    def with_sizes(self, column: str, predictors: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
        """Return what a column's trees read, sizes of groups, if they do, among them."""
        return [*predictors, self.sizes[self.sized[column]]] if column in self.sized else predictors

    def effects_of(self, column: str, number: int, groups: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        """Return the effects of each row's groups that one of a column's ensembles reads."""
        own = [(f, [i for i, at in enumerate(self.places[f]) if at == (column, number)]) for f in self.effects]
        return [self.effects[factor][groups[factor], i] for factor, found in own for i in found]


@dataclass(frozen=True)
class Stand:
    """The groves of several copies of one fit, to draw from all at once.

    Attributes
    ----------
    groves : sequence of Grove
    pool : ThreadPoolExecutor or None
        Threads that share the draws of many rows.
    threads : int
    """

    groves: Sequence[Grove]
    pool: ThreadPoolExecutor | None = None
    threads: int = 1
    _found: dict[tuple[str, int], list[Stack]] = field(default_factory=dict, compare=False, repr=False)

    def stacks(self, column: str, number: int) -> list[Stack]:
        """Return the trees of one of a column's ensembles, of all copies."""
        if (column, number) not in self._found:
            self._found[column, number] = stacks([grove.trees[column][number] for grove in self.groves])
        return self._found[column, number]

    def draw(
        self, ends: Sequence[int] | np.ndarray, rngs: Sequence[np.random.Generator], column: str,
        predictors: Sequence[np.ndarray], groups: Mapping[str, np.ndarray], narrowed: Narrowed, levels: int,
    ) -> np.ndarray:  # fmt: skip
        """Draw a column of all copies, each from its own trees and random stream, as if one by one.

        Parameters
        ----------
        ends : sequence of int
            Where the rows of each copy begin, and where the last one's end.
        rngs : sequence of Generator
            Of each copy.
        column, predictors, groups, narrowed, levels
            As in :meth:`Grove.draw`, of the rows of all copies.

        Returns
        -------
        ndarray of shape (ends[-1],)
        """
        n, every = int(ends[-1]), self.groves[0].trees[column]
        # Copies side by side are of sequences, whose sizes follow from their columns.
        if len(self.groves) == 1:
            predictors = self.groves[0].with_sizes(column, predictors)
        drawn, left, smoothing = np.full(n, ORDINARY), np.arange(n), self.groves[0].smoothing
        limits = _NO_LIMITS if narrowed.free else _limits(narrowed, n, levels)
        for number, ensemble in enumerate(every):
            if not len(left):
                break
            more = _effects(self.groves, ends, column, number, groups)
            # Records of one copy are drawn in the order of the rows, those of a whole table tree by tree.
            side = _side_by_side if len(self.groves) == 1 else _one_by_one
            table, rows = side([*_read(predictors, ensemble), *more], n), left
            if ensemble.distance is not None and number < len(every) - 1:
                rows = left[np.isfinite(table[left, ensemble.distance.base])]
            parts = np.searchsorted(rows, ends).astype(np.int64)
            draws = Draws(table, rows, parts, uniforms_of(rngs, parts))
            found, last = self.stacks(column, number), number == len(every) - 1
            if ensemble.distance is None:
                draw(found, draws, smoothing, limits, narrowed.free, drawn, self.pool, self.threads)
            else:
                own = [grove.trees[column][number] for grove in self.groves]
                start, within = _from_bases(own, draws, limits if not narrowed.free else _limits(narrowed, n, levels))
                far = np.empty(n)
                draw(found, draws, smoothing, within, False, far, self.pool, self.threads)
                drawn[rows] = start + far[rows]
            left = left[:0] if last else np.flatnonzero(drawn == ORDINARY)
        return drawn


def _read(predictors: Sequence[np.ndarray], ensemble: Ensemble) -> list[np.ndarray]:
    """Return what an ensemble's trees read, effects of groups aside."""
    distance = ensemble.distance
    return [*predictors, *(distance.more(predictors[distance.base]) if distance is not None else ())]


def _from_bases(
    own: Sequence[Ensemble], draws: Draws, limits: tuple[np.ndarray, ...]
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Return from where the distances of some rows are counted, and limits of them in the rows of the table."""
    start, within = np.empty(len(draws.rows)), tuple(part.copy() for part in limits)
    for ensemble, first, end in zip(own, draws.parts[:-1], draws.parts[1:], strict=True):
        if ensemble.distance is None or first == end:
            continue
        rows = draws.rows[first:end]
        start[first:end] = ensemble.distance.start(draws.table[rows, ensemble.distance.base])
        some = tuple(part[rows] if len(part) else part for part in limits)
        within[0][rows], within[1][rows], *_ = _from_start(some, ensemble, start[first:end])
    return start, within


def _from_start(limits: tuple[np.ndarray, ...], own: Ensemble, start: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return limits of times, and the ends of the times that there are, as limits of their distance from a start."""
    lower, upper, allowed, *cells = limits
    assert own.distance is not None
    low, high = np.maximum(lower, own.distance.low) - start, np.minimum(upper, own.distance.high) - start
    # Where no distance would lead within the ends, only rules count.
    far = (low > np.nanmax(own.leaves.high)) | (high < np.nanmin(own.leaves.low)) | (low > high)
    return (np.where(far, lower - start, low), np.where(far, upper - start, high), allowed, *cells)


def _effects(
    groves: Sequence[Grove],
    ends: Sequence[int] | np.ndarray,
    column: str,
    number: int,
    groups: Mapping[str, np.ndarray],
) -> list[np.ndarray]:
    if not groups:
        return []
    found = [
        grove.effects_of(column, number, {f: codes[first:end] for f, codes in groups.items()})
        for grove, first, end in zip(groves, ends[:-1], ends[1:], strict=True)
    ]
    return [np.concatenate(parts) for parts in zip(*found, strict=True)]


def _side_by_side(columns: Sequence[np.ndarray], n: int) -> np.ndarray:
    """Return columns as a table of floats, of which a row stands in one place."""
    table = np.empty((n, len(columns)))
    for j, column in enumerate(columns):
        table[:, j] = column
    return table


def _one_by_one(columns: Sequence[np.ndarray], n: int) -> np.ndarray:
    """Return columns as a table of floats, of which a column stands in one place, as is quicker for few rows."""
    table = np.empty((len(columns), n))
    for own, column in zip(table, columns, strict=True):
        own[:] = column
    return table.T


def _limits(narrowed: Narrowed, n: int, levels: int) -> tuple[np.ndarray, ...]:
    lower = np.full(n, -np.inf) if narrowed.lower is None else narrowed.lower
    upper = np.full(n, np.inf) if narrowed.upper is None else narrowed.upper
    every = np.ones((n if levels else 0, levels), dtype=bool)
    allowed = every if narrowed.allowed is None else narrowed.allowed
    none = np.zeros(n, dtype=bool)
    return (lower, upper, allowed, none if narrowed.absent is None else narrowed.absent,
            none if narrowed.present is None else narrowed.present)  # fmt: skip
