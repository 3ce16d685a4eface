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
    sized : mapping of str to str
        Columns and masks of groups whose trees read how many rows a group has, after all columns, with their level.
    """

    trees: Mapping[str, Sequence[tuple[Ensemble, ...]]] = field(default_factory=dict)
    copies: int = 0
    settings: TreeSettings = field(default_factory=TreeSettings)
    effects: Mapping[str, Sequence[GroupLaw]] = field(default_factory=dict)
    places: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)
    sized: Mapping[str, str] = field(default_factory=dict)

    @property
    def factors(self) -> frozenset[str]:
        """Grouping factors of whose groups it matters how many rows they have."""
        return frozenset({*self.effects, *self.sized.values()})

    def take(self, copies: int) -> Forest:
        """Return what the first copies need."""
        trees = {column: drawn[:copies] for column, drawn in self.trees.items()}
        effects = {factor: found[:copies] for factor, found in self.effects.items()}
        return Forest(trees, copies, self.settings, effects, self.places, self.sized)

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
                "places": {factor: [list(place) for place in own] for factor, own in self.places.items()},
                "sized": dict(self.sized)}  # fmt: skip

    @classmethod
    def of_arrays(cls, declared: Mapping[str, object], arrays: Mapping[str, np.ndarray]) -> Forest:
        """Make a forest of what :meth:`declared` and :meth:`arrays` returned."""
        columns, copies, settings, places = (declared[k] for k in ("columns", "copies", "settings", "places"))
        sized = declared.get("sized", {})
        assert isinstance(columns, list) and isinstance(copies, int)
        assert isinstance(settings, dict) and isinstance(places, dict) and isinstance(sized, dict)
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
        return cls(trees, copies, TreeSettings(**settings), effects, kept, sized)


def _parts(ensemble: Ensemble) -> dict[str, Mapping[str, np.ndarray]]:
    """Return the arrays of an ensemble, by part and name."""
    found: dict[str, Mapping[str, np.ndarray]] = {part: getattr(ensemble, part)._asdict() for part in _PARTS}
    if not len(ensemble.leaves.noise):
        found["leaves"] = {name: own for name, own in found["leaves"].items() if name != "noise"}
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
    group's level, each group has a weight, and so has each unit of sequences. Columns of a group are drawn given how
    many rows it has, which is drawn before them: were they not, groups of many rows would be like those of few, and
    shares of rows would be those of groups (informative cluster size; Williamson et al. 2003).

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
        read = task.read
        blocks = [found[name, task.key] for name in read.names]
        seen = Seen(read.values, blocks, read.counts, task.groups, read.times)
        follows = bound.sequence is not None and task.level == "row"
        how = settings.in_sequence() if follows else settings
        return grown(task.target, seen, own / own.mean(), how, number, rng)

    pairs = [(task, copy) for task in tasks for copy in range(copies)]
    with ThreadPoolExecutor(max(1, min(cores, len(pairs)))) as pool:
        made = list(pool.map(grow, pairs))
    by_column = {t.column: made[i * copies : (i + 1) * copies] for i, t in enumerate(tasks)}
    trees = {column: tuple(drawn.ensembles for drawn in own) for column, own in by_column.items()}
    sized = {task.column: task.level for task in tasks if task.read.sized}
    return Forest(trees, copies, settings, *_laws(data, tasks, by_column, copies, entropy), sized)


def _laws(
    data: Data, tasks: Sequence[_Task], by_column: Mapping[str, Sequence[Grown]], copies: int, entropy: int
) -> tuple[dict[str, list[GroupLaw]], dict[str, list[tuple[str, int]]]]:
    """Return the distribution of each factor's effects, by copy, and the column and ensemble of each effect."""
    laws, places = {}, {}
    for factor in dict.fromkeys(f for task in tasks for f in task.factors):
        own = {t.column: (by_column[t.column], t.factors.index(factor)) for t in tasks if factor in t.factors}
        rows = data.grouping.count("row", factor)[:, 0]
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
class _Read:
    """What the trees of an equation read.

    Attributes
    ----------
    names : tuple of str
    values : list of ndarray of shape (n,)
        Encoded.
    counts : list of int or None
        Number of levels of each that has levels.
    times : list of int
        Which of them are times.
    sized : bool
        Whether the last one says how many rows each group has.
    """

    names: tuple[str, ...]
    values: list[np.ndarray]
    counts: list[int | None]
    times: list[int]
    sized: bool


@dataclass(frozen=True)
class _Task:
    """An equation to grow trees for, with its rows."""

    column: str
    level: str
    rows: np.ndarray
    key: str
    target: Target
    read: _Read
    factors: tuple[str, ...]
    groups: list[np.ndarray]

    @classmethod
    def of(cls, bound: Bound, data: Data, column: str) -> _Task:
        equation, rows = bound[column], data.rows[column]
        own, level = bound.inner[column], equation.level
        values, unit = data.columns[column][rows], clock(own)
        read = _read(bound, data, level, equation.reads, rows)
        grown_by = bound.sequence is not None and column in bound.sequence.differences
        # Declared ends, and steps of a row to the next, are limits of the times themselves.
        plain = own.kind != "datetime" or own.declared or grown_by
        times = {} if plain else {j: read.values[j] for j in read.times}
        # From the row before a time would wander off, but it may be the same.
        far = {j: x for j, x in times.items() if not read.names[j].startswith("lag(")}
        target = Target(values, len(own.levels) or None, own.decimals, Support.of(own), unit, bases(values, far),
                        equal_to(values, times, unit / DAY))  # fmt: skip
        whole = len(rows) == len(data.grouping.rows(level))
        factors = tuple(sorted(equation.factors, key=data.grouping.size))
        return cls(column, level, rows, level if whole else f"{level} of {column}", target, read, factors,
                   [data.grouping.codes[factor][rows] for factor in factors])  # fmt: skip

    @classmethod
    def of_mask(cls, bound: Bound, data: Data, mask: Mask) -> _Task:
        rows = data.grouping.rows(mask.level)
        target = Target(data.columns.missing(mask.column)[rows].astype(np.int64), 2)
        return cls(mask.name, mask.level, rows, mask.level, target, _read(bound, data, mask.level, mask.reads, rows),
                   (), [])  # fmt: skip


def _read(bound: Bound, data: Data, level: str, names: Sequence[str], rows: np.ndarray) -> _Read:
    """Return the predictors of an equation or mask."""
    # Of wide tables, copies of all that every equation reads would take many times the table's room.
    whole = len(rows) == data.columns.n and bool((np.diff(rows) == 1).all())
    values = [data.columns[name] if whole else data.columns[name][rows] for name in names]
    counts = [len(bound.inner[name].levels) or None for name in names]
    times = [j for j, name in enumerate(names) if bound.inner[name].kind == "datetime"]
    # How many rows a unit of sequences has follows from its columns.
    sizes = None if level == "row" or bound.sequence is not None else data.grouping.count("row", level)[:, 0]
    if sizes is None or np.ptp(sizes) == 0:
        return _Read(tuple(names), values, counts, times, sized=False)
    own = np.log(sizes)[data.grouping.codes[level][rows]]
    return _Read((*names, f"rows of {level}"), [*values, own], [*counts, None], times, sized=True)


def _blocks(tasks: Sequence[_Task]) -> dict[tuple[str, str], Block]:
    """Return the design of every predictor, once for all equations on the same rows."""
    found: dict[tuple[str, str], Block] = {}
    for task in tasks:
        for name, values, count in zip(task.read.names, task.read.values, task.read.counts, strict=True):
            if (name, task.key) not in found:
                found[name, task.key] = block(values, count)
    return found
