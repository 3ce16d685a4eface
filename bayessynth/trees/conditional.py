"""One column given those before it: its trees, or two sets of them where it has cells that are no ordinary numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import special, stats

from bayessynth.trees import line
from bayessynth.trees.design import LEVELS, block, joined
from bayessynth.trees.distance import DAY, Distance, ends_of, equals, parted, steps
from bayessynth.trees.effects import binned, group_effects
from bayessynth.trees.features import SHRINKAGE, Features, Learnt, Seen, learn, with_effects
from bayessynth.trees.grow import COUNTED, Nodes, grow
from bayessynth.trees.leaves import Leaves, Records, grids, of_numbers, of_values
from bayessynth.trees.ranks import ranked, ranks_on_grid
from bayessynth.trees.settings import TreeSettings
from bayessynth.trees.support import EVERYWHERE, Support

# A number with this share of the records, or more, is told apart by a tree of its own before all others.
DOMINANT = 0.1
# A number that a smaller share of the records has is no heap, however many records that is.
HEAPED = 0.0006
# Levels with a smaller share of the records keep their probability in a leaf whatever the scores.
RARE = 0.01
# In a first tree, stands for all numbers that the second one draws.
ORDINARY = np.inf


@dataclass(frozen=True)
class Target:
    """What is to be drawn.

    Attributes
    ----------
    values : ndarray of shape (n,)
        Encoded.
    levels : int or None
        Number of levels, if it has levels.
    decimals : int or None
        Of a number.
    support : Support
        Of a number.
    unit : int
        Resolution of a time without a zone, in microseconds; else 0.
    bases : tuple of int
        Places of other times among the predictors, from which it is drawn as a distance.
    same : int or None
        Place of another time that it often equals, which is told apart first.
    """

    values: np.ndarray
    levels: int | None
    decimals: int | None = None
    support: Support = EVERYWHERE
    unit: int = 0
    bases: tuple[int, ...] = ()
    same: int | None = None

    def grid(self, values: np.ndarray) -> np.ndarray:
        """Return the step on which each number lies."""
        return steps(values, self.unit) if self.unit else grids(values, self.decimals)


@dataclass(frozen=True)
class Ensemble:
    """Trees of one draw of the Bayesian bootstrap, the features that they read and the distributions in their leaves.

    A record is drawn from any one of the trees.

    Attributes
    ----------
    features : Features
    nodes : Nodes
    leaves : Leaves
    distance : Distance or None
        From where the leaves' numbers are counted, if they are distances; records that have that time are drawn.
    """

    features: Features
    nodes: Nodes
    leaves: Leaves
    distance: Distance | None = None


@dataclass(frozen=True)
class Grown:
    """The trees of one column and one copy.

    Attributes
    ----------
    ensembles : tuple of Ensemble
        One; or two, of which the second draws the numbers where the first says that they are ordinary; or, in place of
        the one that draws numbers, several for records that have different times from which distances are counted.
    effects : list of list of ndarray of shape (groups, scores)
        By ensemble and factor.
    """

    ensembles: tuple[Ensemble, ...]
    effects: list[list[np.ndarray]]


def grown(
    target: Target, seen: Seen, weights: np.ndarray, settings: TreeSettings, trees: int, rng: np.random.Generator
) -> Grown:
    """Grow the trees of one column from one draw of the Bayesian bootstrap.

    Parameters
    ----------
    target : Target
    seen : Seen
    weights : ndarray of shape (n,)
        Dirichlet weights of the records, of mean one.
    settings : TreeSettings
    trees : int
        How many.
    rng : Generator
    """
    bench = _Bench(seen, weights, settings, trees, rng)
    everywhere, values = np.arange(len(weights)), target.values
    if target.levels is not None:
        return _together([bench.of_levels(everywhere, values.astype(float))])
    ordinary = np.isfinite(values) & ~np.isin(values, _special(values))
    rows = np.flatnonzero(ordinary)
    made = [] if ordinary.all() else [bench.of_levels(everywhere, np.where(ordinary, ORDINARY, values))]
    if not len(rows):
        return _together(made)
    return _together([*made, *bench.of_all(rows, target)])


def _together(made: list[tuple[Ensemble, list[np.ndarray]]]) -> Grown:
    return Grown(tuple(ensemble for ensemble, _ in made), [effects for _, effects in made])


@dataclass(frozen=True)
class _Bench:
    """All that the trees of one column are grown from."""

    seen: Seen
    weights: np.ndarray
    settings: TreeSettings
    trees: int
    rng: np.random.Generator

    def of_levels(self, rows: np.ndarray, values: np.ndarray) -> tuple[Ensemble, list[np.ndarray]]:
        """Grow trees that part values by what they are."""
        codes = np.unique(values, return_inverse=True)[1]
        goal = _indicators(codes)
        learnt = learn(self.seen, rows, goal, self.weights[rows])
        wanted = _countable(codes, learnt.scores, self.weights[rows])
        features, nodes, records, effects = self._grown(learnt, wanted, goal, rows)
        return Ensemble(features, nodes, of_values(records, values)), effects

    def of_numbers(self, rows: np.ndarray, values: np.ndarray, target: Target) -> tuple[Ensemble, list[np.ndarray]]:
        """Grow trees that part numbers by their rank."""
        goal = _normal_scores(values)
        heaps, interval = _heaps(values, self.settings.heap), self.settings.interval_of(len(self.weights))
        few = self.settings.lined(len(self.weights)) and not target.unit and not self.seen.groups
        if few and self.seen.values:
            features, nodes, records, told = self._lined(rows, values, goal)
            bare = replace(records, scores=records.scores[:, :0], pull=records.pull[:, :0])
            leaves = of_numbers(bare, values, heaps, interval, target.grid(values), self.rng, target.support)
            leaves = line.leaning(leaves, records.leaf, records.scores[:, 0], told, records.weights, self.rng)
            return Ensemble(features, nodes, leaves), []
        learnt = learn(self.seen, rows, goal, self.weights[rows])
        features, nodes, records, effects = self._grown(learnt, goal, goal, rows)
        leaves = of_numbers(records, values, heaps, interval, target.grid(values), self.rng, target.support)
        return Ensemble(features, nodes, leaves), effects

    def _lined(
        self, rows: np.ndarray, values: np.ndarray, goal: np.ndarray
    ) -> tuple[Features, Nodes, Records, np.ndarray]:
        """Grow trees of numbers of few rows, with a linear score of their ranks or of the numbers themselves."""
        weights, least = self.weights[rows], self.settings.leaf_of(len(self.weights))
        plain = (values - values.mean()) / max(float(values.std()), 1e-12)
        told = line.better(joined(self.seen.blocks, rows).astype(float), (goal, plain), weights)
        learnt = learn(self.seen, rows, told, weights, line.PRECISION)
        seed = int(self.rng.integers(2**31 - self.trees))
        ranks = [*learnt.ranks, *(ranks_on_grid(x) for x in learnt.scores.T)]
        nodes, leaf = grow(ranked(ranks, len(rows)), goal, weights, least, self.trees, seed)
        records = Records(leaf, weights, learnt.scores, np.zeros_like(learnt.scores), len(nodes.upto) - 1)
        return learnt.features, nodes, records, told

    def of_all(self, rows: np.ndarray, target: Target) -> list[tuple[Ensemble, list[np.ndarray]]]:
        """Grow trees of ordinary numbers: of times those that tell which equal another, then those of distances."""
        values, made, ends = target.values, list[tuple[Ensemble, list[np.ndarray]]](), (-np.inf, np.inf)
        tick, interval = target.unit / DAY, self.settings.interval_of(len(self.weights))
        if target.bases or target.same is not None:
            ends = ends_of(values[rows], interval, self.rng)
        if target.same is not None:
            base = self.seen.values[target.same]
            distance = Distance.of(target.same, tick, ends, base[rows])
            there = rows[np.isfinite(base[rows])]
            alike = equals(values[there], distance.start(base[there]))
            made.append(self._apart(distance).told(distance, there, np.where(alike, 0.0, ORDINARY)))
            rows = np.setdiff1d(rows, there[alike])
        for distance_, own, left in parted(values, rows, self.seen.values, target.bases, tick, ends):
            if distance_ is None:
                made.append(self.of_numbers(own, left, target))
            else:
                made += self._apart(distance_).of_distances(distance_, own, left, target)
        return made

    def of_distances(
        self, distance: Distance, rows: np.ndarray, values: np.ndarray, target: Target
    ) -> list[tuple[Ensemble, list[np.ndarray]]]:
        """Grow trees that part times by their distance from another; first those that tell a dominant one apart."""
        ordinary = ~np.isin(values, _special(values))
        made = [] if ordinary.all() else [self.told(distance, rows, np.where(ordinary, ORDINARY, values))]
        if ordinary.any():
            found, effects = self.of_numbers(rows[ordinary], values[ordinary], target)
            made.append((replace(found, distance=distance), effects))
        return made

    def told(self, distance: Distance, rows: np.ndarray, values: np.ndarray) -> tuple[Ensemble, list[np.ndarray]]:
        """Grow trees that tell some distances from all others."""
        made, effects = self.of_levels(rows, values)
        return replace(made, distance=distance), effects

    def _apart(self, distance: Distance) -> _Bench:
        """Let trees read what was cut off the time that distances are counted from."""
        more = distance.more(self.seen.values[distance.base])
        seen = replace(self.seen, values=[*self.seen.values, *more], counts=[*self.seen.counts, *(None for _ in more)],
                       blocks=[*self.seen.blocks, *(block(x, None) for x in more)])  # fmt: skip
        return replace(self, seen=seen)

    def _grown(
        self, learnt: Learnt, wanted: np.ndarray, goal: np.ndarray, rows: np.ndarray
    ) -> tuple[Features, Nodes, Records, list[np.ndarray]]:
        weights, least = self.weights[rows], self.settings.leaf_of(len(self.weights))
        drawn, by_row = self._effects(learnt, goal, rows, None) if goal.ndim == 1 else ([], [])
        scores, size = learnt.scores + sum(by_row), learnt.scores.shape[1]
        ranks = [*learnt.ranks, *(ranks_on_grid(x) for own in (*by_row, scores) for x in own.T)]
        seed = int(self.rng.integers(2**31 - self.trees))
        nodes, leaf = grow(ranked(ranks, len(rows)), wanted, weights, least, self.trees, seed)
        if goal.ndim == 2:
            drawn, by_row = self._effects(learnt, goal, rows, leaf)
            scores = scores + sum(by_row)
            # Effects stand between the predictors and the scores among which cuts were looked for.
            predictors, more = len(learnt.features.first), len(drawn) * size
            moved = np.where(nodes.feature >= predictors, nodes.feature + more, nodes.feature)
            nodes = nodes._replace(feature=moved.astype(np.int32))
        features = with_effects(learnt.features, len(drawn), seen=goal.ndim == 1)
        pull = _pull(goal, scores, weights)
        variance = _variance(goal, scores, weights) if goal.ndim == 1 else None
        return features, nodes, Records(leaf, weights, scores, pull, len(nodes.upto) - 1, variance), drawn

    def _effects(
        self, learnt: Learnt, goal: np.ndarray, rows: np.ndarray, leaf: np.ndarray | None
    ) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Draw the effects of the groups, factor by factor, and return them by factor and by row."""
        scores, drawn, by_row = learnt.scores, [], []
        for groups in self.seen.groups:
            own, number = groups[rows], int(groups.max()) + 1
            found = group_effects(goal, scores, learnt.projection, self.weights[rows], leaf, own, number, self.rng)
            shown = (binned(found) if leaf is None else found)[own].astype(np.float32)
            drawn.append(found)
            by_row.append(shown)
            scores = scores + shown
        return drawn, by_row


