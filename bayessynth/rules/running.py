"""A running sum within a group: a balance, a cumulative dose, stock on hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError, suggest
from bayessynth.rules.cells import among, as_tuple, encoded, group_codes, numbers, read_numbers, require_number
from bayessynth.rules.registry import register
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Schema
from bayessynth.schema.column import plain

# Numbers with all their decimals agree if they differ by less than this share of the largest.
_CLOSE = 1e-9


@register
@dataclass(frozen=True, repr=False)
class Running(Rule):
    """A column is the sum of an amount over the rows of its group up to each row, in the order in which they stand.

    In a spec with ``unit=`` and ``time=`` that is the order of time, and other columns may read what the sum was before
    their row: ``"amount ~ kind + lag(balance)"``. A missing amount adds nothing.

    Parameters
    ----------
    column, amount : str
    by : str or tuple of str
        The group, in a sequence its unit.
    sign : str, optional
        A column that says whether the amount is added or taken away.
    minus : text, number or truth value, or tuple of these
        Its levels that take away.

    Raises
    ------
    SpecError
        If a column is named twice, or only one of ``sign=`` and ``minus=`` is stated.

    Notes
    -----
    Each of the numbers may have been rounded by itself, so that a step agrees with the amount if it differs by no more
    than half a last decimal of the amount and two halves of the column's.

    Examples
    --------
    >>> import pandas as pd
    >>> rule = Running("balance", "amount", "account", sign="kind", minus="out")
    >>> frame = pd.DataFrame({"account": [1, 1, 2], "kind": ["in", "out", "in"], "amount": [9, 4, 3]})
    >>> rule.violations(frame.assign(balance=[9, 5, 3])).tolist()
    [False, False, False]
    >>> rule.violations(frame.assign(balance=[9, 13, 3])).tolist()
    [False, True, False]
    """

    name: ClassVar[str] = "running"
    whole_copy: ClassVar[bool] = True
    column: str
    amount: str
    by: str | tuple[str, ...]
    sign: str | None = None
    minus: Any = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "by", self.by if isinstance(self.by, str) else tuple(self.by))
        stated = self.minus if isinstance(self.minus, tuple | list) else (self.minus,)
        object.__setattr__(self, "minus", tuple(map(plain, stated)))
        if (self.sign is None) is not (not self.minus):
            raise SpecError(
                f"{self!r}: state both sign= and minus=, the column and its levels that take away, or none."
            )
        if len(set(self.columns)) < len(self.columns):
            raise SpecError(f"{self!r} names a column twice.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the column, the amount, the sign's column if there is one, and the group."""
        return (self.column, self.amount, *(() if self.sign is None else (self.sign,)), *as_tuple(self.by))

    @property
    def determines(self) -> str:
        """Return the column."""
        return self.column

    @property
    def summed(self) -> frozenset[str]:
        """Return the columns of its own row that a step reads."""
        return frozenset(self.columns) - {self.column, *as_tuple(self.by)}

    def check_schema(self, schema: Schema) -> None:
        """Check that sum and amount are numbers, and that what takes away are levels of the sign's column."""
        super().check_schema(schema)
        for name in (self.column, self.amount):
            require_number(schema[name], self)
        if self.sign is None:
            return
        levels = schema[self.sign].levels
        for level in self.minus:
            if level not in levels:
                raise SpecError(
                    f"{self!r}: {level!r} is not one of the levels of column {self.sign!r}: "
                    f"{', '.join(map(repr, levels)) or 'it has none'}.{suggest(str(level), map(str, levels))}"
                )

    def explain(self) -> str:
        """Say what holds."""
        taken = "" if self.sign is None else f", less where {self.sign!r} is {' or '.join(map(repr, self.minus))}"
        return (
            f"{self.column!r} is the running sum of {self.amount!r} in each {' and '.join(as_tuple(self.by))}{taken}."
        )

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return rows in which the column does not move from the group's row before by the amount."""
        codes = group_codes([frame[name] for name in as_tuple(self.by)], len(frame))
        values, amounts = read_numbers(frame[self.column]), read_numbers(frame[self.amount])
        if self.sign is not None:
            amounts = np.where(frame[self.sign].astype(object).isin(self.minus).to_numpy(), -amounts, amounts)
        gap = np.abs(steps(values, codes) - amounts)
        return (codes >= 0) & (gap > tolerance(values, amounts))

    def compute(self, arrays: Arrays, schema: Schema, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return the sums of the rows of all groups."""
        codes = group_codes([arrays[name] for name in as_tuple(self.by)], n)
        order = np.argsort(codes, kind="stable")
        starts = np.flatnonzero(np.diff(codes[order], prepend=-2) != 0)
        total = np.cumsum(self._signed(arrays, schema)[order])
        before = np.r_[0.0, total][starts]
        found = np.empty(n)
        found[order] = total - np.repeat(before, np.diff(np.r_[starts, n]))
        return encoded(np.where(codes < 0, np.nan, found), schema[self.column], self)

    def follows(self, arrays: Arrays, before: np.ndarray | None, schema: Schema) -> np.ndarray:
        """Return the sums in the next row of some groups.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            The row's columns, one entry a group.
        before : ndarray or None
            The sums in the row before, None in first rows.
        schema : Schema
        """
        signed = self._signed(arrays, schema)
        return encoded(signed if before is None else before + signed, schema[self.column], self)

    def _signed(self, arrays: Arrays, schema: Schema) -> np.ndarray:
        amounts = np.nan_to_num(numbers(self.amount, arrays, schema), nan=0.0)
        if self.sign is None:
            return amounts
        levels = schema[self.sign].levels
        taken = among(arrays[self.sign], [levels.index(level) for level in self.minus], schema[self.sign])
        return np.where(taken, -amounts, amounts)


def steps(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return by how much a column moves from the row before of the same group; in first rows its value.

    >>> steps(np.array([2.0, 1.0, 5.0]), np.array([0, 1, 0])).tolist()
    [2.0, 1.0, 3.0]
    """
    order = np.argsort(codes, kind="stable")
    first = np.diff(codes[order], prepend=-2) != 0
    moved = np.diff(values[order], prepend=0.0)
    found = np.empty(len(values))
    found[order] = np.where(first, values[order], moved)
    return found


def tolerance(values: np.ndarray, amounts: np.ndarray) -> float:
    """Return by how much rounding of sum, sum before and amount may have moved a step.

    >>> round(tolerance(np.array([1.5, 2.0]), np.array([1.5, 0.5])), 6)
    0.15
    """
    own = _decimals(values)
    digits = [own, own, _decimals(amounts)]
    size = float(np.nanmax(np.abs(values), initial=0.0))
    return 2 * _CLOSE * size + sum(0.5 * 10.0**-d for d in digits if d is not None and d > 0)


def _decimals(values: np.ndarray) -> int | None:
    """Return the decimals that all numbers are written with, none if they are more than a few."""
    return next((d for d in range(7) if np.array_equal(np.round(values, d), values, equal_nan=True)), None)
