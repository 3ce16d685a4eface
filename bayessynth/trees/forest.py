"""All trees of a fit: for every nonparametric equation and every copy, those of its own bootstrap draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from bayessynth.design import Bound, Data, Mask
from bayessynth.trees.conditional import Ensemble, Grown, Target, grown
from bayessynth.trees.design import Block, block
from bayessynth.trees.distance import DAY, Distance, bases, clock, equal_to
from bayessynth.trees.effects import GroupLaw, law, normal_law
from bayessynth.trees.features import Features, Seen
from bayessynth.trees.grow import Nodes
from bayessynth.trees.leaves import Leaves
from bayessynth.trees.settings import TreeSettings
from bayessynth.trees.support import Support

_PARTS = {"features": Features, "nodes": Nodes, "leaves": Leaves}
_DISTANCE = "distance"
_EFFECTS = "effects"


@dataclass(frozen=True)
class Forest:
    """Draws of the nonparametric equations, as many as copies can be made.

    Attributes
    ----------
    trees : mapping of str to tuple
        By column, or by the name of a mask: for every copy its ensembles of trees.
    copies : int
    settings : TreeSettings
    effects : mapping of str to tuple of GroupLaw
        By grouping factor: for every copy the distribution of the groups' effects.
    places : mapping of str to list
        By factor: column and ensemble of each effect.
    """

    trees: Mapping[str, Sequence[tuple[Ensemble, ...]]] = field(default_factory=dict)
    copies: int = 0
    settings: TreeSettings = field(default_factory=TreeSettings)
    effects: Mapping[str, Sequence[GroupLaw]] = field(default_factory=dict)
    places: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)

    def take(self, copies: int) -> Forest:
        """Return what the first copies need."""
        trees = {column: drawn[:copies] for column, drawn in self.trees.items()}
        effects = {factor: found[:copies] for factor, found in self.effects.items()}
        return Forest(trees, copies, self.settings, effects, self.places)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays, named by column number, copy, ensemble and part."""
        found = {
            f"{number}|{copy}|{place}|{part}|{name}": array
            for number, drawn in enumerate(self.trees.values())
            for copy, ensembles in enumerate(drawn)
            for place, ensemble in enumerate(ensembles)
            for part, names in _parts(ensemble).items()
            for name, array in names.items()
        }
        return found | {
            f"{_EFFECTS}|{i}|{name}": np.stack([getattr(own, name) for own in laws])
            for i, laws in enumerate(self.effects.values())
            for name in GroupLaw._fields
        }

    def declared(self) -> dict[str, object]:
        """Return all that is no array, as JSON data."""
        return {"columns": list(self.trees), "copies": self.copies, "settings": self.settings.to_json(),
                "places": {factor: [list(place) for place in own] for factor, own in self.places.items()}}  # fmt: skip

    @classmethod
    def of_arrays(cls, declared: Mapping[str, object], arrays: Mapping[str, np.ndarray]) -> Forest:
        """Make a forest of what :meth:`declared` and :meth:`arrays` returned."""
        columns, copies, settings, places = (declared[k] for k in ("columns", "copies", "settings", "places"))
        assert isinstance(columns, list) and isinstance(copies, int)
        assert isinstance(settings, dict) and isinstance(places, dict)
        found: dict[tuple[int, int, int], dict[str, dict[str, np.ndarray]]] = {}
        for key in arrays:
            if key.startswith(_EFFECTS):
                continue
            *numbers, part, name = key.split("|")
            number, copy, place = map(int, numbers)
            found.setdefault((number, copy, place), {}).setdefault(part, {})[name] = arrays[key]
        trees: dict[str, list[tuple[Ensemble, ...]]] = {column: [() for _ in range(copies)] for column in columns}
        for (number, copy, _), parts in sorted(found.items()):
            drawn = trees[columns[number]]
            made = Ensemble(*(kind(**parts[part]) for part, kind in _PARTS.items()))
            if _DISTANCE in parts:
                base, tick, low, high, center, finer = parts[_DISTANCE][_DISTANCE].tolist()
                made = replace(made, distance=Distance(int(base), tick, low, high, center, bool(finer)))
            drawn[copy] += (made,)
        effects = {factor: _read_laws(arrays, i) for i, factor in enumerate(places)}
        kept = {factor: [(str(c), int(t)) for c, t in own] for factor, own in places.items()}
        return cls(trees, copies, TreeSettings(**settings), effects, kept)


