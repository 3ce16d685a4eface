"""A generator without a model: every column at random, within what rules leave of it."""

from __future__ import annotations

import graphlib
from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayessynth import rules
from bayessynth.rules.grid import natural
from bayessynth.rules.rule import Rule
from bayessynth.schema import Column, Schema


def generate(given: Sequence[Rule], schema: Schema, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw n rows, the columns in a random order that the rules admit, a tenth of the cells missing."""
    ready = rules.closed(given, schema)
    computed, waits = rules.determined(ready), rules.after(ready)
    arrays: dict[str, np.ndarray] = {}
    for name in random_order(list(schema), waits, rng):
        if name in computed:
            arrays[name] = computed[name].compute(arrays, schema, n, rng)
            continue
        left = rules.narrowed(ready, name, arrays, schema, n)
        values = draw(schema[name], left, n, rng)
        gap = rng.random(n) < 0.1 if schema[name].missing else np.zeros(n, dtype=bool)
        gap = gap if left.absent is None else gap | left.absent
        gap = gap if left.present is None else gap & ~left.present
        arrays[name] = np.where(gap, -1 if values.dtype.kind in "iu" else np.nan, values)
    labels = {name: [f"{name}_{i}" for i in range(n)] for name in schema if schema[name].kind == "group"}
    written = {name: rule.cells(arrays[name], schema) for name, rule in computed.items()}
    own = {name: cells for name, cells in written.items() if cells is not None}
    frame = schema.decode({name: values for name, values in arrays.items() if name not in own}, labels)
    return frame.assign(**own)


def random_order(columns: list[str], waits: dict[str, set[str]], rng: np.random.Generator) -> list[str]:
    sorter = graphlib.TopologicalSorter({name: waits.get(name, set()) for name in columns})
    sorter.prepare()
    order: list[str] = []
    ready = list(sorter.get_ready())
    while ready:
        order.append(ready.pop(int(rng.integers(len(ready)))))
        sorter.done(order[-1])
        ready += sorter.get_ready()
    return order


def draw(column: Column, left: rules.Narrowed, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draw numbers uniformly between limits, often on one of them, and levels uniformly among the allowed."""
    if column.kind == "group":
        return rng.integers(0, max(2, n // 5), n)
    if column.levels:
        allowed = np.ones((n, len(column.levels)), dtype=bool) if left.allowed is None else left.allowed
        return np.where(allowed, rng.random(allowed.shape), -1.0).argmax(axis=1)
    if column.kind in ("identifier", "constant"):
        return np.arange(n, dtype=float)
    least, most = natural(column)
    low = np.full(n, max(least, -50.0))
    high = np.full(n, min(most, 20_000.0 if column.kind == "datetime" else 50.0))
    if left.lower is not None:
        free_below, free_above = np.isinf(left.lower), np.isinf(left.upper)
        low = np.where(free_below, np.where(free_above, low, np.fmax(least, np.fmin(low, left.upper))), left.lower)
        high = np.where(free_above, np.fmin(most, np.fmax(high, low + 10)), left.upper)
    share = rng.choice([0.0, 1.0, 0.5, 0.3333], n) * rng.random(n) ** rng.choice([0, 1], n)
    return np.clip(low + share * (high - low), low, high)
