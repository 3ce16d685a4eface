"""A running number within a group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from bayessynth.rules.cells import as_tuple, encoded, group_codes, read_numbers, require_number
from bayessynth.rules.registry import register
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Schema


@register
@dataclass(frozen=True, repr=False)
class Numbered(Rule):
    """A column counts the rows of each group in the order in which they stand.

    Parameters
    ----------
    column : str
    by : str or tuple of str
        The group.
    start : int
        The number of a group's first row.

    Examples
    --------
    >>> import pandas as pd
    >>> Numbered("visit", "patient").violations(pd.DataFrame({"patient": [7, 7, 8], "visit": [1, 2, 5]})).tolist()
    [False, False, True]
    """

    name: ClassVar[str] = "numbered"
    whole_copy: ClassVar[bool] = True
    column: str
    by: str | tuple[str, ...]
    start: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "by", self.by if isinstance(self.by, str) else tuple(self.by))

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the column and its group."""
        return (self.column, *as_tuple(self.by))

    @property
    def determines(self) -> str:
        """Return the column."""
        return self.column

    def check_schema(self, schema: Schema) -> None:
        """Check that the column holds numbers and that the group is there."""
        super().check_schema(schema)
        require_number(schema[self.column], self)

    def explain(self) -> str:
        """Say what holds."""
        return f"{self.column!r} counts the rows of each {' and '.join(as_tuple(self.by))} from {self.start}."

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return rows with another number than their place in the group."""
        codes = group_codes([frame[name] for name in as_tuple(self.by)], len(frame))
        values = read_numbers(frame[self.column])
        return ~np.isnan(values) & (values != self.start + _running(codes))

    def compute(self, arrays: Arrays, schema: Schema, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return running numbers."""
        codes = group_codes([arrays[name] for name in as_tuple(self.by)], n)
        return encoded(self.start + _running(codes), schema[self.column], self)


def _running(codes: np.ndarray) -> np.ndarray:
    """Return the place of every row within its group, from 0; NaN where there is no group."""
    order = np.argsort(codes, kind="stable")
    ordered = codes[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    place = np.empty(len(codes))
    place[order] = np.arange(len(codes)) - np.repeat(starts, np.diff(np.r_[starts, len(codes)]))
    return np.where(codes < 0, np.nan, place)
