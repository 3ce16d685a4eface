"""NUTS on compiled kernels: the PyMC engine's posterior and sampler, without a graph to compile."""

from __future__ import annotations

import time
from typing import Any

from bayessynth.design import Component
from bayessynth.fitting.constrain import posterior_of
from bayessynth.fitting.density import Density, unserved_family
from bayessynth.fitting.engines.nutpie import USUAL_ACCEPT, Native, explained, sample_compiled, statistics
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.kernels.native import Data, Handed
from bayessynth.fitting.posterior import Posterior
from bayessynth.fitting.threads import one_thread

NAME = "kernel"


def unserved(component: Component) -> str | None:
    """Return why the engine cannot fit an equation, or None if it can."""
    return unserved_family(component.equation)


def sample(component: Component, settings: Settings, seed: int) -> Posterior:
    """Sample one component's posterior.

    Raises
    ------
    FitError
        If the sampler cannot start.
    """
    start = time.perf_counter()
    # One BLAS thread: sums must not depend on how many cores there are.
    with one_thread(), explained(component.equation.response):
        density = Density(component)
        tree = _sampled(density, settings, seed)
        theta = tree["posterior"].to_dataset()["theta"].values.reshape(-1, density.parameters.size)
        return posterior_of(
            density, theta, chains=settings.chains, stats=statistics(tree), engine=NAME,
            seconds=time.perf_counter() - start,
        )  # fmt: skip


def _sampled(density: Density, settings: Settings, seed: int) -> Any:
    """Sample with steps of usual length; where any draw diverges, anew with short ones, which costs little here."""
    model = Native(density.parameters.size, Handed(Data(density.tables, density.laid, density.rows)))
    tree = sample_compiled(model, settings, seed, USUAL_ACCEPT)
    if statistics(tree)["diverging"].any():
        return sample_compiled(model, settings, seed)
    return tree
