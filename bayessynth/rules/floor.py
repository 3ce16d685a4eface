"""A running sum that does not fall below a floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError
from bayessynth.rules.cells import among, encoded_values, numbers, read_numbers, require_number
from bayessynth.rules.grid import at_least, at_most, decimals, natural, nearest
from bayessynth.rules.registry import register
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Schema
from bayessynth.schema.column import plain


@register
@dataclass(frozen=True, repr=False)
class Floor(Rule):
    """Nothing is taken from a running sum that would bring it below a column of its group: an overdraft, empty stock.

    For specs with ``unit=`` and ``time=`` in which :class:`Running` computes the sum: how much may be taken away is
    limited by what there was in the row before, and where nothing is left, the row adds. The row that ``reached=``
    names brings the sum to its floor, unless the row before has.

    Parameters
    ----------
    amount, total : str
        What is added or taken away, and the sum of it.
    least : str
        The column that the sum does not fall below.
    sign : str
        The column that says whether the amount is added or taken away.
    minus : text, number or truth value, or tuple of these
        Its levels that take away.
    reached, place : str, optional
        The column that names the row in which the sum equals the floor, and the one that counts the rows; both or none.

    Raises
    ------
    SpecError
        If no level takes away, or all do, or one of ``reached=`` and ``place=`` is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> rule = Floor("amount", "balance", "overdraft", "kind", "out")
    >>> rule.violations(pd.DataFrame({"balance": [5, -3], "overdraft": [0, 0]})).tolist()
    [False, True]
    """

    name: ClassVar[str] = "floor"
    amount: str
    total: str
    least: str
    sign: str
    minus: Any
    reached: str | None = None
    place: str | None = None

    def __post_init__(self) -> None:
        stated = self.minus if isinstance(self.minus, tuple | list) else (self.minus,)
        object.__setattr__(self, "minus", tuple(map(plain, stated)))
        if not stated:
            raise SpecError(f"{self!r}: minus= names no level that takes away, so that nothing could be limited.")
        if (self.reached is None) is not (self.place is None):
            raise SpecError(f"{self!r}: state both reached= and place=, the row of the floor and its count, or none.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return amount, sum, floor, the sign's column, and those that say in which row the floor is reached."""
        return (self.amount, self.total, self.least, self.sign, *self._when)

    @property
    def _when(self) -> tuple[str, ...]:
        return () if self.reached is None or self.place is None else (self.reached, self.place)

    @property
    def after(self) -> dict[str, frozenset[str]]:
        """Say that floor and sign come before the amount."""
        first = frozenset((self.least, *self._when))
        return {self.amount: first | {self.sign}, self.sign: first}

    def check_schema(self, schema: Schema) -> None:
        """Check that there are numbers, and a column of levels of which some add and some take away."""
        for name in (self.amount, self.total, self.least, *self._when):
            require_number(schema[name], self)
        column = schema[self.sign]
        encoded_values(self.minus, column, self)
        if not set(column.levels) - set(self.minus):
            raise SpecError(f"{self!r}: all levels of column {self.sign!r} take away, and none adds.")

    def explain(self) -> str:
        """Say what holds."""
        reached = "" if self.reached is None else f", and comes down to it in row {self.reached!r}"
        return f"{self.total!r} does not fall below {self.least!r}{reached}."

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return rows with a sum below the floor, or above it where it is to be reached and was not yet."""
        total, least = read_numbers(frame[self.total]), read_numbers(frame[self.least])
        if not self._when:
            return total < least
        reached, place = (read_numbers(frame[name]) for name in self._when)
        amount = read_numbers(frame[self.amount])
        before = total + np.where(frame[self.sign].isin(self.minus), amount, -amount)
        return (total < least) | ((place == reached) & (total > least) & ~np.isclose(before, least))

    def restricts(self, column: str, known: set[str]) -> bool:
        """Tell that the amount is limited once floor and sign are known, and the sign once the floor is."""
        needed = self.after.get(column)
        return needed is not None and needed <= known

    def limits(self, column: str, arrays: Arrays, schema: Schema, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what there is above the floor as the upper end of what may be taken away."""
        free = np.full(n, np.inf)
        if column != self.amount or self._before not in arrays:
            return -free, free
        own = schema[self.amount]
        room = self._room(arrays, schema)
        takes = among(arrays[self.sign], encoded_values(self.minus, schema[self.sign], self), schema[self.sign])
        # An amount cannot be less than its column's least; where less is left, ``allowed`` lets the row only add.
        least = max(natural(own)[0], 0.0)
        upper = np.where(takes & ~np.isnan(room), at_most(np.maximum(room, least), own), np.inf)
        # What adds to less than the floor, as a first row does, comes up to it.
        lower = np.where(~takes & (room < 0), at_least(-room, own), -np.inf)
        due = self._due(arrays, schema, room) & (takes == (room > 0))
        exact = np.maximum(nearest(np.abs(room), own), least)
        return np.where(due, exact, lower), np.where(due, exact, upper)

    def allowed(self, column: str, arrays: Arrays, schema: Schema, n: int) -> np.ndarray | None:
        """Return that only what adds may follow where nothing is left, and what takes where the floor is reached."""
        if column != self.sign or self._before not in arrays:
            return None
        own = schema[column]
        left = np.ones((n, len(own.levels)), dtype=bool)
        room, taking = self._room(arrays, schema), encoded_values(self.minus, own, self)
        adding = [code for code in range(len(own.levels)) if code not in taking]
        left[np.ix_(room < 10.0 ** -(decimals(schema[self.amount]) or 0), taking)] = False
        left[np.ix_(self._due(arrays, schema, room) & (room > 0), adding)] = False
        return left

    def _due(self, arrays: Arrays, schema: Schema, room: np.ndarray) -> np.ndarray:
        """Return the rows in which the sum is to be what it is at its lowest, and that lead there."""
        if not self._when:
            return np.zeros(len(room), dtype=bool)
        reached, place = (numbers(name, arrays, schema) for name in self._when)
        return (place == reached) & (np.abs(room) >= 10.0 ** -(decimals(schema[self.amount]) or 0))

    @property
    def _before(self) -> str:
        """The name of the sum in the row before, as sequences have it."""
        return f"lag({self.total})"

    def _room(self, arrays: Arrays, schema: Schema) -> np.ndarray:
        """Return what there is above the floor before the row; in first rows the sum begins with nothing."""
        return np.nan_to_num(arrays[self._before], nan=0.0) - numbers(self.least, arrays, schema)
