"""The groups of one copy: how many, how large, which rows and units belong to which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayessynth.design import GroupPlan
from bayessynth.errors import SynthesisError
from bayessynth.fitting.groups import Crossed, GroupPosterior, context
from bayessynth.synthesis.runs import Runs

# Cells of a table of probabilities, and units, that are held at once while units choose among crossed groups.
_BLOCK = 4_000_000
_UNITS = 1 << 20


@dataclass(frozen=True)
class Groups:
    """The groups of one copy.

    Attributes
    ----------
    k : int
        Rows.
    sizes : mapping of str to int
        Number of groups of every factor.
    chain : tuple of str
        Nested factors from the top down.
    parent : mapping of str to Runs
        For each factor of the chain below the top, and for ``"row"``: the group above of every unit.
    chosen : mapping of str to tuple
        For each crossed factor: the level whose units choose, and the chosen group of each, as Runs.
    labels : mapping of str to tuple
        Labels of observed groups, by factor; empty for new groups.
    """

    k: int
    sizes: Mapping[str, int]
    chain: tuple[str, ...]
    parent: Mapping[str, Runs]
    chosen: Mapping[str, tuple[str, Runs]]
    labels: Mapping[str, tuple[Any, ...]]

    def count(self, level: str) -> int:
        """Return the number of units of a level: rows, or groups of a factor."""
        return self.k if level == "row" else self.sizes[level]

    def rows_of(self, factor: str, known: bool = True) -> np.ndarray:
        """Return how many rows each group of a factor holds; NaN if that is not known yet."""
        if not known:
            return np.full(self.count(factor), np.nan)
        return np.bincount(self.codes("row", factor), minlength=self.count(factor)).astype(float)

    def codes(self, level: str, factor: str, units: slice = slice(None)) -> np.ndarray:
        """Return the group of ``factor`` in which every unit of ``level``, or some of them, lies."""
        if level == factor:
            return np.arange(self.count(level))[units]
        if factor in self.chosen:
            chooser, chosen = self.chosen[factor]
            return chosen.on(units) if chooser == level else chosen.take(self.codes(level, chooser, units))
        below = [*self.chain, "row"]
        codes = self.parent[level].on(units)
        for step in reversed(below[below.index(factor) + 1 : below.index(level)]):
            codes = self.parent[step].take(codes)
        return codes


def new_groups(posterior: GroupPosterior, draw: int, k: int, rng: np.random.Generator) -> Groups:
    """Draw new groups that hold exactly ``k`` rows; the last group is cut to fit."""
    plan = posterior.plan
    if plan.balanced:
        return _crossed_fully(plan, posterior, k)
    if not plan.chain:
        return Groups(k, {}, (), {}, {}, {})
    average = float(np.prod([posterior.sizes[f].average(draw) for f in plan.chain]))
    n_top = int(1.2 * k / average) + 8
    while True:
        parent, ends = _nested(posterior, draw, n_top, rng)
        if ends[-1] >= k:
            break
        n_top *= 2
    return _with_crossed(posterior, draw, _cut(plan, parent, ends, k), rng)


def groups_alone(plan: GroupPlan, k: int) -> Groups:
    """Return k rows each of which has a group of its own, of every factor."""
    own = {factor: np.arange(k) for factor in (*plan.chain, *plan.crossed)}
    return observed_groups(plan, own, {}, dict.fromkeys(own, k))


def usual_rows(posterior: GroupPosterior, draw: int, factor: str, n: int) -> float:
    """Return how many rows of a table of n a group of a factor has on average."""
    chain = posterior.plan.chain
    if factor in chain:
        return float(np.prod([posterior.sizes[f].average(draw) for f in chain[chain.index(factor) :]]))
    return n / posterior.crossed[factor].shares.shape[1]


def groups_of(posterior: GroupPosterior, draw: int, n_top: int, rng: np.random.Generator) -> Groups:
    """Draw a given number of top groups with all that is in them; the number of rows follows."""
    if posterior.plan.balanced or not posterior.plan.chain:
        raise SynthesisError("A frame of groups' covariates needs nested groups whose sizes are modelled.")
    parent, ends = _nested(posterior, draw, n_top, rng)
    return _with_crossed(posterior, draw, _cut(posterior.plan, parent, ends, int(ends[-1])), rng)


def groups_of_units(
    posterior: GroupPosterior, draw: int, count: int, top: bool, rng: np.random.Generator
) -> Groups:  # fmt: skip
    """Draw units of sequences, with the groups they lie in, whose rows are still to be drawn.

    Parameters
    ----------
    posterior : GroupPosterior
    draw : int
    count : int
        Units, at least; or, with ``top``, exactly as many groups of the top.
    top : bool
    rng : Generator
    """
    plan = posterior.plan
    above = [posterior.sizes[factor].average(draw) for factor in plan.chain[:-1]]
    n_top = count if top else int(count / float(np.prod(above))) + 1
    parent = _nested(posterior, draw, n_top, rng)[0]
    sizes = {factor: len(parent[factor]) if factor in parent else n_top for factor in plan.chain}
    return Groups(0, sizes, plan.chain, {factor: Runs(values=own) for factor, own in parent.items()}, {}, {})


def cut_units(plan: GroupPlan, groups: Groups, ends: np.ndarray, k: int) -> Groups:
    """Return the first k rows of drawn units, and the groups that hold them.

    Parameters
    ----------
    plan : GroupPlan
    groups : Groups
    ends : ndarray of int64
        Where the rows of each unit end.
    k : int
    """
    parent = {factor: own.on(slice(None)) for factor, own in groups.parent.items()}
    return _cut(plan, parent, ends, k)


def _nested(
    posterior: GroupPosterior, draw: int, n_top: int, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Draw units below units, from the top down.

    Returns
    -------
    tuple of dict and ndarray
        The group above of every group below the top, and where the rows of every lowest group end.
    """
    parent: dict[str, np.ndarray] = {}
    count = n_top
    for factor, below in posterior.plan.steps:
        sizes = posterior.sizes[factor].sample(rng, draw, count)
        if below != "row":
            parent[below] = np.repeat(np.arange(count), sizes)
            count = len(parent[below])
    return parent, np.cumsum(sizes)


