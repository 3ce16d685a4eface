"""Keys of several columns: one column in their stead while tables are fitted and drawn, and the columns made anew.

What names a row within another (the patient's number at a site, the line of an order) is numbered within the rest of
the key; what refers to other tables is theirs; what the child repeats is taken from the parent's row. Uniqueness and
references thus hold by construction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.database.key import Key
from bayessynth.database.labels import Labels
from bayessynth.errors import SpecError
from bayessynth.schema.dtypes import dtype_name, dtype_named


@dataclass(frozen=True)
class Composite:
    """A parent's key of several columns.

    Attributes
    ----------
    parent : str
    columns : tuple of str
    own : str
        The one of them that is numbered within the others.
    labels : Labels
        How it is written.
    first : int
        The first number.
    children : tuple of tuple
        Table and columns of each child, in the order of ``columns``.
    layout : mapping of str to mapping of str to str
        Columns of each of these tables, with their dtypes.
    """

    parent: str
    columns: tuple[str, ...]
    own: str
    labels: Labels
    first: int
    children: tuple[tuple[str, tuple[str, ...]], ...]
    layout: Mapping[str, Mapping[str, str]]

    @property
    def name(self) -> str:
        """The column that stands for the key."""
        return " and ".join(self.columns)

    def restore(self, made: dict[str, pd.DataFrame]) -> None:
        """Make the columns of the key in the parent and its children, in place of the one that stood for them."""
        frame = made[self.parent]
        others = [c for c in self.columns if c != self.own]
        number = frame.groupby(others, dropna=False, sort=False).cumcount().to_numpy()
        frame = frame.drop(columns=self.name).assign(**{self.own: self._written(number)})
        for table, columns in self.children:
            if table not in made:
                continue
            stood = " and ".join(columns)
            at = made[table][stood].astype("Int64").fillna(0).to_numpy(dtype=np.int64) - 1
            taken = {
                own: frame[column].reset_index(drop=True).reindex(np.where(at >= 0, at, -1)).reset_index(drop=True)
                .astype(dtype_named(self.layout[table][own]))
                for column, own in zip(self.columns, columns, strict=True)
            }  # fmt: skip
            made[table] = self._ordered(made[table].drop(columns=stood).assign(**taken), table)
        made[self.parent] = self._ordered(frame, self.parent)

    def _written(self, number: np.ndarray) -> pd.Series:
        dtype = dtype_named(self.layout[self.parent][self.own])
        if not self.labels.prefix:
            return pd.Series(number + self.first).astype(dtype)
        most = int(number.max(initial=-1)) + 1
        return self.labels.make(most, np.random.default_rng(0)).take(number).reset_index(drop=True).astype(dtype)

    def _ordered(self, frame: pd.DataFrame, table: str) -> pd.DataFrame:
        """Return columns in the original's order, those that stand for further keys last."""
        known = [c for c in self.layout[table] if c in frame]
        return frame[[*known, *(c for c in frame if c not in known)]]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {**asdict(self), "labels": self.labels.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Composite:
        """Make it of what :meth:`to_json` returned."""
        children = tuple((table, tuple(columns)) for table, columns in data["children"])
        return cls(data["parent"], tuple(data["columns"]), data["own"], Labels.from_json(data["labels"]), data["first"],
                   children, data["layout"])  # fmt: skip


def joined(frames: Mapping[str, pd.DataFrame], keys: Sequence[Key]) -> dict[str, pd.DataFrame]:
    """Return tables with a column for each key of several: their values side by side, missing where one of them is.

    >>> frame = pd.DataFrame({"site": ["A", "B"], "no": [1.0, None]})
    >>> joined({"visit": frame}, [Key("visit", ("site", "no"), "patient")])["visit"]["site and no"].tolist()
    ['A and 1', None]
    """
    found = dict(frames)
    for key in keys:
        for table, name, parts in (
            (key.table, key.column, key.parts),
            (key.parent, key.parent_column, key.parent_parts),
        ):
            if parts and table in found and name not in found[table]:
                found[table] = found[table].assign(**{str(name): _side_by_side(found[table], parts)})
    return found


def _side_by_side(frame: pd.DataFrame, parts: Sequence[str]) -> pd.Series:
    texts, missing = [], frame[list(parts)].isna().any(axis=1).to_numpy()
    for part in parts:
        cells = frame[part]
        if pd.api.types.is_numeric_dtype(cells.dtype):
            values = cells.fillna(0).to_numpy(dtype=float)
            cells = pd.Series(np.where(values % 1 == 0, values.astype(np.int64).astype(str), values.astype(str)))
        texts.append([str(cell) for cell in cells])
    made = [" and ".join(row) for row in zip(*texts, strict=True)]
    return pd.Series([None if gap else text for text, gap in zip(made, missing, strict=True)], dtype=object)


def composites_of(frames: Mapping[str, pd.DataFrame], keys: Sequence[Key]) -> tuple[Composite, ...]:
    """Return the keys of several columns, those of parents' parents first.

    Parameters
    ----------
    frames : mapping of str to DataFrame
        As they were handed in.
    keys : sequence of Key
        From the top down.

    Raises
    ------
    SpecError
        If all columns of a parent's key refer to other tables: copies could have a row twice.
    """
    found = []
    for parent in dict.fromkeys(key.parent for key in keys if key.parts):
        columns = next(key.parent_parts for key in keys if key.parent == parent and key.parts)
        referring = {c for key in keys if key.table == parent for c in (key.parts or (key.column,))}
        free = [c for c in columns if c not in referring and frames[parent][c].nunique() > 1]
        if not free:
            raise SpecError(
                f"Table {parent!r}: all of its key's columns {', '.join(map(repr, columns))} refer to other tables or "
                "are constant, so that nothing tells its rows apart in a copy; give it a key of its own, a running "
                "number, and let its children refer to that."
            )
        own = max(reversed(free), key=lambda c: (frames[parent][c].nunique() > 1, columns.index(c)))
        values = frames[parent][own].drop_duplicates().reset_index(drop=True)
        whole = pd.api.types.is_numeric_dtype(values.dtype)
        children = tuple((key.table, key.parts) for key in keys if key.parent == parent and key.parts)
        layout = {t: {c: dtype_name(frames[t][c].dtype) for c in frames[t]}
                  for t in (parent, *(table for table, _ in children))}  # fmt: skip
        found.append(Composite(parent, columns, own, Labels.of(values, parent), int(values.min()) if whole else 0,
                               children, layout))  # fmt: skip
    return tuple(found)


def split(frames: Mapping[str, pd.DataFrame], composites: Sequence[Composite]) -> dict[str, pd.DataFrame]:
    """Return joined tables as they are fitted: a number of a row in place of several columns of a key."""
    found = dict(frames)
    for own in composites:
        index = pd.Index(frames[own.parent][own.name])
        found[own.parent] = found[own.parent].drop(columns=own.own).assign(**{own.name: np.arange(1, len(index) + 1)})
        for table, columns in own.children:
            stood = " and ".join(columns)
            at = pd.Series(index.get_indexer(pd.Index(frames[table][stood])) + 1, dtype="Int64")
            found[table] = found[table].assign(**{stood: at.mask(at == 0) if (at == 0).any() else at.astype("int64")})
            found[table] = found[table].drop(columns=[c for c in columns if c in found[table]])
    return found


def without_repeated(keys: Sequence[Key]) -> tuple[list[Key], list[Key]]:
    """Return keys, and those that a key of several columns repeats: of a visit's patient and site, the site's."""
    held = {(key.table, part) for key in keys for part in key.parts}
    repeated = [key for key in keys if not key.parts and (key.table, key.column) in held]
    shorter = [key for key in keys if key.parts
               and any(other.table == key.table and set(key.parts) < set(other.parts) for other in keys)]  # fmt: skip
    gone = [*repeated, *shorter]
    return [key for key in keys if key not in gone], gone
