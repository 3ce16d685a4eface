"""How the rows of a unit follow each other: all that was learnt of it, and no record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayessynth.rules import Rule, narrowed
from bayessynth.schema import Schema


@dataclass(frozen=True)
class Sequences:
    """How rows of a unit follow each other.

    Attributes
    ----------
    unit, time : str
    schema : Schema
        Of the table's columns, and of those that are made of rows before or are drawn beside them.
    differences : mapping of str to str
        For the equations that draw by how much a column grows from the row before: which column. The time is one;
        ``growth(y)`` is the logarithm of the ratio, all others are differences.
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
    pasts : mapping of str to tuple of float
        For the columns of which the rows before say a level: the overall mean, and the variance within units over that
        between them.
    limited : bool
        Whether rules limit the time by columns of the unit, such as the end of follow-up.
    rising : tuple of str
        The differences that are never negative: of columns that do not fall from row to row.
    stop : str or None
        Column of the times at which rows stop, where these are intervals one after another: the next row starts there,
        and a survival time says which row is the last.
    """

    unit: str
    time: str
    schema: Schema
    differences: Mapping[str, str]
    initial: Mapping[str, str]
    orders: Mapping[str, int]
    length: int
    longest: int
    average: float
    gaps: tuple[float, ...] = ()
    limited: bool = False
    pasts: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    rising: tuple[str, ...] = ()
    stop: str | None = None

    @property
    def due(self) -> str:
        """Name of the column that holds after how much time the next row is due, where rows are intervals."""
        return f"due({self.time})"

    @property
    def more(self) -> str:
        """Name of the column that says whether a next row is due at all, where rows are intervals."""
        return f"more({self.time})"

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
    def left(self) -> str:
        """Name of the column that holds how much time the unit's columns leave after a row."""
        return f"left({self.time})"

    @property
    def initials(self) -> frozenset[str]:
        """Names of the equations that draw first rows."""
        return frozenset(self.initial.values())

    def drawn_by(self, column: str) -> tuple[str, ...]:
        """Return the names that the equations of a column have."""
        main = next((name for name, own in self.differences.items() if own == column), column)
        return (main, *([self.initial[main]] if main in self.initial else []))

    def column(self, name: str) -> str:
        """Return the column of the table that an equation draws."""
        main = next((c for c, own in self.initial.items() if own == name), name)
        return self.differences.get(main, main)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        own = ("unit", "time", "length", "longest", "average", "limited", "stop")
        return {name: getattr(self, name) for name in own} | {
            "schema": self.schema.to_json(), "differences": dict(self.differences), "initial": dict(self.initial),
            "orders": dict(self.orders), "gaps": list(self.gaps), "rising": list(self.rising),
            "pasts": {column: list(known) for column, known in self.pasts.items()},
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sequences:
        """Make it of what :meth:`to_json` returned."""
        facts = {**data, "schema": Schema.from_json(data["schema"]), "gaps": tuple(data["gaps"]),
                 "rising": tuple(data.get("rising", ())),
                 "pasts": {column: tuple(own) for column, own in data["pasts"].items()}}  # fmt: skip
        return cls(**facts)


def difference(name: str, now: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return by how much a column grows, as the equation of a name has it.

    >>> difference("change(y)", np.array([3.0]), np.array([2.0])).tolist()
    [1.0]
    """
    return np.log(now) - np.log(before) if name.startswith("growth(") else now - before


def undone(name: str, drawn: np.ndarray, before: np.ndarray) -> np.ndarray:
    """Return a column that has grown, from what :func:`difference` returned.

    >>> undone("growth(y)", np.array([0.0]), np.array([2.0])).tolist()
    [2.0]
    """
    return before * np.exp(drawn) if name.startswith("growth(") else before + drawn


def time_left(rules: tuple[Rule, ...], time: str, upper: Mapping[str, np.ndarray], moments: np.ndarray,
              schema: Schema) -> np.ndarray:  # fmt: skip
    """Return how much time the columns of a unit leave after each row, by rules; NaN where they leave it open.

    Parameters
    ----------
    rules : tuple of Rule
    time : str
    upper : mapping of str to ndarray
        The units' columns, on the rows.
    moments : ndarray of shape (n,)
        Times of the rows.
    schema : Schema

    Examples
    --------
    >>> import bayessynth as bs
    >>> schema = bs.Schema(day=bs.Count(bounds=(0, 99)), end=bs.Count(bounds=(0, 99)))
    >>> rules = (bs.Inequality("day", "end"),)
    >>> time_left(rules, "day", {"end": np.array([30.0])}, np.array([12.0]), schema).tolist()
    [18.0]
    """
    limit = narrowed(rules, time, upper, schema, len(moments)).upper
    if limit is None:
        return np.full(len(moments), np.nan)
    return np.where(np.isfinite(limit), limit - moments, np.nan)
