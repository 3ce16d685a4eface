"""The likelihood of an equation's rows at the draws of its fit, within bounded time and memory."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from bayessynth import families
from bayessynth.design import Data, bind, component, dim
from bayessynth.errors import BayesSynthError, MissingRowsWarning
from bayessynth.evaluation.tables import Tables
from bayessynth.fitting import Fitted
from bayessynth.fitting.fingerprint import check_same
from bayessynth.fitting.predictive import with_data

# Most and fewest posterior draws that are used of a fit, spread over its chains.
DRAWS, LEAST_DRAWS = 1000, 200
# Entries of a matrix of draws by rows.
ENTRIES = 1 << 22


def refused(tables: Tables) -> str | None:
    """Say why the fit's likelihood cannot be had; None if it can."""
    fitted = tables.fitted
    if not isinstance(fitted, Fitted):
        return f"Needs a fit of a spec; that of {type(fitted).__name__} has no log likelihood of its own."
    try:
        check_same(tables.written_original, list(fitted.schema), fitted.provenance["data"])
    except BayesSynthError as error:
        return str(error)
    dims = fitted.idata["posterior"].to_dataset().dims
    absent = [f for e in fitted.bound.equations for f in e.factors if dim(f) not in dims]
    if absent:
        return f"The effects of the observed groups ({absent[0]}) are not in this fit: keep_groups=True keeps them."
    return None


def equations(fitted: Fitted) -> list[str]:
    """Return the columns whose equations have parameters."""
    return [e.response for e in fitted.bound.equations if families.get(e.family).parameters]


def bound_data(tables: Tables) -> Data:
    """Bind the fit's spec to the original."""
    if "bound_data" not in tables.cache:
        fitted = tables.fitted
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MissingRowsWarning)
            found = bind(fitted.spec, tables.written_original, fitted.schema, fitted.provenance["missing"])[1]
        tables.cache["bound_data"] = found
    return tables.cache["bound_data"]


def thinned(fitted: Fitted, column: str, most: int = DRAWS) -> xr.DataTree:
    """Return one equation's draws, at most so many of them, evenly along each chain."""
    tree = fitted.component(column)
    sizes = tree["posterior"].sizes
    step = max(1, -(-sizes["chain"] * sizes["draw"] // most))
    return xr.DataTree.from_dict(
        {name: tree[name].to_dataset().isel(draw=slice(None, None, step)) for name in ("posterior", "sample_stats")}
    )


def tree_of(
    tables: Tables, tree: xr.DataTree, column: str, rows: np.ndarray, rng: np.random.Generator, replicate: bool = True
) -> xr.DataTree:
    """Return a DataTree with log_likelihood, log_prior, observed_data and posterior_predictive of some rows.

    Parameters
    ----------
    tables : Tables
    tree : DataTree
        The equation's draws, of :func:`thinned`.
    column : str
    rows : ndarray of int
        Places in the equation's own rows.
    rng : Generator
    replicate : bool
        Whether posterior_predictive has every draw, in the draws' order, or only one.
    """
    fitted, data = tables.fitted, bound_data(tables)
    some: Any = replace(data, rows={**data.rows, column: data.rows[column][rows]})
    sizes = tree["posterior"].sizes
    m = sizes["chain"] * sizes["draw"] if replicate else 1
    made = with_data(tree, component(fitted.bound, some, column), some.at(column), m, rng)
    if replicate:
        made["posterior_predictive"] = xr.DataTree(_by_chain(made["posterior_predictive"].to_dataset(), sizes["chain"]))
    return made


def in_parts(n: int, draws: int) -> Iterator[np.ndarray]:
    """Yield the places of n rows in parts of bounded size.

    >>> [len(part) for part in in_parts(10, ENTRIES // 4)]
    [4, 4, 2]
    """
    step = max(1, ENTRIES // draws)
    yield from (np.arange(start, min(start + step, n)) for start in range(0, n, step))


def _by_chain(replicated: xr.Dataset, chains: int) -> xr.Dataset:
    """Put data sets that were drawn one chain after the other back into their chains."""
    parts = {
        name: (("chain", "draw", "row"), v.values.reshape(chains, -1, v.sizes["row"]))
        for name, v in replicated.data_vars.items()
    }
    return xr.Dataset(parts, {"row": replicated["row"].values})
