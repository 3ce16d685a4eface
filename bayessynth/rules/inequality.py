"""One column is at most another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from bayessynth.rules.chain import chain_broken, chain_limits, check_chain
from bayessynth.rules.registry import register
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Schema


@register
@dataclass(frozen=True, repr=False)
class Inequality(Rule):
    """A number or time is at most another in the same row; where one is missing, the other is free.

    Parameters
    ----------
    low, high : str
        The smaller and the greater column.
    strict : bool
        Whether they must differ.

    Examples
    --------
    >>> import pandas as pd
    >>> Inequality("diastolic", "systolic").violations(pd.DataFrame({"diastolic": [80, 90], "systolic": [120, 85]}))
    array([False,  True])
    """

    name: ClassVar[str] = "inequality"
    low: str
    high: str
    strict: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Return both columns."""
        return (self.low, self.high)

    @property
    def orders(self) -> tuple[tuple[str, str, bool], ...]:
        """Return the one inequality."""
        return ((self.low, self.high, self.strict),)

    def check_schema(self, schema: Schema) -> None:
        """Check that both columns hold numbers, or both times."""
        check_chain(self.columns, schema, self)

    def explain(self) -> str:
        """Say what holds."""
        return f"{self.low!r} is {'less than' if self.strict else 'at most'} {self.high!r}."

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return rows in which the first column exceeds the second."""
        return chain_broken(self.columns, (self.strict,), frame)

    def restricts(self, column: str, known: set[str]) -> bool:
        """Tell that each column is narrowed once the other is known."""
        return column in self.columns and bool(known & set(self.columns) - {column})

    def limits(self, column: str, arrays: Arrays, schema: Schema, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the other column as the limit."""
        return chain_limits(self.columns, (self.strict,), column, arrays, schema, n)
