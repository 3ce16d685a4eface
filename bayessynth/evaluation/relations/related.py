"""Databases that are compared: original tables, those of copies, and the keys between them, from wherever they come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.database import Database, Key
from bayessynth.errors import DataError
from bayessynth.schema import Schema
from bayessynth.schema.column import NUMBERS

# Rows of a child that correlations are measured on, at most, and columns of a table.
ROWS, COLUMNS = 200_000, 12


@dataclass(frozen=True)
class Side:
    """The tables of the original or of one copy, with numbers and links as they are compared.

    Attributes
    ----------
    tables : mapping of str to DataFrame
    schemas : mapping of str to Schema
        Of the original's numeric columns.
    """

    tables: Mapping[str, pd.DataFrame]
    schemas: Mapping[str, Schema]
    _numbers: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    _links: dict[Key, np.ndarray] = field(default_factory=dict)

    def numbers(self, table: str) -> dict[str, np.ndarray]:
        """Return a table's numeric columns, times as days, missing cells as NaN."""
        if table not in self._numbers:
            schema = self.schemas[table]
            self._numbers[table] = dict(schema.encode(self.tables[table], missing="keep").arrays) if len(schema) else {}
        return self._numbers[table]

    def parents(self, key: Key) -> np.ndarray:
        """Return which row of the parent every row of the child refers to; -1 for none, -2 for an orphan."""
        if key not in self._links:
            cells = self.tables[key.table][key.column]
            index = pd.Index(self.tables[key.parent][str(key.parent_column)])
            at = index.get_indexer(pd.Index(cells)) if index.is_unique else _first(index, cells)
            self._links[key] = np.where((at < 0) & cells.notna().to_numpy(), -2, at).astype(np.int64)
        return self._links[key]

    def children(self, key: Key) -> np.ndarray:
        """Return the number of children of every parent."""
        at = self.parents(key)
        return np.bincount(at[at >= 0], minlength=len(self.tables[key.parent]))


def _first(index: pd.Index, cells: pd.Series) -> np.ndarray:
    """Look keys up where another synthesizer has made some of them twice."""
    kept = pd.Index(index[~index.duplicated()])
    places = np.flatnonzero(~index.duplicated())
    at = kept.get_indexer(pd.Index(cells))
    return np.where(at >= 0, places[np.maximum(at, 0)], -1)


@dataclass(frozen=True)
class Related:
    """An original database and its copies.

    Attributes
    ----------
    original : Side
    copies : tuple of Side
    keys : tuple of Key
    labels : frozenset of tuple of str
        Tables and columns that are keys.
    """

    original: Side
    copies: tuple[Side, ...]
    keys: tuple[Key, ...]
    labels: frozenset[tuple[str, str]]

    @cached_property
    def own(self) -> dict[str, list[str]]:
        """The columns of each table that are no keys."""
        return {t: [c for c in frame if (t, c) not in self.labels] for t, frame in self.original.tables.items()}


def read_related(original: Database | Mapping[str, pd.DataFrame], copies: Any, keys: Sequence[Key] | None) -> Related:
    """Take databases in whatever form they come.

    Parameters
    ----------
    original : Database or mapping of str to DataFrame
    copies : SyntheticDatabase, mapping of str to DataFrame, or iterable of such
    keys : sequence of Key, optional
        By default the database's own, or those that are found.

    Raises
    ------
    DataError
        If a copy lacks a table or a column, or there is none.
    """
    if isinstance(original, Database) and keys is None:
        database = original
    else:
        database = Database(original.tables if isinstance(original, Database) else original, keys)
    found = [copies] if isinstance(copies, Mapping) else list(copies)
    if not found:
        raise DataError("There is no copy to judge.")
    tables = database.joined(database.tables)
    parts = {(k.table, c) for k in database.keys for c in k.parts}
    parts |= {(k.parent, c) for k in database.keys for c in k.parent_parts}
    taken = {(k.table, k.column) for k in database.keys} | {(k.parent, str(k.parent_column)) for k in database.keys}
    labels = frozenset(taken | parts | set(database.primary.items()))
    schemas = {t: _numeric(frame[[c for c in frame if (t, c) not in labels]]) for t, frame in tables.items()}
    for number, copy in enumerate(found):
        for table in tables:
            if table not in copy:
                raise DataError(f"Copy {number} has no table {table!r}; it has {', '.join(copy)}.")
            needed = [*schemas[table], *(c for t, c in parts if t == table)]
            needed += [k.column for k in database.keys if k.table == table and not k.parts]
            needed += [str(k.parent_column) for k in database.keys if k.parent == table and not k.parts]
            lacking = [column for column in needed if column not in copy[table]]
            if lacking:
                raise DataError(f"Copy {number}, table {table!r} has no column {lacking[0]!r}.")
    sides = [Side(database.joined(copy), schemas) for copy in found]
    return Related(Side(tables, schemas), tuple(sides), database.keys, labels)


def _numeric(frame: pd.DataFrame) -> Schema:
    """Return the schema of the columns that hold numbers or times."""
    if not len(frame) or not len(frame.columns):
        return Schema()
    schema = Schema.detect(frame)
    kept = [c for c in schema if schema[c].kind in NUMBERS][:COLUMNS]
    return schema.subset(kept)
