"""Equations with group effects: those of the largest factor are integrated by quadrature.

What is left is of low dimension and drawn by importance sampling, then the effects of every group given it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from bayessynth.design import Component
from bayessynth.fitting.constrain import posterior_of
from bayessynth.fitting.density import unserved_family
from bayessynth.fitting.engines import importance
from bayessynth.fitting.engines.mode import Mode, find, start_of
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.integrated import Integrated, Nodes, nodes
from bayessynth.fitting.kernels.integral import Guess
from bayessynth.fitting.parameters import raw_name
from bayessynth.fitting.posterior import Posterior

NAME = "quadrature"
# Orders of quadrature to choose from, and the largest number of nodes that they may have together.
_ORDERS = (1, 3, 5, 7, 11, 17, 25)
_NODES = 130
# Error of the log density that is allowed: the standard deviation, over the posterior, of the difference between an
# order and the next.
TOLERANCE = 0.02
_PROBES = 10
_MANY = 200
# Standard deviations from the mode beyond which a correction stays what it is there.
_REACH = 5.0
# Effects are drawn by independence Metropolis steps, as many as leave this total variation distance.
_DISTANCE = 1e-3
_MOST_STEPS = 20
_DEGREES = 6.0
# Proposals by which acceptance is told.
_WEIGHED = 60
LARGEST = 40


def unserved(component: Component) -> str | None:
    """Return why the engine cannot fit an equation, or None if it can try."""
    equation, family = component.equation, component.family
    if family.multinomial:
        return "categories have several predictors"
    parent = family.parameters[0].name if family.parameters else ""
    elsewhere = [p for p in equation.predictors.values() if p.parameter != parent and p.groups]
    if not component.index or elsewhere:
        return "the group-specific effects are not all in the first predictor"
    return unserved_family(equation)


def _largest(component: Component) -> str:
    """Return the factor with most groups: its effects are integrated, those of others are parameters."""
    return max(component.index, key=lambda factor: len(component.labels[factor]))


@dataclass(frozen=True)
class _Posterior:
    """All that is needed to draw.

    Attributes
    ----------
    density : Integrated
    mode : Mode
    guess : Guess
        How the modes of the groups' effects move with the parameters.
    rule : Nodes
    correction : ndarray of shape (2 d + 1,)
        What a finer rule adds: a constant, and for every parameter, in standard deviations from the mode, a slope and
        a curvature.
    """

    density: Integrated
    mode: Mode
    guess: Guess
    rule: Nodes
    correction: np.ndarray

    def values(self, thetas: np.ndarray, cores: int) -> np.ndarray:
        found = self.density.values(thetas, self.guess, self.rule, cores)
        return found + self.regressors(thetas) @ self.correction

    def regressors(self, thetas: np.ndarray) -> np.ndarray:
        away = np.clip((thetas - self.mode.theta) / self.mode.sds, -_REACH, _REACH)
        return np.column_stack([np.ones(len(thetas)), away, away**2])


def sample(component: Component, settings: Settings, seed: int) -> Posterior | str:
    """Draw from the posterior.

    Returns
    -------
    Posterior or str
        Or why there is none: the approximation is not good enough to be trusted.
    """
    begun = time.perf_counter()
    with threadpool_limits(1):
        density = Integrated(component, _largest(component))
        if density.density.parameters.size > LARGEST:
            return f"{density.density.parameters.size} parameters are too many for importance sampling"
        made = _prepare(density, settings.cores)
        if isinstance(made, str):
            return made
        rng, count = np.random.default_rng(seed), settings.draws * settings.chains
        drawn = importance.sample(lambda thetas: made.values(thetas, settings.cores), made.mode.theta,
                                  made.mode.covariance, count, rng)  # fmt: skip
        refusal = importance.refusal(drawn)
        if refusal:
            return refusal
        effects = _effects(made, drawn.values, seed, settings.cores)
        return posterior_of(
            density.density, drawn.values, effects, engine=NAME, seconds=time.perf_counter() - begun,
            **drawn.reported(settings.chains),
        )  # fmt: skip


def _prepare(density: Integrated, cores: int) -> _Posterior | str:
    """Find the mode, how the groups' modes move around it, and the order of quadrature that is enough."""
    # For the mode of many rows a group Laplace's approximation is near enough.
    rows_a_group = len(density.density.component.y) / density.groups
    rule = nodes(1 if rows_a_group > _MANY else 5 if density.q == 1 else 3, density.q)
    last = np.zeros((density.groups, density.q))

    def gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal last
        value, grad = density.gradient(theta, last, rule)
        if np.isfinite(density.space.z).all():
            last = density.space.z.copy()
        return value, grad

    mode = find(gradient, *start_of(density.density.parameters))
    if mode is None:
        return "the posterior has no mode with curvature in every direction"
    z = density.modes(mode.theta, last)
    slopes = np.empty((*z.shape, len(mode.theta)))
    for j, sd in enumerate(mode.sds):
        step = np.zeros(len(mode.theta))
        step[j] = 0.5 * sd
        slopes[..., j] = (density.modes(mode.theta + step, z) - density.modes(mode.theta - step, z)) / sd
    nothing = np.zeros(2 * len(mode.theta) + 1)
    return _with_order(_Posterior(density, mode, Guess(mode.theta, z, slopes), rule, nothing), cores)


