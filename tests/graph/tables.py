"""One small table with every structure that a graph may have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

import bayessynth as bs
from bayessynth import families
from bayessynth.families import Family

ROWS = 90
LEVELS = 4


def predictors(n: int = ROWS, seed: int = 1) -> pd.DataFrame:
    """A number, a category, a flag, nested groups with labels that begin anew, and a crossed group."""
    rng = np.random.default_rng(seed)
    site = np.arange(n) % 9
    return pd.DataFrame(
        {
            "site": np.array([f"s{i}" for i in range(9)])[site],
            "ward": np.array(["a", "b"])[np.arange(n) // 9 % 2],
            "rater": rng.permutation(np.arange(n) % 5) + 10,
            "x": rng.normal(1.0, 2.0, n),
            "z": pd.Categorical(np.array(["low", "mid", "high"])[rng.integers(0, 3, n)], ["low", "mid", "high"]),
            "w": rng.random(n) < 0.5,
            "height": site * 1.7,
            "years": rng.uniform(0.5, 2.0, n),
        }
    )


def with_response(family: Family, options: dict[str, Any], n: int = ROWS) -> tuple[pd.DataFrame, bs.Schema]:
    """Add a column ``y`` drawn by a family's sampler, of a kind that it serves."""
    rng, frame = np.random.default_rng(2), predictors(n)
    own = "link" in family.options
    params: dict[str, Any] = {}
    for i, parameter in enumerate(family.parameters):
        shape = (n, LEVELS - 1) if family.multinomial else n
        link = "identity" if own and i == 0 else parameter.links[0]
        params[parameter.name] = families.inverse(link, 0.4 + 0.5 * rng.normal(size=shape))
    for vector in family.vectors:
        length = vector.length(LEVELS, options)
        if length:
            even = np.linspace(-1, 1, length) if vector.constraint == "ordered" else np.full(length, 1 / length)
            params[vector.name] = even
    if "trials" in options:
        frame["trials"] = rng.integers(3, 9, n)
        options = options | {"trials": frame["trials"].to_numpy()}
    y: Any = family.sample(rng, n, **params, **options)
    if not family.kinds.isdisjoint({"binary", "categorical", "ordinal"}):
        names = [f"level {i}" for i in range(int(y.max()) + 1)]
        y = pd.Categorical.from_codes(y, names, ordered="ordinal" in family.default_for)
    frame["y"] = y
    schema = bs.Schema.detect(frame)
    if schema["y"].kind not in family.kinds:
        schema = schema.override(y=sorted(family.kinds)[0])
    return frame, schema