def _parts(ensemble: Ensemble) -> dict[str, Mapping[str, np.ndarray]]:
    """Return the arrays of an ensemble, by part and name."""
    found: dict[str, Mapping[str, np.ndarray]] = {part: getattr(ensemble, part)._asdict() for part in _PARTS}
    return found if ensemble.distance is None else {**found, _DISTANCE: {_DISTANCE: np.array(ensemble.distance)}}


def _read_laws(arrays: Mapping[str, np.ndarray], factor: int) -> list[GroupLaw]:
    """Read the laws of a factor's effects, one a copy; earlier versions wrote covariances of normal ones."""
    own = f"{_EFFECTS}|{factor}"
    if own in arrays:
        return [normal_law(covariance) for covariance in arrays[own]]
    parts = [arrays[f"{own}|{name}"] for name in GroupLaw._fields]
    return [GroupLaw(*each) for each in zip(*parts, strict=True)]


def plant(
    bound: Bound, data: Data, columns: Sequence[str], copies: int, entropy: int, cores: int, settings: TreeSettings
) -> Forest:
    """Grow the trees of all nonparametric equations, and of the masks of parametric ones.

    Every copy has its own Dirichlet weights of the records (the Bayesian bootstrap), shared by its equations; at a
    group's level, each group has a weight, and so has each unit of sequences.

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
    tasks = [*(_Task.of(bound, data, column) for column in columns),
             *(_Task.of_mask(bound, data, mask) for mask in bound.masks)]  # fmt: skip
    weights = {(copy, level): _level_weights(bound, data, entropy, copy, level)
               for level in {task.level for task in tasks} for copy in range(copies)}  # fmt: skip
    found, number = _blocks(tasks), settings.trees_of(len(tasks))

    def grow(pair: tuple[_Task, int]) -> Grown:
        task, copy = pair
        rng = np.random.default_rng(np.random.SeedSequence([entropy, 1, copy, *task.column.encode()]))
        own = weights[copy, task.level][task.rows]
        seen = Seen(
            task.predictors, [found[name, task.key] for name in task.reads], task.counts, task.groups, task.times
        )
        follows = bound.sequence is not None and task.level == "row"
        how = settings.in_sequence() if follows else settings
        return grown(task.target, seen, own / own.mean(), how, number, rng)

    pairs = [(task, copy) for task in tasks for copy in range(copies)]
    with ThreadPoolExecutor(max(1, min(cores, len(pairs)))) as pool:
        made = list(pool.map(grow, pairs))
    by_column = {t.column: made[i * copies : (i + 1) * copies] for i, t in enumerate(tasks)}
    trees = {column: tuple(drawn.ensembles for drawn in own) for column, own in by_column.items()}
    return Forest(trees, copies, settings, *_laws(data, tasks, by_column, copies, entropy))


def _laws(
    data: Data, tasks: Sequence[_Task], by_column: Mapping[str, Sequence[Grown]], copies: int, entropy: int
) -> tuple[dict[str, list[GroupLaw]], dict[str, list[tuple[str, int]]]]:
    """Return the distribution of each factor's effects, by copy, and the column and ensemble of each effect."""
    laws, places = {}, {}
    for factor in dict.fromkeys(f for task in tasks for f in task.factors):
        own = {t.column: (by_column[t.column], t.factors.index(factor)) for t in tasks if factor in t.factors}
        rows = np.bincount(data.grouping.codes[factor], data.grouping.weights, data.grouping.size(factor))
        laws[factor] = [
            law(_side_by_side(own, copy), rows, _weights(entropy, copy, f"effects of {factor}", len(rows)))
            for copy in range(copies)
        ]
        places[factor] = [(column, place) for column, (drawn, at) in own.items()
                          for place, found_in in enumerate(drawn[0].effects) for _ in found_in[at].T]  # fmt: skip
    return laws, places


