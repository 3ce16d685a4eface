"""The posterior of a table's group structure: sizes of nested groups, choices among crossed ones.

Sizes (children of a group, rows of the lowest group) that several groups share have each a probability of their own,
from the Bayesian bootstrap of groups (Rubin 1981), since sizes are often what a design makes them (one to five yearly
visits). All other sizes, which would tell of single groups, follow a negative binomial shifted to start at one, with
the priors of that family; its two parameters are drawn from their posterior on a fine grid, which is exact up to the
grid. The groups of a crossed factor are chosen by a Dirichlet-multinomial within each group of the chain, drawn by
the Gibbs sampler of the Chinese restaurant franchise (Teh, Jordan, Beal & Blei 2006).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import gammaln

from bayessynth import families
from bayessynth.design import Grouping, GroupPlan
from bayessynth.families import Summary

# Groups that share a size, at least, for it to have a probability of its own.
COMMON = 5
_GRID = 80
_CROSSED_DRAWS = 400
_BURN_IN = 100


@dataclass(frozen=True)
class Sizes:
    """Posterior draws of how many units lie in a group: at least one.

    Attributes
    ----------
    mean, shape : ndarray of shape (draws,)
        Of the negative binomial of size - 1 that sizes without a probability of their own follow; empty where all
        groups have ``constant`` units.
    constant : int
        Size of every group, or 0.
    values : ndarray of int64
        Sizes that have a probability of their own.
    shares : ndarray of shape (draws, values + 1)
        Their probabilities; the last is that of the negative binomial.

    Examples
    --------
    >>> known = Sizes(np.array([9.0]), np.array([1.0]), values=np.array([2]), shares=np.array([[0.75, 0.25]]))
    >>> known.average(0), float((known.sample(np.random.default_rng(1), 0, 10_000) == 2).mean().round(1))
    (4.0, 0.8)
    """

    mean: np.ndarray
    shape: np.ndarray
    constant: int = 0
    values: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    shares: np.ndarray = field(default_factory=lambda: np.ones((1, 1)))

    def sample(self, rng: np.random.Generator, draw: int, n: int) -> np.ndarray:
        """Draw the sizes of ``n`` groups."""
        if self.constant:
            return np.full(n, self.constant)
        i = draw % len(self.mean)
        found = 1 + families.get("negative_binomial").sample(rng, n, mu=self.mean[i], alpha=self.shape[i])
        found = found.astype(np.int64)
        if len(self.values):
            place = rng.choice(len(self.values) + 1, size=n, p=self.shares[i])
            common = place < len(self.values)
            found[common] = self.values[place[common]]
        return found

    def average(self, draw: int) -> float:
        """Return the expected size at a draw."""
        if self.constant:
            return float(self.constant)
        i = draw % len(self.mean)
        *common, other = self.shares[i % len(self.shares)]
        return float(np.dot(common, self.values) + other * (1 + self.mean[i]))


@dataclass(frozen=True)
class Crossed:
    """Posterior draws of how units choose among the groups of a crossed factor.

    Attributes
    ----------
    shares : ndarray of shape (draws, groups)
        Overall share of each group.
    concentration : ndarray of shape (draws,)
        How alike the shares are within the groups of the chain: the larger, the more alike.
    """

    shares: np.ndarray
    concentration: np.ndarray


@dataclass(frozen=True)
class GroupPosterior:
    """Posterior of a table's group structure.

    Attributes
    ----------
    plan : GroupPlan
    sizes : mapping of str to Sizes
        For each factor of the chain, the number of units in one of its groups: groups of the next factor, or rows.
    crossed : mapping of str to Crossed
    observed : mapping of str to ndarray
        Only with ``keep_groups``: the observed group of every row, by factor.
    labels : mapping of str to tuple
        Only with ``keep_groups``: labels of observed groups, by factor.
    """

    plan: GroupPlan
    sizes: Mapping[str, Sizes]
    crossed: Mapping[str, Crossed]
    observed: Mapping[str, np.ndarray]
    labels: Mapping[str, tuple[Any, ...]]


def fit_groups(
    plan: GroupPlan, grouping: Grouping, draws: int, rng: np.random.Generator, keep_groups: bool
) -> GroupPosterior:
    """Draw the group structure's parameters from their posterior.

    Parameters
    ----------
    plan : GroupPlan
    grouping : Grouping
        Of the table's rows, or of the combinations of groups that occur, each with the number of its rows.
    draws : int
    rng : Generator
    keep_groups : bool
        Whether the groups of every row are kept; of combinations the rows stand side by side.
    """
    sizes = {}
    for factor, below in plan.steps:
        sizes[factor] = _fit_sizes(grouping.count(below, factor)[:, 0], draws, rng)
    crossed = {}
    for factor, level in plan.crossed.items():
        if not plan.balanced:
            crossed[factor] = _fit_crossed(grouping.count(level, context(plan, level), factor), rng)
    observed = {}
    if keep_groups:
        times = 1 if grouping.weights is None else grouping.weights
        observed = {factor: np.repeat(codes, times) for factor, codes in grouping.codes.items()}
    labels = dict(grouping.labels) if keep_groups else {}
    return GroupPosterior(plan, sizes, crossed, observed, labels)


def context(plan: GroupPlan, level: str) -> str | None:
    """Return the factor of the chain within whose groups the units of a level choose a crossed group."""
    if level == "row":
        return plan.chain[-1] if plan.chain else None
    position = plan.chain.index(level)
    return plan.chain[position - 1] if position else None


def _fit_sizes(counts: np.ndarray, draws: int, rng: np.random.Generator) -> Sizes:
    if (counts == counts[0]).all():
        return Sizes(np.empty(0), np.empty(0), int(counts[0]))
    found, times = np.unique(counts, return_counts=True)
    values, times = found[times >= COMMON], times[times >= COMMON]
    others = counts[~np.isin(counts, values)]
    mean, shape = _negative_binomial(others if len(others) else counts, draws, rng)
    # One group's worth stands for sizes that no group has.
    shares = rng.dirichlet([*times, len(others) + 1], size=draws)
    return Sizes(mean, shape, values=values, shares=shares)


def _negative_binomial(counts: np.ndarray, draws: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw mean and shape of the negative binomial of sizes less one."""
    family = families.get("negative_binomial")
    summary = Summary.from_array(counts - 1)
    shape_prior = next(p.prior for p in family.parameters if p.name == "alpha")
    assert shape_prior is not None
    values, weights = np.unique(counts - 1, return_counts=True)
    location = np.log(max(float(counts.mean()) - 1, 0.1))

    total, middle = float(values @ weights), np.exp(location)

    def log_density(log_mean: np.ndarray, log_shape: np.ndarray) -> np.ndarray:
        mean, shape = np.exp(log_mean)[:, None], np.exp(log_shape)
        # Given the shape, the density is an exponential family of the mean: one pass over the sizes a shape is enough,
        # and how 0 and 1 become likelier with another mean tells the rest.
        zero, one = (family.logp(y, mu=mean, alpha=shape) - family.logp(y, mu=middle, alpha=shape) for y in (0.0, 1.0))
        terms = weights @ family.logp(values[:, None], mu=middle, alpha=shape) + len(counts) * zero
        prior = shape_prior(summary).logp(shape) + log_shape - 0.5 * ((log_mean[:, None] - location) / 2.5) ** 2
        return terms + total * (one - zero) + prior

    log_mean, log_shape = _grid_draws(log_density, (location - 4, location + 4), (-5.0, 12.0), draws, rng)
    return np.exp(log_mean), np.exp(log_shape)


