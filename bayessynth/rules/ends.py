"""Values that end a sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError, suggest
from bayessynth.rules.registry import register
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Schema
from bayessynth.schema.column import plain


@register
@dataclass(frozen=True, repr=False)
class Ends(Rule):
    """No row follows one in which a column has certain values: death, drop-out, a closed account.

    For specs with ``unit=`` and ``time=``: such a value can be reached and not left.

    Parameters
    ----------
    column : str
    values : text, number or truth value, or tuple of these
        Levels of the column that end the sequence of a unit.

    Raises
    ------
    SpecError
        If no value is named.

    Examples
    --------
    >>> import bayessynth as bs
    >>> Ends("status", "dead").ends({"status": np.array([0, 1])}, bs.Schema(status=bs.Binary("alive", "dead"))).tolist()
    [False, True]
    """

    name: ClassVar[str] = "ends"
    column: str
    values: Any

    def __post_init__(self) -> None:
        stated = self.values if isinstance(self.values, tuple | list) else (self.values,)
        if not stated:
            raise SpecError(f"Ends({self.column!r}, ()) names no value that ends a sequence: Ends('status', 'dead').")
        object.__setattr__(self, "values", tuple(map(plain, stated)))

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the column."""
        return (self.column,)

    def check_schema(self, schema: Schema) -> None:
        """Check that the values are among the column's levels."""
        levels = schema[self.column].levels
        for value in self.values:
            if value not in levels:
                raise SpecError(
                    f"{self!r}: {value!r} is not one of the levels of column {self.column!r}: "
                    f"{', '.join(map(repr, levels)) or 'it has none'}.{suggest(str(value), map(str, levels))}"
                )

    def explain(self) -> str:
        """Say what holds."""
        return f"no row of a unit follows one in which {self.column!r} is {' or '.join(map(repr, self.values))}."

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return no row: which rows follow each other is not in the columns of the rule."""
        return np.zeros(len(frame), dtype=bool)

    def ends(self, arrays: Arrays, schema: Schema) -> np.ndarray:
        """Return the rows that end their sequence."""
        levels = schema[self.column].levels
        return np.isin(arrays[self.column], [levels.index(value) for value in self.values])
