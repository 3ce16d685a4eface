"""One copy: groups first, from the top level down, then rows, equation by equation.

NumPy only. Everything at a group's level is drawn for the whole copy; rows are drawn in parts, each with its own
random stream, so that a copy can be streamed and its bytes depend neither on the number of workers nor on which
parts are asked for.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd

from bayessynth import families
from bayessynth.design import Bound, BoundEquation, Effects, Mask, draw_new_effects, frame_of, parameters
from bayessynth.errors import SynthesisError
from bayessynth.fitting.cores import available_cores
from bayessynth.fitting.noise_aware.tables import Conditionals
from bayessynth.rules import Narrowed, determined, narrowed
from bayessynth.schema.decode import released
from bayessynth.synthesis.groups import Groups
from bayessynth.synthesis.labels import NARROW, Labels
from bayessynth.synthesis.latent import course_of, settle
from bayessynth.trees import Grove

# Rows of one part: large enough for vectorised work, small enough that all its columns stay in a few megabytes.
PART = 1 << 16
# First key of the random streams of columns at groups' levels, where each column has its own.
_UPPER = 4

Values = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Plan:
    """All that is needed to draw one copy's rows.

    Attributes
    ----------
    bound : Bound
    groups : Groups
    values : mapping of str to ndarray
        The posterior draw: one value of every variable.
    effects : mapping
        By response, predictor and position: effects of every group.
    given : mapping of str to ndarray
        Encoded columns that are not drawn: kept or given, at the level of rows.
    seed : SeedSequence
        Its children are the streams of the parts.
    part : int
        Rows of a part.
    upper : dict of str to ndarray
        Encoded columns at groups' levels, one entry a group.
    kept : DataFrame or None
        Columns that are the original's own, group columns included.
    labels : mapping of str to Labels
        Labels of group columns.
    grove : Grove
        Trees of the nonparametric equations, and of masks.
    whole : dict of str to ndarray
        Columns at groups' levels that have a mask, with the values behind their missing cells.
    cells : Conditionals or None
        What columns are drawn from that noisy tables of counts serve.
    apart : bool
        Whether each column has a random stream of its own, so that copies in which different columns are set from
        outside share all other random numbers.
    """

    bound: Bound
    groups: Groups
    values: Values
    effects: Mapping[str, Mapping[tuple[str, int], np.ndarray]]
    given: Mapping[str, np.ndarray]
    seed: np.random.SeedSequence
    part: int
    upper: dict[str, np.ndarray] = field(default_factory=dict)
    kept: pd.DataFrame | None = None
    labels: Mapping[str, Labels] = field(default_factory=dict)
    grove: Grove = field(default_factory=Grove)
    whole: dict[str, np.ndarray] = field(default_factory=dict)
    cells: Conditionals | None = None
    apart: bool = False

    def drawer(self, column: str) -> Grove | Conditionals:
        """Return what a column without parameters is drawn from."""
        return self.cells if self.cells is not None and column in self.cells.reads else self.grove

    def stream(self, shared: np.random.Generator, *key: int) -> np.random.Generator:
        """Return the random stream of a column: its own, or the one that columns share."""
        return child(self.seed, *key) if self.apart else shared

    @property
    def masked(self) -> frozenset[str]:
        """Columns whose missing cells are drawn apart from their values."""
        return frozenset(mask.column for mask in self.bound.masks)

    def rows(self, number: int) -> slice:
        """Return the range of rows of a part."""
        return slice(number * self.part, min((number + 1) * self.part, self.groups.k))


@dataclass(frozen=True)
class _Units:
    """Some units of a level: rows, or groups; each factor's codes are found once."""

    groups: Groups
    level: str
    range: slice = slice(None)
    found: dict[str, np.ndarray] = field(default_factory=dict)

    def within(self, factor: str) -> np.ndarray:
        """Return the group of a factor in which each unit lies."""
        if factor not in self.found:
            self.found[factor] = self.groups.codes(self.level, factor, self.range)
        return self.found[factor]


class Within(Protocol):
    """Units of a level that know in which groups they lie."""

    def within(self, factor: str) -> np.ndarray:
        """Return the group of a factor in which each unit lies."""


def child(seed: np.random.SeedSequence, *key: int) -> np.random.Generator:
    """Return the random stream with a given key below a seed."""
    return np.random.default_rng(np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *key)))


def draw_effects(
    bound: Bound, values: Values, groups: Groups, rng: np.random.Generator
) -> dict[str, dict[tuple[str, int], np.ndarray]]:
    """Draw the effects of new groups for every equation that has any."""
    return draw_new_effects(bound.equations, bound.shared, values, groups.sizes, rng)


