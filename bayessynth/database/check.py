"""Tables and keys, looked at before anything is fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.database.detect import is_label
from bayessynth.database.key import Key
from bayessynth.errors import BayesSynthWarning, DataError, SpecError, suggest, warn
from bayessynth.schema.column import plain

# Rows that a message names.
SHOWN = 5


class OrphanWarning(BayesSynthWarning):
    """Rows are left out because no row of the parent has the key that they name."""


def check_tables(tables: Any) -> dict[str, pd.DataFrame]:
    """Return the tables, or say what is wrong with them."""
    if not isinstance(tables, Mapping) or not tables:
        raise DataError("A database is made of tables by name: bs.Database({'patients': df, 'visits': df}).")
    for name, frame in tables.items():
        if not isinstance(name, str) or not name or "/" in name or name.startswith("."):
            raise DataError(f"{name!r} is no name for a table: use text that can name a file.")
        if not isinstance(frame, pd.DataFrame):
            raise DataError(f"Table {name!r} is a {type(frame).__name__}, not a DataFrame.")
        odd = [column for column in frame if not isinstance(column, str)]
        if odd:
            raise DataError(
                f"Table {name!r} has columns whose names are no text, the first is {odd[0]!r}. Rename them: "
                "df.columns = df.columns.map(str)."
            )
        if not frame.columns.is_unique:
            twice = frame.columns[frame.columns.duplicated()][0]
            raise DataError(f"Table {name!r} has column {twice!r} more than once; rename or drop one of them.")
    return {name: frame.reset_index(drop=True) for name, frame in tables.items()}


def completed(keys: Sequence[Any], tables: Mapping[str, pd.DataFrame], primary: Mapping[str, str]) -> list[Key]:
    """Return declared keys with the parents' columns filled in.

    Raises
    ------
    SpecError
        If a table or column does not exist, or a table refers to itself.
    """
    found = []
    for key in keys:
        if not isinstance(key, Key):
            raise SpecError(f"keys= takes bs.Key('child', 'column', 'parent'), not {key!r}.")
        for table in (key.table, key.parent):
            if table not in tables:
                raise SpecError(f"{key}: there is no table {table!r}.{suggest(table, tables)}")
        own = tables[key.parent]
        column: str | tuple[str, ...] | None = key.parent_parts or key.parent_column
        if column is None:
            column = key.parts or (key.column if key.column in own else primary.get(key.parent))
        if column is None:
            raise SpecError(f"{key}: table {key.parent!r} has no column of that name; state parent_column=.")
        for table, names in ((key.table, key.parts or key.column), (key.parent, column)):
            for name in (names,) if isinstance(names, str) else names:
                if name not in tables[table]:
                    raise SpecError(f"{key}: table {table!r} has no column {name!r}.{suggest(name, tables[table])}")
        if key.table == key.parent:
            raise SpecError(
                f"Key cycle: {key.table} → {key.parent}. Rows that refer to rows of their own table have no model; "
                "leave the key out and drop the column, or spread the levels over tables."
            )
        found.append(Key(key.table, key.parts or key.column, key.parent, column, key.primary))
    _check_one_each(found)
    return found


def _check_one_each(keys: Sequence[Key]) -> None:
    for i, key in enumerate(keys):
        for other in keys[:i]:
            if (key.table, key.column) == (other.table, other.column):
                raise SpecError(f"Column {key.column!r} of table {key.table!r} has two keys, {other} and {key}.")
            if key.parent == other.parent and key.parent_column != other.parent_column:
                raise SpecError(
                    f"Table {key.parent!r} is referred to by two of its columns, {other} and {key}; a table has one "
                    "key."
                )
    chosen = [key for key in keys if key.primary]
    for table in {key.table for key in chosen}:
        own = [key for key in chosen if key.table == table]
        if len(own) > 1:
            raise SpecError(f"Table {table!r} has two primary parents, {own[0]} and {own[1]}; a table follows one.")


def check_keys(
    tables: dict[str, pd.DataFrame], keys: Sequence[Key], primary: Mapping[str, str], orphans: str
) -> dict[str, pd.DataFrame]:
    """Return the tables without orphans, once it is sure that keys are keys.

    Raises
    ------
    DataError
        If a key is missing or occurs twice, is no label, or a row refers to none, unless ``orphans="drop"``.
    """
    if orphans not in ("error", "drop"):
        raise SpecError(f"orphans={orphans!r} is not 'error' or 'drop'.{suggest(str(orphans), ['error', 'drop'])}")
    for table, column in primary.items():
        _check_primary(table, column, tables[table])
    for key in from_the_top(keys):
        child, parent = tables[key.table], tables[key.parent]
        cells, own = child[key.column], parent[str(key.parent_column)]
        if pd.api.types.is_numeric_dtype(cells.dtype) != pd.api.types.is_numeric_dtype(own.dtype) and len(cells):
            raise DataError(
                f"{key}: the child's column is of dtype {cells.dtype}, the parent's key of {own.dtype}. Give both one "
                f"type, df[{key.column!r}].astype(str)."
            )
        lost = (~cells.isin(own) & cells.notna()).to_numpy()
        if not lost.any():
            continue
        rows = np.flatnonzero(lost)
        listed = ", ".join(map(str, rows[:SHOWN])) + (", …" if len(rows) > SHOWN else "")
        what = (
            f"Table {key.table!r}, column {key.column!r}: {len(rows)} of {len(child)} rows refer to no row of "
            f"{key.parent!r}; rows {listed}, the first has {plain(cells.iloc[rows[0]])!r}."
        )
        if orphans == "error":
            raise DataError(f"{what} Mend them, or say orphans='drop' to leave these rows out.")
        warn(f"{what} They are left out.", OrphanWarning)
        tables[key.table] = child[~lost].reset_index(drop=True)
    return tables


def _check_primary(table: str, column: str, frame: pd.DataFrame) -> None:
    cells = frame[column]
    for wrong, what in ((cells.isna(), "is missing"), (cells.duplicated(), "occurs before")):
        if wrong.any():
            row = int(np.flatnonzero(wrong.to_numpy())[0])
            raise DataError(
                f"Table {table!r}, key {column!r}: in {int(wrong.sum())} of {len(frame)} rows the key {what}, the "
                f"first is row {row}: {plain(cells.iloc[row])!r}. A parent's key names each row once: mend these rows, "
                "or name another column."
            )
    if len(cells) and not is_label(cells):
        raise DataError(f"Table {table!r}, key {column!r} is of dtype {cells.dtype}; a key is text or whole numbers.")


def from_the_top(keys: Sequence[Key]) -> list[Key]:
    """Order keys so that a table's own orphans are gone before its children's are looked for."""
    depth: dict[str, int] = {}

    def of(table: str, seen: tuple[str, ...]) -> int:
        if table in seen:
            cycle = " → ".join([*seen[seen.index(table) :], table])
            raise SpecError(
                f"Key cycle: {cycle}. No table can be drawn before the others; leave one of these keys out, keys=[…]."
            )
        if table not in depth:
            above = [of(key.parent, (*seen, table)) for key in keys if key.table == table]
            depth[table] = 1 + max(above, default=-1)
        return depth[table]

    for table in {table: None for key in keys for table in (key.table, key.parent)}:
        of(table, ())
    return sorted(keys, key=lambda key: depth[key.parent])
