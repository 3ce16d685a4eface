"""Tables as boosted trees read them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayessynth.evaluation.tables import Encoded, Tables


def tree_features(tables: Tables, parts: Sequence[Encoded], columns: Sequence[str]) -> tuple[np.ndarray, list[bool]]:
    """Return the stacked tables as floats, shape (rows, len(columns)), and which columns are levels.

    A missing number stands below all present ones, from where trees can split it off: scikit-learn's own treatment
    refuses a column without any value, which a fold can have. Infinite numbers stand just outside the finite ones.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayessynth.evaluation.tables import read_tables
    >>> df = pd.DataFrame({"x": [1.0, 3.0, None], "s": ["a", "b", "a"]})
    >>> tables = read_tables(df, [df])
    >>> features, levels = tree_features(tables, [tables.original], ("x", "s"))
    >>> features.tolist(), levels
    ([[1.0, 0.0], [3.0, 1.0], [-3.0, 0.0]], [False, True])
    """
    stacked = np.vstack([part.features(columns) for part in parts])
    levels = [column in tables.levels for column in columns]
    for j, level in enumerate(levels):
        values = stacked[:, j]
        if level or np.isfinite(values).all():
            continue
        finite = values[np.isfinite(values)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
        step = (high - low) or 1.0
        stacked[:, j] = np.where(np.isnan(values), low - 2 * step, values.clip(low - step, high + step))
    return stacked, levels
