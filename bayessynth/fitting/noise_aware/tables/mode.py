"""The mode of a log-linear model given noisy sums, and the curvature there."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import minimize

from bayessynth.errors import FitError
from bayessynth.fitting.noise_aware.tables.junction import Axes, JunctionTree, junction_tree
from bayessynth.fitting.noise_aware.tables.layout import Sums, contrasts
from bayessynth.fitting.noise_aware.tables.sums import calibrated, gathered, records, spread

#: Most cells of a junction tree: sums over them take about a tenth of a second.
MOST_CELLS = 2_000_000
#: Most numbers in the effects of a model: its covariance matrix is factorised many times.
MOST_EFFECTS = 3000
# Prior standard deviations of effects, on the scale of log probabilities: of single columns, pairs, and larger sets.
PRIOR = (3.0, 1.5, 1.0)
# Most products of contrasts, over all cells, for which sums are taken over all cells and not over a tree: a covariance
# then takes about ten milliseconds at most.
_WHOLE = 20_000_000
# Records by which the covariance of one record's contrasts is estimated where cells are too many: on the way, and at
# the mode, where each entry is within about a third of a percent of the scale of its two contrasts.
_FEW, _MANY = 20_000, 100_000
# Most rounds, and root mean square of a round's move in posterior standard deviations at which they end.
_ROUNDS, _STILL = 20, 0.1
# Largest gradient at which a descent ends, with lengths in posterior standard deviations, its most steps, and
# those of a round.
_FLAT, _STEPS, _SOME = 0.1, 200, 20
# A derivative along a direction is the imaginary part after a step this far into the imaginary, over its length: exact
# to the last digits, since nothing is subtracted (Squire & Trapp 1998).
_IMAGINARY = 1e-100


@dataclass(frozen=True)
class Model:
    """A log-linear model with its prior, and the noisy sums that it is fitted to.

    Given the effects, a noisy sum y is normal with mean nμ and covariance nΣ + V, of which μ and Σ are the mean and the
    covariance of one record's contrasts and V is the noise's.

    Attributes
    ----------
    sums : Sums
    tree : JunctionTree
    """

    sums: Sums
    tree: JunctionTree

    @property
    def size(self) -> int:
        """Numbers of all effects."""
        return self.sums.layout.size

    @cached_property
    def prior_sd(self) -> np.ndarray:
        """Prior standard deviation of each number."""
        found = np.empty(self.size)
        for axes, own in self.sums.layout.effects.items():
            found[own] = PRIOR[min(len(axes), len(PRIOR)) - 1]
        return found

    @cached_property
    def features(self) -> np.ndarray | None:
        """Contrasts of all cells, shape (cells, size); None where these are too many."""
        sizes = self.sums.layout.sizes
        if math.prod(sizes) * self.size**2 > _WHOLE:
            return None
        codes = np.column_stack(np.unravel_index(np.arange(math.prod(sizes)), sizes))
        return self.sums.layout.features(codes).astype(float)

    @cached_property
    def _homes(self) -> dict[int, list[Axes]]:
        found: dict[int, list[Axes]] = defaultdict(list)
        for clique in self.sums.layout.cliques:
            found[self.tree.home(clique)].append(clique)
        return found

    def tables(self, effects: np.ndarray) -> list[np.ndarray]:
        """Return the probabilities of the tree's sets."""
        return calibrated(self.tree, self.sums.layout.factors(effects))

    def slopes(self, effects: np.ndarray, tables: Sequence[np.ndarray], direction: np.ndarray) -> list[np.ndarray]:
        """Return the derivatives of the probabilities of the tree's sets along a direction."""
        layout = self.sums.layout
        if len(tables) == 1:
            # What holds for any tree would take complex numbers for all cells, and three times as long.
            (p,), (axes,) = tables, self.tree.cliques
            log_slope = spread(axes, layout.sizes, layout.factors(direction))
            return [p * (log_slope - (p * log_slope).sum())]
        beside = calibrated(self.tree, layout.factors(effects + 1j * _IMAGINARY * direction))
        return [table.imag / _IMAGINARY for table in beside]

    def mean(self, tables: Sequence[np.ndarray]) -> np.ndarray:
        """Return the mean of one record's contrasts, shape (size,), from the probabilities of the tree's sets."""
        found: dict[Axes, np.ndarray] = {}
        for home, cliques in self._homes.items():
            found |= gathered(tables[home], self.tree.cliques[home], cliques)
        return self.sums.layout.moments(found)

    def covariance(self, effects: np.ndarray, count: int = _MANY) -> np.ndarray:
        """Return the covariance of one record's contrasts, shape (size, size).

        Exact where contrasts of all cells are kept, else that of so many records drawn from the model.
        """
        if self.features is not None:
            logs = self.features @ effects
            p = np.exp(logs - logs.max())
            p /= p.sum()
            mean = p @ self.features
            return (self.features * p[:, None]).T @ self.features - np.outer(mean, mean)
        drawn = records(self.tree, self.tables(effects), count, np.random.default_rng(0))
        features = self.sums.layout.features(drawn)
        features -= features.mean(axis=0)
        return (features.T @ features).astype(float) / count