def draw_upper(plan: Plan, rng: np.random.Generator) -> None:
    """Draw all columns that live at a group's level, in the order of the equations."""
    shared = rng
    for position, equation in enumerate(plan.bound.equations):
        column, level = equation.response, equation.level
        if level == "row":
            continue
        rng = plan.stream(shared, _UPPER, position)
        _mask_upper(plan, column, rng)
        if column in plan.given or column in plan.upper or column in plan.whole:
            continue
        units = _Units(plan.groups, level)
        behind = {} if families.get(equation.family).nonparametric else plan.whole
        arrays = {c: _lifted(plan, c, units, behind) for c in _needed(plan, equation)}
        drawn = draw_column(plan, equation, arrays, plan.groups.count(level), units, rng)
        (plan.whole if column in plan.masked else plan.upper)[column] = drawn
    _mask_upper(plan, None, rng)


def _mask_upper(plan: Plan, before: str | None, rng: np.random.Generator) -> None:
    """Draw which cells of columns at groups' levels are missing, where that is due before an equation."""
    for mask in plan.bound.masks:
        due = mask.before == before and mask.level != "row"
        if due and mask.column in plan.whole and mask.column not in plan.upper:
            units = _Units(plan.groups, mask.level)
            arrays = {c: _lifted(plan, c, units, {}) for c in mask.reads}
            plan.upper[mask.column] = _masked(plan, mask, plan.whole[mask.column], arrays, rng)


def draw_part(plan: Plan, number: int) -> dict[str, np.ndarray]:
    """Draw the rows of one part.

    Returns
    -------
    dict of str to ndarray
        Encoded columns, group columns aside.
    """
    rows = plan.rows(number)
    units = _Units(plan.groups, "row", rows)
    rng = child(plan.seed, 1, number)
    arrays: dict[str, np.ndarray] = {c: values[rows] for c, values in plan.given.items()}
    for column, values in plan.upper.items():
        arrays[column] = values[units.within(plan.bound.levels[column])]
    whole = {c: values[units.within(plan.bound.levels[c])] for c, values in plan.whole.items()}
    n = rows.stop - rows.start
    groups = {column: own.on(plan.groups, rows) for column, own in plan.labels.items()}
    courses = {own.time: course_of(own, child(plan.seed, 5, i)) for i, own in enumerate(plan.bound.survivals)}
    _compute(plan, arrays, groups, n, rng)
    shared = rng
    for position, equation in enumerate([*plan.bound.equations, None]):
        rng = plan.stream(shared, 1, number, position)
        for mask in plan.bound.masks:
            due = mask.before == (equation.response if equation else None)
            if due and mask.column in whole and mask.column not in arrays:
                arrays[mask.column] = _masked(plan, mask, whole[mask.column], arrays, rng)
                _compute(plan, arrays, groups, n, rng)
        if equation and equation.response not in arrays and equation.response not in whole:
            column, behind = equation.response, {} if families.get(equation.family).nonparametric else whole
            drawn = draw_column(plan, equation, {**arrays, **behind}, n, units, rng)
            (whole if column in plan.masked else arrays)[column] = drawn
            settle(plan.bound, column, arrays, n, rng, courses)
            _compute(plan, arrays, groups, n, rng)
    return arrays


def _masked(
    plan: Plan, mask: Mask, values: np.ndarray, arrays: Mapping[str, np.ndarray], rng: np.random.Generator
) -> np.ndarray:
    """Return a column's values with the cells missing that its mask draws."""
    reads = [arrays[c] for c in mask.reads]
    missing = plan.grove.draw(mask.name, reads, {}, len(values), Narrowed(), 2, rng) > 0
    return np.where(missing, -1 if plan.bound.schema[mask.column].levels else np.nan, values)


def _compute(
    plan: Plan, arrays: dict[str, np.ndarray], groups: Mapping[str, np.ndarray], n: int, rng: np.random.Generator
) -> None:
    """Compute the columns that rules determine, as soon as all that they are computed from is there."""
    waiting = {c: rule for c, rule in determined(plan.bound.rules).items() if c not in arrays}
    while True:
        known = arrays.keys() | groups.keys()
        ready = [c for c, rule in waiting.items() if set(rule.columns) - {c} <= known]
        if not ready:
            return
        for column in ready:
            rule = waiting.pop(column)
            arrays[column] = rule.compute({**groups, **arrays}, plan.bound.schema, n, rng)


def _needed(plan: Plan, equation: BoundEquation) -> tuple[str, ...]:
    """Return the columns that must be known for a column at a group's level to be drawn: those read, and in rules."""
    tied = [c for rule in plan.bound.rules if equation.response in rule.columns for c in rule.columns
            if c in plan.upper or c in plan.given]  # fmt: skip
    return tuple(dict.fromkeys([*reads(equation), *tied]))


