"""One equation fitted to many responses."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pymc as pm
from threadpoolctl import threadpool_limits

from bayessynth.design import Component, safe
from bayessynth.design.centring import RELIABLE, reliability
from bayessynth.fitting.engines.ladder import LADDER, sample
from bayessynth.fitting.engines.nutpie import explained, sample_compiled
from bayessynth.fitting.engines.pymc import as_posterior, compile_model
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.posterior import Posterior
from bayessynth.graph import build


def refit(
    component: Component, responses: Sequence[np.ndarray], settings: Settings, seeds: Sequence[int],
    engine: str = "auto",
) -> Iterator[Posterior]:  # fmt: skip
    """Yield the posterior of an equation for one response after the other.

    Everything but the response stays: design, groups, and priors, which are those of the data that the component was
    made of.

    Parameters
    ----------
    component : Component
    responses : sequence of ndarray of shape (n,)
        Encoded, as ``component.y``.
    settings : Settings
    seeds : sequence of int
        One a response.
    engine : str
        As in ``Spec.fit``.

    Raises
    ------
    FitError
        If the sampler cannot start, or the engine cannot fit the equation.
    """
    if engine == "pymc":
        yield from _compiled_once(component, responses, settings, seeds)
        return
    names = LADDER if engine == "auto" else (engine,)
    for y, seed in zip(responses, seeds, strict=True):
        yield sample(replace(component, y=y), names, settings, seed, {})


def _compiled_once(
    component: Component, responses: Sequence[np.ndarray], settings: Settings, seeds: Sequence[int]
) -> Iterator[Posterior]:
    """Refit by the PyMC model, which is compiled once for each form that the sampler is given."""
    column = component.equation.response
    forms: dict[tuple[str, ...], tuple[pm.Model, Any]] = {}
    for y, seed in zip(responses, seeds, strict=True):
        start = time.perf_counter()
        own = replace(component, y=y)
        # One BLAS thread, as for a fit, and only while at work: a generator gives the processor back.
        with threadpool_limits(1), explained(column):
            form = _form(own)
            if form not in forms:
                model = build(own)
                forms[form] = model, compile_model(model)
            model, compiled = forms[form]
            observed = y.astype("int64" if component.family.discrete else "float64")
            tree = sample_compiled(compiled.with_data(**{f"{safe(column)}_observed": observed}), settings, seed)
        yield as_posterior(model, tree, column, time.perf_counter() - start)


def _form(component: Component) -> tuple[str, ...]:
    """Return the factors whose effects are sampled around their centre, the most reliable first.

    All of a model's structure that depends on the response; a fit chooses it, so a refit has to.
    """
    found = {factor: reliability(component, factor) for factor in component.equation.factors}
    return tuple(sorted((f for f, r in found.items() if r > RELIABLE), key=lambda f: -found[f]))
