"""The reference engine: the component's PyMC model, sampled by nutpie's NUTS."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any

import nutpie
import pymc as pm
import pytensor
import xarray as xr
from threadpoolctl import threadpool_limits

from bayessynth.design import Component
from bayessynth.fitting.engines.nutpie import explained, sample_compiled, statistics
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.posterior import Posterior
from bayessynth.graph.build import build


def unserved(component: Component) -> str | None:
    """Return None: the reference serves every equation."""
    return None


def sample(component: Component, settings: Settings, seed: int) -> Posterior:
    """Sample one component's posterior.

    Parameters
    ----------
    component : Component
    settings : Settings
    seed : int

    Returns
    -------
    Posterior
        Warm-up left out; raw offsets and centred intercepts left out, since the parameters carry them.

    Raises
    ------
    FitError
        If the sampler cannot start.
    """
    start = time.perf_counter()
    # One BLAS thread: sums must not depend on how many cores there are.
    with threadpool_limits(1):
        model = build(component)
        tree = sample_model(model, settings, seed, component.equation.response)
    return as_posterior(model, tree, component.equation.response, time.perf_counter() - start)


def as_posterior(model: pm.Model, tree: xr.DataTree, column: str, seconds: float) -> Posterior:
    """Return the draws of what a posterior reports, and the sampler's statistics."""
    kept = reported(model)
    posterior = tree["posterior"].to_dataset()
    variables = {name: (tuple(map(str, posterior[name].dims))[2:], posterior[name].values) for name in kept}
    dims = {dim for names, _ in variables.values() for dim in names}
    coords = {dim: values for dim, values in _coords(model).items() if dim in dims}
    return Posterior(column, variables, coords, statistics(tree), "pymc", seconds)


def sample_model(model: pm.Model, settings: Settings, seed: int, name: str) -> xr.DataTree:
    """Compile a model for nutpie and sample it."""
    with explained(name):
        return sample_compiled(compile_model(model), settings, seed)


def compile_model(model: pm.Model) -> Any:
    """Compile a model for nutpie; its ``pm.Data`` can be changed afterwards (``with_data``)."""
    # Without a C compiler PyTensor evaluates the few nodes of the initial point in Python, which is quicker than
    # compiling them to C; the log density is compiled by Numba either way. Without fast math a sum does not depend
    # on what was inlined, so that code just compiled and code from the cache give the same bytes.
    with pytensor.config.change_flags(cxx="", numba__fastmath=False), warnings.catch_warnings():
        # A large graph is compiled as two kernels instead of one: of no concern to the user.
        warnings.filterwarnings("ignore", message="Loop fusion failed")
        return nutpie.compile_pymc_model(model)


def reported(model: pm.Model) -> list[str]:
    """Names of the variables that a posterior reports: no raw offsets, centred intercepts or Cholesky factors."""
    hidden = ("~offset", "~centred", "~cholesky", "~around")
    variables = [*model.free_RVs, *model.deterministics]
    return [v.name for v in variables if not v.name.endswith(hidden)]


def _coords(model: pm.Model) -> dict[str, Sequence[Any]]:
    return {name: list(values) for name, values in model.coords.items() if values is not None}
