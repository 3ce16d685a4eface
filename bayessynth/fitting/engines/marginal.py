"""Gaussian equations: coefficients and group effects are integrated exactly, and drawn exactly given what is left.

What is left are two to six standard deviations and correlations, drawn by importance sampling; all that is read of the
data are sums of products, so the cost of a fit does not depend on the number of rows.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayessynth.design import BoundEquation, Component
from bayessynth.fitting import whitened
from bayessynth.fitting.engines import importance
from bayessynth.fitting.engines.mode import find
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.gaussian import Gaussian
from bayessynth.fitting.kernels import priors
from bayessynth.fitting.posterior import Posterior
from bayessynth.fitting.threads import one_thread
from bayessynth.suffstats import Gram, gram
from bayessynth.suffstats import unserved as unserved_gram

NAME = "marginal"
# Effects of other factors than the largest stand beside the coefficients in one dense matrix.
LARGEST = 400
# Bytes of the dense matrix, and multiplications an evaluation, beyond which NUTS is the better choice.
_BYTES, _PRODUCTS = 1e9, 1e8
# Step of the numerical gradient, on the logarithms of standard deviations.
_STEP = 1e-4


def unserved(component: Component) -> str | None:
    """Return why the engine cannot fit an equation, or None if it can try."""
    reason = unserved_equation(component.equation, component.labels)
    return reason or (whitened.unserved(component) if component.chain is not None else None)


def unserved_equation(equation: BoundEquation, labels: Mapping[str, Sequence[Any]]) -> str | None:
    """Return why the engine cannot fit an equation with these groups, or None if it can try."""
    reason = unserved_gram(equation)
    if reason:
        return reason
    for name, prior in equation.priors.items():
        if prior.name != "LKJ" and not priors.serves(prior):
            return f"the prior {prior} of {name!r} is none of a single number"
    (predictor,) = equation.predictors.values()
    widths = [sum(len(g.effects) for g in predictor.groups if g.factor == f) * len(labels[f]) for f in equation.factors]
    others = sum(widths) - max(widths, default=0)
    if others > LARGEST:
        return f"the smaller grouping factors have more than {LARGEST} effects"
    if others and max(widths) * (others + len(predictor.means)) ** 2 > _PRODUCTS:
        return "the grouping factors have too many effects together"
    return None


def sample(component: Component, settings: Settings, seed: int) -> Posterior | str:
    """Draw from the posterior.

    Returns
    -------
    Posterior or str
        Or why there is none: the proposal does not fit.
    """
    begun = time.perf_counter()
    if component.chain is None:
        return sample_gram(component.equation, component.labels, gram(component.expanded()), settings, seed)
    with one_thread():
        return _drawn(whitened.Whitened(component), settings, seed, begun)


def sample_gram(
    equation: BoundEquation, labels: Mapping[str, Sequence[Any]], sums: Gram, settings: Settings, seed: int
) -> Posterior | str:
    """Draw from the posterior given sums of products."""
    begun = time.perf_counter()
    if len(equation.factors) > 1:
        smaller = sum(len(labels[f]) for f in equation.factors) - max(len(labels[f]) for f in equation.factors)
        if 16.0 * len(sums.counts) * len(sums.columns) * smaller > _BYTES:
            return "the grouping factors have too many combinations of groups"
    with one_thread():
        return _drawn(Gaussian(equation, labels, sums), settings, seed, begun)


def _drawn(density: Gaussian, settings: Settings, seed: int, begun: float) -> Posterior | str:
    def gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        steps = _STEP * np.eye(len(theta))
        found = density.values(np.concatenate([theta[None], theta + steps, theta - steps]), 1)
        ahead, behind = found[1 : len(theta) + 1], found[len(theta) + 1 :]
        return float(found[0]), (ahead - behind) / (2.0 * _STEP)

    mode = find(gradient, density.start(), density.scales())
    if mode is None:
        return "the posterior has no mode with curvature in every direction"
    rng = np.random.default_rng(seed)
    drawn = importance.sample(lambda thetas: density.values(thetas, settings.cores), mode.theta, mode.covariance,
                              settings.draws * settings.chains, rng)  # fmt: skip
    refusal = importance.refusal(drawn)
    if refusal:
        return refusal
    return density.posterior(
        drawn.values, seed, settings.cores, engine=NAME, seconds=time.perf_counter() - begun,
        **drawn.reported(settings.chains),
    )  # fmt: skip
