"""A key: which column of one table names the rows of another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bayessynth.errors import SpecError


@dataclass(frozen=True, init=False)
class Key:
    """A column of one table, or several, that hold in every row the key of a row of another: its parent.

    Parameters
    ----------
    table : str
        The child.
    column : str or sequence of str
        Its column, or the columns that name a row only together; a missing cell is a row without that parent.
    parent : str
        The table that it refers to.
    parent_column : str or sequence of str, optional
        The parent's key, of as many columns; by default those of the same names, or else the parent's only one that
        could be.
    primary : bool
        Where a table has several parents: whether its rows follow this one. By default they follow the parent with the
        fewest children a row.

    Attributes
    ----------
    parts, parent_parts : tuple of str
        The columns of a key of several; ``column`` and ``parent_column`` are then their names in one.

    Raises
    ------
    SpecError
        If child and parent have different numbers of columns, or a column is named twice.

    Examples
    --------
    >>> import bayessynth as bs
    >>> print(bs.Key("loan", "account_id", "account"))
    loan.account_id → account
    >>> print(bs.Key("visit", ("site", "patient_no"), "patient"))
    visit.(site, patient_no) → patient
    """

    table: str
    column: str
    parent: str
    parent_column: str | None
    primary: bool
    parts: tuple[str, ...]
    parent_parts: tuple[str, ...]

    def __init__(
        self, table: str, column: str | Sequence[str], parent: str, parent_column: str | Sequence[str] | None = None,
        primary: bool = False,
    ) -> None:  # fmt: skip
        own, theirs = _parts(column), _parts(parent_column)
        if parent_column is not None and len(own) != len(theirs):
            raise SpecError(
                f"bs.Key({table!r}, {column!r}, {parent!r}, {parent_column!r}): child and parent need as many columns."
            )
        for names in (own, theirs):
            if len(set(names)) < len(names):
                raise SpecError(f"bs.Key({table!r}, {column!r}, {parent!r}) names a column twice.")
        values = {
            "table": table, "column": _named(column), "parent": parent,
            "parent_column": None if parent_column is None else _named(parent_column), "primary": primary,
            "parts": own, "parent_parts": theirs,
        }  # fmt: skip
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __str__(self) -> str:
        named = self.parent_column in (None, self.column)
        own, theirs = _shown(self.parts, self.column), _shown(self.parent_parts, str(self.parent_column))
        return f"{self.table}.{own} → {self.parent}{'' if named else f'.{theirs}'}"

    def to_json(self) -> dict[str, Any]:
        """Return the key as JSON data: what it is made from again."""
        return {
            "table": self.table, "column": list(self.parts) or self.column, "parent": self.parent,
            "parent_column": list(self.parent_parts) or self.parent_column, "primary": self.primary,
        }  # fmt: skip


def _parts(column: str | Sequence[str] | None) -> tuple[str, ...]:
    return () if column is None or isinstance(column, str) or len(column) < 2 else tuple(column)


def _named(column: str | Sequence[str]) -> str:
    return column if isinstance(column, str) else " and ".join(column)


def _shown(parts: Sequence[str], name: str) -> str:
    return f"({', '.join(parts)})" if parts else name
