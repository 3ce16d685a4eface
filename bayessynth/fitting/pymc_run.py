"""Sampling a user's PyMC model, and drawing new records from it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.graph.traversal import ancestors
from threadpoolctl import threadpool_limits

from bayessynth.design import coordinate, safe
from bayessynth.errors import FitError
from bayessynth.fitting.engines.nutpie import statistics
from bayessynth.fitting.engines.pymc import sample_model
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.posterior import Posterior
from bayessynth.fitting.pymc_graph import INTERPRETED
from bayessynth.fitting.pymc_layout import Build, Layout, built


def sample_posterior(model: pm.Model, layout: Layout, settings: Settings, seed: int) -> Posterior:
    """Sample the posterior of a user's model by nutpie's NUTS.

    Returns
    -------
    Posterior
        Of all free variables, and of the deterministic ones that have no entry a row.

    Raises
    ------
    FitError
        If the sampler cannot start.
    """
    start = time.perf_counter()
    try:
        with threadpool_limits(1):  # sums must not depend on how many cores there are
            tree = sample_model(model, settings, seed, "model")
    except FitError as error:
        raise FitError(
            f"The sampler could not start on the PyMC model: {error.__cause__}. Look at its priors, and at "
            "model.point_logps(); columns on a very large scale are better divided first."
        ) from error.__cause__
    derived = [v.name for v in model.deterministics if v.name not in layout.rows]
    draws = tree["posterior"].to_dataset()[[*(v.name for v in model.free_RVs), *derived]]
    variables = {
        safe(str(name)): (tuple(safe(str(dim)) for dim in values.dims[2:]), values.to_numpy())
        for name, values in draws.data_vars.items()
    }
    coords = {}
    for dim in [str(dim) for dim in draws.dims if dim not in ("chain", "draw")]:
        labels = model.coords.get(dim) or range(draws.sizes[dim])
        coords[safe(dim)] = coordinate(tuple(x.item() if isinstance(x, np.generic) else x for x in labels))
    return Posterior("model", variables, coords, statistics(tree), "pymc", time.perf_counter() - start)


def draw_rows(
    build: Build,
    layout: Layout,
    codes: Mapping[str, np.ndarray],
    sizes: Mapping[str, int],
    values: Mapping[str, np.ndarray],
    n: int,
    seed: Sequence[int],
) -> dict[str, np.ndarray]:
    """Draw all observed columns of n new records, interpreted by PyTensor.

    Parameters
    ----------
    build : callable
    layout : Layout
    codes : mapping of str to ndarray
        Group of every row, by factor.
    sizes : mapping of str to int
        Number of groups, by factor.
    values : mapping of str to ndarray
        One posterior draw of the variables that new records share; all others are drawn.
    n : int
    seed : sequence of int

    Returns
    -------
    dict of str to ndarray
        Encoded columns.
    """
    coords: dict[str, list[Any]] = {dim: list(range(1, sizes[factor] + 1)) for dim, factor in layout.factors.items()}
    model = built(build, layout.data(layout.placeholders(n), codes), coords)
    missing = [name for name in (*values, *layout.columns) if name not in model.named_vars]
    if missing:
        raise FitError(
            f"build= makes no variable {missing[0]!r}, which the fit has; hand in the function that was fitted."
        )
    _as_released(model, layout)
    inputs, outputs = [model[name] for name in values], [model[name] for name in layout.columns]
    function = pm.compile(inputs, outputs, mode=INTERPRETED, random_seed=list(seed), on_unused_input="ignore")
    drawn = function(*(np.asarray(v, dtype=model[name].type.dtype) for name, v in values.items()))
    return dict(zip(layout.columns, map(np.asarray, drawn), strict=True))


def _as_released(model: pm.Model, layout: Layout) -> None:
    """Let columns that are drawn later depend on what is released: on numbers rounded as decoding will round them.

    The graph is changed in place, which is well since it serves one copy.
    """
    nodes = {v.owner for v in ancestors(model.observed_RVs) if v.owner is not None}
    for column in layout.columns:
        decimals, variable = layout.schema[column].decimals, model[column]
        if decimals is None or not variable.type.dtype.startswith("float"):
            continue
        released = pt.round(variable * 10.0**decimals) / 10.0**decimals
        if layout.schema[column].kind in ("positive", "proportion") and not layout.schema[column].zeros:
            released = pt.switch(pt.eq(released, 0.0), 10.0**-decimals, released)  # as schema's released() has it
        for node in nodes:
            node.inputs = [released if v is variable else v for v in node.inputs]
