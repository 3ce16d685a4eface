"""A table made ready for detection: numbers, codes, and a sample of rows on which candidates are screened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from bayessynth.rules.cells import is_number
from bayessynth.rules.grid import decimals
from bayessynth.schema import Schema
from bayessynth.schema.column import CODES, NUMBERS

# Rows on which candidates are screened; wide tables are screened on fewer.
SAMPLE, CELLS = 1000, 400_000
LEAST_SAMPLE = 250
# Fewer rows say too little.
ROWS = 50
# Rows that would break a rule if its columns were independent.
CHANCE = 20
# A share of rows in which one cell of a rule may be missing for reasons of its own.
LOST = 0.01


@dataclass(frozen=True)
class Table:
    """A table made ready for detection.

    Attributes
    ----------
    frame : DataFrame
    schema : Schema
    numbers : mapping of str to ndarray
        Columns of numbers and times, NaN for missing cells.
    codes : mapping of str to ndarray
        Every column but identifiers as whole numbers from zero up, -1 for missing cells; those of numbers ascend with
        them.
    values : mapping of str to ndarray
        What the codes stand for.
    groups : tuple of str
        Grouping factors, which are made anew and determine nothing.
    """

    frame: pd.DataFrame
    schema: Schema
    numbers: Mapping[str, np.ndarray]
    codes: Mapping[str, np.ndarray]
    values: Mapping[str, np.ndarray]
    groups: tuple[str, ...]

    @property
    def n(self) -> int:
        """Return the number of rows."""
        return len(self.frame)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Return the columns that vary and are no groups."""
        return tuple(name for name in self.codes if self.distinct(name) > 1 and name not in self.groups)

    @cached_property
    def rows(self) -> np.ndarray:
        """Return the positions of the sampled rows, ascending."""
        size = int(np.clip(CELLS // max(len(self.codes), 1), LEAST_SAMPLE, SAMPLE))
        if self.n <= size:
            return np.arange(self.n)
        return np.sort(np.random.default_rng(0).choice(self.n, size, replace=False))

    @cached_property
    def holed(self) -> np.ndarray:
        """Return the places of columns of which few cells are missing, for reasons of their own."""
        few = [self.missing(name).any() and self.is_rarely_missing(name) for name in self.names]
        return np.flatnonzero(np.array(few, dtype=bool))

    @cached_property
    def passed_over(self) -> np.ndarray:
        """Return which cells of these columns are missing in the sample, shape (rows, columns)."""
        return self.sampled[:, self.holed] < 0

    @cached_property
    def sampled(self) -> np.ndarray:
        """Return the codes of the sampled rows, shape (rows, names)."""
        empty = np.zeros((len(self.rows), 0), dtype=np.int32)
        return np.column_stack([empty, *(self.codes[name][self.rows] for name in self.names)])

    def is_number(self, name: str) -> bool:
        """Tell whether a column is one of numbers, times, or levels that are numbers."""
        return is_number(self.schema[name])

    def number(self, name: str) -> np.ndarray:
        """Return a column as numbers, levels as what they are."""
        if name in self.numbers:
            return self.numbers[name]
        return np.array([*map(float, self.values[name]), np.nan])[self.codes[name]]

    def is_rarely_missing(self, name: str) -> bool:
        """Tell whether so few cells are missing that they say nothing of other columns."""
        return bool(self.missing(name).sum() <= LOST * self.n)

    def distinct(self, name: str) -> int:
        """Return how many values a column has, missing cells left out."""
        return len(self.values[name])

    def missing(self, name: str) -> np.ndarray:
        """Return where a column's cells are missing."""
        return self.codes[name] < 0

    def slack(self, name: str) -> float:
        """Return by how much rounding may move a number: half its last decimal, or next to nothing."""
        column = self.schema[name]
        if column.kind == "datetime":
            return 1e-9
        digits = decimals(column)
        size = float(np.nanmax(np.abs(self.number(name))))
        return 1e-9 * size if digits is None else 0.5 * 10.0**-digits + 1e-12 * size


def prepare(frame: pd.DataFrame, schema: Schema, groups: tuple[str, ...]) -> Table:
    """Encode a table and factorise its columns."""
    columns = schema.encode(frame, missing="keep")
    numbers: dict[str, np.ndarray] = {}
    codes: dict[str, np.ndarray] = {}
    values: dict[str, np.ndarray] = {}
    for name in columns.names:
        kind = schema[name].kind
        if kind in NUMBERS:
            numbers[name] = columns[name]
        coded, found = pd.factorize(columns[name] if kind not in CODES else _floats(columns[name]), sort=True)
        codes[name], values[name] = coded.astype(np.int32), np.asarray(found)
        if kind in CODES:
            levels = np.empty(len(columns.levels[name]), dtype=object)
            levels[:] = columns.levels[name]
            values[name] = levels[values[name].astype(np.int64)]
    factors = tuple(dict.fromkeys((*groups, *(name for name in schema if schema[name].kind == "group"))))
    return Table(schema.plain(frame), schema, numbers, codes, values, factors)


def _floats(codes: np.ndarray) -> np.ndarray:
    return np.where(codes < 0, np.nan, codes)


def disagreement(codes: np.ndarray) -> float:
    """Return the chance that two random rows differ in a column; missing cells are a value.

    >>> disagreement(np.array([0, 0, 1, -1]))
    0.625
    """
    shares = np.bincount(codes + 1) / len(codes)
    return float(1 - (shares**2).sum())


def roundest(low: float, high: float) -> float:
    """Return the number of an interval (low, high] that is written with the fewest digits; the upper if none is found.

    >>> roundest(24.87, 25.02), roundest(17, 18), roundest(-0.3, 0.2)
    (25.0, 18.0, 0.0)
    """
    if low < 0 <= high:
        return 0.0
    for power in range(int(np.ceil(np.log10(max(abs(low), abs(high), 1e-300)))), -17, -1):
        step = 10.0**power
        candidate = round(float(np.floor(high / step + 1e-12) * step), max(0, -power))
        if low < candidate <= high:
            return candidate
    return high
