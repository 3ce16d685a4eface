"""A running sum that does not fall below a floor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError
from bayessynth.rules.cells import encoded_values, numbers, read_numbers, require_number
from bayessynth.rules.grid import at_most, decimals, natural
from bayessynth.rules.registry import register
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Schema
from bayessynth.schema.column import plain


@register
@dataclass(frozen=True, repr=False)
class Floor(Rule):
    """Nothing is taken from a running sum that would bring it below a column of its group: an overdraft, empty stock.

    For specs with ``unit=`` and ``time=`` in which :class:`Running` computes the sum: how much may be taken away is
    limited by what there was in the row before, and where nothing is left, the row adds.

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

    Raises
    ------
    SpecError
        If no level takes away, or all do.

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

    def __post_init__(self) -> None:
        stated = self.minus if isinstance(self.minus, tuple | list) else (self.minus,)
        object.__setattr__(self, "minus", tuple(map(plain, stated)))
        if not stated:
            raise SpecError(f"{self!r}: minus= names no level that takes away, so that nothing could be limited.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return amount, sum, floor, and the sign's column."""
        return (self.amount, self.total, self.least, self.sign)

    @property
    def after(self) -> dict[str, frozenset[str]]:
        """Say that floor and sign come before the amount."""
        return {self.amount: frozenset((self.least, self.sign)), self.sign: frozenset((self.least,))}

    def check_schema(self, schema: Schema) -> None:
        """Check that there are numbers, and a column of levels of which some add and some take away."""
        for name in (self.amount, self.total, self.least):
            require_number(schema[name], self)
        column = schema[self.sign]
        encoded_values(self.minus, column, self)
        if not set(column.levels) - set(self.minus):
            raise SpecError(f"{self!r}: all levels of column {self.sign!r} take away, and none adds.")

    def explain(self) -> str:
        """Say what holds."""
        return f"{self.total!r} does not fall below {self.least!r}."

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return rows with a sum below the floor."""
        return read_numbers(frame[self.total]) < read_numbers(frame[self.least])

    def restricts(self, column: str, known: set[str]) -> bool:
        """Tell that the amount is limited once floor and sign are known, and the sign once the floor is."""
        needed = {self.amount: {self.least, self.sign}, self.sign: {self.least}}.get(column)
        return needed is not None and needed <= known

    def limits(self, column: str, arrays: Arrays, schema: Schema, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what there is above the floor as the upper end of what may be taken away."""
        free = np.full(n, np.inf)
        if column != self.amount or self._before not in arrays:
            return -free, free
        takes = np.isin(arrays[self.sign], encoded_values(self.minus, schema[self.sign], self))
        # An amount cannot be less than its column's least; where less is left, ``allowed`` lets the row only add.
        least = max(natural(schema[self.amount])[0], 0.0)
        room = at_most(np.maximum(self._room(arrays, schema), least), schema[self.amount])
        return -free, np.where(takes & ~np.isnan(room), room, np.inf)

    def allowed(self, column: str, arrays: Arrays, schema: Schema, n: int) -> np.ndarray | None:
        """Return that only what adds may follow where nothing is left."""
        if column != self.sign or self._before not in arrays:
            return None
        own = schema[column]
        left = np.ones((n, len(own.levels)), dtype=bool)
        grain = 10.0 ** -(decimals(schema[self.amount]) or 0)
        taking = encoded_values(self.minus, own, self)
        left[np.ix_(self._room(arrays, schema) < grain, taking)] = False
        return left

    @property
    def _before(self) -> str:
        """The name of the sum in the row before, as sequences have it."""
        return f"lag({self.total})"

    def _room(self, arrays: Arrays, schema: Schema) -> np.ndarray:
        """Return what there is above the floor before the row; in first rows the sum begins with nothing."""
        return np.nan_to_num(arrays[self._before], nan=0.0) - numbers(self.least, arrays, schema)
