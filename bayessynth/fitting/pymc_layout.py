"""What of a user's PyMC model new records need, beside its code: columns, grouping dims, the level of its variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayessynth.errors import DataError
from bayessynth.schema import Schema
from bayessynth.schema.column import CODES

if TYPE_CHECKING:
    import pymc as pm

Build = Callable[[dict[str, np.ndarray], dict[str, list[Any]]], "pm.Model"]


@dataclass(frozen=True)
class Layout:
    """The facts about a model that are learnt once and saved with its fit.

    Attributes
    ----------
    schema : Schema
        Of the observed columns and the group columns.
    dims : mapping of str to tuple of str
        Columns that together give each grouping dim's groups.
    n : int
        Rows of the original.
    free : tuple of str
        Free variables.
    groups : tuple of str
        Variables, deterministic ones too, with an entry a group. Those of new groups are drawn from their prior
        given the variables of ``trace``.
    rows : tuple of str
        Variables, deterministic ones too, with an entry a row, drawn anew for every copy.
    """

    schema: Schema
    dims: Mapping[str, tuple[str, ...]]
    n: int
    free: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()

    @property
    def trace(self) -> tuple[str, ...]:
        """Free variables that all records share: a copy takes their values from its posterior draw."""
        return tuple(name for name in self.free if name not in (*self.groups, *self.rows))

    @property
    def group_columns(self) -> tuple[str, ...]:
        """Columns of all grouping dims."""
        return tuple(dict.fromkeys(c for columns in self.dims.values() for c in columns))

    @property
    def columns(self) -> tuple[str, ...]:
        """The observed columns."""
        return tuple(c for c in self.schema if c not in self.group_columns)

    @property
    def factors(self) -> dict[str, str]:
        """Name of each grouping dim's factor in the group structure."""
        return {dim: ":".join(columns) for dim, columns in self.dims.items()}

    def data(self, arrays: Mapping[str, np.ndarray], codes: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return what ``build`` is given as ``data``.

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Encoded observed columns.
        codes : mapping of str to ndarray
            Group of every row, by factor. They are found under the dim's name, and under the column's.
        """
        given = {c: arrays[c].copy() for c in self.columns}
        for dim, columns in self.dims.items():
            given[dim] = codes[":".join(columns)].astype(np.int64)
            if len(columns) == 1:
                given[columns[0]] = given[dim].copy()
        return given

    def placeholders(self, n: int) -> dict[str, np.ndarray]:
        """Return n values of every observed column that are none of the data's but could be."""
        return {c: self._placeholder(c, n) for c in self.columns}

    def _placeholder(self, name: str, n: int) -> np.ndarray:
        column = self.schema[name]
        if column.kind in CODES:
            return np.arange(n) % len(column.levels)
        if column.kind == "constant":
            return np.zeros(n)
        low, high = column.bounds or (0.0, float(column.scale or 1.0))
        values = low + (high - low) * np.array([0.25, 0.75])
        if column.decimals is not None:
            values = np.round(values, column.decimals)
        return values[np.arange(n) % 2]

    def to_json(self) -> dict[str, Any]:
        """Return the layout as JSON data."""
        return {
            "schema": self.schema.to_json(), "dims": {k: list(v) for k, v in self.dims.items()}, "n": self.n,
            "free": self.free, "groups": self.groups, "rows": self.rows,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Layout:
        """Make a layout of what :meth:`to_json` returned."""
        dims = {k: tuple(v) for k, v in data["dims"].items()}
        return cls(Schema.from_json(data["schema"]), dims, data["n"], tuple(data["free"]), tuple(data["groups"]),
                   tuple(data["rows"]))  # fmt: skip


def built(build: Build, data: dict[str, np.ndarray], coords: dict[str, list[Any]]) -> pm.Model:
    """Call the user's function and check that it returns a model.

    Raises
    ------
    DataError
        If it returns something else.
    """
    import pymc as pm

    model = build(data, coords)
    if not isinstance(model, pm.Model):
        remedy = "end it with 'return model'" if model is None else "it must return the pm.Model it makes"
        raise DataError(f"build(data, coords) returned {type(model).__name__}, not a pymc.Model; {remedy}.")
    return model
