"""New keys, written as the original ones are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import BayesSynthError
from bayessynth.rules import Unique
from bayessynth.rules import pattern as patterns
from bayessynth.schema import Schema


@dataclass(frozen=True)
class Labels:
    """How the keys of a table are written.

    Attributes
    ----------
    column : str
    dtype : str
        Of the original column.
    pattern : str or None
        Of text; whole numbers count up from 1. Text that follows no pattern, or one with too few keys, is the table's
        name and a number.
    start : int or None
        Of a pattern: the number of the first key, where keys count up.
    prefix : str
    """

    column: str
    dtype: str
    pattern: str | None
    start: int | None
    prefix: str

    @classmethod
    def of(cls, cells: pd.Series, table: str) -> Labels:
        """Learn how a table's keys are written."""
        column, dtype = str(cells.name), "str" if pd.api.types.is_string_dtype(cells.dtype) else str(cells.dtype)
        if isinstance(cells.dtype, pd.CategoricalDtype):
            dtype = "category"
        if pd.api.types.is_numeric_dtype(cells.dtype):
            return cls(column, dtype, None, None, "")
        try:
            frame = pd.DataFrame({column: cells.astype(str)})
            rule = Unique(column).learn(frame, Schema.detect(frame).override(**{column: "identifier"}))
        except BayesSynthError:
            return cls(column, dtype, None, None, table)
        return cls(column, dtype, rule.pattern, rule.start, table)

    def make(self, n: int, rng: np.random.Generator) -> pd.Series:
        """Return n keys, no two of them alike.

        >>> Labels("id", "int64", None, None, "").make(3, np.random.default_rng(1)).tolist()
        [1, 2, 3]
        >>> Labels("id", "str", "P-[0-9]{2}", 7, "ward").make(2, np.random.default_rng(1)).tolist()
        ['P-07', 'P-08']
        """
        numbers = np.arange(1, n + 1)
        if not self.prefix:
            return pd.Series(numbers).astype(self.dtype).rename(self.column)
        keys: Any = [f"{self.prefix}_{i:0{len(str(n))}d}" for i in numbers]
        if self.pattern is not None and self._holds(n):
            schema = Schema.detect(pd.DataFrame({self.column: ["a-1", "b 2"]}))
            keys = Unique(self.column, self.pattern, self.start).compute({}, schema, n, rng)
        return pd.Series(keys, dtype=object).astype(self.dtype).rename(self.column)

    def _holds(self, n: int) -> bool:
        """Tell whether the pattern has so many keys."""
        tokens = patterns.parse(self.pattern or "")
        return n + (self.start or 0) <= math.prod(token.capacity for token in tokens)

    def to_json(self) -> dict[str, Any]:
        """Return the labels as JSON data."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Labels:
        """Make labels of what :meth:`to_json` returned."""
        return cls(**data)