def draw_column(
    plan: Plan, equation: BoundEquation, arrays: Mapping[str, np.ndarray], n: int, units: Within,
    rng: np.random.Generator,
) -> np.ndarray:  # fmt: skip
    """Draw one column given those it depends on."""
    family, column = families.get(equation.family), plan.bound.schema[equation.column]
    if not family.drawn:
        raise SynthesisError(
            f"Column {column.name!r} has the family {family.name!r}, so that nothing draws it: hand its values in, "
            "synthesize(given=…)."
        )
    if family.nonparametric:
        left = narrowed(plan.bound.rules, column.name, arrays, plan.bound.schema, n)
        found = plan.drawer(column.name).draw(
            column.name, [arrays[c] for c in equation.reads], {f: units.within(f) for f in equation.factors}, n, left,
            len(column.levels), rng,
        )  # fmt: skip
        return found.astype(np.int64) if column.levels else released(found, column)
    frame = frame_of(plan.bound.schema, {c: arrays[c] for c in reads(equation)})
    effects = Effects(plan.effects.get(equation.response, {}), {f: units.within(f) for f in equation.factors})
    given = parameters(equation, frame, n, plan.values, effects)
    if equation.truncation:
        equation.truncation.require(given)
    drawn = family.sample(rng, n, **given)
    # Rounded as decoding will round, so that columns drawn later depend on what is released.
    drawn = drawn if family.discrete or equation.cause else released(drawn, column)
    return equation.truncation.hold(drawn, frame.arrays) if equation.truncation else drawn


def reads(equation: BoundEquation) -> tuple[str, ...]:
    """Return the columns that the draw of a column reads."""
    terms = [t for p in equation.predictors.values() for t in (*p.terms, *(u for g in p.groups for u in g.terms))]
    read = [c for t in terms for c in t.term.columns]
    read += [c for p in equation.predictors.values() for c in p.offset_columns]
    return tuple(dict.fromkeys([*read, *equation.reads, *equation.beside_columns]))


def _lifted(plan: Plan, column: str, units: _Units, behind: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return a group-level column for the units of a level below, with the values behind missing cells if given."""
    own = plan.bound.levels[column]
    known = {**plan.upper, **behind}
    if column in known:
        values = known[column]
        return values if own == units.level else values[units.within(own)]
    first = np.unique(plan.groups.codes("row", units.level), return_index=True)[1]
    return plan.given[column][first]


def decode_part(plan: Plan, arrays: Mapping[str, np.ndarray], rows: slice) -> pd.DataFrame:
    """Decode the encoded columns of some rows to the original's dtypes, group labels included."""
    codes, labels = dict(arrays), {}
    for column, known in plan.labels.items():
        own = known.on(plan.groups, rows)
        # Only the labels that these rows have, except where all parts must share their categories.
        shared = plan.bound.schema[column].dtype.lower() in ("category", *NARROW)
        first, last = (0, len(known.values)) if shared else (int(own.min()), int(own.max()) + 1)
        codes[column], labels[column] = own - first, known.values[first:last]
    written = {c: rule.cells(arrays[c], plan.bound.schema) for c, rule in determined(plan.bound.rules).items()}
    written = {column: cells for column, cells in written.items() if cells is not None}
    made = plan.bound.schema.decode({c: v for c, v in codes.items() if c not in written}, labels=labels)
    if written:
        made = pd.DataFrame({name: written.get(name, made.get(name)) for name in plan.bound.schema}, copy=False)
    if plan.kept is None:
        return made
    # As series, because a frame would make text of an array of objects that are text.
    kept = {name: plan.kept[name].iloc[rows].reset_index(drop=True) for name in plan.kept}
    return pd.DataFrame({name: kept.get(name, made.get(name)) for name in plan.bound.schema}, copy=False)


def frames(plan: Plan, parts: range | None = None, threads: int | None = None) -> Iterator[pd.DataFrame]:
    """Yield parts of a copy as frames, in order.

    Parameters
    ----------
    plan : Plan
    parts : range, optional
        Numbers of the parts; by default all.
    threads : int, optional
        Parts drawn at a time; by default as many as there are cores. At most one more waits to be taken.
    """

    def part(number: int) -> pd.DataFrame:
        return decode_part(plan, draw_part(plan, number), plan.rows(number))

    numbers = parts if parts is not None else range(-(-plan.groups.k // plan.part))
    threads = min(threads or available_cores(), len(numbers))
    if threads == 1:
        yield from map(part, numbers)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque[Future[pd.DataFrame]] = deque()
        for number in numbers:
            waiting.append(pool.submit(part, number))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
