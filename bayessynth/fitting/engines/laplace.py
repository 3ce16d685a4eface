"""Equations without group effects: a normal density at the mode, verified and corrected by importance sampling."""

from __future__ import annotations

import time

import numpy as np

from bayessynth.design import Component
from bayessynth.fitting.constrain import posterior_of
from bayessynth.fitting.density import Density, unserved_apart
from bayessynth.fitting.engines import importance, surrogate
from bayessynth.fitting.engines.mode import find, start_of
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.posterior import Posterior
from bayessynth.fitting.threads import one_thread

NAME = "laplace"
# Beyond this many parameters a proposal fits too badly to be worth its evaluations.
LARGEST = 60


def unserved(component: Component) -> str | None:
    """Return why the engine cannot fit an equation, or None if it can try."""
    if component.index:
        return "the equation has group-specific effects"
    return unserved_apart(component.equation)


def sample(component: Component, settings: Settings, seed: int) -> Posterior | str:
    """Draw from the posterior.

    Returns
    -------
    Posterior or str
        Or why there is none: the approximation is not good enough to be trusted.
    """
    begun = time.perf_counter()
    with one_thread():
        density = Density(component)
        if density.parameters.size > LARGEST:
            return f"{density.parameters.size} parameters are too many for importance sampling"
        mode = find(density, *start_of(density.parameters))
        if mode is None:
            return "the posterior has no mode with curvature in every direction"
        drawn = surrogate.sample(lambda thetas: density.values(thetas, settings.cores), mode,
                                 settings.draws * settings.chains, np.random.default_rng(seed))  # fmt: skip
        refusal = importance.refusal(drawn)
        if refusal:
            return refusal
        return posterior_of(
            density, drawn.values, engine=NAME, seconds=time.perf_counter() - begun, **drawn.reported(settings.chains)
        )
