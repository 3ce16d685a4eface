"""Only some combinations of levels occur."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError
from bayessynth.rules.cells import encoded_values
from bayessynth.rules.registry import register
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Schema
from bayessynth.schema.column import plain
from bayessynth.schema.detect import sortable

# More combinations than this are no rule that anybody could read.
MOST = 10_000


@register
@dataclass(frozen=True, repr=False, init=False)
class Combinations(Rule):
    """Only some combinations of the levels of columns occur; a missing cell goes with every level.

    Parameters
    ----------
    *columns : str
        At least two columns that have levels.
    allowed : sequence of tuple, optional
        The combinations that occur. By default those in the data.

    Examples
    --------
    >>> import pandas as pd
    >>> rule = Combinations("sex", "pregnant", allowed=[("m", "no"), ("f", "no"), ("f", "yes")])
    >>> rule.violations(pd.DataFrame({"sex": ["m", "f"], "pregnant": ["yes", "yes"]})).tolist()
    [True, False]
    """

    name: ClassVar[str] = "combinations"
    together: tuple[str, ...] = field(metadata={"star": True, "key": "columns"})
    tuples: tuple[tuple[Any, ...], ...] | None = field(default=None, metadata={"key": "allowed"})

    def __init__(self, *columns: str, allowed: Any = None) -> None:
        object.__setattr__(self, "together", columns)
        rows = None if allowed is None else tuple(tuple(map(plain, row)) for row in allowed)
        object.__setattr__(self, "tuples", rows)
        if len(columns) < 2 or len(set(columns)) < len(columns):
            raise SpecError(f"{self!r}: name at least two columns, each once.")
        if rows is not None and (not rows or any(len(row) != len(columns) for row in rows)):
            raise SpecError(f"{self!r}: every combination needs one level for each of the {len(columns)} columns.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns."""
        return self.together

    def check_schema(self, schema: Schema) -> None:
        """Check that all columns have the levels that are named."""
        for place, name in enumerate(self.columns):
            column = schema[name]
            if not column.levels:
                raise SpecError(f"{self!r}: column {name!r} is of kind {column.kind!r} and has no levels.")
            encoded_values([row[place] for row in self.tuples or ()], column, self)

    def learn(self, frame: pd.DataFrame, schema: Schema) -> Combinations:
        """Return the rule with the combinations that occur in a table."""
        if self.tuples is not None:
            return self
        found = frame[list(self.columns)].dropna().drop_duplicates()
        if not 0 < len(found) <= MOST:
            raise SpecError(
                f"{self!r}: {len(found)} combinations without a missing cell occur in the data; the rule holds from 1 "
                f"to {MOST}. Name fewer columns."
            )
        rows = sorted(found.itertuples(index=False, name=None), key=lambda row: tuple(sortable(plain(v)) for v in row))
        return Combinations(*self.columns, allowed=rows)

    def explain(self) -> str:
        """Say what holds."""
        listed = ", ".join(map(repr, self.columns))
        return f"Only {'observed' if self.tuples is None else len(self.tuples)} combinations of {listed} occur."

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return rows whose present cells go with no allowed combination."""
        codes = np.empty((len(frame), len(self.columns)), dtype=np.int64)
        allowed = self._rows()
        table = np.empty((len(allowed), len(self.columns)), dtype=np.int64)
        for place, name in enumerate(self.columns):
            position = {value: i for i, value in enumerate(dict.fromkeys(row[place] for row in allowed))}
            cells = frame[name].astype(object)
            codes[:, place] = np.where(cells.isna(), -1, cells.map(position).fillna(len(position)))
            table[:, place] = [position[row[place]] for row in allowed]
        rows, inverse = np.unique(codes, axis=0, return_inverse=True)
        return ~_matching(rows, table).any(axis=1)[inverse.reshape(-1)]

    def restricts(self, column: str, known: set[str]) -> bool:
        """Tell that each column is narrowed, to the levels that go with those known."""
        return column in self.columns

    def allowed(self, column: str, arrays: Arrays, schema: Schema, n: int) -> np.ndarray:
        """Return the levels that go with the known ones."""
        places = [i for i, name in enumerate(self.columns) if name in arrays and name != column]
        rows = self._rows()
        table = np.array(
            [encoded_values([r[i] for r in rows], schema[self.columns[i]], self) for i in places]
        ).reshape(len(places), len(rows)).T  # fmt: skip
        target = encoded_values([row[self.columns.index(column)] for row in rows], schema[column], self)
        known = np.column_stack([arrays[self.columns[i]] for i in places]) if places else np.zeros((n, 0), dtype=int)
        seen, inverse = np.unique(known, axis=0, return_inverse=True)
        fits = _matching(seen, table)
        levels = np.zeros((len(seen), len(schema[column].levels)), dtype=bool)
        for level in np.unique(target):
            levels[:, level] = fits[:, target == level].any(axis=1)
        return levels[inverse.reshape(-1)] if places else np.broadcast_to(levels, (n, levels.shape[1]))

    def _rows(self) -> tuple[tuple[Any, ...], ...]:
        if self.tuples is None:
            raise SpecError(f"{self!r} leaves its combinations to the data, which it has not seen; use learn(…).")
        return self.tuples


def _matching(rows: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Return which rows go with which combinations, shape (rows, combinations); missing cells go with all."""
    fits = np.ones((len(rows), len(table)), dtype=bool)
    for place in range(rows.shape[1]):
        fits &= (rows[:, place, None] < 0) | (rows[:, place, None] == table[None, :, place])
    return fits
