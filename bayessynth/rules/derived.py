"""A column is calculated from others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError
from bayessynth.rules.cells import differs, encoded, numbers, read_numbers, require_number
from bayessynth.rules.expression import Clock, evaluate, names, parse, walk
from bayessynth.rules.functions import CLOCKS
from bayessynth.rules.registry import register
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Column, Schema
from bayessynth.schema.times import stamps


@register
@dataclass(frozen=True, repr=False)
class Derived(Rule):
    """A column is an arithmetic expression of others, rounded to its decimals; missing where one of them is.

    Parameters
    ----------
    column : str
    expression : str
        Columns, numbers, arithmetic, ``floor(x)``, ``abs``, ``log``, ``exp``, ``sqrt``, …; of times ``year(t)``,
        ``month``, ``day``, ``weekday``, ``hour`` and ``days`` (since 1970). The difference of two times is in days.

    Examples
    --------
    >>> import pandas as pd
    >>> rule = Derived("bmi", "weight / (height / 100)**2")
    >>> rule.violations(pd.DataFrame({"weight": [80, 80], "height": [200, 160], "bmi": [20.0, 20.0]})).tolist()
    [False, True]
    """

    name: ClassVar[str] = "derived"
    column: str
    expression: str

    def __post_init__(self) -> None:
        inputs = list(names(parse(self.expression)))
        if not inputs:
            raise SpecError(f"{self!r}: the expression names no column; use Constant for a fixed value.")
        if self.column in inputs:
            raise SpecError(f"{self!r}: the expression of column {self.column!r} names that column itself.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the column and those that its expression reads."""
        return (self.column, *names(parse(self.expression)))

    @property
    def determines(self) -> str:
        """Return the column."""
        return self.column

    def check_schema(self, schema: Schema) -> None:
        """Check that all columns can be calculated with, and that parts of times are taken of times."""
        for name in self.columns:
            require_number(schema[name], self)
        for part in walk(parse(self.expression)):
            if isinstance(part, Clock) and schema[part.name].kind != "datetime":
                raise SpecError(f"{self!r}: {part.function}() takes a column of times, and column {part.name!r} is of "
                                f"kind {schema[part.name].kind!r}.")  # fmt: skip

    def explain(self) -> str:
        """Say what holds."""
        return f"{self.column!r} is {self.expression}."

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return rows with another value than the expression's, to the decimals that are written."""
        cells = read_numbers(frame[self.column])
        read = {name: read_numbers(frame[name]) for name in self.columns[1:]}

        def clock(function: str, name: str) -> np.ndarray:
            return clock_of(function, frame[name])

        wanted = evaluate(parse(self.expression), read.__getitem__, clock)
        return differs(cells, np.broadcast_to(wanted, cells.shape))

    def compute(self, arrays: Arrays, schema: Schema, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return the value of the expression; an error if it has none although no input is missing."""
        read = {name: numbers(name, arrays, schema) for name in self.columns[1:]}

        def clock(function: str, name: str) -> np.ndarray:
            return clock_of(function, _times(arrays[name], schema[name]))

        wanted = np.broadcast_to(evaluate(parse(self.expression), read.__getitem__, clock), (n,)).astype(float)
        missing = np.zeros(n, dtype=bool)
        for values in read.values():
            missing |= np.isnan(values)
        values = np.where(missing, np.nan, np.where(np.isnan(wanted), np.inf, wanted))
        return encoded(values, schema[self.column], self)


def _times(days: np.ndarray, column: Column) -> pd.Series:
    return pd.Series(stamps(days, column))


def clock_of(function: str, times: pd.Series) -> np.ndarray:
    """Return a part of times, as the clocks of their zone show them; NaN where missing.

    >>> clock_of("year", pd.Series(pd.to_datetime(["2020-02-29", None])))
    array([2020.,   nan])
    """
    local = times if times.dt.tz is None else times.dt.tz_localize(None)
    return CLOCKS[function](local).to_numpy(dtype=float, na_value=np.nan)
