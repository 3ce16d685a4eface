"""A column lies between two values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError
from bayessynth.rules.cells import as_number, read_numbers, require_modelled, zone_of
from bayessynth.rules.grid import at_least, at_most
from bayessynth.rules.registry import register
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Column, Schema
from bayessynth.schema.column import NUMBERS, plain

End = float | str | None


@register
@dataclass(frozen=True, repr=False)
class Range(Rule):
    """A column of numbers or times lies between two values, both included.

    Parameters
    ----------
    column : str
    low, high : number, date, str or None
        The ends; times as dates or as text (``"2020-01-31"``); None where there is no end.

    Examples
    --------
    >>> import pandas as pd
    >>> Range("age", 0, 110).violations(pd.DataFrame({"age": [31, 140]})).tolist()
    [False, True]
    """

    name: ClassVar[str] = "range"
    column: str
    low: End
    high: End

    def __post_init__(self) -> None:
        for end in ("low", "high"):
            value = plain(getattr(self, end))
            object.__setattr__(self, end, value.isoformat() if isinstance(value, date) else value)
        if self.low is None and self.high is None:
            raise SpecError(f"{self!r}: state at least one end.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the column."""
        return (self.column,)

    def check_schema(self, schema: Schema) -> None:
        """Check that the column holds numbers or times, and that a value lies between the ends."""
        column = schema[self.column]
        require_modelled(column, self, NUMBERS, "numbers or times")
        low, high = self._ends(column)
        if low > high:
            raise SpecError(f"{self!r}: no value that column {self.column!r} can take lies between {self.low!r} and "
                            f"{self.high!r}.")  # fmt: skip

    def explain(self) -> str:
        """Say what holds."""
        if self.low is None or self.high is None:
            return f"{self.column!r} is at {f'most {self.high}' if self.low is None else f'least {self.low}'}."
        return f"{self.column!r} lies between {self.low} and {self.high}."

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return rows outside."""
        cells = frame[self.column]
        low, high = self._numbers(getattr(cells.dtype, "tz", None))
        values = read_numbers(cells)
        return (values < low) | (values > high)

    def restricts(self, column: str, known: set[str]) -> bool:
        """Tell that the column is narrowed, whatever is known."""
        return column == self.column

    def limits(self, column: str, arrays: Arrays, schema: Schema, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends, moved inwards to values that the column can take."""
        low, high = self._ends(schema[column])
        return np.full(n, low), np.full(n, high)

    def _ends(self, column: Column) -> tuple[float, float]:
        try:
            low, high = self._numbers(zone_of(column))
        except (ValueError, TypeError):
            raise SpecError(f"{self!r}: an end is no {'time' if column.kind == 'datetime' else 'number'}.") from None
        if column.kind != "datetime" and any(isinstance(end, str) for end in (self.low, self.high)):
            raise SpecError(f"{self!r}: column {column.name!r} holds numbers; state its ends as numbers.")
        return float(at_least(np.array([low]), column)[0]), float(at_most(np.array([high]), column)[0])

    def _numbers(self, zone: object) -> tuple[float, float]:
        low = -np.inf if self.low is None else as_number(self.low, zone)
        return low, np.inf if self.high is None else as_number(self.high, zone)
