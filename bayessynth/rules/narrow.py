"""What several rules together leave of a column's draw, once others are known."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bayessynth.errors import SynthesisError
from bayessynth.rules.rule import Arrays, Rule
from bayessynth.schema import Schema


@dataclass(frozen=True)
class Narrowed:
    """What is left of a column's draw, row by row.

    Attributes
    ----------
    lower, upper : ndarray of shape (n,), or None
        Ends of a closed interval on the grid of the column, infinite where free; None if no rule limits it.
    allowed : ndarray of bool, shape (n, levels), or None
        The levels that may be drawn.
    absent, present : ndarray of bool, shape (n,), or None
        Rows in which the cell must be missing, and must not be.
    rules : tuple of Rule
        Those that narrow the column.

    Examples
    --------
    >>> Narrowed(lower=np.zeros(2), upper=np.array([1.0, np.inf])).free
    False
    """

    lower: np.ndarray | None = None
    upper: np.ndarray | None = None
    allowed: np.ndarray | None = None
    absent: np.ndarray | None = None
    present: np.ndarray | None = None
    rules: tuple[Rule, ...] = ()

    @property
    def free(self) -> bool:
        """Return whether the draw is not narrowed at all."""
        return all(part is None for part in (self.lower, self.allowed, self.absent, self.present))


def narrowed(
    rules: Iterable[Rule], column: str, arrays: Arrays, schema: Schema, n: int, *, check: bool = True
) -> Narrowed:
    """Return what rules leave of a column's draw.

    Parameters
    ----------
    rules : iterable of Rule
        As :func:`~bayessynth.rules.closed` returned them.
    column : str
        The column to be drawn next.
    arrays : mapping of str to ndarray
        The encoded columns that are known.
    schema : Schema
    n : int
        Rows.
    check : bool
        Whether to look for rows in which nothing is left.

    Raises
    ------
    SynthesisError
        If nothing is left in a row, and that is looked for.

    Examples
    --------
    >>> import bayessynth as bs
    >>> from bayessynth.rules import Inequality
    >>> schema = bs.Schema(first=bs.Count(bounds=(0, 9)), last=bs.Count(bounds=(0, 9)))
    >>> narrowed([Inequality("first", "last", strict=True)], "last", {"first": np.array([3.0])}, schema, 1).lower
    array([4.])
    """
    known = set(arrays) - {column}
    acting = tuple(rule for rule in rules if rule.determines is None and rule.restricts(column, known))
    if not acting:
        return Narrowed()
    others = {name: values for name, values in arrays.items() if name != column}
    ends = [rule.limits(column, others, schema, n) for rule in acting]
    lower, upper = (np.max([low for low, _ in ends], axis=0), np.min([high for _, high in ends], axis=0))
    levels = [found for rule in acting if (found := rule.allowed(column, others, schema, n)) is not None]
    allowed = np.all(levels, axis=0) if levels else None
    absent = np.any([rule.absent(column, others, schema, n) for rule in acting], axis=0)
    present = np.any([rule.present(column, others, schema, n) for rule in acting], axis=0)
    if check:
        _check(column, lower <= upper, acting, "value")
        _check(column, ~(absent & present), acting, "way to be both missing and present")
        if allowed is not None:
            _check(column, allowed.any(axis=1) | absent, acting, "level")
    limited = np.isfinite(lower).any() or np.isfinite(upper).any()
    return Narrowed(
        lower if limited else None,
        upper if limited else None,
        allowed,
        absent if absent.any() else None,
        present if present.any() else None,
        acting,
    )


def _check(column: str, left: np.ndarray, rules: tuple[Rule, ...], what: str) -> None:
    if left.all():
        return
    rows = np.flatnonzero(~left)
    raise SynthesisError(
        f"Rules leave column {column!r} no {what} in {len(rows)} of {len(left)} rows, the first is row {rows[0]}: "
        f"{', '.join(map(repr, rules))}. They contradict each other; drop or widen one of them."
    )
