"""Which columns are keys: of their own table's rows, and of another's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from bayessynth.database.key import Key
from bayessynth.errors import DataError
from bayessynth.spec.auto.units import name_says

# Share of a column's values that must be keys of the parent for a column of the same name to be one with mistakes.
NEARLY = 0.5
# What a key is called that does not say of what.
BARE = frozenset({"id", "key", "uid", "guid", "uuid", "pk"})


@dataclass(frozen=True)
class Found:
    """A key, or what might have been one, and why.

    Attributes
    ----------
    key : Key
    reason : str
    taken : bool
    """

    key: Key
    reason: str
    taken: bool = True


def is_label(cells: pd.Series) -> bool:
    """Tell whether cells are of a type that names rows: text or whole numbers, in whatever dtype.

    >>> is_label(pd.Series([1.0, None, 3.0])), is_label(pd.Series([0.5, 1.0])), is_label(pd.Series(["a", "b"]))
    (True, False, True)
    """
    if pd.api.types.is_bool_dtype(cells.dtype) or pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return False
    if pd.api.types.is_numeric_dtype(cells.dtype):
        present = cells.dropna().to_numpy(dtype=float)
        return bool((present % 1 == 0).all())
    return True


def primary_keys(frames: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return the column that names the rows of each table that has one.

    Its values are labels, never missing, and no value occurs twice. Of several such columns it is the one named for the
    table (``loan_id`` of ``loan``, ``id``), then one whose name other tables have too, then one whose name says that it
    is an identifier; else the table has none.

    Examples
    --------
    >>> loan = pd.DataFrame({"loan_id": [7, 9], "account_id": [1, 2], "amount": [10, 20]})
    >>> primary_keys({"account": pd.DataFrame({"account_id": [1, 2, 3]}), "loan": loan})
    {'account': 'account_id', 'loan': 'loan_id'}
    """
    found = {}
    for table, frame in frames.items():
        best: tuple[tuple[int, int], str] | None = None
        for column in frame:
            name, cells = str(column), frame[column]
            others = sum(column in other for key, other in frames.items() if key != table)
            own = _named_for(name, table)
            if not (own or others or name_says(name) == "identifier"):
                continue
            if not len(cells) or not is_label(cells) or cells.hasnans or not cells.is_unique:
                continue
            rank = (int(own), others)
            if best is None or rank > best[0]:
                best = rank, name
        if best is not None:
            found[table] = best[1]
    return found


def foreign_keys(frames: Mapping[str, pd.DataFrame], primary: Mapping[str, str]) -> list[Found]:
    """Find the columns that refer to other tables' keys.

    A column refers to a key if it has the key's name, or is named for the other table, and if all its values are among
    the key's. With at least half of its values there it is a key with orphans, of which :class:`Database` then speaks.

    Raises
    ------
    DataError
        If a column may refer to several tables.
    """
    found: list[Found] = []
    for table, frame in frames.items():
        for column in frame:
            fits = [
                own for parent, key in primary.items() if parent != table
                for own in _look(frames, primary, table, str(column), parent, key)
            ]  # fmt: skip
            taken = [own for own in fits if own.taken]
            if len(taken) > 1:
                named = [own for own in taken if _named_for(str(column), own.key.parent)]
                if len(named) != 1:
                    raise DataError(
                        f"Column {column!r} of table {table!r} may refer to {' or '.join(o.key.parent for o in taken)}:"
                        f" declare which, keys=[bs.Key({table!r}, {column!r}, {taken[0].key.parent!r}), …]."
                    )
                fits = [*named, *(own for own in fits if not own.taken)]
            found += fits
    return _without_returns(found, frames)


def _look(
    frames: Mapping[str, pd.DataFrame], primary: Mapping[str, str], table: str, column: str, parent: str, key: str
) -> list[Found]:
    """Return what speaks for a column of one table being another's key, or nothing."""
    same = column == key and not (_plain(column) in BARE and primary.get(table) == column)
    named = _named_for(column, parent) and _plain(column) not in BARE
    ends = _plain(key) not in BARE and _plain(column).endswith(_plain(key))
    cells, own = frames[table][column].dropna(), frames[parent][key]
    if (same or named) and not len(frames[table]):
        return [Found(Key(table, column, parent, key), "it has the key's name, and the table is empty")]
    if not (same or named or ends) or not len(cells) or not is_label(cells):
        return []
    if pd.api.types.is_numeric_dtype(cells.dtype) != pd.api.types.is_numeric_dtype(own.dtype):
        return [Found(Key(table, column, parent, key), "its values are of another type", taken=False)]
    share = float(cells.isin(own).mean())
    called = "it has the key's name" if same else f"it is named for {parent!r}"
    if share == 1:
        return [Found(Key(table, column, parent, key), f"{called}, and all its values are keys there")]
    if share < (NEARLY if same or named else 1):
        reason = f"{called}, but only {share:.0%} of its values are keys there"
        return [Found(Key(table, column, parent, key), reason, taken=False)]
    return [Found(Key(table, column, parent, key), f"{called}, and {share:.1%} of its values are keys there")]


def _without_returns(found: list[Found], frames: Mapping[str, pd.DataFrame]) -> list[Found]:
    """Of two tables with one key in common, each of which could refer to the other, the larger one is the parent."""
    order = list(frames)
    kept = []
    for own in found:
        back = [o for o in found if o.taken and o.key.table == own.key.parent and o.key.parent == own.key.table
                and o.key.column == own.key.parent_column]  # fmt: skip
        if own.taken and back:
            child, parent = own.key.table, own.key.parent
            first = _rank(child, own.key.column, frames, order) < _rank(parent, own.key.column, frames, order)
            if first:
                kept.append(Found(own.key, f"{parent!r} refers to {child!r} by that column", taken=False))
                continue
        kept.append(own)
    return kept


def _rank(table: str, column: str, frames: Mapping[str, pd.DataFrame], order: list[str]) -> tuple[bool, int, int]:
    return (not _named_for(column, table), -len(frames[table]), order.index(table))


def _named_for(column: str, table: str) -> bool:
    """Tell whether a column's name says that it is a table's key: ``loan_id`` of ``loan`` or ``loans``, or ``id``."""
    name, whole = _plain(column), _plain(table)
    if name in BARE:
        return True
    stem = re.sub(r"(id|key|no|nr|number|code)$", "", name)
    singular = {whole, re.sub(r"ies$", "y", whole), re.sub(r"(?<=s|x)es$", "", whole), re.sub(r"s$", "", whole)}
    return stem != name and bool(stem) and (stem in singular or (len(stem) > 3 and whole.startswith(stem)))


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()