def model_of(sums: Sums) -> Model:
    """Return the model of noisy sums.

    Raises
    ------
    FitError
        If sums over its cells, or its effects, are too many; nothing was computed then.

    Examples
    --------
    >>> from bayessynth.fitting.noise_aware.tables.layout import sums_of
    >>> from bayessynth.privacy import NoisyMarginals
    >>> noisy = NoisyMarginals((("a", "b"),), {"a": ("0", "1"), "b": ("x", "y")}, (np.full((2, 2), 25.0),), 4.0, None)
    >>> model_of(sums_of([noisy])).tree.cliques
    ((0, 1),)
    """
    layout = sums.layout
    tree = junction_tree(layout.cliques, layout.sizes)
    if tree.cells > MOST_CELLS:
        widest = max(tree.cliques, key=lambda one: math.prod(layout.sizes[i] for i in one))
        raise FitError(
            f"Exact sums over this model take {tree.cells:,} cells, more than {MOST_CELLS:,}; its tables bind "
            f"{', '.join(layout.columns[i] for i in widest)} together. Measure fewer tables, or give these columns "
            "fewer levels or a coarser grid."
        )
    if layout.size > MOST_EFFECTS:
        raise FitError(
            f"The tables have {layout.size:,} effects, more than {MOST_EFFECTS:,}. Measure fewer tables, or give "
            "columns fewer levels or a coarser grid."
        )
    return Model(sums, tree)


@dataclass(frozen=True)
class Mode:
    """The mode, and the two matrices of the normal likelihood around it.

    Attributes
    ----------
    effects : ndarray of shape (d,)
    total : float
        Number of rows that it holds for.
    slope : ndarray of shape (d, d)
        Derivative of the expected sums, nΣ.
    weight : ndarray of shape (d, d)
        Inverse of the covariance of the noisy sums, (nΣ + V)⁻¹.
    precision : ndarray of shape (d, d)
        Of the posterior.
    """

    effects: np.ndarray
    total: float
    slope: np.ndarray
    weight: np.ndarray
    precision: np.ndarray


def curvature(model: Model, effects: np.ndarray, count: int = _MANY) -> Mode:
    """Return the matrices of the likelihood at some effects."""
    total = max(model.sums.total, 1.0)
    slope = total * model.covariance(effects, count)
    weight = np.linalg.inv(slope + np.diag(model.sums.variances))
    weight = (weight + weight.T) / 2
    precision = slope @ weight @ slope + np.diag(model.prior_sd**-2.0)
    return Mode(effects, total, slope, weight, precision)


def find(model: Model) -> Mode:
    """Find the mode; the covariance of the noisy sums follows the effects, round by round, until both stand still.

    Raises
    ------
    FitError
        If they do not.
    """
    found, zeros = curvature(model, apart(model), _FEW), np.zeros(model.size)
    for _ in range(_ROUNDS):
        effects = descended(model, found, model.sums.values, zeros, _SOME)
        moved = effects - found.effects
        far = math.sqrt(float(moved @ found.precision @ moved) / model.size)
        if far < _STILL:
            found = curvature(model, effects)
            return replace(found, effects=descended(model, found, model.sums.values, zeros))
        found = curvature(model, effects, _FEW)
    raise FitError(
        f"No mode was found of the tables of {', '.join(model.sums.layout.columns)}: rounds still move it by {far:.2g} "
        "posterior standard deviations. Give columns fewer levels, or measure fewer tables."
    )


def apart(model: Model) -> np.ndarray:
    """Return the effects of columns that depend on nothing, from their noisy tables."""
    layout, effects = model.sums.layout, np.zeros(model.size)
    for i, size in enumerate(layout.sizes):
        own = layout.effects[(i,)]
        counts = model.sums.total / size + contrasts(size) @ model.sums.values[own]
        least = max(1.0, math.sqrt(float(model.sums.variances[own].mean())))
        effects[own] = np.log(np.maximum(counts, least)) @ contrasts(size)
    return effects


def descended(
    model: Model, near: Mode, values: np.ndarray, centre: np.ndarray, steps: int = _STEPS
) -> np.ndarray:  # fmt: skip
    """Return the effects that fit some sums best, with the weights of a mode nearby, from where the descent begins.

    Parameters
    ----------
    model : Model
    near : Mode
    values : ndarray of shape (d,)
        Sums of contrasts.
    centre : ndarray of shape (d,)
        Prior means.
    steps : int
        Most steps.

    Returns
    -------
    ndarray of shape (d,)
    """
    root, prior = np.linalg.cholesky(near.precision), model.prior_sd**-2.0

    def at(z: np.ndarray) -> tuple[float, np.ndarray]:
        effects = near.effects + solve_triangular(root, z, lower=True, trans="T")
        tables = model.tables(effects)
        residual, off = values - near.total * model.mean(tables), effects - centre
        weighted = near.weight @ residual
        uphill = near.total * model.mean(model.slopes(effects, tables, weighted)) - prior * off
        return 0.5 * float(residual @ weighted + off @ (prior * off)), solve_triangular(root, -uphill, lower=True)

    options = {"gtol": _FLAT, "ftol": 0.0, "maxiter": steps, "maxcor": 20}
    found = minimize(at, np.zeros(model.size), jac=True, method="L-BFGS-B", options=options)
    return near.effects + solve_triangular(root, found.x, lower=True, trans="T")
