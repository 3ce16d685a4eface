"""Exact draws given columns that depend on others: proposals from the chain, weighed by the given values.

Every row (or every cluster of rows that share effects or columns of a group which are drawn) has proposals of its own.
They are raised in rounds until enough are effective; proposals of all rounds count.

References
----------
Gordon NJ, Salmond DJ, Smith AFM (1993). Novel approach to nonlinear/non-Gaussian Bayesian state estimation. IEE
Proceedings F 140, 107-113.
Lee A, Whiteley N (2018). Variance estimation in the particle filter. Biometrika 105, 609-625.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from bayessynth.errors import ConditioningWarning, SynthesisError, warn
from bayessynth.fitting.cores import available_cores
from bayessynth.synthesis.conditional import Given
from bayessynth.synthesis.evidence import Evidence
from bayessynth.synthesis.generate import Plan, child
from bayessynth.synthesis.particles import Block, Chosen, Known, Particles, level_of
from bayessynth.trees.effects import GroupLaw

# Proposals of the first round, and of all rounds at most.
FIRST, MOST = 64, 4096
# Rounds go on until so many proposals are effective; below the second number there is a warning.
ENOUGH, LEAST = 20.0, 10.0
# Proposals, over all rows of a block, that are held at once.
HELD = 1 << 19


@dataclass(frozen=True)
class Effective:
    """How good the draws given columns are.

    Attributes
    ----------
    sizes : ndarray
        Effective number of proposals behind each row's draw: of each top-level group's, if groups are given.
    proposals : ndarray of int
        How many proposals there were.
    """

    sizes: np.ndarray
    proposals: np.ndarray


def conditioned(
    plan: Plan, given: Given, evidence: Evidence, laws: Mapping[str, tuple[GroupLaw, np.ndarray]], observed: bool
) -> tuple[Plan, Effective]:
    """Draw what given columns depend on, given them.

    Parameters
    ----------
    plan : Plan
        With groups, and before anything at a group's level is drawn.
    given : Given
    evidence : Evidence
    laws : mapping of str to tuple
        By factor: the distribution of the effects of tree equations, and the rows of every group.
    observed : bool
        Whether groups are the original's, whose effects are known.

    Returns
    -------
    tuple of Plan and Effective
        The plan with these columns and effects.

    Raises
    ------
    SynthesisError
        If no proposal could have given a row's values, naming the rows.

    Warns
    -----
    ConditioningWarning
        If few proposals are effective, naming the rows.
    """
    layout = _layout(plan, given, evidence)
    known = Known(plan, evidence, *_own_level(plan, given), given.within, _codes(plan, evidence, layout), laws,
                  observed)  # fmt: skip
    results = _Results(known, layout)
    active, each = np.arange(layout.size), FIRST
    while len(active) and each:
        results.spent[active] += each
        for block, chosen in _round(known, layout, active, each, len(results.rounds)):
            results.take(block, chosen)
        results.rounds.append(each)
        active = active[results.effective[active] < ENOUGH]
        most = max(FIRST, HELD // int(layout.rows[active].max(initial=1)))
        each = min(sum(results.rounds), most, MOST - sum(results.rounds))
    found = Effective(*(values[layout.reported] for values in (results.effective, results.spent)))
    _check_possible(known, given, layout, results)
    _warn_few(found, given, evidence)
    return results.planned(plan, given), found


@dataclass(frozen=True)
class _Layout:
    """The clusters, and the units of every level in each.

    Attributes
    ----------
    size : int
        Number of clusters.
    of : mapping of str to ndarray
        By level: the cluster of each unit; -1 for groups without a row.
    order : mapping of str to ndarray
        By level: units sorted by cluster.
    start : mapping of str to ndarray of shape (clusters + 1,)
        By level: where in the order those of each cluster begin.
    reported : ndarray
        The cluster of each given row, or group.
    """

    size: int
    of: Mapping[str, np.ndarray]
    order: Mapping[str, np.ndarray]
    start: Mapping[str, np.ndarray]
    reported: np.ndarray

    @property
    def rows(self) -> np.ndarray:
        """Units of all levels in each cluster."""
        return sum((np.diff(start) for start in self.start.values()), np.zeros(self.size, dtype=np.int64))

    def block(self, clusters: np.ndarray) -> Block:
        """Return some clusters, in ascending order, as a block."""
        local = np.full(self.size, -1)
        local[clusters] = np.arange(len(clusters))
        units, own = {}, {}
        for level, start in self.start.items():
            length = start[clusters + 1] - start[clusters]
            place = np.repeat(start[clusters] - np.cumsum(length) + length, length) + np.arange(length.sum())
            units[level] = np.sort(self.order[level][place])
            own[level] = local[self.of[level][units[level]]]
        return Block(clusters, units, own)


def _layout(plan: Plan, given: Given, evidence: Evidence) -> _Layout:
    groups, shared = plan.groups, evidence.shared
    if given.n_top:
        of = {plan.bound.plan.chain[0]: np.arange(given.n_top)}
        reported = np.arange(given.n_top)
    else:
        codes = {f: groups.codes("row", f) for f in shared}
        reported = _joined([(codes[f], groups.count(f)) for f in shared], groups.k)
        of = {"row": reported}
        for factor in shared:
            of[factor] = np.full(groups.count(factor), -1)
            of[factor][codes[factor]] = reported
    size = int(reported.max()) + 1
    order = {level: np.argsort(own, kind="stable") for level, own in of.items()}
    start = {level: np.searchsorted(own[order[level]], np.arange(size + 1)) for level, own in of.items()}
    return _Layout(size, of, order, start, reported)


def _joined(parts: Sequence[tuple[np.ndarray, int]], n: int) -> np.ndarray:
    """Return a cluster for each row: those that share a group, and those that share one with these, are in one."""
    if not parts:
        return np.arange(n)
    ends = np.concatenate([[n], n + np.cumsum([size for _, size in parts])])
    groups = np.concatenate([first + codes for first, (codes, _) in zip(ends, parts, strict=False)])
    rows = np.tile(np.arange(n), len(parts))
    edges = sparse.coo_array((np.ones(len(rows)), (rows, groups)), shape=(ends[-1], ends[-1]))
    labels = csgraph.connected_components(edges, directed=False)[1][:n]
    return np.unique(labels, return_inverse=True)[1].reshape(-1)


def _codes(plan: Plan, evidence: Evidence, layout: _Layout) -> dict[tuple[str, str], np.ndarray]:
    """Return the group of every unit, by level and by all factors that steps refer to."""
    factors = {f for e in plan.bound.equations for f in (*e.factors, e.level)}
    found = {}
    for level in layout.of:
        for factor in {*factors, *layout.of} - {"row"}:
            below = [*plan.groups.chain, "row"]
            crossed = factor in plan.groups.chosen
            reached = crossed or (level in below and factor in below and below.index(factor) <= below.index(level))
            if level == "row" or (reached and level not in plan.groups.chosen):
                found[level, factor] = plan.groups.codes(level, factor)
    return found


def _own_level(plan: Plan, given: Given) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return given columns, and which of their cells are given, at the columns' own levels."""
    values, cells = dict(given.upper), dict(given.cells)
    for column, array in given.rows.items():
        level = level_of(column, plan.bound)
        first = np.arange(len(array))
        if level != "row":
            # Groups without a row, of a crossed factor, take the first row's: nothing reads it.
            first = np.zeros(plan.groups.count(level), dtype=np.int64)
            codes = plan.groups.codes("row", level)
            first[codes[::-1]] = np.arange(len(codes))[::-1]
        values[column] = array[first]
        if column in cells:
            cells[column] = cells[column][first]
    return values, cells


