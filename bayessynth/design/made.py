"""Columns that sequences have beside the table's: what rows before say, numbers of rows, what columns grow by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from bayessynth.design.past import before, learn_past
from bayessynth.design.sequences import Sequences, difference
from bayessynth.errors import SpecError
from bayessynth.schema import Column, Columns, Schema
from bayessynth.spec import Equation
from bayessynth.spec.follow import has_mean
from bayessynth.spec.lags import Derived, derived

# Steps of a column without one that falls that are no chance.
_STEPS = 20


@dataclass
class Made:
    """Columns that are made of a table's, whose rows are sorted by unit and time.

    Attributes
    ----------
    schema : Schema
        Of the table.
    columns : Columns
    number : ndarray of int, shape (n,)
        Of each row within its unit, from 0.
    arrays : dict of str to ndarray
        The columns that are made.
    facts : dict of str to Column
        What they are.
    pasts : dict of str to tuple of float
        What was learnt of the columns of which the rows before say a level.
    """

    schema: Schema
    columns: Columns
    number: np.ndarray
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    facts: dict[str, Column] = field(default_factory=dict)
    pasts: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def last(self) -> np.ndarray:
        """Whether each row is its unit's last."""
        return np.r_[self.number[1:] == 0, True]

    def add(self, name: str, values: np.ndarray, fact: Column) -> None:
        """Add a column."""
        self.arrays[name], self.facts[name] = values, fact

    def beside(self, draft: Sequences) -> tuple[str, ...]:
        """Add numbers of rows, last rows, and differences; return the differences that are never negative."""
        later = self.number > 0
        self.add(draft.number, self.number + 1.0, Column(draft.number, "count", "int64", decimals=0))
        self.add(draft.last, self.last.astype(np.int64), Column(draft.last, "binary", "int64", levels=(0, 1)))
        for name, own in draft.differences.items():
            grown = difference(name, self.columns[own][1:], self.columns[own][:-1])
            kind = "positive" if own == draft.time else "continuous"
            self.add(name, np.where(later, np.r_[np.nan, grown], np.nan), grown_by(name, self.schema[own], kind))
        enough = later.sum() >= _STEPS
        return tuple(c for c in draft.differences if enough and (self.arrays[c][later] >= 0).all())

    def rows_before(self, equations: Iterable[Equation], unit: str) -> None:
        """Add what the equations read of rows before.

        Raises
        ------
        SpecError
            If an equation reads the mean of a column that has none.
        """
        # Of columns that are themselves made, only those beside the rows have rows before.
        source, facts = {**self.columns.arrays, **self.arrays}, dict(self.facts)
        for equation in equations:
            for name in equation.columns:
                made = derived(name)
                if made is None or name in self.arrays:
                    continue
                if made.function == "past":
                    self._add_past(name, made, equation, unit)
                    continue
                fact = replace(facts.get(made.column) or self.schema[made.column], name=name, missing=True)
                k = None if made.function == "first" else made.k
                self.add(name, _before(source[made.column], bool(fact.levels), self.number, k), fact)

    def _add_past(self, name: str, made: Derived, equation: Equation, unit: str) -> None:
        column = self.schema[made.column]
        if not has_mean(column):
            raise SpecError(
                f"Equation for {equation.response!r}: past({column.name}) is the mean of rows before, and "
                f"{column.name!r} is of kind {column.kind!r}; use lag({column.name}) or first({column.name})."
            )
        values = np.where(self.columns.missing(column.name), np.nan, self.columns[column.name].astype(float))
        self.pasts[column.name] = learn_past(values, self.columns[unit])
        fact = Column(name, "continuous", "float64", missing=True)
        self.add(name, before(values, self.number, self.pasts[column.name]), fact)

    def joined(self) -> tuple[Schema, Columns]:
        """Return the table with the columns that were made."""
        whole = Schema._of([*self.schema.values(), *self.facts.values()])
        levels = {name: whole[name].levels for name in self.facts if whole[name].levels}
        arrays = {**self.columns.arrays, **self.arrays}
        return whole, Columns(arrays, self.columns.n, {**self.columns.levels, **levels})


def grown_by(name: str, column: Column, kind: str) -> Column:
    """Return the column of what another grows by: in days where that is of dates.

    >>> grown_by("elapsed(day)", Column("day", "count", "int64", decimals=0), "positive").decimals
    0
    """
    decimals = (0 if column.unit == "D" else None) if column.kind == "datetime" else column.decimals
    return Column(name, kind, "float64", decimals=None if name.startswith("growth(") else decimals)


def _before(values: np.ndarray, coded: bool, number: np.ndarray, k: int | None) -> np.ndarray:
    """Return a column as it was k rows before in the unit, or in the unit's first row; missing where there is none."""
    at = np.arange(len(values)) - (number if k is None else k)
    there = number >= (1 if k is None else k)
    gap = -1 if coded else np.nan
    return np.where(there, values[np.where(there, at, 0)], gap)
