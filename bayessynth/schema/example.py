"""An imagined table for a schema without data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayessynth.schema.column import Column
from bayessynth.schema.decode import limits

# Rows that an imagined group has.
ROWS_PER_GROUP = 20


def example(
    schema: Mapping[str, Column], n: int, rng: np.random.Generator, groups: Sequence[str]
) -> tuple[dict[str, np.ndarray], dict[str, Sequence[Any]]]:
    """Return encoded columns, and the labels of groups, of an imagined table of n rows."""
    arrays: dict[str, np.ndarray] = {}
    labels: dict[str, Sequence[Any]] = {}
    for name, column in schema.items():
        if name in groups or column.kind == "group":
            size = max(2, n // ROWS_PER_GROUP)
            sizes = rng.multinomial(n - 2 * size, np.full(size, 1 / size)) + 2 if n >= 2 * size else None
            arrays[name] = np.arange(n) % size if sizes is None else np.repeat(np.arange(size), sizes)
            labels[name] = range(1, size + 1) if column.labels == "int" else [f"{name}_{i + 1}" for i in range(size)]
        elif column.levels:
            arrays[name] = rng.permutation(np.arange(n) % len(column.levels))
        elif column.kind in ("identifier", "constant"):
            arrays[name] = np.arange(n, dtype=float)
        else:
            arrays[name] = _numbers(column, n, rng)
    return arrays, labels


def _numbers(column: Column, n: int, rng: np.random.Generator) -> np.ndarray:
    spread = (rng.permutation(n) + 0.5) / n
    if column.bounds is not None:
        values = column.bounds[0] + spread * (column.bounds[1] - column.bounds[0])
    elif column.kind in ("positive", "count"):
        values = -np.log1p(-spread) * float(column.scale or 1)
    else:
        values = rng.standard_normal(n) * float(column.scale or 1)
    if column.zeros and column.kind == "positive":
        values = np.where(rng.random(n) < 0.2, 0.0, values)
    # Bounds are wider than the data and may be wider than their dtype.
    values = np.clip(values, *limits(column))
    return np.asarray(np.round(values) if column.kind == "count" else values)
