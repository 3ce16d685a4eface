"""Keys of several columns: the patient's number at a site, the line of an order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import pandas as pd

from bayessynth.database.composite import joined
from bayessynth.database.detect import Found, is_label
from bayessynth.database.key import Key
from bayessynth.schema import Schema
from bayessynth.spec.auto.units import name_says

# Columns of a key, at most, and rows of a parent, at least: with few rows any two columns may tell them apart.
MOST, ROWS = 4, 5
# Kinds of columns that name nothing.
_MEASURED = frozenset({"datetime", "continuous", "positive", "proportion"})


def several(frames: Mapping[str, pd.DataFrame], taken: Sequence[Key], primary: Mapping[str, str]) -> list[Found]:
    """Find keys of several columns of tables to which none of one column refers.

    The columns have the same names in parent and child, hold labels, at least one of them is a key or named as one,
    they are never missing in the parent and tell its rows apart, no fewer of them do, and all of the child's values are
    among the parent's, of which it has fewer than rows, or as many.

    Examples
    --------
    >>> patient = pd.DataFrame({"site": list("AAABB"), "no": [1, 2, 3, 1, 2], "age": [50, 61, 72, 50, 61]})
    >>> visit = pd.DataFrame({"site": list("AAB"), "no": [1, 1, 2], "day": [0, 7, 0]})
    >>> [str(found.key) for found in several({"visit": visit, "patient": patient}, [], {})]
    ['visit.(site, no) → patient']
    """
    found: list[Found] = []
    referred = {key.parent for key in taken}
    for parent, frame in frames.items():
        if parent in referred or len(frame) < ROWS:
            continue
        for child, other in frames.items():
            shared = [c for c in frame if c in other and _names(frame[c]) and c != primary.get(parent)]
            if child == parent or not 2 <= len(shared) <= 2 * MOST or not len(other):
                continue
            columns = _key(frame, shared)
            if columns and _contained(child, parent, columns, frames):
                key = Key(child, columns, parent, columns)
                found.append(Found(key, "together they tell its rows apart, and all of its values are keys there"))
    back = {(own.key.table, own.key.parent) for own in found}
    return [own for own in found
            if (own.key.parent, own.key.table) not in back or len(frames[own.key.parent]) > len(frames[own.key.table])
            ]  # fmt: skip


def _key(frame: pd.DataFrame, shared: Sequence[str]) -> tuple[str, ...] | None:
    """Return the fewest of some columns that tell rows apart, one of which is named as a key."""
    varied = [c for c in shared if frame[c].nunique() > 1]
    for size in range(2, min(len(varied), MOST) + 1):
        for columns in combinations(varied, size):
            named = any(name_says(c) is not None for c in columns)
            if named and not frame[list(columns)].duplicated().any():
                return columns
    return None


def _names(cells: pd.Series) -> bool:
    if not is_label(cells) or cells.hasnans:
        return False
    return Schema.detect(cells.to_frame())[str(cells.name)].kind not in _MEASURED


def _contained(child: str, parent: str, columns: tuple[str, ...], frames: Mapping[str, pd.DataFrame]) -> bool:
    key = Key(child, columns, parent, columns)
    whole = joined({t: frames[t] for t in (child, parent)}, [key])
    cells = whole[child][key.column].dropna()
    return len(cells) > 0 and bool(cells.isin(whole[parent][str(key.parent_column)]).all())
