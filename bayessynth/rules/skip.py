"""A cell is missing because another one says that it does not apply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError
from bayessynth.rules.cells import among, encoded_values, is_number, numbers, read_numbers
from bayessynth.rules.registry import register
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Schema
from bayessynth.schema.column import CODES, plain


@register
@dataclass(frozen=True, repr=False)
class Skip(Rule):
    """A cell is missing exactly where another column has certain values: a question that was skipped.

    Parameters
    ----------
    column : str
    where : str
        The column that decides.
    values : sequence
        The values of ``where`` with which the cell is missing.
    below, above : number, optional
        The cell is missing too where ``where`` is less, or greater.
    missing : bool
        Whether the cell is missing where ``where`` is missing.
    others : bool
        Whether further cells may be missing, for other reasons.

    Examples
    --------
    >>> import pandas as pd
    >>> rule = Skip("months_unemployed", "job", values=("employed",))
    >>> rule.violations(pd.DataFrame({"job": ["employed", "none"], "months_unemployed": [None, None]})).tolist()
    [False, True]
    """

    name: ClassVar[str] = "skip"
    column: str
    where: str
    values: tuple[Any, ...] = ()
    below: float | None = None
    above: float | None = None
    missing: bool = False
    others: bool = False

    def __post_init__(self) -> None:
        given = (self.values,) if isinstance(self.values, str) else self.values
        object.__setattr__(self, "values", tuple(map(plain, given)))
        if self.column == self.where:
            raise SpecError(f"{self!r}: a column cannot decide on itself.")
        if not self.values and self.below is None and self.above is None and not self.missing:
            raise SpecError(f"{self!r}: state values=, below=, above= or missing=True, else no cell is ever missing.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the column and the one that decides."""
        return (self.column, self.where)

    @property
    def after(self) -> dict[str, frozenset[str]]:
        """Return that the column follows the one that decides."""
        return {self.column: frozenset({self.where})}

    def check_schema(self, schema: Schema) -> None:
        """Check that the deciding column can have the values."""
        super().check_schema(schema)
        where = schema[self.where]
        if where.kind in ("identifier", "group"):
            raise SpecError(f"{self!r}: column {where.name!r} is of kind {where.kind!r}, which decides on nothing.")
        encoded_values(self.values, where, self)
        if (self.below is not None or self.above is not None) and not is_number(where):
            raise SpecError(f"{self!r}: column {where.name!r} holds no numbers, so nothing is below or above; use "
                            "values=.")  # fmt: skip

    def explain(self) -> str:
        """Say what holds."""
        reasons = [f"is {' or '.join(map(repr, self.values))}"] if self.values else []
        reasons += [] if self.below is None else [f"is below {self.below}"]
        reasons += [] if self.above is None else [f"is above {self.above}"]
        reasons += ["is missing"] if self.missing else []
        only = "" if self.others else ", and nowhere else"
        return f"{self.column!r} is missing where {self.where!r} {' or '.join(reasons)}{only}."

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return rows with a cell that should be missing, or a missing one that should not."""
        deciding = frame[self.where]
        skipped = deciding.astype(object).isin(self.values).to_numpy()
        if self.below is not None or self.above is not None:
            skipped = skipped | self._beyond(read_numbers(deciding))
        if self.missing:
            skipped = skipped | deciding.isna().to_numpy()
        gaps = frame[self.column].isna().to_numpy()
        return skipped & ~gaps if self.others else skipped != gaps

    def restricts(self, column: str, known: set[str]) -> bool:
        """Tell that the column is narrowed once the one that decides is known."""
        return column == self.column and self.where in known

    def absent(self, column: str, arrays: Arrays, schema: Schema, n: int) -> np.ndarray:
        """Return the rows that skip the cell."""
        deciding, values = schema[self.where], arrays[self.where]
        if deciding.kind not in CODES and deciding.kind != "constant":
            values = numbers(self.where, arrays, schema)
        wanted = encoded_values(self.values, deciding, self)
        skipped = among(values, wanted, deciding) if deciding.levels else np.isin(values, wanted)
        if self.below is not None or self.above is not None:
            skipped = skipped | self._beyond(numbers(self.where, arrays, schema))
        if self.missing:
            skipped = skipped | (values < 0 if deciding.kind in CODES else np.isnan(values))
        return skipped

    def present(self, column: str, arrays: Arrays, schema: Schema, n: int) -> np.ndarray:
        """Return the rows that do not skip the cell, unless further cells may be missing."""
        return np.zeros(n, dtype=bool) if self.others else ~self.absent(column, arrays, schema, n)

    def _beyond(self, values: np.ndarray) -> np.ndarray:
        low = -np.inf if self.below is None else self.below
        return (values < low) | (values > (np.inf if self.above is None else self.above))
