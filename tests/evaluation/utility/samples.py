"""Tables that several tests of utility measures share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.evaluation.judge import evaluate
from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import entries
from bayessynth.evaluation.tables import Tables, read_tables


def related(n: int, seed: int) -> pd.DataFrame:
    """Return two numbers that go together, two levels that go together with them, a count, and missing cells."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = x + 0.5 * rng.normal(size=n)
    s = np.where(x + 0.5 * rng.normal(size=n) > 0, "high", "low").astype(object)
    t = np.where(rng.random(n) < 0.8, s, rng.choice(["high", "low", "other"], n)).astype(object)
    t[rng.random(n) < 0.1] = None
    return pd.DataFrame({"x": x, "y": np.where(rng.random(n) < 0.15, np.nan, y), "s": s, "t": t,
                         "count": rng.poisson(np.exp(0.5 + 0.5 * x))})  # fmt: skip


def independent(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the columns shuffled apart: the margins stay, every relation goes."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({c: frame[c].to_numpy()[rng.permutation(len(frame))] for c in frame})


def in_groups(groups: int, seed: int, icc: float = 0.3, first: int = 0) -> pd.DataFrame:
    """Return rows in groups of unequal size, with a number and a truth value that differ by group and a group level."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(5, 25, groups)
    group = np.repeat(np.arange(groups), sizes)
    level = rng.choice(["rural", "urban"], groups)
    effect = rng.normal(0, np.sqrt(icc), groups) + 0.3 * (level == "urban")
    y = effect[group] + rng.normal(0, np.sqrt(1 - icc), len(group))
    return pd.DataFrame({"site": group + first, "y": y, "z": 0.5 * effect[group] + rng.normal(size=len(group)),
                         "b": rng.random(len(group)) < 1 / (1 + np.exp(-effect[group])),
                         "level": level[group]})  # fmt: skip


def measured(
    name: str, original: pd.DataFrame, copies: pd.DataFrame | Sequence[pd.DataFrame], **known: Any
) -> dict[str, Measure]:
    """Return what one entry of the registry yields, by the measures' names; warnings are errors in it."""
    frames = [copies] if isinstance(copies, pd.DataFrame) else list(copies)
    tables: Tables = read_tables(original, frames, **known)
    entry = next(e for e in entries() if e.name == name)
    return {m.name: m for m in entry.compute(tables)}


def utility(original: pd.DataFrame, copies: object, **known: Any) -> dict[str, Measure]:
    """Return every measure of utility of an evaluation by its name."""
    known.setdefault("measures", ["utility"])
    return {m.name: m for m in evaluate(original, copies, **known)}
