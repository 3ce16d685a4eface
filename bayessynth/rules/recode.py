"""A column is a function of another: its levels mapped, or a number cut into bands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError
from bayessynth.rules.cells import as_number, encoded_values, is_number, numbers, read_numbers, zone_of
from bayessynth.rules.registry import register
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Schema
from bayessynth.schema.column import plain


@register
@dataclass(frozen=True, repr=False)
class Recode(Rule):
    """A column is a function of another: of its levels, or of the bands into which a number falls.

    Parameters
    ----------
    column, source : str
    mapping : mapping, optional
        The value for each level of the source; None for a missing cell.
    cuts : sequence of number, or of dates as text, optional
        Where a number's bands begin, ascending; a band holds its lower end.
    values : sequence, optional
        The value for each band, one more than there are cuts.
    missing : optional
        The value where the source is missing; by default a missing cell.

    Examples
    --------
    >>> import pandas as pd
    >>> rule = Recode("band", "age", cuts=(18, 65), values=("child", "adult", "old"))
    >>> rule.violations(pd.DataFrame({"age": [12, 65], "band": ["child", "adult"]})).tolist()
    [False, True]
    """

    name: ClassVar[str] = "recode"
    column: str
    source: str
    mapping: Any = field(default=None, metadata={"mapping": True})
    cuts: tuple[float | str, ...] = ()
    values: tuple[Any, ...] = ()
    missing: Any = None

    def __post_init__(self) -> None:
        if self.mapping is not None:
            items = self.mapping.items() if hasattr(self.mapping, "items") else self.mapping
            object.__setattr__(self, "mapping", tuple((plain(k), plain(v)) for k, v in items))
        object.__setattr__(self, "cuts", tuple(map(plain, self.cuts)))
        object.__setattr__(self, "values", tuple(map(plain, self.values)))
        object.__setattr__(self, "missing", plain(self.missing))
        if (self.mapping is None) is not bool(self.cuts):
            raise SpecError(f"{self!r}: state either mapping= or cuts= with values=.")
        if self.cuts and len(self.values) != len(self.cuts) + 1:
            raise SpecError(f"{self!r}: {len(self.cuts)} cuts make {len(self.cuts) + 1} bands, not {len(self.values)}.")
        numbers_only = [cut for cut in self.cuts if not isinstance(cut, str)]
        dates_only = [cut for cut in self.cuts if isinstance(cut, str)]
        if numbers_only != sorted(set(numbers_only)) or dates_only != sorted(set(dates_only)):
            raise SpecError(f"{self!r}: cuts must ascend.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the column and its source."""
        return (self.column, self.source)

    @property
    def determines(self) -> str:
        """Return the column."""
        return self.column

    def check_schema(self, schema: Schema) -> None:
        """Check that the source has what is mapped, and that the column can hold the values."""
        source, column = schema[self.source], schema[self.column]
        if column.kind == "identifier" or column.kind == "group":
            raise SpecError(f"{self!r}: column {column.name!r} is of kind {column.kind!r}, which no rule recodes to.")
        encoded_values([*self._values(), self.missing], column, self)
        if self.cuts:
            if not is_number(source):
                raise SpecError(f"{self!r}: column {source.name!r} holds no numbers that could be cut; use mapping=.")
            self._cuts(zone_of(source) if source.kind == "datetime" else None)
            return
        if not source.levels:
            raise SpecError(f"{self!r}: column {source.name!r} has no levels that could be mapped; use cuts=.")
        unmapped = [level for level in source.levels if level not in dict(self.mapping)]
        if unmapped:
            raise SpecError(f"{self!r}: level {unmapped[0]!r} of column {source.name!r} is not mapped.")

    def explain(self) -> str:
        """Say what holds."""
        if self.cuts:
            return f"{self.column!r} is the band of {self.source!r} cut at {', '.join(map(str, self.cuts))}."
        return f"{self.column!r} is a function of the levels of {self.source!r}."

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return rows with another value than that of the source's level or band."""
        source, cells = frame[self.source], frame[self.column].astype(object)
        wanted = np.empty(len(self._values()) + 1, dtype=object)
        wanted[:] = [*self._values(), self.missing]
        if self.cuts:
            place = self._band(read_numbers(source), self._cuts(getattr(source.dtype, "tz", None)))
        else:
            position = {level: i for i, (level, _) in enumerate(self.mapping)}
            place = source.astype(object).map(position).fillna(-1).to_numpy(dtype=np.int64)
        right = pd.Series(wanted[place], index=cells.index)
        differ = (cells != right).to_numpy(dtype=bool)
        # Where the source is missing nothing is broken, unless a value is stated for that.
        told = source.notna().to_numpy() if self.missing is None else True
        return cells.notna().to_numpy() & differ & told

    def compute(self, arrays: Arrays, schema: Schema, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return the value of every row's level or band."""
        source, column = schema[self.source], schema[self.column]
        if self.cuts:
            zone = zone_of(source) if source.kind == "datetime" else None
            place = self._band(numbers(self.source, arrays, schema), self._cuts(zone))
        else:
            position = {level: i for i, (level, _) in enumerate(self.mapping)}
            place = np.array([*(position[level] for level in source.levels), -1])[arrays[self.source]]
        table = encoded_values([*self._values(), self.missing], column, self)
        return table[place]

    def _values(self) -> tuple[Any, ...]:
        return self.values if self.cuts else tuple(value for _, value in self.mapping)

    def _cuts(self, zone: object) -> np.ndarray:
        return np.array([as_number(cut, zone) for cut in self.cuts])

    @staticmethod
    def _band(values: np.ndarray, cuts: np.ndarray) -> np.ndarray:
        """Return the band of each number, -1 where it is missing."""
        return np.where(np.isnan(values), -1, np.searchsorted(cuts, values, side="right"))
