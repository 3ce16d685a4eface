"""A contingency table (``"a + b"``): log odds ratios of a two-way table, whose joint Wald test is that of independence.

The reference cell is the first level of either column; half a record is added to every cell of a table that has an
empty one (Haldane and Anscombe).

>>> from bayessynth.inference.registry import get
>>> frame = pd.DataFrame({"a": list("xxyyxy"), "b": list("uvuvuv")})
>>> get("table").prepare([frame], "a + b")(frame).values.round(2).tolist()
[1.39]
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bayessynth.errors import DataError
from bayessynth.inference.estimate import Estimate
from bayessynth.inference.formula import column, split
from bayessynth.inference.levels import level_codes, level_names
from bayessynth.inference.registry import Analysis, Ready, register


def _prepare(frames: Sequence[pd.DataFrame], formula: str) -> Ready:
    parts = split(formula)
    columns = [c.strip() for c in "+".join(filter(None, (parts.response, parts.common))).split("+")]
    if len(columns) != 2:
        raise DataError(f"{formula!r} must name two columns: 'a + b'.")
    for name in columns:
        column(frames[0], name, "column")
    first, second = (level_names(frames, name) for name in columns)
    if min(len(first), len(second)) < 2:
        raise DataError(f"{columns[0]!r} and {columns[1]!r} need two levels each for a table.")
    cells = [(i, j) for i in range(1, len(first)) for j in range(1, len(second))]
    names = tuple(f"{columns[0]}[{first[i]}] × {columns[1]}[{second[j]}]" for i, j in cells)

    def fit(frame: pd.DataFrame) -> Estimate:
        a, b = (level_codes(frame[c], v) for c, v in zip(columns, (first, second), strict=True))
        rows = (a >= 0) & (b >= 0)
        counts = np.bincount(a[rows] * len(second) + b[rows], minlength=len(first) * len(second)).astype(float)
        counts += 0.5 if (counts == 0).any() else 0.0
        log = np.log(counts).reshape(len(first), len(second))
        values = np.array([log[i, j] - log[i, 0] - log[0, j] + log[0, 0] for i, j in cells])
        contrast = np.zeros((len(cells), len(counts)))
        for row, (i, j) in enumerate(cells):
            for sign, cell in ((1, (i, j)), (-1, (i, 0)), (-1, (0, j)), (1, (0, 0))):
                contrast[row, cell[0] * len(second) + cell[1]] = sign
        return Estimate(names, values, (contrast / counts) @ contrast.T, rows=int(rows.sum()))

    return fit


register(Analysis("table", "Two-way table (log odds ratios)", _prepare))
