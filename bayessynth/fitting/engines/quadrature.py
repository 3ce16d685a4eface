"""Equations with group effects: those of the largest factor are integrated by quadrature.

What is left is of low dimension and drawn by importance sampling, then the effects of every group given it.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace

import numpy as np

from bayessynth.design import Component
from bayessynth.fitting.constrain import posterior_of
from bayessynth.fitting.density import unserved_apart
from bayessynth.fitting.engines import conditional, importance, surrogate
from bayessynth.fitting.engines.mode import Mode, find, refine, start_of
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.integrated import Integrated, Nodes, Part, nodes
from bayessynth.fitting.kernels.integral import Guess
from bayessynth.fitting.parameters import raw_name
from bayessynth.fitting.posterior import Posterior
from bayessynth.fitting.threads import one_thread

NAME = "quadrature"
# Orders of quadrature to choose from, and the largest number of nodes that they may have together.
_ORDERS = (1, 3, 5, 7, 11, 17, 25)
_NODES = 130
# Error of the log density that is allowed: the standard deviation, over the posterior, of the difference between an
# order and the next.
TOLERANCE = surrogate.TOLERANCE
_PROBES = 10
# Rows among which the search for a mode begins, and how many times as many the next stage has, about.
_FEW, _STAGE = 20_000, 10
# Standard deviations from the mode beyond which a correction stays what it is there.
_REACH = 5.0
# Distance of Newton's last step but one to the groups' modes, whose error is of the order of its square.
_CLOSE = 1e-3
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
    return unserved_apart(equation)


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
    with one_thread():
        density = Integrated(component, _largest(component))
        if density.density.parameters.size > LARGEST:
            return f"{density.density.parameters.size} parameters are too many for importance sampling"
        made = _prepare(density, settings.cores)
        if isinstance(made, str):
            return made
        rng, count = np.random.default_rng(seed), settings.draws * settings.chains
        drawn = surrogate.sample(lambda thetas: made.values(thetas, settings.cores), made.mode, count, rng)
        refusal = importance.refusal(drawn)
        if refusal:
            return refusal
        z = conditional.draw(density, made.mode, made.guess, drawn.values, seed, settings.cores)
        effects = _by_block(density, z)
        return posterior_of(
            density.density, drawn.values, effects, engine=NAME, seconds=time.perf_counter() - begun,
            **drawn.reported(settings.chains),
        )  # fmt: skip


def _by_block(density: Integrated, z: np.ndarray) -> dict[str, np.ndarray]:
    """Return standardised effects (S, G, q) by the names of their blocks."""
    ends = np.cumsum([len(group.effects) for group in density.terms])
    blocks = np.split(z, ends[:-1], axis=2)
    return {raw_name(density.prefix, group): own for group, own in zip(density.terms, blocks, strict=True)}


def _prepare(density: Integrated, cores: int) -> _Posterior | str:
    """Find the mode, how the groups' modes move around it, and the order of quadrature that is enough."""
    # The gradient takes a rule that has skewness: one node would have no spread of the effects either.
    mode, last, rule = None, np.zeros((density.groups, density.q)), nodes(5 if density.q == 1 else 3, density.q)
    for parts in _stages(density):

        def gradient(theta: np.ndarray, parts: list[Part] = parts) -> tuple[float, np.ndarray]:
            nonlocal last
            value, grad, modes = density.gradient(theta, last, rule, cores, parts)
            last = modes if np.isfinite(modes).all() else last
            return value, grad

        refined = None if mode is None else refine(gradient, mode)
        mode = refined or find(gradient, *start_of(density.density.parameters))
    if mode is None:
        return "the posterior has no mode with curvature in every direction"
    guess = _guess(density, mode, last, cores)
    return _with_order(_Posterior(density, mode, guess, rule, np.zeros(2 * len(mode.theta) + 1)), cores)


def _stages(density: Integrated) -> list[list[Part]]:
    """Return the parts with ever more of their rows, all of them at last: what a search for the mode goes through."""
    more = density.sizes().sum() / _FEW
    between = max(0, math.ceil(math.log(more, _STAGE) - 0.3)) if more > 1.0 else 0
    return [*(density.thinned(more ** (k / between - 1.0)) for k in range(between)), density.parts]


def _guess(density: Integrated, mode: Mode, start: np.ndarray, cores: int) -> Guess:
    """Find how the groups' modes move around the mode of the parameters, by differences; sought from (G, q)."""
    d = len(mode.theta)
    at = Guess(mode.theta, start, np.zeros((*start.shape, d)))
    at = at._replace(z=density.modes(mode.theta[None], at, _CLOSE, cores, density.parts)[0][0])
    slopes = np.empty((*start.shape, d))
    for j, sd in enumerate(mode.sds):
        ends = mode.theta + 0.5 * sd * np.outer([1.0, -1.0], np.arange(d) == j)
        ahead, behind = density.modes(ends, at, _CLOSE, cores, density.parts)[0]
        slopes[..., j] = (ahead - behind) / sd
    return at._replace(slopes=slopes)


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
