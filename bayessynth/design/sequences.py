"""How the rows of a unit follow each other: all that was learnt of it, and no record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bayessynth.schema import Schema


@dataclass(frozen=True)
class Sequences:
    """How rows of a unit follow each other.

    Attributes
    ----------
    unit, time : str
    schema : Schema
        Of the table's columns, and of those that are made of rows before or are drawn beside them.
    initial : mapping of str to str
        For the equations that first rows do not have: the name of the equation that draws them instead.
    orders : mapping of str to int
        How many first rows of a unit these are.
    length : int
        Rows of every unit, or 0 where units differ.
    longest : int
        Rows beyond which no sequence goes on.
    average : float
        Rows of a unit, on average.
    gaps : tuple of float
        Where all units have the same: the time from each row to the next. Else empty, and drawn.
    """

    unit: str
    time: str
    schema: Schema
    initial: Mapping[str, str]
    orders: Mapping[str, int]
    length: int
    longest: int
    average: float
    gaps: tuple[float, ...] = ()

    @property
    def elapsed(self) -> str:
        """Name of the column that holds the time since the row before."""
        return f"elapsed({self.time})"

    @property
    def number(self) -> str:
        """Name of the column that numbers the rows of a unit, from 1."""
        return f"number({self.time})"

    @property
    def last(self) -> str:
        """Name of the column that says whether a row is the unit's last."""
        return f"last({self.time})"

    @property
    def initials(self) -> frozenset[str]:
        """Names of the equations that draw first rows."""
        return frozenset(self.initial.values())

    def drawn_by(self, column: str) -> tuple[str, ...]:
        """Return the names that the equations of a column may have: the time is drawn by what elapses."""
        return (self.elapsed, self.initial[self.elapsed]) if column == self.time else (column,)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "unit": self.unit, "time": self.time, "schema": self.schema.to_json(), "initial": dict(self.initial),
            "orders": dict(self.orders), "length": self.length, "longest": self.longest, "average": self.average,
            "gaps": list(self.gaps),
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sequences:
        """Make it of what :meth:`to_json` returned."""
        facts = {**data, "schema": Schema.from_json(data["schema"]), "gaps": tuple(data["gaps"])}
        return cls(**facts)
