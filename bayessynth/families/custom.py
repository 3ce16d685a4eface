"""PyMC distributions from a log density and a family's NumPy sampler."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np


def custom_dist(
    pm: Any,
    name: str,
    params: Mapping[str, Any],
    logp: Callable[..., Any],
    sample: Callable[..., np.ndarray],
    *,
    dtype: str,
    vectors: tuple[str, ...] = (),
    shared: tuple[str, ...] = (),
    **kwargs: Any,
) -> Any:
    """Build a PyMC variable that samples forwards with a family's own sampler.

    Parameters
    ----------
    pm
        The module ``pymc``.
    name
        The variable's name.
    params
        Parameters by name, in the order in which ``logp`` takes them after the value.
    logp
        ``logp(value, *params)``, a PyTensor expression.
    sample
        ``sample(rng, n, **params)``.
    dtype
        Of the values: ``"int64"`` or ``"float64"``.
    vectors
        Names of the parameters that are one vector a row, or one for all rows.
    shared
        Names of the parameters that are always one vector for all rows.
    **kwargs
        ``observed``, ``dims``, ``shape``.

    Examples
    --------
    >>> import pymc as pm
    >>> with pm.Model() as model:
    ...     y = custom_dist(pm, "y", {"mu": 0.0}, lambda value, mu: -abs(value - mu),
    ...                     lambda rng, n, mu: mu + rng.laplace(size=n), dtype="float64")
    >>> model.basic_RVs
    [y]
    """
    # A bare Python float becomes a 32-bit constant where it fits, and its logarithm loses half its digits.
    params = {key: np.float64(v) if isinstance(v, (int, float)) else v for key, v in params.items()}
    names = tuple(params)
    cores = [1 if key in vectors + shared else 0 for key in names]

    def random(*values: np.ndarray, rng: np.random.Generator, size: Any) -> np.ndarray:
        batch = [v.shape[: v.ndim - core] for v, core in zip(values, cores, strict=True)]
        shape = np.broadcast_shapes(*batch) if size is None else tuple(size)
        rows = {
            key: value.reshape(-1, value.shape[-1])[0] if key in shared else _rows(value, shape, core)
            for key, value, core in zip(names, values, cores, strict=True)
        }
        draws = sample(rng, int(np.prod(shape, dtype=int)), **rows)
        return draws.reshape(shape).astype(dtype)

    signature = ",".join(f"(k{i})" if core else "()" for i, core in enumerate(cores)) + "->()"
    return pm.CustomDist(name, *params.values(), logp=logp, random=random, signature=signature, dtype=dtype, **kwargs)


def _rows(value: np.ndarray, shape: tuple[int, ...], core: int) -> np.ndarray:
    """Return a parameter as one entry (or vector) a row; one vector shared by all rows stays as it is."""
    if core and value.ndim == 1:
        return value
    tail = value.shape[value.ndim - core :]
    return np.broadcast_to(value, shape + tail).reshape((-1, *tail))


def integers(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return keyword arguments of a discrete variable with the observed floats as integers.

    >>> integers({"observed": np.array([1.0]), "dims": "row"})
    {'observed': array([1]), 'dims': 'row'}
    """
    observed = kwargs.get("observed")
    if isinstance(observed, np.ndarray):
        return {**kwargs, "observed": observed.astype(np.int64)}
    return dict(kwargs)
