"""Columns in ascending order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import ClassVar

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError
from bayessynth.rules.chain import chain_broken, chain_limits, check_chain
from bayessynth.rules.registry import register
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Schema


@register
@dataclass(frozen=True, repr=False, init=False)
class Ordered(Rule):
    """Numbers or times ascend from column to column of a row; missing cells are passed over.

    Parameters
    ----------
    *columns : str
        From the smallest to the greatest.
    strict : bool or tuple of bool
        Whether neighbours must differ: all of them, or each two.

    Examples
    --------
    >>> import pandas as pd
    >>> rule = Ordered("admitted", "operated", "discharged")
    >>> rule.violations(pd.DataFrame({"admitted": [1, 5], "operated": [2.0, None], "discharged": [2, 4]})).tolist()
    [False, True]
    """

    name: ClassVar[str] = "ordered"
    sequence: tuple[str, ...] = field(metadata={"star": True, "key": "columns"})
    strict: bool | tuple[bool, ...] = False

    def __init__(self, *columns: str, strict: bool | Sequence[bool] = False) -> None:
        object.__setattr__(self, "sequence", columns)
        object.__setattr__(self, "strict", strict if isinstance(strict, bool) else tuple(strict))
        if not isinstance(self.strict, bool) and len(self.strict) != len(columns) - 1:
            raise SpecError(f"{self!r}: {len(columns)} columns have {len(columns) - 1} pairs of neighbours; state for "
                            "each whether it is strict, or strict=True for all.")  # fmt: skip

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns in order."""
        return self.sequence

    @property
    def orders(self) -> tuple[tuple[str, str, bool], ...]:
        """Return the inequalities between neighbours."""
        return tuple(
            (low, high, apart) for (low, high), apart in zip(pairwise(self.sequence), self._apart, strict=True)
        )

    def check_schema(self, schema: Schema) -> None:
        """Check that all columns hold numbers, or all times."""
        check_chain(self.columns, schema, self)

    def explain(self) -> str:
        """Say what holds."""
        signs = ("<" if apart else "<=" for apart in self._apart)
        return (
            repr(self.columns[0]) + "".join(f" {s} {c!r}" for s, c in zip(signs, self.columns[1:], strict=True)) + "."
        )

    def violations(self, frame: pd.DataFrame) -> np.ndarray:
        """Return rows in which a column exceeds a later one."""
        return chain_broken(self.columns, self._apart, frame)

    def restricts(self, column: str, known: set[str]) -> bool:
        """Tell that each column is narrowed once another is known."""
        return column in self.columns and bool(known & set(self.columns) - {column})

    def limits(self, column: str, arrays: Arrays, schema: Schema, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the nearest known columns on either side as limits."""
        return chain_limits(self.columns, self._apart, column, arrays, schema, n)

    @property
    def _apart(self) -> tuple[bool, ...]:
        """Return for every two neighbours whether they must differ."""
        return (self.strict,) * (len(self.sequence) - 1) if isinstance(self.strict, bool) else self.strict
