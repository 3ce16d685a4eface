"""What an intruder is taken to know and to want: keys and target, and the tables' rows by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayessynth.evaluation.disclosure._attack import listed
from bayessynth.evaluation.disclosure._records import distinct
from bayessynth.evaluation.tables import Tables

# Without keys= the first columns with few distinct values stand for what an intruder knows.
DEFAULT_KEYS, FEW_VALUES = 5, 100


@dataclass(frozen=True)
class Known:
    """Keys and target, chosen by the user or by default.

    Attributes
    ----------
    keys : tuple of str
    target : str or None
        None if no column is left for it.
    notes : tuple of str
        What was chosen by default.
    """

    keys: tuple[str, ...]
    target: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Keyed:
    """Codes of the key, and of the target, of every row of one table; the same code in all tables.

    Attributes
    ----------
    key, target : ndarray of int, shape (n,)
    """

    key: np.ndarray
    target: np.ndarray


def known(tables: Tables) -> Known:
    """Return keys and target, and say what was chosen by default.

    The default target is the last column with at most ``FEW_VALUES`` distinct values; default keys are the first five
    others, in the order of the table. Keys that copies do not have, or that name records, are left out.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayessynth.evaluation.tables import read_tables
    >>> table = pd.DataFrame({"age": [1, 2, 2], "sex": ["f", "m", "f"], "ill": [True, False, True]})
    >>> known(read_tables(table, [table])).target
    'ill'
    """
    few = [c for c in tables.columns if 1 < len(np.unique(distinct(tables, c)[: tables.n])) <= FEW_VALUES]
    target, notes = tables.target, []
    if target is None or target not in tables.columns:
        target = next((c for c in reversed(few) if c not in tables.keys), None)
        why = "was given" if tables.target is None else "can be judged"
        notes.append(f"No target= {why}: column {target!r} stands for what an intruder wants.")
    keys = tuple(c for c in tables.keys if c in tables.columns and c != target)
    left_out = [c for c in tables.keys if c not in keys]
    if left_out:
        notes.append(f"Of the keys {listed(left_out)} cannot be used: not in all copies, a name, or the target.")
    if not keys:
        keys = tuple(c for c in few if c != target)[:DEFAULT_KEYS]
        notes.append(f"No keys= were given: an intruder is taken to know {listed(keys) or 'nothing'}.")
    wide = [c for c in keys if c in tables.numbers and c not in few]
    if wide:
        notes.append(f"Keys are compared as they are, without rounding: {listed(wide)} has many distinct values.")
    return Known(keys, target, tuple(notes))


def keyed(tables: Tables, keys: Sequence[str], target: str | None) -> tuple[Keyed, tuple[Keyed, ...], Keyed | None]:
    """Return original, copies and holdout by key and target; missing is a value, numbers are as they are."""
    joint = np.zeros(len(distinct(tables, tables.columns[0])), dtype=np.int64)
    for column in keys:
        codes = distinct(tables, column)
        joint = np.unique(joint * (int(codes.max()) + 1) + codes, return_inverse=True)[1]
    wanted = np.zeros(len(joint), dtype=np.int32) if target is None else distinct(tables, target)
    sizes = [tables.n, *(c.n for c in tables.copies), *([tables.holdout.n] if tables.holdout is not None else [])]
    cuts = np.cumsum(sizes)[:-1]
    rows = [Keyed(k, t) for k, t in zip(np.split(joint, cuts), np.split(wanted, cuts), strict=True)]
    return rows[0], tuple(rows[1 : 1 + tables.m]), rows[-1] if tables.holdout is not None else None


def counts(key: np.ndarray, size: int) -> np.ndarray:
    """Count the rows of every key below ``size``."""
    return np.bincount(key, minlength=size)


def single_target(copy: Keyed, size: int) -> np.ndarray:
    """Return for every key below ``size`` the one target value that a copy has with it, or -1.

    >>> single_target(Keyed(np.array([0, 0, 1, 1]), np.array([4, 4, 4, 5])), 3).tolist()
    [4, -1, -1]
    """
    low = np.full(size, np.iinfo(np.int64).max)
    high = np.full(size, -1)
    np.minimum.at(low, copy.key, copy.target)
    np.maximum.at(high, copy.key, copy.target)
    return np.where(low == high, low, -1)
