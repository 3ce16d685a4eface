"""A group's statistic of a column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError, suggest
from bayessynth.rules.cells import as_tuple, differs, encoded, group_codes, numbers, read_numbers, require_number
from bayessynth.rules.registry import register
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Schema
from bayessynth.schema.column import plain


@register
@dataclass(frozen=True, repr=False)
class Aggregate(Rule):
    """A column is a statistic of another over the rows of its group: a school's mean, its size, a share.

    Missing cells of the source are left out; a group without any has a missing statistic.

    Parameters
    ----------
    column : str
    source : str or None
        The column that is summarised; None counts rows.
    by : str or tuple of str
        The group.
    how : {"mean", "sum", "count", "min", "max", "share"}
    level : optional
        For ``"share"``: the value of the source whose share it is.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"school": [1, 1, 2], "ses": [0.0, 1.0, 3.0], "mean_ses": [0.5, 0.5, 2.0]})
    >>> Aggregate("mean_ses", "ses", "school").violations(frame).tolist()
    [False, False, True]
    """

    name: ClassVar[str] = "aggregate"
    whole_copy: ClassVar[bool] = True
    column: str
    source: str | None
    by: str | tuple[str, ...]
    how: str = "mean"
    level: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", plain(self.level))
        object.__setattr__(self, "by", self.by if isinstance(self.by, str) else tuple(self.by))
        if self.how not in _STATISTICS:
            raise SpecError(f"{self!r}: how={self.how!r} is none of {', '.join(map(repr, _STATISTICS))}."
                            f"{suggest(self.how, _STATISTICS)}")  # fmt: skip
        if self.source is None and self.how != "count":
            raise SpecError(f"{self!r}: name the column whose {self.how} it is.")
        if (self.level is None) is (self.how == "share"):
            raise SpecError(f"{self!r}: level= states the value whose share is taken, and goes with how='share' alone.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the column, its source and its group."""
        return (self.column, *(() if self.source is None else (self.source,)), *as_tuple(self.by))

    @property
    def determines(self) -> str:
        """Return the column."""
        return self.column

    def check_schema(self, schema: Schema) -> None:
        """Check that the column holds numbers, and its source what the statistic needs."""
        super().check_schema(schema)
        require_number(schema[self.column], self)
        if self.source is None or self.how == "count":
            return
        if self.how != "share":
            require_number(schema[self.source], self)
        levels = schema[self.source].levels
        if self.how == "share" and levels and self.level not in levels:
            raise SpecError(f"{self!r}: {self.level!r} is no level of column {self.source!r}: "
                            f"{', '.join(map(repr, levels))}.")  # fmt: skip

    def explain(self) -> str:
        """Say what holds."""
        group = " and ".join(as_tuple(self.by))
        if self.how == "share":
            return f"{self.column!r} is the share of rows of each {group} with {self.level!r} in {self.source!r}."
        if self.source is None:
            return f"{self.column!r} is the number of rows of each {group}."
        return f"{self.column!r} is the {self.how} of {self.source!r} in each {group}."

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return rows with another value than their group's statistic."""
        codes = group_codes([frame[name] for name in as_tuple(self.by)], len(frame))
        if self.source is None:
            values = np.zeros(len(frame))
        elif self.level is not None:
            cells = frame[self.source]
            values = np.where(cells.isna(), np.nan, (cells == self.level).to_numpy(dtype=float, na_value=np.nan))
        elif self.how == "count":
            values = np.where(frame[self.source].isna(), np.nan, 0.0)
        else:
            values = read_numbers(frame[self.source])
        cells = read_numbers(frame[self.column])
        return differs(cells, self._statistic(values, codes))

    def compute(self, arrays: Arrays, schema: Schema, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return the statistic of every row's group."""
        codes = group_codes([arrays[name] for name in as_tuple(self.by)], n)
        return encoded(self._statistic(self._source(arrays, schema, n), codes), schema[self.column], self)

    def _source(self, arrays: Arrays, schema: Schema, n: int) -> np.ndarray:
        if self.source is None:
            return np.zeros(n)
        values, levels = arrays[self.source], schema[self.source].levels
        missing = values < 0 if values.dtype.kind in "iu" else np.isnan(values)
        if self.level is not None:
            wanted = levels.index(self.level) if levels else float(self.level)
            return np.where(missing, np.nan, values == wanted)
        return np.where(missing, np.nan, 0.0) if self.how == "count" else numbers(self.source, arrays, schema)

    def _statistic(self, values: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return the statistic of every row's group, from the values that are not missing."""
        used = ~np.isnan(values) & (codes >= 0)
        size = int(codes.max(initial=-1)) + 1
        found = np.full(size + 1, np.nan)  # the last place is that of rows without a group, whose code is -1
        found[:size] = _STATISTICS[self.how](values[used], codes[used], size)
        return found[codes]


def statistics(how: str) -> Callable[[np.ndarray, np.ndarray, int], np.ndarray]:
    """Return the function that computes a statistic: of values, their group codes, and the number of groups.

    >>> statistics("mean")(np.array([1.0, 2.0, 4.0]), np.array([0, 0, 1]), 2)
    array([1.5, 4. ])
    """
    return _STATISTICS[how]


def _count(values: np.ndarray, codes: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(codes, minlength=size).astype(float)


def _sum(values: np.ndarray, codes: np.ndarray, size: int) -> np.ndarray:
    totals = np.bincount(codes, values, minlength=size)
    return np.where(_count(values, codes, size) > 0, totals, np.nan)


def _mean(values: np.ndarray, codes: np.ndarray, size: int) -> np.ndarray:
    return _sum(values, codes, size) / np.maximum(_count(values, codes, size), 1)


def _least(values: np.ndarray, codes: np.ndarray, size: int) -> np.ndarray:
    found = np.full(size, np.inf)
    np.minimum.at(found, codes, values)
    return np.where(np.isinf(found), np.nan, found)


def _greatest(values: np.ndarray, codes: np.ndarray, size: int) -> np.ndarray:
    return -_least(-values, codes, size)


_STATISTICS: dict[str, Callable[[np.ndarray, np.ndarray, int], np.ndarray]] = {
    "mean": _mean,
    "sum": _sum,
    "count": _count,
    "min": _least,
    "max": _greatest,
    "share": _mean,
}
