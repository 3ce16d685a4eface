"""Codes of cells to values: levels as they are, numbers drawn anew within their cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bayessynth.privacy import Bounds, Domain

# Decimals of kinds of numbers that have none.
_WHOLE = "count"


def decoded(domain: Domain, codes: Mapping[str, np.ndarray], rng: np.random.Generator) -> pd.DataFrame:
    """Return records of whose columns only the cells are known.

    A number is uniform within its cell: between its ends or, where the domain says that it is a count or how many
    decimals it has, over the values in the cell, both of which are public.

    Parameters
    ----------
    domain : Domain
    codes : mapping of str to ndarray of int
        The place of each record's cell, by column.
    rng : Generator

    Returns
    -------
    DataFrame

    Examples
    --------
    >>> import bayessynth as bs
    >>> facts = {"sex": bs.Levels("f", "m"), "age": bs.Bounds(17, 90, kind="count", grid=(18, 65))}
    >>> codes = {"sex": np.array([0, 1]), "age": np.array([0, 0])}
    >>> decoded(bs.Domain(facts, source="codebook"), codes, np.random.default_rng(1)).values.tolist()
    [['f', 17], ['m', 17]]
    """
    return pd.DataFrame({name: _values(domain, name, own, rng) for name, own in codes.items()})


def _values(domain: Domain, name: str, codes: np.ndarray, rng: np.random.Generator) -> np.ndarray | pd.Series:
    declared = domain[name]
    if not isinstance(declared, Bounds):
        return np.asarray(pd.Series(declared.values).to_numpy()[codes])
    decimals = decimals_of(declared)
    drawn = redrawn((declared.low, *declared.cuts, declared.high), decimals, codes, rng)
    return drawn.astype(np.int64) if decimals == 0 else drawn


def decimals_of(declared: Bounds) -> int | None:
    """Return how many decimals a column's numbers have, None if the domain does not say.

    >>> import bayessynth as bs
    >>> decimals_of(bs.Bounds(0, 9, kind="count"))
    0
    """
    return 0 if declared.kind == _WHOLE else declared.decimals


def redrawn(
    cell_ends: Sequence[float], decimals: int | None, cells: np.ndarray, rng: np.random.Generator
) -> np.ndarray:  # fmt: skip
    """Return numbers that are uniform within their cell, or over the values with so many decimals in it.

    Parameters
    ----------
    cell_ends : sequence of float
        The lower end of each cell, and the upper end of the last.
    decimals : int or None
    cells : ndarray of int
        The cell of each number.
    rng : Generator

    Examples
    --------
    >>> redrawn((0, 1, 10), 0, np.array([0, 0]), np.random.default_rng(1)).tolist()
    [0.0, 0.0]
    """
    ends, uniform = np.asarray(cell_ends, dtype=float), rng.random(len(cells))
    if decimals is None:
        return ends[cells] + uniform * (ends[cells + 1] - ends[cells])
    # Values of a cell are its multiples of the last decimal; the last cell alone holds its upper end.
    unit = 10.0**-decimals
    first = np.ceil(ends[:-1] / unit - 1e-9)
    beyond = np.append(np.ceil(ends[1:-1] / unit - 1e-9), np.floor(ends[-1] / unit + 1e-9) + 1)
    counts = beyond - first
    if (counts < 1).any():
        return ends[cells] + uniform * (ends[cells + 1] - ends[cells])
    return np.asarray(np.round((first[cells] + np.floor(uniform * counts[cells])) * unit, decimals))
