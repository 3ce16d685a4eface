"""What a rule is: something that holds on every row of every copy, because the model is changed so that it does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError, suggest
from bayessynth.schema import Schema

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True, repr=False)
class Rule:
    """A rule of a table: which columns it ties together, how it changes their draws, how it is checked.

    A rule acts in one of two ways. It *determines* a column, which is then computed from others and not modelled; or it
    *restricts* the draw of a column once others are known: to a closed interval, to some of the levels, or to a
    missing or a present cell. Whichever of its columns is drawn last is restricted, so that no row is ever rejected.

    To add a rule, write a frozen dataclass with a ``name`` in a file of its own and register it; the contract test of
    rules takes it up by itself. Arrays are encoded columns: numbers with NaN for missing cells, times as days since
    1970 UTC, levels as codes with -1 for missing cells.

    Attributes
    ----------
    name : str
        What the rule is called when it is saved.
    whole_copy : bool
        Whether computing needs all rows of a group at once.

    Examples
    --------
    >>> from bayessynth.rules import Range
    >>> Range("age", 0, 110).explain()
    "'age' lies between 0 and 110."
    """

    name: ClassVar[str] = ""
    whole_copy: ClassVar[bool] = False

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of all columns that the rule involves."""
        raise NotImplementedError

    @property
    def determines(self) -> str | None:
        """Return the column that is computed and not modelled, if there is one."""
        return None

    @property
    def after(self) -> Mapping[str, frozenset[str]]:
        """Return for columns that must be drawn after others: which."""
        if self.determines is None:
            return {}
        return {self.determines: frozenset(self.columns) - {self.determines}}

    @property
    def orders(self) -> tuple[tuple[str, str, bool], ...]:
        """Return inequalities that the rule states: smaller column, greater column, whether strictly so."""
        return ()

    def check_schema(self, schema: Schema) -> None:
        """Raise a SchemaError or SpecError that names the column unless the rule fits the kinds of its columns."""
        for column in self.columns:
            schema[column]

    def learn(self, frame: pd.DataFrame, schema: Schema) -> Rule:
        """Return the rule with what it leaves to the data filled in; the rule itself if it leaves nothing."""
        return self

    def explain(self) -> str:
        """Return one sentence that says what holds."""
        raise NotImplementedError

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which rows of a decoded table break the rule; a missing cell breaks nothing, but for ``Skip``.

        Tables whose numbers or times stand as text go through :meth:`Schema.plain <bayessynth.Schema.plain>` first.
        """
        raise NotImplementedError

    def compute(self, arrays: Arrays, schema: Schema, n: int, rng: np.random.Generator) -> np.ndarray:
        """Return the column that the rule determines, encoded and rounded as it is released."""
        raise NotImplementedError

    def cells(self, values: np.ndarray, schema: Schema) -> pd.Series | None:
        """Return the determined column's cells where the schema cannot decode them, else None."""
        return None

    def restricts(self, column: str, known: set[str]) -> bool:
        """Return whether the draw of a column is narrowed once other columns have been drawn."""
        return False

    def limits(self, column: str, arrays: Arrays, schema: Schema, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the lower and upper ends of a closed interval for every row; infinite where free."""
        return np.full(n, -np.inf), np.full(n, np.inf)

    def allowed(self, column: str, arrays: Arrays, schema: Schema, n: int) -> np.ndarray | None:
        """Return which levels may be drawn, shape (n, levels), or None if the rule limits none."""
        return None

    def absent(self, column: str, arrays: Arrays, schema: Schema, n: int) -> np.ndarray:
        """Return the rows in which the cell must be missing."""
        return np.zeros(n, dtype=bool)

    def present(self, column: str, arrays: Arrays, schema: Schema, n: int) -> np.ndarray:
        """Return the rows in which the cell must not be missing."""
        return np.zeros(n, dtype=bool)

    def ends(self, arrays: Arrays, schema: Schema) -> np.ndarray | None:
        """Return the rows after which their unit has no other, or None if the rule says nothing of it."""
        return None

    def __repr__(self) -> str:
        """Return the Python source of the rule."""
        shown: list[str] = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.metadata.get("star"):
                shown += map(repr, value)
            elif field.default is MISSING:
                shown.append(self._show(field, value))
            elif value != field.default:
                shown.append(f"{_key(field)}={self._show(field, value)}")
        return f"{type(self).__name__}({', '.join(shown)})"

    @staticmethod
    def _show(field: Field, value: Any) -> str:
        return repr(dict(value)) if field.metadata.get("mapping") and value is not None else repr(value)

    def to_json(self) -> dict[str, Any]:
        """Return the rule as JSON data, leaving out what has its default."""
        stated = {_key(f): getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return {"rule": self.name} | {name: _lists(value) for name, value in stated.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Make a rule of what :meth:`to_json` returned.

        Raises
        ------
        SpecError
            If the data state what the rule does not have, or do not state what it must have.
        """
        known = {_key(f): f for f in fields(cls)}
        stated = {key: _tuples(value) for key, value in data.items() if key != "rule"}
        for key in stated:
            if key not in known:
                hint = suggest(key, known)
                raise SpecError(f"A rule {cls.name!r} has no {key!r}.{hint} A newer version may have written it.")
        for key, field in known.items():
            if field.default is MISSING and key not in stated:
                raise SpecError(f"The data of a rule {cls.name!r} state no {key!r}.")
        starred = next((stated.pop(key) for key, field in known.items() if field.metadata.get("star")), ())
        return cls(*starred, **stated)


def _key(field: Field) -> str:
    """Return the argument that sets a field, where a method has its name."""
    return field.metadata.get("key", field.name)


def _lists(value: Any) -> Any:
    return [_lists(item) for item in value] if isinstance(value, tuple) else value


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