def _side_by_side(own: Mapping[str, tuple[Sequence[Grown], int]], copy: int) -> np.ndarray:
    """Return one factor's effects in all equations, shape (groups, effects)."""
    return np.hstack([effects[at] for drawn, at in own.values() for effects in drawn[copy].effects])


def _level_weights(bound: Bound, data: Data, entropy: int, copy: int, level: str) -> np.ndarray:
    """Return a weight of every row, of which a level's own rows are used; rows of one sequence share that of its unit.

    Units are what was sampled: were each of their rows weighed apart, copies would differ too little in how rows follow
    each other.
    """
    if bound.sequence is None or level != "row":
        return _weights(entropy, copy, level, data.columns.n)
    unit = bound.sequence.unit
    own = _weights(entropy, copy, unit, data.columns.n)
    return own[data.grouping.first[unit]][data.grouping.codes[unit]]


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
    times: list[int]
    factors: tuple[str, ...]
    groups: list[np.ndarray]

    @classmethod
    def of(cls, bound: Bound, data: Data, column: str) -> _Task:
        equation, rows = bound[column], data.rows[column]
        own = bound.inner[column]
        levels = len(own.levels) if own.levels else None
        values, unit = data.columns[column][rows], clock(own)
        predictors, counts, moments = cls._read(bound, data, equation.reads, rows)
        grown_by = bound.sequence is not None and column in bound.sequence.differences
        # Declared ends, and steps of a row to the next, are limits of the times themselves.
        plain = own.kind != "datetime" or own.declared or grown_by
        times = {} if plain else {j: x for j, (c, x) in enumerate(zip(equation.reads, predictors, strict=True))
                                  if bound.inner[c].kind == "datetime"}  # fmt: skip
        # From the row before a time would wander off, but it may be the same.
        far = {j: x for j, x in times.items() if not equation.reads[j].startswith("lag(")}
        target = Target(values, levels, own.decimals, Support.of(own), unit, bases(values, far),
                        equal_to(values, times, unit / DAY))  # fmt: skip
        whole = len(rows) == len(data.grouping.rows(equation.level))
        factors = tuple(sorted(equation.factors, key=data.grouping.size))
        return cls(column, equation.level, rows, equation.level if whole else f"{equation.level} of {column}",
                   equation.reads, target, predictors, counts, moments, factors,
                   [data.grouping.codes[factor][rows] for factor in factors])  # fmt: skip

    @classmethod
    def of_mask(cls, bound: Bound, data: Data, mask: Mask) -> _Task:
        rows = data.grouping.rows(mask.level)
        target = Target(data.columns.missing(mask.column)[rows].astype(np.int64), 2)
        return cls(mask.name, mask.level, rows, mask.level, mask.reads, target,
                   *cls._read(bound, data, mask.reads, rows), (), [])  # fmt: skip

    @staticmethod
    def _read(
        bound: Bound, data: Data, names: Sequence[str], rows: np.ndarray
    ) -> tuple[list[np.ndarray], list[int | None], list[int]]:
        counts = [len(bound.inner[name].levels) or None for name in names]
        times = [j for j, name in enumerate(names) if bound.inner[name].kind == "datetime"]
        return [data.columns[name][rows] for name in names], counts, times


def _blocks(tasks: Sequence[_Task]) -> dict[tuple[str, str], Block]:
    """Return the design of every predictor, once for all equations on the same rows."""
    found: dict[tuple[str, str], Block] = {}
    for task in tasks:
        for name, values, count in zip(task.reads, task.predictors, task.counts, strict=True):
            if (name, task.key) not in found:
                found[name, task.key] = block(values, count)
    return found
