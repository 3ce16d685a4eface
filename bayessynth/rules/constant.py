"""A column holds one value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError
from bayessynth.rules.cells import encoded
from bayessynth.rules.registry import register
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Schema
from bayessynth.schema.column import plain


@register
@dataclass(frozen=True, repr=False)
class Constant(Rule):
    """A column holds one value in every row.

    Parameters
    ----------
    column : str
    value : text, number or truth value

    Examples
    --------
    >>> import pandas as pd
    >>> Constant("country", "PL").violations(pd.DataFrame({"country": ["PL", "DE"]})).tolist()
    [False, True]
    """

    name: ClassVar[str] = "constant"
    column: str
    value: Any

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", plain(self.value))

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the column."""
        return (self.column,)

    @property
    def determines(self) -> str:
        """Return the column."""
        return self.column

    def check_schema(self, schema: Schema) -> None:
        """Check that the column can hold the value."""
        column = schema[self.column]
        held = (column.value,) if column.kind == "constant" else column.levels
        if held and self.value not in held:
            raise SpecError(f"{self!r}: {self.value!r} is not one of the values of column {column.name!r}: "
                            f"{', '.join(map(repr, held))}.")  # fmt: skip
        if not held and not isinstance(self.value, int | float):
            raise SpecError(f"{self!r}: column {column.name!r} holds numbers, which {self.value!r} is not.")

    def explain(self) -> str:
        """Say what holds."""
        return f"{self.column!r} is {self.value!r} in every row."

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return rows with another value."""
        cells = frame[self.column]
        if pd.api.types.is_datetime64_any_dtype(cells.dtype):
            cells = cells.map(str).where(cells.notna())
        return (cells.notna() & (cells.astype(object) != self.value)).to_numpy(dtype=bool)

    def compute(self, arrays: Arrays, schema: Schema, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return the value in every row."""
        column = schema[self.column]
        if column.kind == "constant":
            return np.zeros(n)
        if column.levels:
            return np.full(n, column.levels.index(self.value))
        return encoded(np.full(n, float(self.value)), column, self)