def _with_order(made: _Posterior, cores: int) -> _Posterior | str:
    """Choose the order of quadrature.

    The lowest order whose values differ from the next order's by a constant, up to the tolerance, is the reference.
    The error of a lower order is a smooth function of the parameters; the lowest one whose error is a parabola in each
    of them, up to the tolerance at points that it was not fitted to, is used with that added.
    """
    q, d = made.density.q, len(made.mode.theta)
    rng = np.random.default_rng(0)  # where to probe is no matter of chance that a seed should change
    points = rng.multivariate_normal(made.mode.theta, made.mode.covariance, size=_PROBES + 4 * d + 4, method="cholesky")
    probes, fitted = points[:_PROBES], points[_PROBES:]
    rules = [replace(made, rule=nodes(order, q)) for order in _ORDERS if order**q <= _NODES]
    values = [rules[0].values(probes, cores)]
    for finer in rules[1:]:
        values.append(finer.values(probes, cores))
        if np.std(values[-1] - values[-2]) <= TOLERANCE:
            break
    else:
        return "quadrature of the group effects does not settle within the number of nodes allowed"
    best = len(values) - 2
    if not best:
        return rules[0]
    reference = rules[best].values(fitted, cores)
    for coarse, before in zip(rules[:best], values, strict=False):
        error = reference - coarse.values(fitted, cores)
        curve, *_ = np.linalg.lstsq(made.regressors(fitted), error, rcond=None)
        if np.std(values[best] - before - made.regressors(probes) @ curve) <= TOLERANCE:
            return replace(coarse, correction=curve)
    return rules[best]


def _effects(made: _Posterior, thetas: np.ndarray, seed: int, cores: int) -> dict[str, np.ndarray]:
    """Draw the standardised effects of all groups given every draw of the parameters, by the names of their blocks."""
    steps, degrees = _steps(made)
    z = made.density.draws(thetas, made.guess, steps, degrees, seed, cores)
    found, start = {}, 0
    for group in made.density.terms:
        stop = start + len(group.effects)
        found[raw_name(made.density.prefix, group)] = z[:, :, start:stop]
        start = stop
    return found


def _steps(made: _Posterior) -> tuple[int, float]:
    """Return how many Metropolis steps leave the wanted distance, and the proposal's degrees of freedom.

    A step from an independent proposal that is accepted with probability a leaves at most 1 - a of the distance.
    Normal proposals are taken where they fit all groups so well that their tails are no concern.
    """
    found = []
    for degrees in (np.inf, _DEGREES):
        weights = made.density.weights(made.mode.theta, made.guess, _WEIGHED, degrees)
        weights = weights - weights.max(axis=0)
        if np.isfinite(degrees) or weights.std(axis=0).max() < 0.25:
            half = len(weights) // 2
            accepted = np.minimum(1.0, np.exp(weights[:half] - weights[half:])).mean(axis=0)
            missed = np.clip(1.0 - accepted, 1e-9, 0.9)
            # Averaged over groups: few may lag behind.
            needed = next(k for k in range(1, _MOST_STEPS + 1) if k == _MOST_STEPS or (missed**k).mean() <= _DISTANCE)
            found.append((needed, degrees))
    return min(found)