def _cut(plan: GroupPlan, parent: dict[str, np.ndarray], ends: np.ndarray, k: int) -> Groups:
    """Keep the first k rows and the groups that hold them."""
    lowest = int(np.searchsorted(ends, k)) + 1
    kept = {"row": Runs(ends=np.minimum(ends[:lowest], k))}
    sizes = {plan.chain[-1]: lowest}
    for above, factor in reversed(plan.steps[:-1]):
        kept[factor] = Runs(values=parent[factor][: sizes[factor]])
        sizes[above] = int(parent[factor][sizes[factor] - 1]) + 1
    return Groups(k, sizes, plan.chain, kept, {}, {})


def _with_crossed(posterior: GroupPosterior, draw: int, groups: Groups, rng: np.random.Generator) -> Groups:
    """Let units choose among the new groups of each crossed factor."""
    sizes, chosen = dict(groups.sizes), {}
    for factor, level in posterior.plan.crossed.items():
        crossed = posterior.crossed[factor]
        above = context(posterior.plan, level)
        chosen[factor] = (level, Runs(values=_choose(crossed, draw, _ends(groups, level, above), rng)))
        sizes[factor] = crossed.shares.shape[1]
    return Groups(groups.k, sizes, groups.chain, groups.parent, chosen, {})


def _ends(groups: Groups, level: str, above: str | None) -> np.ndarray:
    """Return where the units of each group above end; units are sorted by it."""
    if above is None:
        return np.array([groups.count(level)])
    parent = groups.parent[level]
    return parent.ends if parent.ends is not None else np.cumsum(np.bincount(parent.on(slice(None))))


