"""Families of levels of which only some may come, which may differ from row to row.

The probability of a level is that of the family over the sum of those of the levels allowed. Parameters keep their
meaning: where a choice is left out, the odds of the others are as they were (for ``categorical`` this is the
independence of irrelevant alternatives, Luce 1959).

>>> from bayessynth import families
>>> allowed = np.array([[1.0, 0.0, 1.0]])
>>> families.get("restricted_categorical").logp([2], mu=np.zeros((1, 2)), allowed=allowed).round(3).tolist()
[-0.693]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special

from bayessynth.families.custom import custom_dist, integers
from bayessynth.families.family import Family
from bayessynth.families.registry import register
from bayessynth.families.truncated import density_graph

# Rounds in which levels that are left out are drawn anew before they are drawn by their probabilities.
_ROUNDS = 4


def restricted(base: Family) -> Family:
    """Register a family of levels with some left out, under the name ``restricted_`` and the family's.

    What stands beside a value is ``allowed``, shape (n, levels), 1 for levels that may come.

    Examples
    --------
    >>> from bayessynth import families
    >>> family = families.get("restricted_bernoulli")
    >>> family.sample(np.random.default_rng(1), 3, p=0.999, allowed=np.array([[1.0, 0.0]] * 3)).tolist()
    [0, 0, 0]
    """

    def sample(rng: np.random.Generator, n: int, *, allowed: Any, **params: Any) -> np.ndarray:
        allowed = np.broadcast_to(np.asarray(allowed, dtype=float), (n, np.shape(allowed)[-1]))
        found = np.asarray(base.sample(rng, n, **params))
        left = np.flatnonzero(allowed[np.arange(n), found] == 0)
        for _ in range(_ROUNDS):
            if not len(left):
                return found
            found[left] = base.sample(rng, len(left), **_rows_of(base, params, left))
            left = left[allowed[left, found[left]] == 0]
        if len(left):
            found[left] = _chosen(base, rng, allowed[left], _rows_of(base, params, left))
        return found

    def logp(y: Any, *, allowed: Any, **params: Any) -> np.ndarray:
        plain = np.atleast_1d(base.logp(y, **params))
        n = len(plain)
        allowed = np.broadcast_to(np.asarray(allowed, dtype=float), (n, np.shape(allowed)[-1]))
        code = np.where(np.isfinite(plain), np.broadcast_to(y, (n,)), 0).astype(np.int64)
        some = np.isfinite(plain) & (allowed[np.arange(n), code] > 0)
        with np.errstate(invalid="ignore"):
            return np.where(some, plain - _log_mass(_table(base, allowed, params)), -np.inf)

    def dist(pm: Any, name: str, params: dict[str, Any], *, allowed: Any, **kwargs: Any) -> Any:
        options = {key: kwargs.pop(key) for key in base.options if key in kwargs}
        levels = (allowed.get_value() if hasattr(allowed, "get_value") else np.asarray(allowed)).shape[-1]
        names = tuple(params)

        def log_density(value: Any, open_to: Any, *given: Any) -> Any:
            known = dict(zip(names, given, strict=True))
            table = [density_graph(base, pm, pm.math.zeros_like(value) + k, known, options) for k in range(levels)]
            return _restricted_graph(pm, value, table, open_to)

        def draw(rng: np.random.Generator, n: int, **given: Any) -> np.ndarray:
            return sample(rng, n, **given, **options)

        vectors = ("allowed", *(names[:1] if base.multinomial else ()))
        return custom_dist(pm, name, {"allowed": allowed, **params}, log_density, draw, dtype="int64", vectors=vectors,
                           shared=tuple(v.name for v in base.vectors), **integers(kwargs))  # fmt: skip

    def check(y: Any, column: str, *, allowed: Any = None, **options: Any) -> None:
        base.check(y, column, **options)

    return register(
        Family(
            name=f"restricted_{base.name}", kinds=base.kinds, parameters=base.parameters, discrete=True, sample=sample,
            logp=logp, dist=dist, check=check, vectors=base.vectors, options=base.options,
            multinomial=base.multinomial, intercept=base.intercept, beside={"allowed": None}, declared=False, base=base,
            examples=base.examples,
        )
    )  # fmt: skip


def _restricted_graph(pm: Any, value: Any, table: list[Any], allowed: Any) -> Any:
    """Return the log density from those of all levels; a level that is left out has none, whatever its own is."""
    shown = [pm.math.switch(pm.math.gt(allowed[..., k], 0), own, -np.inf) for k, own in enumerate(table)]
    top = shown[0]
    for own in shown[1:]:
        top = pm.math.maximum(top, own)
    # Of a level that is left out no gradient is taken: its branch holds a number.
    open_to = [pm.math.gt(allowed[..., k], 0) for k in range(len(table))]
    total = sum(
        pm.math.switch(yes, pm.math.exp(pm.math.switch(yes, own, 0.0) - top), 0.0)
        for yes, own in zip(open_to, table, strict=True)
    )
    plain: Any = -np.inf
    for k, own in enumerate(shown):
        plain = pm.math.switch(pm.math.eq(value, k), own, plain)
    return plain - top - pm.math.log(total)


def _table(base: Family, allowed: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    """Return the log probability of every level, shape (levels, n), -inf of those left out."""
    n, levels = allowed.shape
    found = np.stack([np.broadcast_to(base.logp(np.full(n, k), **params), (n,)) for k in range(levels)])
    return np.where(allowed.T > 0, found, -np.inf)


def _log_mass(table: np.ndarray) -> np.ndarray:
    return np.asarray(special.logsumexp(table, axis=0))


def _chosen(base: Family, rng: np.random.Generator, allowed: np.ndarray, params: Mapping[str, Any]) -> np.ndarray:
    """Draw levels by their probabilities; where all underflow, evenly."""
    table = _table(base, allowed, params)
    top = table.max(axis=0)
    with np.errstate(invalid="ignore"):
        weights = np.where(np.isfinite(top), np.exp(table - top), allowed.T)
    cumulative = np.cumsum(weights, axis=0)
    point = rng.random(len(allowed)) * cumulative[-1]
    return np.asarray((point >= cumulative[:-1]).sum(axis=0))


def _rows_of(base: Family, params: Mapping[str, Any], rows: np.ndarray) -> dict[str, Any]:
    """Return parameters for some of the rows; what all rows share stays as it is."""
    shared = {v.name for v in base.vectors}
    least = 2 if base.multinomial else 1
    return {k: v if k in shared or np.ndim(v) < least else v[rows] for k, v in params.items()}
