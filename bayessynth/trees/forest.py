"""All trees of a fit: for every nonparametric equation and every copy, those of its own bootstrap draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from bayessynth.design import Bound, Data
from bayessynth.trees.conditional import Predictors, Target, Tree, grown
from bayessynth.trees.design import Block, block
from bayessynth.trees.features import Features
from bayessynth.trees.grow import Nodes
from bayessynth.trees.leaves import Leaves
from bayessynth.trees.settings import TreeSettings

_PARTS = {"features": Features, "nodes": Nodes, "leaves": Leaves}


@dataclass(frozen=True)
class Forest:
    """Draws of the nonparametric equations, as many as copies can be made.

    Attributes
    ----------
    trees : mapping of str to tuple
        By column: for every copy its trees.
    copies : int
    settings : TreeSettings
    """

    trees: Mapping[str, Sequence[tuple[Tree, ...]]] = field(default_factory=dict)
    copies: int = 0
    settings: TreeSettings = field(default_factory=TreeSettings)

    def of_copy(self, copy: int) -> dict[str, tuple[Tree, ...]]:
        """Return the trees of every column for one copy."""
        return {column: drawn[copy] for column, drawn in self.trees.items()}

    def take(self, copies: int) -> Forest:
        """Return the first trees of every column."""
        return Forest({column: drawn[:copies] for column, drawn in self.trees.items()}, copies, self.settings)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays, named by column number, copy, tree and part."""
        return {
            f"{number}|{copy}|{place}|{part}|{name}": array
            for number, drawn in enumerate(self.trees.values())
            for copy, trees in enumerate(drawn)
            for place, tree in enumerate(trees)
            for part in _PARTS
            for name, array in getattr(tree, part)._asdict().items()
        }

    @classmethod
    def of_arrays(
        cls, columns: Sequence[str], copies: int, settings: TreeSettings, arrays: Mapping[str, np.ndarray]
    ) -> Forest:
        """Make a forest of what :meth:`arrays` returned."""
        found: dict[tuple[int, int, int], dict[str, dict[str, np.ndarray]]] = {}
        for key, array in arrays.items():
            *numbers, part, name = key.split("|")
            number, copy, place = map(int, numbers)
            found.setdefault((number, copy, place), {}).setdefault(part, {})[name] = array
        trees: dict[str, list[tuple[Tree, ...]]] = {column: [() for _ in range(copies)] for column in columns}
        for (number, copy, _), parts in sorted(found.items()):
            drawn = trees[columns[number]]
            drawn[copy] += (Tree(*(kind(**parts[part]) for part, kind in _PARTS.items())),)
        return cls(trees, copies, settings)


def plant(bound: Bound, data: Data, columns: Sequence[str], copies: int, entropy: int, cores: int,
          settings: TreeSettings) -> Forest:  # fmt: skip
    """Grow the trees of all nonparametric equations.

    Every copy has its own Dirichlet weights of the records (the Bayesian bootstrap), shared by its equations; at a
    group's level, each group has a weight.

    Parameters
    ----------
    bound : Bound
    data : Data
    columns : sequence of str
        Those with nonparametric equations.
    copies : int
    entropy : int
        Seed: neither the number of cores nor the order of columns changes a tree.
    cores : int
    settings : TreeSettings
    """
    tasks = [_Task.of(bound, data, column) for column in columns]
    weights = {(copy, level): _weights(entropy, copy, level, data.columns.n)
               for level in {task.level for task in tasks} for copy in range(copies)}  # fmt: skip
    found = _blocks(tasks)

    def grow(pair: tuple[_Task, int]) -> tuple[Tree, ...]:
        task, copy = pair
        rng = np.random.default_rng(np.random.SeedSequence([entropy, 1, copy, *task.column.encode()]))
        own = weights[copy, task.level][task.rows]
        seen = [found[name, task.key] for name in task.reads]
        return grown(task.target, Predictors(task.predictors, seen, task.counts), own / own.mean(), settings, rng)

    pairs = [(task, copy) for task in tasks for copy in range(copies)]
    with ThreadPoolExecutor(max(1, min(cores, len(pairs)))) as pool:
        trees = list(pool.map(grow, pairs))
    return Forest(
        {t.column: tuple(trees[i * copies : (i + 1) * copies]) for i, t in enumerate(tasks)}, copies, settings
    )


def _weights(entropy: int, copy: int, level: str, n: int) -> np.ndarray:
    rng = np.random.default_rng(np.random.SeedSequence([entropy, 0, copy, *level.encode()]))
    return rng.exponential(size=n)


@dataclass(frozen=True)
class _Task:
    """An equation to grow trees for, with its rows."""

    column: str
    level: str
    rows: np.ndarray
    key: str
    reads: tuple[str, ...]
    target: Target
    predictors: list[np.ndarray]
    counts: list[int | None]

    @classmethod
    def of(cls, bound: Bound, data: Data, column: str) -> _Task:
        equation, rows = bound[column], data.rows[column]
        own = bound.schema[column]
        target = Target(data.columns[column][rows], len(own.levels) if own.levels else None, own.decimals)
        counts = [len(bound.schema[name].levels) or None for name in equation.reads]
        whole = len(rows) == len(data.grouping.rows(equation.level))
        return cls(column, equation.level, rows, equation.level if whole else f"{equation.level} of {column}",
                   equation.reads, target, [data.columns[name][rows] for name in equation.reads], counts)  # fmt: skip


def _blocks(tasks: Sequence[_Task]) -> dict[tuple[str, str], Block]:
    """Return the design of every predictor, once for all equations on the same rows."""
    found: dict[tuple[str, str], Block] = {}
    for task in tasks:
        for name, values, count in zip(task.reads, task.predictors, task.counts, strict=True):
            if (name, task.key) not in found:
                found[name, task.key] = block(values, count)
    return found
