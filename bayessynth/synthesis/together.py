"""Sequences of several copies, one row of all their units at a time: a step costs as much for few units as for many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from bayessynth import families
from bayessynth.rules import Narrowed
from bayessynth.synthesis.generate import child
from bayessynth.synthesis.sequence import BATCH, Fixed, Rows, Steps, Walk
from bayessynth.trees.draw import Stand


def may_join(steps: Steps) -> bool:
    """Tell whether a copy's rows can be drawn beside those of others: from trees alone, in one batch, and to a length.

    Equations with parameters are evaluated with one posterior draw for all rows.
    """
    drawn = all(families.get(e.family).nonparametric and e.ar is None for e in steps.equations)
    return drawn and not steps.cut and steps.fixed is not None and steps.units <= BATCH


def rows_together(copies: Sequence[Steps], threads: int = 1) -> list[Rows]:
    """Draw the rows of several copies of one fit, each as it is when it is drawn alone.

    Parameters
    ----------
    copies : sequence of Steps
    threads : int
        Share the rows of a step.
    """
    joined = [steps for steps in copies if may_join(steps)]
    found: dict[int, Rows] = {}
    if len(joined) > 1:
        with ThreadPoolExecutor(threads) as pool:
            found = dict(zip(map(id, joined), _joined(joined, pool if threads > 1 else None, threads), strict=True))
    return [found[id(steps)] if id(steps) in found else _alone(steps) for steps in copies]


def _alone(steps: Steps) -> Rows:
    parts = [steps.batch(number, slice(first, min(first + BATCH, steps.units)))
             for number, first in enumerate(range(0, steps.units, BATCH))]  # fmt: skip
    arrays = {c: np.concatenate([part.arrays[c] for part in parts]) for c in steps.columns}
    return Rows(np.concatenate([part.sizes for part in parts]), arrays)


def _joined(copies: Sequence[Steps], pool: ThreadPoolExecutor | None = None, threads: int = 1) -> list[Rows]:
    walks = [Walk.start(steps, slice(0, steps.units), child(steps.plan.seed, 1, 0)) for steps in copies]
    first = np.cumsum([0, *(len(walk.alive) for walk in walks)])
    fixed, begins = _fixed([steps.fixed for steps in copies if steps.fixed is not None])

    def together(of: str) -> dict[str, np.ndarray]:
        return {c: np.concatenate([getattr(walk, of)[c] for walk in walks]) for c in getattr(walks[0], of)}

    rows = _Copies(
        Steps(copies[0].plan, fixed), walks[0].rng, np.arange(first[-1]), together("upper"), together("codes"),
        at=fixed.starts, length=fixed.sizes, stand=Stand([steps.plan.grove for steps in copies], pool, threads),
        rngs=[walk.rng for walk in walks], first_unit=first,
    ).rows()  # fmt: skip
    return [Rows(rows.sizes[units], {c: values[own] for c, values in rows.arrays.items()})
            for units, own in zip(_slices(first), _slices(begins), strict=True)]  # fmt: skip


def _slices(ends: np.ndarray) -> list[slice]:
    return [slice(int(first), int(end)) for first, end in pairwise(ends)]


def _fixed(parts: Sequence[Fixed]) -> tuple[Fixed, np.ndarray]:
    """Return what is given of the rows of all copies, one after the other, and where each copy's rows begin."""
    begins = np.cumsum([0, *(int(part.sizes.sum()) for part in parts)])
    starts = np.concatenate([part.starts + begin for part, begin in zip(parts, begins[:-1], strict=True)])
    arrays = {c: np.concatenate([part.arrays[c] for part in parts]) for c in parts[0].arrays}
    return Fixed(starts, np.concatenate([part.sizes for part in parts]), arrays), begins


@dataclass
class _Copies(Walk):
    """The units of several copies on their way, those of a copy side by side.

    Attributes
    ----------
    stand : Stand
        Trees of all copies.
    rngs : list of Generator
    first_unit : ndarray of int64
        Number of each copy's first unit, and of all units.
    """

    stand: Stand = field(default_factory=lambda: Stand([]))
    rngs: list[np.random.Generator] = field(default_factory=list)
    first_unit: np.ndarray = field(default_factory=lambda: np.zeros(1, dtype=np.int64))

    def from_trees(
        self, name: str, known: list[np.ndarray], groups: Mapping[str, np.ndarray], n: int, left: Narrowed, levels: int
    ) -> np.ndarray:
        """Draw a column of a row, of each copy from its own trees."""
        ends = np.searchsorted(self.alive, self.first_unit)
        return self.stand.draw(ends, self.rngs, name, known, groups, left, levels)
