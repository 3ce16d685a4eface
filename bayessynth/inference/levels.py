"""Responses of several levels: their names in order, and codes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def level_names(frames: Sequence[pd.DataFrame], name: str) -> tuple[str, ...]:
    """Return the levels of a column that occur in any table: in the order of its categories, else sorted.

    >>> level_names([pd.DataFrame({"s": ["b", "a"]}), pd.DataFrame({"s": ["c", "a"]})], "s")
    ('a', 'b', 'c')
    """
    first = frames[0][name]
    present = {v for f in frames for v in f[name].dropna().unique()}
    ordered = first.cat.categories if isinstance(first.dtype, pd.CategoricalDtype) else sorted(present)
    return tuple(str(v) for v in ordered if v in present)


def level_codes(series: pd.Series, levels: Sequence[str]) -> np.ndarray:
    """Return each cell's position among levels, -1 where missing.

    >>> level_codes(pd.Series(["b", None, "a"]), ("a", "b")).tolist()
    [1, -1, 0]
    """
    codes, distinct = pd.factorize(series.astype(object), use_na_sentinel=True)
    position = {level: i for i, level in enumerate(levels)}
    return np.array([*(position[str(v)] for v in distinct), -1])[codes]
