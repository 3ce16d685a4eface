"""A key: which column of one table names the rows of another."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Key:
    """A column of one table that holds, in every row, the key of a row of another: its parent.

    Parameters
    ----------
    table : str
        The child.
    column : str
        Its column; a missing cell is a row without that parent.
    parent : str
        The table that it refers to.
    parent_column : str, optional
        The parent's key; by default the column of the same name, or else the parent's only one that could be.
    primary : bool
        Where a table has several parents: whether its rows follow this one. By default they follow the parent with the
        fewest children a row.

    Examples
    --------
    >>> import bayessynth as bs
    >>> print(bs.Key("loan", "account_id", "account"))
    loan.account_id → account
    """

    table: str
    column: str
    parent: str
    parent_column: str | None = None
    primary: bool = False

    def __str__(self) -> str:
        named = self.parent_column in (None, self.column)
        return f"{self.table}.{self.column} → {self.parent}{'' if named else f'.{self.parent_column}'}"

    def to_json(self) -> dict[str, Any]:
        """Return the key as JSON data."""
        return asdict(self)