def _round(known: Known, layout: _Layout, active: np.ndarray, each: int, number: int) -> Iterator[tuple[Block, Chosen]]:
    """Draw proposals for some clusters, in blocks; each has a random stream of its own."""
    size = np.cumsum(layout.rows[active] * each)
    blocks = np.split(active, np.flatnonzero(np.diff(size // HELD)) + 1)

    def run(place: int) -> tuple[Block, Chosen]:
        block = layout.block(blocks[place])
        return block, Particles(known, block, each, child(known.plan.seed, 2, number, place)).run()

    with ThreadPoolExecutor(min(available_cores(), len(blocks))) as pool:
        yield from pool.map(run, range(len(blocks)))


class _Results:
    """What has been chosen so far, and the sums of the weights that it was chosen by."""

    def __init__(self, known: Known, layout: _Layout) -> None:
        self.known, self.layout = known, layout
        self.total, self.squares = np.full((2, layout.size), -np.inf)
        self.at, self.spent = np.full(layout.size, -1), np.zeros(layout.size, dtype=np.int64)
        self.rounds: list[int] = []
        self.shown: dict[str, np.ndarray] = {}
        self.whole: dict[str, np.ndarray] = {}
        effects = {} if known.observed else known.plan.effects
        self.effects = {r: {at: e.copy() for at, e in own.items()} for r, own in effects.items()}
        self.trees = {f: e.copy() for f, e in known.plan.grove.effects.items()}

    @property
    def effective(self) -> np.ndarray:
        """Effective number of proposals of each cluster."""
        possible = np.isfinite(self.total)
        with np.errstate(invalid="ignore"):
            return np.where(possible, np.exp(2 * self.total - self.squares), 0.0)

    def take(self, block: Block, chosen: Chosen) -> None:
        """Take a block's proposals, each with the probability that its weights have among all so far."""
        clusters = block.members
        total = np.logaddexp(self.total[clusters], chosen.total)
        with np.errstate(invalid="ignore"):
            share = np.where(np.isfinite(total), np.exp(chosen.total - total), 1.0)
        stream = child(self.known.plan.seed, 3, len(self.rounds), int(clusters[0]))
        taken = stream.random(block.size) < share
        self.total[clusters] = total
        self.squares[clusters] = np.logaddexp(self.squares[clusters], chosen.squares)
        self.at[clusters] = chosen.at
        places = {level: (taken[block.clusters[level]], units) for level, units in block.units.items()}
        bound = self.known.plan.bound
        for target, found in ((self.shown, chosen.shown), (self.whole, chosen.whole)):
            for column, values in found.items():
                level = level_of(column, bound)
                kept = target.setdefault(column, np.zeros(len(self.layout.of[level]), values.dtype))
                _put(kept, values, *places[level])
        for response, own in chosen.effects.items():
            for at, effects in own.items():
                factor = bound[response].predictors[at[0]].groups[at[1]].factor
                _put(self.effects[response][at], effects, *places[factor])
        for factor, effects in chosen.trees.items():
            _put(self.trees[factor], effects, *places[factor])

    def planned(self, plan: Plan, given: Given) -> Plan:
        """Return the plan with what was chosen."""
        of_rows = {c: v for c, v in self.shown.items() if level_of(c, plan.bound) == "row"}
        upper = {c: v for c, v in self.shown.items() if c not in of_rows}
        stands = {c: v for c, v in plan.given.items() if c not in given.cells}
        return replace(
            plan, given={**stands, **of_rows}, whole={**plan.whole, **self.whole},
            upper={**{c: v for c, v in plan.upper.items() if c not in given.cells}, **upper},
            effects=plan.effects if self.known.observed else self.effects,
            grove=replace(plan.grove, effects=self.trees),
        )  # fmt: skip


def _put(target: np.ndarray, values: np.ndarray, taken: np.ndarray, units: np.ndarray) -> None:
    target[units[taken]] = values[taken]


def _check_possible(known: Known, given: Given, layout: _Layout, results: _Results) -> None:
    impossible = ~np.isfinite(results.total)
    if not impossible.any():
        return
    rows = np.flatnonzero(impossible[layout.reported])
    cluster = layout.reported[rows[0]]
    step = known.evidence.steps[results.at[cluster]]
    column = next((mask.column for mask in known.plan.bound.masks if mask.name == step), step)
    raise SynthesisError(
        "What is given is impossible under the model, or too rare to be met among "
        f"{results.spent[cluster]:,} proposals a row: {len(rows)} of {len(layout.reported)} rows, {_listed(rows)}. In "
        f"row {rows[0]} no proposal could have the {column!r} that is asked for. Look at these rows' values, or give "
        f"fewer columns.{_remedy(given, known.evidence)}"
    )


def _warn_few(found: Effective, given: Given, evidence: Evidence) -> None:
    few = np.flatnonzero(found.sizes < LEAST)
    if not len(few):
        return
    warn(
        f"Of the proposals for {len(few)} of {len(found.sizes)} given {'groups' if given.n_top else 'rows'}, fewer "
        f"than {LEAST:g} are effective (the fewest {found.sizes.min():.1f} of {found.proposals[few].max():,}): "
        f"{_listed(few)}. Draws there lean on few proposals and vary less than they should; give fewer columns that "
        f"depend on others, or less unlikely values.{_remedy(given, evidence)}",
        ConditioningWarning,
    )


def _remedy(given: Given, evidence: Evidence) -> str:
    if not (given.codes and evidence.shared):
        return ""
    return (
        f" Rows that share a group of {', '.join(map(repr, evidence.shared))} are drawn together, which needs many "
        "more proposals than rows by themselves: leave out the grouping columns, and each row has a group of its own."
    )


def _listed(rows: np.ndarray) -> str:
    shown = ", ".join(map(str, rows[:5]))
    return f"row{'s' if len(rows) > 1 else ''} {shown}{', …' if len(rows) > 5 else ''}"
