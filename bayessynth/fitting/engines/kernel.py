"""NUTS on compiled kernels: the PyMC engine's posterior and sampler, without a graph to compile."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from bayessynth.design import Component
from bayessynth.fitting.constrain import posterior_of
from bayessynth.fitting.density import Density, unserved_family
from bayessynth.fitting.engines.nutpie import USUAL_ACCEPT, explained, sample_compiled, statistics
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.posterior import Posterior

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
    with threadpool_limits(1), explained(component.equation.response):
        density = Density(component)
        tree = _sampled(density, settings, seed)
        theta = tree["posterior"].to_dataset()["theta"].values.reshape(-1, density.parameters.size)
        return posterior_of(
            density, theta, chains=settings.chains, stats=statistics(tree), engine=NAME,
            seconds=time.perf_counter() - start,
        )  # fmt: skip


def _sampled(density: Density, settings: Settings, seed: int) -> Any:
    """Sample with steps of usual length; where any draw diverges, anew with short ones, which costs little here."""
    model = _model(density)
    tree = sample_compiled(model, settings, seed, USUAL_ACCEPT)
    if statistics(tree)["diverging"].any():
        return sample_compiled(model, settings, seed)
    return tree


def _model(density: Density) -> Any:
    """Return the density as nutpie takes it: a plain callable for each chain."""
    from nutpie.compiled_pyfunc import from_pyfunc

    size = density.parameters.size

    def expand(seed: int, other_seed: int, chain: int) -> Callable[..., Mapping[str, np.ndarray]]:
        return lambda theta: {"theta": np.array(theta)}

    return from_pyfunc(
        size, lambda: density.fork(), expand, [np.dtype("float64")], [(size,)], ["theta"],
        make_initial_point_fn=lambda seed: np.random.default_rng(seed).uniform(-1.0, 1.0, size),
    )  # fmt: skip