def _grid_draws(
    log_density: Any, first: tuple[float, float], second: tuple[float, float], draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw from a density of two numbers on a grid that closes in on its mass, uniform within cells."""
    for _ in range(4):
        xs, ys = np.linspace(*first, _GRID), np.linspace(*second, _GRID)
        grid = log_density(xs, ys)
        mass = np.exp(grid - grid.max())
        dx, dy = xs[1] - xs[0], ys[1] - ys[0]
        held = mass > 1e-8
        inside_x, inside_y = xs[held.any(axis=1)], ys[held.any(axis=0)]
        first = (inside_x[0] - dx, inside_x[-1] + dx)
        second = (inside_y[0] - dy, inside_y[-1] + dy)
    cells = rng.choice(mass.size, size=draws, p=(mass / mass.sum()).ravel())
    i, j = np.unravel_index(cells, mass.shape)
    return xs[i] + rng.uniform(-dx / 2, dx / 2, draws), ys[j] + rng.uniform(-dy / 2, dy / 2, draws)


def _fit_crossed(table: np.ndarray, rng: np.random.Generator) -> Crossed:
    """Gibbs sampler of shares and concentration of a Dirichlet-multinomial with common shares."""
    total = table.sum(axis=0)
    shares = (total + 1.0) / (total + 1.0).sum()
    grid = np.exp(np.linspace(np.log(0.01), np.log(100.0 * table.sum()), 60))
    rows, columns = np.nonzero(table)
    counts = table[rows, columns]
    # The i-th unit of a cell opens a new "table" of the restaurant with probability κp / (κp + i).
    order = np.concatenate([np.arange(c) for c in counts])
    cell_column = np.repeat(columns, counts)
    sizes = table.sum(axis=1)
    concentration = float(grid[len(grid) // 2])
    kept_shares, kept_concentration = [], []
    for step in range(_BURN_IN + _CROSSED_DRAWS):
        log_density = (
            (gammaln(grid)[:, None] - gammaln(grid[:, None] + sizes)).sum(axis=1)
            + (gammaln(grid[:, None] * shares[columns] + counts) - gammaln(grid[:, None] * shares[columns])).sum(axis=1)
        )  # fmt: skip
        weights = np.exp(log_density - log_density.max())
        concentration = float(rng.choice(grid, p=weights / weights.sum()))
        base = concentration * shares[cell_column]
        opened = rng.random(len(order)) < base / (base + order)
        shares = rng.dirichlet(1.0 + np.bincount(cell_column[opened], minlength=table.shape[1]))
        shares = np.maximum(shares, 1e-12)
        if step >= _BURN_IN:
            kept_shares.append(shares / shares.sum())
            kept_concentration.append(concentration)
    return Crossed(np.array(kept_shares), np.array(kept_concentration))
