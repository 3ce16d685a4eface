"""Names of columns: text inside, as the table has them outside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from bayessynth.errors import DataError
from bayessynth.schema.column import Column, plain


def text_name(label: Any) -> str:
    """Return a column's name as text.

    >>> text_name(3), text_name(("height", "mean")), text_name(("age", ""))
    ('3', 'height_mean', 'age')
    """
    if isinstance(label, tuple):
        return "_".join(str(part) for part in label if part != "")
    return str(label)


def label_of(label: Any) -> Any:
    """Return what a schema keeps of a column's name besides its text: nothing, if it is text itself."""
    if isinstance(label, str):
        return None
    return tuple(map(plain, label)) if isinstance(label, tuple) else plain(label)


def check_unique(data: pd.DataFrame) -> None:
    """Raise if two columns have one name."""
    twice = data.columns[data.columns.duplicated()]
    if len(twice):
        raise DataError(f"Column {twice[0]!r} occurs more than once; rename or drop one of them.")


def named(data: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns are named by text, the same one if they are already.

    Raises
    ------
    DataError
        If two columns have one name, two names read alike, or a name is neither text, a number nor a tuple of such.

    Examples
    --------
    >>> named(pd.DataFrame([[1, 2]], columns=[2019, 2020])).columns.tolist()
    ['2019', '2020']
    """
    check_unique(data)
    labels = data.columns.tolist()
    if all(isinstance(label, str) for label in labels):
        return data
    for label in labels:
        parts = label if isinstance(label, tuple) else (label,)
        if any(not isinstance(plain(part), str | int | float) or part != part for part in parts):
            raise DataError(
                f"Column names must be text, numbers, or tuples of them; {label!r} is not. Rename them: "
                "df.columns = df.columns.astype(str)."
            )
    known: dict[str, Any] = {}
    for label in labels:
        other = known.setdefault(text_name(label), label)
        if other is not label:
            raise DataError(f"Columns {other!r} and {label!r} read alike as text, {text_name(label)!r}; rename one.")
    return data.set_axis(list(known), axis=1)


def restored(frame: pd.DataFrame, columns: Iterable[Column]) -> pd.DataFrame:
    """Return a table whose columns are named as they were in the original, the same one if that was by text."""
    labels = {column.name: column.label for column in columns if column.label is not None}
    if not labels:
        return frame
    names = [labels.get(name, name) for name in frame.columns]
    levels = {len(name) if isinstance(name, tuple) else 0 for name in names}
    tiered = len(levels) == 1 and levels != {0}
    return frame.set_axis(pd.MultiIndex.from_tuples(names) if tiered else pd.Index(names, tupleize_cols=False), axis=1)
