"""Names of the columns that functions of sequences stand for, such as ``lag(y, 2)``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from bayessynth.spec.language import SEQUENCE

_CALL = re.compile(rf"({'|'.join(SEQUENCE)})\((.+?)(?:, (\d+))?\)")


@dataclass(frozen=True)
class Derived:
    """A column that the rows of a unit before make.

    Attributes
    ----------
    function : {"lag", "first", "past", "elapsed", "number"}
    column : str
    k : int
        Rows that it goes back.
    """

    function: str
    column: str
    k: int = 1

    @property
    def order(self) -> int:
        """Rows at the beginning of a unit that do not have it."""
        return 0 if self.function == "number" else self.k


@lru_cache(maxsize=4096)
def derived(name: str) -> Derived | None:
    """Read the name of a derived column; None of a plain one.

    >>> derived("lag(body mass, 2)"), derived("weight")
    (Derived(function='lag', column='body mass', k=2), None)
    """
    found = _CALL.fullmatch(name)
    return Derived(found[1], found[2], int(found[3] or 1)) if found else None


def base(name: str) -> str:
    """Return the column of the table that a column is, or is made of.

    >>> base("lag(y, 2)"), base("x")
    ('y', 'x')
    """
    found = derived(name)
    return found.column if found else name


def order(names: tuple[str, ...]) -> int:
    """Return how many rows at the beginning of a unit lack one of some columns.

    >>> order(("x", "lag(y, 2)", "first(y)")), order(("x", "number(day)"))
    (2, 0)
    """
    return max((found.order for name in names if (found := derived(name))), default=0)