def _choose(crossed: Crossed, draw: int, ends: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose a group for every unit: shares by context from a Dirichlet, then one uniform number a unit.

    Parameters
    ----------
    ends : ndarray
        Where the units of each context end.

    Returns
    -------
    ndarray
        One entry a unit, in as few bytes as hold the number of groups.
    """
    shares = crossed.shares[draw % len(crossed.shares)]
    concentration = crossed.concentration[draw % len(crossed.concentration)]
    contexts, k = Runs(ends=ends), len(shares)
    chosen = np.empty(len(contexts), dtype=np.min_scalar_type(k - 1))
    block = max(1, _BLOCK // k)
    for first in range(0, len(ends), block):
        n = min(block, len(ends) - first)
        boundaries = _boundaries(concentration, shares, n, rng)
        start, stop = (int(ends[first - 1]) if first else 0), int(ends[first + n - 1])
        for begin in range(start, stop, _UNITS):
            units = slice(begin, min(begin + _UNITS, stop))
            within = contexts.on(units) - first
            position = np.searchsorted(boundaries, within + rng.random(len(within)))
            chosen[units] = np.minimum(position - within * k, k - 1)
    return chosen


def _boundaries(concentration: float, shares: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the shares of n contexts; return their cumulative sums, those of context i between i and i + 1."""
    weights = rng.standard_gamma(np.broadcast_to(concentration * shares, (n, len(shares))))
    totals = weights.sum(axis=1, keepdims=True)
    # With a tiny concentration all weights may underflow; then one group takes all, as the limit has it.
    weights = np.where(totals > 0, weights, np.eye(len(shares))[rng.choice(len(shares), n, p=shares)])
    cumulative = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    cumulative[:, -1] = 1.0
    cumulative += np.arange(n)[:, None]
    return cumulative.ravel()


def _crossed_fully(plan: GroupPlan, posterior: GroupPosterior, k: int) -> Groups:
    """Let every group of the chain meet every group of the crossed factor equally often, as in the original."""
    (factor, other) = plan.chain[0], next(iter(plan.crossed))
    rows_each = posterior.sizes[factor].constant
    count, n_other = -(-k // rows_each), rows_each // plan.balanced
    ends = np.minimum(np.arange(1, count + 1) * rows_each, k)
    pattern = np.repeat(np.arange(n_other, dtype=np.min_scalar_type(n_other - 1)), plan.balanced)
    chosen = Runs(values=np.resize(pattern, k))
    return Groups(
        k, {factor: count, other: n_other}, plan.chain, {"row": Runs(ends=ends)}, {other: ("row", chosen)}, {}
    )


def existing_groups(posterior: GroupPosterior, n: int, k: int, rng: np.random.Generator) -> Groups:
    """Return the original's groups: of its n rows, or of k rows drawn from it."""
    # Of k rows drawn with replacement, in the original's order, only how often each was drawn need be known.
    ends = None if k == n else np.cumsum(rng.multinomial(k, np.full(n, 1.0 / n)))
    sizes = {factor: len(labels) for factor, labels in posterior.labels.items()}
    return observed_groups(posterior.plan, posterior.observed, posterior.labels, sizes, ends)


def observed_groups(
    plan: GroupPlan,
    codes: Mapping[str, np.ndarray],
    labels: Mapping[str, tuple[Any, ...]],
    sizes: Mapping[str, int],
    ends: np.ndarray | None = None,
) -> Groups:
    """Return groups given by the codes of rows: the original's, or those of a frame that the user gives.

    Parameters
    ----------
    ends : ndarray, optional
        Where the copy's rows end that repeat each of the rows that ``codes`` are of; by default each stands once.
    """
    k = len(next(iter(codes.values()))) if ends is None else int(ends[-1])
    parent, below = {}, "row"
    for factor in reversed(plan.chain):
        parent[below] = _observed(codes, below, factor, sizes, ends)
        below = factor
    chosen = {f: (level, _observed(codes, level, f, sizes, ends)) for f, level in plan.crossed.items()}
    return Groups(k, sizes, plan.chain, parent, chosen, labels)


def _observed(
    codes: Mapping[str, np.ndarray], level: str, factor: str, sizes: Mapping[str, int], ends: np.ndarray | None
) -> Runs:
    if level == "row":
        return Runs(ends, codes[factor])
    return Runs(values=_of_groups(codes[level], codes[factor], sizes[level]))


def _of_groups(lower: np.ndarray, upper: np.ndarray, n_lower: int) -> np.ndarray:
    found = np.zeros(n_lower, dtype=np.int64)
    found[lower] = upper
    if not np.array_equal(found[lower], upper):
        raise SynthesisError(
            "The given groups are not nested as in the original: a lower group appears within two upper ones."
        )
    return found
