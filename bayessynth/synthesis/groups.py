"""The groups of one copy: how many, how large, which rows and units belong to which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayessynth.design import GroupPlan
from bayessynth.errors import SynthesisError
from bayessynth.fitting.groups import Crossed, GroupPosterior, context

# Cells of a table of probabilities that are held at once while units choose among crossed groups.
_BLOCK = 4_000_000


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
    parent : mapping of str to ndarray
        For each factor of the chain below the top, and for ``"row"``: the group above of every unit.
    chosen : mapping of str to tuple
        For each crossed factor: the level whose units choose, and the chosen group of each.
    labels : mapping of str to tuple
        Labels of observed groups, by factor; empty for new groups.
    """

    k: int
    sizes: Mapping[str, int]
    chain: tuple[str, ...]
    parent: Mapping[str, np.ndarray]
    chosen: Mapping[str, tuple[str, np.ndarray]]
    labels: Mapping[str, tuple[Any, ...]]

    def count(self, level: str) -> int:
        """Return the number of units of a level: rows, or groups of a factor."""
        return self.k if level == "row" else self.sizes[level]

    def codes(self, level: str, factor: str) -> np.ndarray:
        """Return the group of ``factor`` in which every unit of ``level`` lies."""
        if level == factor:
            return np.arange(self.count(level))
        if factor in self.chosen:
            chooser, chosen = self.chosen[factor]
            return chosen if chooser == level else chosen[self.codes(level, chooser)]
        below = [*self.chain, "row"]
        codes = self.parent[level]
        for step in reversed(below[below.index(factor) + 1 : below.index(level)]):
            codes = self.parent[step][codes]
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
        parent, counts = _nested(posterior, draw, n_top, rng)
        if len(parent["row"]) >= k:
            break
        n_top *= 2
    return _with_crossed(posterior, draw, _cut(plan, parent, counts, k), rng)


def groups_of(posterior: GroupPosterior, draw: int, n_top: int, rng: np.random.Generator) -> Groups:
    """Draw a given number of top groups with all that is in them; the number of rows follows."""
    if posterior.plan.balanced or not posterior.plan.chain:
        raise SynthesisError("A frame of groups' covariates needs nested groups whose sizes are modelled.")
    parent, counts = _nested(posterior, draw, n_top, rng)
    return _with_crossed(posterior, draw, _cut(posterior.plan, parent, counts, len(parent["row"])), rng)


def _nested(
    posterior: GroupPosterior, draw: int, n_top: int, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Draw units below units, from the top down."""
    chain = posterior.plan.chain
    counts, parent = {chain[0]: n_top}, {}
    for factor, below in posterior.plan.steps:
        sizes = posterior.sizes[factor].sample(rng, draw, counts[factor])
        parent[below] = np.repeat(np.arange(counts[factor]), sizes)
        counts[below] = len(parent[below])
    return parent, counts


def _cut(plan: GroupPlan, parent: dict[str, np.ndarray], counts: dict[str, int], k: int) -> Groups:
    """Keep the first k rows and the groups that hold them."""
    cut = {"row": parent["row"][:k]}
    sizes: dict[str, int] = {}
    below = "row"
    for factor in reversed(plan.chain):
        sizes[factor] = int(cut[below][-1]) + 1
        if factor != plan.chain[0]:
            cut[factor] = parent[factor][: sizes[factor]]
        below = factor
    return Groups(k, sizes, plan.chain, cut, {}, {})


def _with_crossed(posterior: GroupPosterior, draw: int, groups: Groups, rng: np.random.Generator) -> Groups:
    """Let units choose among the new groups of each crossed factor."""
    sizes, chosen = dict(groups.sizes), {}
    for factor, level in posterior.plan.crossed.items():
        crossed = posterior.crossed[factor]
        above = context(posterior.plan, level)
        units = groups.count(level)
        within = groups.codes(level, above) if above else np.zeros(units, dtype=np.int64)
        chosen[factor] = (level, _choose(crossed, draw, within, rng))
        sizes[factor] = crossed.shares.shape[1]
    return Groups(groups.k, sizes, groups.chain, groups.parent, chosen, {})


def _choose(crossed: Crossed, draw: int, within: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose a group for every unit: shares by context from a Dirichlet, then one uniform number a unit."""
    shares = crossed.shares[draw % len(crossed.shares)]
    concentration = crossed.concentration[draw % len(crossed.concentration)]
    chosen = np.empty(len(within), dtype=np.int64)
    n_contexts = int(within.max()) + 1 if len(within) else 0
    block = max(1, _BLOCK // len(shares))
    starts = np.searchsorted(within, np.arange(0, n_contexts + block, block))  # units are sorted by context
    for i, first in enumerate(range(0, n_contexts, block)):
        rows = slice(starts[i], starts[i + 1])
        n = min(block, n_contexts - first)
        weights = rng.standard_gamma(np.broadcast_to(concentration * shares, (n, len(shares))))
        totals = weights.sum(axis=1, keepdims=True)
        # With a tiny concentration all weights may underflow; then one group takes all, as the limit has it.
        weights = np.where(totals > 0, weights, np.eye(len(shares))[rng.choice(len(shares), n, p=shares)])
        cumulative = np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
        cumulative[:, -1] = 1.0
        context_of = within[rows] - first
        position = np.searchsorted(
            (cumulative + np.arange(n)[:, None]).ravel(), context_of + rng.random(len(context_of))
        )
        chosen[rows] = np.minimum(position - context_of * len(shares), len(shares) - 1)
    return chosen


def _crossed_fully(plan: GroupPlan, posterior: GroupPosterior, k: int) -> Groups:
    """Let every group of the chain meet every group of the crossed factor equally often, as in the original."""
    (factor, other) = plan.chain[0], next(iter(plan.crossed))
    rows_each = posterior.sizes[factor].constant
    row = np.arange(k)
    parent = {"row": row // rows_each}
    chosen = (row % rows_each) // plan.balanced
    sizes = {factor: int(parent["row"][-1]) + 1, other: rows_each // plan.balanced}
    return Groups(k, sizes, plan.chain, parent, {other: ("row", chosen)}, {})


def observed_groups(
    plan: GroupPlan,
    codes: Mapping[str, np.ndarray],
    labels: Mapping[str, tuple[Any, ...]],
    sizes: Mapping[str, int] | None = None,
) -> Groups:
    """Return groups given by the codes of rows: the original's, or those of a frame that the user gives."""
    k = len(next(iter(codes.values())))
    sizes = sizes or {f: int(c.max()) + 1 for f, c in codes.items()}
    parent, below = {}, "row"
    for factor in reversed(plan.chain):
        parent[below] = codes[factor] if below == "row" else _of_groups(codes[below], codes[factor], sizes[below])
        below = factor
    chosen = {}
    for factor, level in plan.crossed.items():
        units = codes[factor] if level == "row" else _of_groups(codes[level], codes[factor], sizes[level])
        chosen[factor] = (level, units)
    return Groups(k, sizes, plan.chain, parent, chosen, labels)


def _of_groups(lower: np.ndarray, upper: np.ndarray, n_lower: int) -> np.ndarray:
    found = np.zeros(n_lower, dtype=np.int64)
    found[lower] = upper
    if not np.array_equal(found[lower], upper):
        raise SynthesisError(
            "The given groups are not nested as in the original: a lower group appears within two upper ones."
        )
    return found
