"""Proposals for what given columns depend on: drawn in the order of the chain, weighed, and resampled on the way.

A sequential Monte Carlo sampler for every cluster: the rows that share what is drawn, most often a single row. Its
particles are whole proposals for all rows and groups of the cluster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bayessynth import families
from bayessynth.design import Bound, BoundEquation, Effects, Mask, draw_new_effects, frame_of, parameters
from bayessynth.rules import Narrowed, determined, narrowed
from bayessynth.rules.grid import half_step
from bayessynth.synthesis.conditional import Within
from bayessynth.synthesis.evidence import Evidence, tied
from bayessynth.synthesis.generate import Plan, draw_column, reads
from bayessynth.trees.effects import GroupLaw
from bayessynth.trees.effects import new_effects as new_tree_effects

# Proposals are resampled once fewer than this share of them are effective.
RESAMPLED = 0.5


@dataclass(frozen=True)
class Known:
    """All that is known of a copy before anything is drawn.

    Attributes
    ----------
    plan : Plan
    evidence : Evidence
    values : mapping of str to ndarray
        Given columns at their own level.
    cells : mapping of str to ndarray
        Which of a column's cells are given, where not all are.
    within : mapping of str to Within
        Sets in which columns must lie.
    codes : mapping of (str, str) to ndarray
        By level and factor: the group of every unit.
    laws : mapping of str to tuple
        By factor: the distribution of the effects of tree equations, and the rows of every group.
    observed : bool
        Whether groups are the original's, whose effects are known.
    """

    plan: Plan
    evidence: Evidence
    values: Mapping[str, np.ndarray]
    cells: Mapping[str, np.ndarray]
    within: Mapping[str, Within]
    codes: Mapping[tuple[str, str], np.ndarray]
    laws: Mapping[str, tuple[GroupLaw, np.ndarray]]
    observed: bool


@dataclass(frozen=True)
class Block:
    """Some clusters.

    Attributes
    ----------
    members : ndarray of int
        Numbers of the clusters, in ascending order.
    units : mapping of str to ndarray
        By level: the positions of rows, or groups, in the copy, in ascending order.
    clusters : mapping of str to ndarray
        By level: the place among the members of each unit's cluster.
    """

    members: np.ndarray
    units: Mapping[str, np.ndarray]
    clusters: Mapping[str, np.ndarray]

    @property
    def size(self) -> int:
        """Number of clusters."""
        return len(self.members)


@dataclass(frozen=True)
class Chosen:
    """One proposal of every cluster of a block, with what tells how good it is.

    Attributes
    ----------
    shown, whole : mapping of str to ndarray
        Columns, by unit, as copies show them, and with the values behind missing cells.
    effects : mapping
        By response, predictor and position: effects of the block's groups.
    trees : mapping of str to ndarray
        Effects of tree equations, by factor.
    total, squares : ndarray of shape (clusters,)
        Logarithms of the sum of the weights, and of the squares of the sums of those that come of one proposal.
    at : ndarray of int, shape (clusters,)
        Place of the step at which no proposal was left; -1 where some were.
    """

    shown: Mapping[str, np.ndarray]
    whole: Mapping[str, np.ndarray]
    effects: Mapping[str, Mapping[tuple[str, int], np.ndarray]]
    trees: Mapping[str, np.ndarray]
    total: np.ndarray
    squares: np.ndarray
    at: np.ndarray


@dataclass(frozen=True)
class _Flat:
    """The units of a level, each as often as there are proposals."""

    index: Mapping[str, np.ndarray]

    def within(self, factor: str) -> np.ndarray:
        return self.index[factor]


@dataclass
class Particles:
    """The proposals of the clusters of a block.

    Attributes
    ----------
    known : Known
    block : Block
    each : int
        Proposals of a cluster.
    rng : Generator
    """

    known: Known
    block: Block
    each: int
    rng: np.random.Generator
    shown: dict[str, np.ndarray] = field(default_factory=dict)
    whole: dict[str, np.ndarray] = field(default_factory=dict)
    weights: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        shape = (self.block.size, self.each)
        self.weights = np.zeros(shape)
        self.before = np.zeros(self.block.size)
        self.origin = np.broadcast_to(np.arange(self.each), shape)
        self.at = np.full(self.block.size, -1)
        self.drawn: set[str] = set()
        self.plan = self._with_sizes(self._with_effects(self.known.plan))
        self.masks = {mask.name: mask for mask in self.plan.bound.masks}
        self.computed = determined(self.plan.bound.rules)

    def _with_effects(self, plan: Plan) -> Plan:
        if self.known.observed:
            return plan
        sizes = {f: len(self.block.units[f]) * self.each for f in self.known.evidence.shared}
        among = {e.response for e in plan.bound.equations if e.predictors and e.response in self.known.evidence.steps}
        effects = draw_new_effects(plan.bound.equations, plan.bound.shared, plan.values, sizes, self.rng, among)
        # In the order of the factors, by which trees read them.
        trees = {}
        for f in plan.grove.effects:
            if f in sizes:
                law, rows = self.known.laws[f]
                trees[f] = new_tree_effects(law, np.repeat(rows[self.block.units[f]], self.each), self.rng)
        return replace(plan, effects=effects, grove=replace(plan.grove, effects=trees))

    def _with_sizes(self, plan: Plan) -> Plan:
        """Let trees read how many rows the block's own groups have."""
        sizes = {level: np.repeat(own[self.block.units[level]], self.each) for level, own in plan.grove.sizes.items()
                 if level in self.block.units}  # fmt: skip
        return replace(plan, grove=replace(plan.grove, sizes=sizes))

    def run(self) -> Chosen:
        """Draw and weigh all steps, and choose a proposal for every cluster."""
        steps = self.known.evidence.steps
        equations = {e.response: e for e in self.plan.bound.equations}
        for place, step in enumerate(steps):
            if step in self.masks:
                self._mask(self.masks[step])
            elif step in self.computed:
                self._compute(step)
            else:
                self._equation(equations[step])
            self._bury(place)
            if place + 1 < len(steps):
                self._resample()
        return self._choose()

    def _equation(self, equation: BoundEquation) -> None:
        column, level = equation.response, equation.level
        masked = column in self.plan.masked
        given, cells = self._given(column, level)
        tree = families.get(equation.family).nonparametric
        read = [*reads(equation), *(tied(self.plan.bound, column) if tree else ())]
        arrays = {c: self._array(c, level, behind=not tree) for c in dict.fromkeys(read)}
        flat = _Flat({f: self._codes(level, f, effects=True) for f in equation.factors})
        n = len(self.block.units[level]) * self.each
        if given is not None and column in self.known.evidence.weighed:
            self._weigh(level, self._log_probability(equation, arrays, flat, given, cells), cells)
        if given is not None and cells is None:
            if masked:
                self.whole[column] = np.repeat(given, self.each)
            return
        drawn = draw_column(self.plan, equation, arrays, n, flat, self.rng)
        if given is not None and cells is not None:
            drawn = np.where(np.repeat(cells, self.each), np.repeat(given, self.each), drawn)
        (self.whole if masked else self.shown)[column] = drawn
        self.drawn.add(column)
        if not masked:
            self._confine(column, level)

    def _log_probability(
        self, equation: BoundEquation, arrays: Mapping[str, np.ndarray], flat: _Flat, given: np.ndarray,
        cells: np.ndarray | None,
    ) -> np.ndarray:  # fmt: skip
        """Return the log probability, or density, of given values in all proposals."""
        schema, n = self.plan.bound.schema, len(given) * self.each
        column, family = schema[equation.response], families.get(equation.family)
        if family.nonparametric:
            left = narrowed(self.plan.bound.rules, column.name, arrays, schema, n)
            found = self.plan.drawer(column.name).probability(
                column.name, [arrays[c] for c in equation.reads], flat.index, n, left, len(column.levels), given,
                half_step(column), self.rng,
            )  # fmt: skip
            with np.errstate(divide="ignore"):
                return np.log(found)
        if cells is not None:
            # Any value of the column will do where none is given: it is not weighed.
            given = np.where(cells, given, given[cells][0] if cells.any() else 0)
        frame = frame_of(schema, {c: arrays[c] for c in reads(equation)})
        effects = Effects(self.plan.effects.get(equation.response, {}), flat.index)
        values = np.repeat(given, self.each)
        with np.errstate(all="ignore"):
            logp = family.logp(values, **parameters(equation, frame, n, self.plan.values, effects))
        return np.where(np.isnan(logp), -np.inf, np.broadcast_to(logp, (n,)))

    def _mask(self, mask: Mask) -> None:
        """Draw which cells are missing; cells that are given are not, which is weighed."""
        given, cells = self._given(mask.column, mask.level)
        arrays = [self._array(c, mask.level) for c in mask.reads]
        units = len(self.block.units[mask.level])
        n, code = units * self.each, -1 if self.plan.bound.schema[mask.column].levels else np.nan
        if given is not None and mask.name in self.known.evidence.weighed:
            there = self.plan.grove.probability(mask.name, arrays, {}, n, Narrowed(), 2, np.zeros(units), 0.5, self.rng)
            with np.errstate(divide="ignore"):
                self._weigh(mask.level, np.log(there), cells)
        if given is not None and cells is None:
            return
        missing = self.plan.grove.draw(mask.name, arrays, {}, n, Narrowed(), 2, self.rng) > 0
        if cells is not None:
            missing &= ~np.repeat(cells, self.each)
        self.shown[mask.column] = np.where(missing, code, self._array(mask.column, mask.level, behind=True))
        self.drawn.add(mask.column)
        self._confine(mask.column, mask.level)

    def _compute(self, column: str) -> None:
        """Compute a column that a rule determines; where it is given, proposals must agree."""
        rule, rows = self.computed[column], self.block.units["row"]
        labels = {c: np.repeat(own.on(self.plan.groups, slice(None))[rows], self.each)
                  for c, own in self.plan.labels.items() if c in rule.columns}  # fmt: skip
        arrays = {c: self._array(c, "row") for c in rule.columns if c != column and c not in labels}
        found = rule.compute({**labels, **arrays}, self.plan.bound.schema, len(rows) * self.each, self.rng)
        given, cells = self._given(column, "row")
        if given is not None:
            wanted = np.repeat(given, self.each)
            agree = np.abs(found - wanted) <= 0.5 * half_step(self.plan.bound.schema[column]) + 1e-9 * np.abs(wanted)
            with np.errstate(divide="ignore"):
                self._weigh("row", np.log(agree.astype(float)), cells)
        if given is None or cells is not None:
            self.shown[column] = found
            self.drawn.add(column)
            self._confine(column, "row")

    def _confine(self, column: str, level: str) -> None:
        """Leave proposals only where a column lies in the set that it must lie in."""
        if column in self.known.within:
            inside = self.known.within[column].holds(self.shown[column])
            with np.errstate(divide="ignore"):
                self._weigh(level, np.log(inside.astype(float)), None)

    def _given(self, column: str, level: str) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Return a column's given values by unit, and which of the cells are given if not all are."""
        if column not in self.known.values:
            return None, None
        units, cells = self.block.units[level], self.known.cells.get(column)
        return self.known.values[column][units], None if cells is None else cells[units]

    def _array(self, column: str, level: str, behind: bool = False) -> np.ndarray:
        """Return a column for all proposals of a level's units."""
        own = level_of(column, self.plan.bound)
        if behind and column in self.whole:
            values = self.whole[column]
        elif column in self.shown:
            values = self.shown[column]
        else:
            # Given, the same in all proposals.
            units = self.block.units[level]
            units = units if own == level else self.known.codes[level, own][units]
            return np.repeat(self.known.values[column][units], self.each)
        return values if own == level else values[self._codes(level, own)]

    def _codes(self, level: str, factor: str, effects: bool = False) -> np.ndarray:
        """Return the proposal of a factor's group in which each proposal of a level's units lies."""
        codes = self.known.codes[level, factor][self.block.units[level]]
        if effects and self.known.observed:
            return np.repeat(codes, self.each)
        local = np.searchsorted(self.block.units[factor], codes)
        return (local[:, None] * self.each + np.arange(self.each)).ravel()

    def _weigh(self, level: str, logp: np.ndarray, cells: np.ndarray | None) -> None:
        by_unit = logp.reshape(-1, self.each)
        if cells is not None:
            by_unit = np.where(cells[:, None], by_unit, 0.0)
        clusters = self.block.clusters[level]
        if self.block.size == len(clusters) and (np.diff(clusters) > 0).all():
            self.weights = self.weights + by_unit
            return
        np.add.at(added := np.zeros_like(self.weights), clusters, by_unit)
        self.weights = self.weights + added

    def _bury(self, place: int) -> None:
        """Note the clusters of which no proposal is left, and go on with all of theirs."""
        dead = np.isneginf(self.weights).all(axis=1)
        self.at[dead & (self.at < 0)] = place
        self.before[dead] = -np.inf
        self.weights = np.where(dead[:, None], 0.0, self.weights)

    def _shares(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the weights as shares, and the logarithm of their sum."""
        top = self.weights.max(axis=1, keepdims=True)
        weights = np.exp(self.weights - top)
        total = weights.sum(axis=1, keepdims=True)
        return weights / total, (top + np.log(total))[:, 0]

    def _resample(self) -> None:
        """Resample, systematically, the proposals of clusters where few are effective."""
        shares, total = self._shares()
        poor = 1 / (shares**2).sum(axis=1) < RESAMPLED * self.each
        if not poor.any():
            return
        cumulative = np.cumsum(shares[poor], axis=1)
        cumulative[:, -1] = 1.0
        rows = np.arange(len(cumulative))[:, None]
        wanted = (self.rng.random((len(cumulative), 1)) + np.arange(self.each)) / self.each + rows
        found = np.searchsorted((cumulative + rows).ravel(), wanted.ravel()).reshape(wanted.shape) - rows * self.each
        taken = np.broadcast_to(np.arange(self.each), self.weights.shape).copy()
        taken[poor] = np.minimum(found, self.each - 1)
        self.before = np.where(poor, self.before + total - np.log(self.each), self.before)
        self.weights = np.where(poor[:, None], 0.0, self.weights)
        self.origin = np.take_along_axis(self.origin, taken, axis=1)
        self._take(taken)

    def _take(self, taken: np.ndarray) -> None:
        places = {level: (np.arange(len(units))[:, None] * self.each + taken[self.block.clusters[level]]).ravel()
                  for level, units in self.block.units.items()}  # fmt: skip
        for kept in (self.shown, self.whole):
            for column in kept.keys() & self.drawn:
                kept[column] = kept[column][places[level_of(column, self.plan.bound)]]
        if self.known.observed:
            return
        effects = {r: {at: e[places[self._factor(r, at)]] for at, e in own.items()}
                   for r, own in self.plan.effects.items()}  # fmt: skip
        trees = {f: e[places[f]] for f, e in self.plan.grove.effects.items()}
        self.plan = replace(self.plan, effects=effects, grove=replace(self.plan.grove, effects=trees))

    def _factor(self, response: str, at: tuple[str, int]) -> str:
        return self.plan.bound[response].predictors[at[0]].groups[at[1]].factor

    def _choose(self) -> Chosen:
        """Choose one proposal of every cluster in proportion to its weight."""
        shares, total = self._shares()
        cumulative = np.cumsum(shares, axis=1)
        cumulative[:, -1] = 1.0
        place = (self.rng.random((self.block.size, 1)) >= cumulative).sum(axis=1)
        lines = np.zeros_like(shares)
        np.add.at(lines, (np.arange(self.block.size)[:, None], self.origin), shares)
        total = self.before + total
        at = {level: np.arange(len(units)) * self.each + place[self.block.clusters[level]]
              for level, units in self.block.units.items()}  # fmt: skip
        shown, whole = ({c: kept[c][at[level_of(c, self.plan.bound)]] for c in kept if c in self.drawn}
                        for kept in (self.shown, self.whole))  # fmt: skip
        effects, trees = {}, {}
        if not self.known.observed:
            effects = {r: {key: e[at[self._factor(r, key)]] for key, e in own.items()}
                       for r, own in self.plan.effects.items()}  # fmt: skip
            trees = {f: e[at[f]] for f, e in self.plan.grove.effects.items()}
        return Chosen(shown, whole, effects, trees, total, 2 * total + np.log((lines**2).sum(axis=1)), self.at)


def level_of(column: str, bound: Bound) -> str:
    """Return the level at which a column is drawn; computed ones are computed of rows."""
    return "row" if column in determined(bound.rules) else bound.levels.get(column, "row")
