"""A posterior as a table: ArviZ's summary of all that the data could move."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from bayessynth.design import shown

# Spread relative to size below which an entry stands still: the diagonal of L Lᵀ is 1 up to rounding.
_STILL = 1e-12


def summarise(posterior: xr.Dataset) -> pd.DataFrame:
    """Summarise every parameter: mean, sd, interval, R-hat, effective sample sizes.

    Entries that never move, such as the diagonal of a correlation matrix, are left out: ArviZ would divide by their
    variance. So is, of a symmetric matrix that has such entries, the lower triangle.

    Parameters
    ----------
    posterior : Dataset
        With dims ``chain`` and ``draw`` first in each variable.

    Returns
    -------
    DataFrame
        As ArviZ's ``summary``, one row an entry; empty if no entry moves.

    Examples
    --------
    >>> r = np.random.default_rng(1).uniform(-1, 1, (4, 100, 1, 1))
    >>> corr = np.eye(2) + r * (1 - np.eye(2))
    >>> effects = {"i": ["1", "floor"], "j": ["1", "floor"]}
    >>> summarise(xr.Dataset({"corr": (("chain", "draw", "i", "j"), corr)}, effects)).index.tolist()
    ['corr[1, floor]']
    """
    import arviz as az

    kept = varying(posterior)
    if not kept.data_vars:
        return pd.DataFrame()
    return az.summary(xr.DataTree.from_dict({"posterior": kept})).rename(index=shown)


def varying(posterior: xr.Dataset) -> xr.Dataset:
    """Return the variables all of whose entries move, and the entries that move of the others as their own variables.

    Examples
    --------
    >>> r = np.random.default_rng(1).uniform(-1, 1, (4, 100, 1, 1))
    >>> corr = (("chain", "draw", "i", "j"), np.eye(2) + r * (1 - np.eye(2)))
    >>> list(varying(xr.Dataset({"corr": corr}, {"i": ["1", "floor"], "j": ["1", "floor"]})))
    ['corr[1, floor]']
    """
    kept: dict[str, xr.DataArray] = {}
    for name, variable in posterior.data_vars.items():
        moving = moves(variable.values)
        kept |= {str(name): variable} if moving.all() else dict(_entries(variable, moving))
    return xr.Dataset(kept)


def moves(draws: np.ndarray) -> np.ndarray:
    """Tell of each entry whether its draws differ; draws that are not finite do."""
    size = np.abs(draws).max(axis=(0, 1))
    return ~(draws.max(axis=(0, 1)) - draws.min(axis=(0, 1)) <= _STILL * size)


def _entries(variable: xr.DataArray, moving: np.ndarray) -> Iterator[tuple[str, xr.DataArray]]:
    """Yield the entries that move as variables of their own, named as ArviZ names entries."""
    dims = variable.dims[2:]
    labels = [variable[d].values if d in variable.coords else np.arange(variable.sizes[d]) for d in dims]
    draws = variable.values
    symmetric = len(dims) == 2 and moving.shape[0] == moving.shape[1] and np.allclose(draws, draws.swapaxes(2, 3))
    for place in map(tuple, np.argwhere(moving)):
        if not (symmetric and place[0] > place[1]):
            named = ", ".join(str(own[i]) for own, i in zip(labels, place, strict=True))
            yield f"{variable.name}[{named}]", xr.DataArray(draws[(..., *place)], dims=("chain", "draw"))
