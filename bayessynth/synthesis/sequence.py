"""Sequences of one copy: all units at a time, row by row.

At step s the s-th rows of all units that go on are drawn: the time, then the columns in their order, each given the
rows before, then whether the row is the last. Units are drawn in batches, each with its own random stream, so that the
bytes of a copy do not depend on how many batches are drawn at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from bayessynth import families
from bayessynth.design import BoundEquation
from bayessynth.design.past import level
from bayessynth.design.sequences import Sequences, difference, time_left, undone
from bayessynth.rules import Narrowed, Rule, Running, determined, narrowed
from bayessynth.schema.decode import released
from bayessynth.spec.lags import base, derived
from bayessynth.synthesis.autoregression import draw_following
from bayessynth.synthesis.generate import Plan, child, draw_column, reads
from bayessynth.synthesis.latent import course_of, settle

# Units of one batch: many, because each step costs as much for few of them.
BATCH = 1 << 13


@dataclass(frozen=True)
class Rows:
    """The rows of some units, those of a unit side by side.

    Attributes
    ----------
    sizes : ndarray of int64
        Rows of each unit.
    arrays : mapping of str to ndarray
        Encoded columns.
    """

    sizes: np.ndarray
    arrays: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Fixed:
    """What of the rows is given: how many each unit has, and columns.

    Attributes
    ----------
    starts, sizes : ndarray of int64
        Of each unit.
    arrays : mapping of str to ndarray
        Columns on the rows sorted by unit and place.
    """

    starts: np.ndarray
    sizes: np.ndarray
    arrays: Mapping[str, np.ndarray]


class Steps:
    """Draws the sequences of a copy's units.

    Parameters
    ----------
    plan : Plan
        With all columns above the rows drawn, and the schema of all that equations read.
    fixed : Fixed, optional
        What is given of the rows.
    cut : mapping of str to ndarray of shape (1,), optional
        Columns of rows that are set from outside, to one value.
    """

    def __init__(self, plan: Plan, fixed: Fixed | None = None, cut: Mapping[str, np.ndarray] | None = None) -> None:
        sequences = plan.bound.sequence
        assert sequences is not None
        self.plan, self.fixed, self.sequences, self.cut = plan, fixed, sequences, cut or {}
        given = {**(fixed.arrays if fixed else {}), **self.cut}
        rows = [e for e in plan.bound.equations if e.level == "row" and e.response != sequences.last]
        self.column = {e.response: sequences.column(e.response) for e in rows}
        self.equations = [e for e in rows if self.column[e.response] not in given]
        self.last = next((e for e in plan.bound.equations if e.response == sequences.last), None)
        followed = plan.bound.survivals
        self.latent = [c for own in followed for c in (*dict(own.latent), *own.due)]
        drawn = [c for c in self.column.values() if c not in self.latent]
        self.columns = list(dict.fromkeys([*given, *drawn, sequences.time, *(c for o in followed for c in o.declares)]))
        read = {c for e in plan.bound.equations for c in reads(e)}
        self.lags = {name: made for name in sorted(read) if (made := derived(name)) and made.order}
        self.lags.pop(sequences.elapsed, None)
        self.depth = {made.column: 0 for made in self.lags.values()}
        self.depth |= dict.fromkeys([*sequences.differences.values(), *filter(None, [sequences.stop])], 1)
        for made in self.lags.values():
            if made.function == "lag":
                self.depth[made.column] = max(self.depth[made.column], made.k)
        computed = determined(plan.bound.rules)
        self.computed = {c: rule for c, rule in computed.items() if c in set(map(base, read)) and not rule.whole_copy}
        self.running = {c: rule for c, rule in computed.items() if isinstance(rule, Running) and c not in given
                        and sequences.unit in rule.columns}  # fmt: skip
        self.columns += self.running
        self.lags |= {name: made for c in self.running if (made := derived(name := f"lag({c})"))}
        self.depth |= {c: max(self.depth.get(c, 0), 1) for c in self.running}
        self.courses = {own.time: course_of(own, child(plan.seed, 5, i)) for i, own in enumerate(followed)}
        self.ending = [rule for rule in plan.bound.rules if type(rule).ends is not Rule.ends]

    @property
    def units(self) -> int:
        """Number of units of the copy."""
        return self.plan.groups.count(self.sequences.unit)

    @cached_property
    def acting(self) -> dict[str, tuple[Rule, ...]]:
        """Rules that may narrow the draw of each column."""
        rules = [rule for rule in self.plan.bound.rules if rule.determines is None]
        return {c: tuple(rule for rule in rules if c in rule.columns) for c in [*self.columns, *self.latent]}

    @cached_property
    def least(self) -> dict[str, float]:
        """The least value of each column that stays above zero; of others, minus infinity."""
        found = {}
        for name in [*self.columns, *(c for c in self.latent if c in self.sequences.schema)]:
            column, growing = self.plan.bound.schema[name], f"growth({name})" in self.sequences.differences
            grain = 1e-9 if column.decimals is None else 10.0**-column.decimals
            found[name] = grain if growing or (column.kind == "positive" and not column.zeros) else -np.inf
        return found

    def batch(self, number: int, units: slice) -> Rows:
        """Draw the rows of some units.

        Parameters
        ----------
        number : int
            Of the batch, which names its random stream.
        units : slice
            Of all units of the copy.
        """
        return Walk.start(self, units, child(self.plan.seed, 1, number)).rows()


@dataclass
class Walk:
    """Units on their way, one row after another; all arrays are of those that go on."""

    steps: Steps
    rng: np.random.Generator
    alive: np.ndarray
    upper: dict[str, np.ndarray]
    codes: dict[str, np.ndarray]
    number: int = 1
    history: dict[str, list[np.ndarray]] = field(default_factory=dict)
    first: dict[str, np.ndarray] = field(default_factory=dict)
    sums: dict[str, np.ndarray] = field(default_factory=dict)
    counts: dict[str, np.ndarray] = field(default_factory=dict)
    residuals: dict[str, np.ndarray] = field(default_factory=dict)
    at: np.ndarray | None = None
    length: np.ndarray | None = None

    @classmethod
    def start(cls, steps: Steps, units: slice, rng: np.random.Generator) -> Walk:
        """Let all units begin."""
        plan, unit = steps.plan, steps.sequences.unit
        levels = plan.bound.levels
        upper = {c: values[plan.groups.codes(unit, levels[c], units)] for c, values in plan.upper.items()}
        factors = {f for e in plan.bound.equations for f in e.factors}
        codes = {f: plan.groups.codes(unit, f, units) for f in factors}
        made = cls(steps, rng, np.arange(units.stop - units.start), upper, codes)
        if steps.fixed is not None:
            made.at, made.length = steps.fixed.starts[units], steps.fixed.sizes[units]
        return made

    def within(self, factor: str) -> np.ndarray:
        """Return the group of a factor in which each unit lies."""
        return self.codes[factor]

    def rows(self) -> Rows:
        """Go all the way, and return the rows of all units."""
        if self.at is not None and self.length is not None and len(self.length) and self.length.min() > 0:
            return self._rows_to_length()
        units, ids, found = len(self.alive), [], []
        while len(self.alive):
            arrays, stop = self.step()
            ids.append(self.alive)
            found.append({c: arrays[c] for c in self.steps.columns})
            self.go_on(arrays, ~stop)
        where = np.concatenate(ids)
        places = np.argsort(where, kind="stable")
        joined = {c: np.concatenate([step[c] for step in found])[places] for c in self.steps.columns}
        return Rows(np.bincount(where, minlength=units), joined)

    def _rows_to_length(self) -> Rows:
        """Return the rows of units of which it is given how many each has: each has its place."""
        assert self.at is not None and self.length is not None
        sizes, first = self.length, int(self.at[0])
        columns: dict[str, np.ndarray] = {}
        while len(self.alive):
            places = self.at - first
            arrays, stop = self.step()
            for column in self.steps.columns:
                values = arrays[column]
                if column not in columns:
                    columns[column] = np.empty(int(sizes.sum()), dtype=values.dtype)
                elif values.dtype != columns[column].dtype:
                    columns[column] = columns[column].astype(np.result_type(values, columns[column]))
                columns[column][places] = values
            self.go_on(arrays, ~stop)
        return Rows(sizes, {c: columns.get(c, np.zeros(0)) for c in self.steps.columns})

    def from_trees(
        self, name: str, known: list[np.ndarray], groups: Mapping[str, np.ndarray], n: int, left: Narrowed, levels: int
    ) -> np.ndarray:
        """Draw a column of a row from trees."""
        return self.steps.plan.grove.draw(name, known, groups, n, left, levels, self.rng)

    def step(self) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Draw the next row of every unit, and which of these rows are the last."""
        n, sequences, steps = len(self.alive), self.steps.sequences, self.steps
        arrays: dict[str, np.ndarray] = {**self.upper, sequences.number: np.full(n, float(self.number))}
        for name in steps.lags:
            arrays[name] = self._before(name, n)
        arrays[sequences.elapsed] = np.full(n, np.nan)
        if steps.fixed is not None and self.at is not None:
            arrays |= {c: values[self.at] for c, values in steps.fixed.arrays.items()}
            if sequences.time in steps.fixed.arrays and self.number > 1:
                arrays[sequences.elapsed] = arrays[sequences.time] - self.history[sequences.time][0]
        if sequences.gaps and self.number > 1 and sequences.time not in arrays:
            self._on_schedule(arrays, n)
        if sequences.stop and self.number > 1:
            arrays[sequences.time] = self.history[sequences.stop][0]
            arrays[sequences.elapsed] = arrays[sequences.time] - self.history[sequences.time][0]
        arrays |= {c: np.full(n, value[0]) for c, value in steps.cut.items()}
        self._left(arrays)
        self._compute(arrays, n)
        for equation in steps.equations:
            if self._due(equation, arrays):
                self._draw(equation, arrays, n)
                settle(steps.plan.bound, steps.column[equation.response], arrays, n, self.rng, steps.courses)
                self._compute(arrays, n)
        return arrays, self._stops(arrays, n)

    def _left(self, arrays: dict[str, np.ndarray]) -> None:
        """Say how much time is left, as soon as the time is there."""
        steps = self.steps
        time, plan = steps.sequences.time, steps.plan
        if steps.sequences.limited and time in arrays:
            rules = steps.acting[time]
            arrays[steps.sequences.left] = time_left(rules, time, self.upper, arrays[time], plan.bound.schema)

    def _before(self, name: str, n: int) -> np.ndarray:
        made = self.steps.lags[name]
        if made.function == "past":
            if self.number == 1:
                return np.full(n, np.nan)
            learnt = self.steps.sequences.pasts[made.column]
            return level(self.sums[made.column], self.counts[made.column], learnt)
        if self.number > (1 if made.function == "first" else made.k):
            return self.first[made.column] if made.function == "first" else self.history[made.column][made.k - 1]
        levels = self.steps.plan.bound.schema[made.column].levels
        return np.full(n, -1, dtype=np.int64) if levels else np.full(n, np.nan)

    def _on_schedule(self, arrays: dict[str, np.ndarray], n: int) -> None:
        """Let the time go on as it does in all units."""
        sequences = self.steps.sequences
        gap = sequences.gaps[min(self.number - 2, len(sequences.gaps) - 1)]
        arrays[sequences.elapsed] = np.full(n, gap)
        arrays[sequences.time] = self._later(arrays, sequences.elapsed)

    def _later(self, arrays: Mapping[str, np.ndarray], name: str) -> np.ndarray:
        """Return a column that has grown since the row before."""
        column = self.steps.sequences.differences[name]
        grown = undone(name, arrays[name], self.history[column][0])
        return np.maximum(released(grown, self.steps.plan.bound.schema[column]), self.steps.least[column])

    def _due(self, equation: BoundEquation, arrays: Mapping[str, np.ndarray]) -> bool:
        """Tell whether an equation draws its column in this row."""
        sequences, name = self.steps.sequences, equation.response
        if self.steps.column[name] in arrays:
            return False
        main = next((c for c, own in sequences.initial.items() if own == name), None)
        return self.number <= sequences.orders[main] if main else self.number > sequences.orders.get(name, 0)

    def _draw(self, equation: BoundEquation, arrays: dict[str, np.ndarray], n: int) -> None:
        """Draw a column, or by how much it grows."""
        sequences, name, column = self.steps.sequences, equation.response, self.steps.column[equation.response]
        drawn = self._drawn(equation, column, arrays, n)
        if name in sequences.differences:
            arrays[name] = drawn if column != sequences.time else np.maximum(drawn, _least(sequences))
            drawn = self._later(arrays, name)
        arrays[column] = drawn
        if column == sequences.time:
            self._left(arrays)

    def _drawn(self, equation: BoundEquation, column: str, arrays: Mapping[str, np.ndarray], n: int) -> np.ndarray:
        plan, own = self.steps.plan, self.steps.plan.bound.schema[equation.column]
        if equation.ar is not None:
            elapsed, before = arrays[self.steps.sequences.elapsed], self.residuals.get(equation.response)
            drawn, residual = draw_following(plan, equation, arrays, self, self.rng, before, elapsed)
            self.residuals[equation.response] = residual
            return drawn
        if not families.get(equation.family).nonparametric:
            return draw_column(plan, equation, arrays, n, self, self.rng)
        rules = self.steps.acting[column]
        left = narrowed(rules, column, arrays, plan.bound.schema, n) if rules else Narrowed()
        if equation.response in self.steps.sequences.differences:
            left = self._as_differences(left, equation.response, column)
        groups = {f: self.codes[f] for f in equation.factors}
        known = [arrays[c] for c in equation.reads]
        found = self.from_trees(equation.response, known, groups, n, left, len(own.levels))
        if own.levels:
            return found.astype(np.int64)
        # An interval of a leaf may reach below what a positive number can be.
        least = self.steps.least[column] if own.name not in self.steps.sequences.differences else -np.inf
        return np.maximum(released(found, own), least)

    def _as_differences(self, left: Narrowed, name: str, column: str) -> Narrowed:
        """Return limits of a column, and those of its range, as limits of what it grows by."""
        before, timed = self.history[column][0], column == self.steps.sequences.time
        bounds = self.steps.plan.bound.schema[column].bounds or (-np.inf, np.inf)
        low, high = (-np.inf, np.inf) if timed else (max(bounds[0], self.steps.least[column]), bounds[1])
        rising = name in self.steps.sequences.rising
        if left.lower is None and left.upper is None and not (rising or np.isfinite([low, high]).any()):
            return left
        lower, upper = (np.full(len(before), end) if own is None else own
                        for own, end in ((left.lower, low), (left.upper, high)))  # fmt: skip
        with np.errstate(divide="ignore"):
            lower = difference(name, np.maximum(lower, low), before)
            upper = difference(name, np.minimum(upper, high), before)
        return replace(left, lower=np.maximum(lower, 0.0) if timed or rising else lower, upper=np.maximum(upper, lower))

    def _compute(self, arrays: dict[str, np.ndarray], n: int) -> None:
        """Compute the columns that rules determine and equations read, as soon as they can be."""
        for column, rule in self.steps.computed.items():
            if column not in arrays and set(rule.columns) - {column} <= arrays.keys():
                arrays[column] = rule.compute(arrays, self.steps.plan.bound.schema, n, self.rng)
        for column, total in self.steps.running.items():
            if column not in arrays and total.summed <= arrays.keys():
                before = self.history[column][0] if self.number > 1 else None
                arrays[column] = total.follows(arrays, before, self.steps.plan.bound.schema)

    def _stops(self, arrays: Mapping[str, np.ndarray], n: int) -> np.ndarray:
        """Return which rows are the last of their unit."""
        sequences, steps = self.steps.sequences, self.steps
        if self.length is not None:
            return self.length <= self.number
        stop = np.full(n, self.number >= (sequences.length or sequences.longest))
        for rule in steps.ending:
            found = rule.ends(arrays, steps.plan.bound.schema)
            stop |= found if found is not None else False
        if sequences.stop:
            stop |= arrays[sequences.last] == 1
        if sequences.limited:
            stop |= self._without_room(arrays)
        if steps.last is not None:
            known = [arrays[c] for c in steps.last.reads]
            stop |= self.from_trees(steps.last.response, known, {}, n, Narrowed(), 2) > 0
        return stop

    def _without_room(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the rows after which the unit's columns leave no time for another."""
        sequences = self.steps.sequences
        gap = sequences.gaps[min(self.number - 1, len(sequences.gaps) - 1)] if sequences.gaps else _least(sequences)
        return arrays[sequences.left] < gap - 1e-9

    def go_on(self, arrays: Mapping[str, np.ndarray], kept: np.ndarray) -> None:
        """Take a row into the past, and leave behind the units whose last row it was."""
        every = bool(kept.all())
        for column, depth in self.steps.depth.items():
            if self.number == 1:
                self.first[column] = arrays[column]
            self.history[column] = [arrays[column], *self.history.get(column, [])][: max(depth, 1)]
        for column in self.steps.sequences.pasts:
            values = arrays[column].astype(float)
            there = values >= 0 if self.steps.plan.bound.schema[column].levels else np.isfinite(values)
            self.sums[column] = self.sums.get(column, 0.0) + np.where(there, values, 0.0)
            self.counts[column] = self.counts.get(column, 0) + there
        self.number += 1
        if self.at is not None:
            self.at = self.at + 1
        if every:
            return
        self.alive = self.alive[kept]
        for held in (self.upper, self.codes, self.first, self.sums, self.counts, self.residuals):
            held.update({name: values[kept] for name, values in held.items()})
        self.history = {c: [values[kept] for values in past] for c, past in self.history.items()}
        self.at = None if self.at is None else self.at[kept]
        self.length = None if self.length is None else self.length[kept]


def _least(sequences: Sequences) -> float:
    """Return the least time between rows that copies show."""
    decimals = sequences.schema[sequences.elapsed].decimals
    return 1e-9 if decimals is None else 10.0**-decimals