def _pull(goal: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return how the log density of each record's value grows with each linear score.

    For two levels the score is a log odds. For a number it is the mean of a normal distribution; for more levels each
    score is normal within a level, about the level's mean (linear discriminant analysis).
    """
    if not scores.shape[1]:
        return np.zeros((len(goal), 0))
    if goal.ndim == 1:
        return goal[:, None] / _variance(goal, scores, weights)
    if goal.shape[1] == 2:
        return goal[:, 1:]
    size = weights @ goal
    # A rare level's mean says little: it is drawn towards the overall mean, which is zero on the centred scores. The
    # rarest are left to the tree alone, for a score far out would make many of them.
    centred = scores - np.average(scores, axis=0, weights=weights)
    means = (goal.T @ (centred * weights[:, None])) / (size + SHRINKAGE)[:, None]
    means[size < RARE * size.sum()] = 0
    own = goal @ means
    variance = np.average((centred - own) ** 2, axis=0, weights=weights)
    return own / np.maximum(variance, 1e-9)


def _variance(goal: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    """Return the variance of a number about its linear score."""
    left = goal - scores[:, 0]
    return max(float(np.average((left - np.average(left, weights=weights)) ** 2, weights=weights)), 1e-6)


def _indicators(codes: np.ndarray) -> np.ndarray:
    """Return indicators of the usual levels, shape (n, levels); all others share one."""
    frequency = np.bincount(codes)
    usual = np.argsort(-frequency, kind="stable")[:LEVELS]
    place = np.full(len(frequency), len(usual))
    place[usual] = np.arange(len(usual))
    return np.eye(min(len(frequency), LEVELS + 1), dtype=np.float32)[place[codes]]


def _countable(codes: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return what a tree parts: levels, or, if they are many, their mean scores."""
    size = np.bincount(codes, weights=weights)
    if len(size) <= COUNTED:
        return codes
    sums = [np.bincount(codes, weights=weights * scores[:, k]) for k in range(scores.shape[1])]
    return (np.column_stack(sums) / size[:, None])[codes]


def _special(values: np.ndarray) -> np.ndarray:
    """Return numbers at either end that so many records have that a tree of its own tells them apart.

    Zeros, caps and codes such as -8 or 99999 stand at an end; a heap in the middle keeps its place among the others.
    """
    found, count = np.unique(values[np.isfinite(values)], return_counts=True)
    heavy = count >= DOMINANT * len(values)
    if heavy.all():
        return found[:0]
    below, above = int(np.argmin(heavy)), int(np.argmin(heavy[::-1]))
    return np.concatenate([found[:below], found[len(found) - above :]])


def _heaps(values: np.ndarray, heap: int) -> np.ndarray:
    """Return the numbers that so many records share that they keep a probability of their own."""
    found, count = np.unique(values, return_counts=True)
    return found[count >= max(heap, HEAPED * len(values))]


def _normal_scores(values: np.ndarray) -> np.ndarray:
    """Return normal quantiles of the ranks: what a tree's squares see of a number, whatever its tails."""
    return special.ndtri((stats.rankdata(values) - 0.5) / len(values))
