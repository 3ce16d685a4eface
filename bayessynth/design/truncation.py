"""What rules leave of a parametric equation's values: per-row ends or levels, as its family within limits takes them.

The model of a column that a rule narrows is that of its family, truncated: the density over the probability of what is
left, given the columns that are drawn before it. A number that is released with some decimals stands for all numbers
that round to it, so that the ends, which lie on the column's grid, are moved outwards by half a step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bayessynth import families
from bayessynth.errors import SpecError, SynthesisError
from bayessynth.rules import Narrowed, Rule, determined, from_json, narrowed
from bayessynth.rules.grid import half_step
from bayessynth.schema import Schema
from bayessynth.spec import Spec

Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Truncation:
    """The rules that narrow a column once others are known, with what must be known of these.

    Attributes
    ----------
    column : str
        The column that is narrowed.
    rules : tuple of Rule
    columns : tuple of str
        Columns of the rules that are drawn before it.
    schema : Schema
        Of all these columns.
    """

    column: str
    rules: tuple[Rule, ...]
    columns: tuple[str, ...]
    schema: Schema

    def left(self, arrays: Arrays, n: int) -> Narrowed:
        """Return what is left of each row; nothing may be, as an interval whose ends are crossed, or no level."""
        known = {c: arrays[c] for c in self.columns}
        return narrowed(self.rules, self.column, known, self.schema, n, check=False)

    def beside(self, arrays: Arrays, n: int, discrete: bool) -> dict[str, np.ndarray]:
        """Return what stands beside values: ``lower`` and ``upper``, shape (n,), or ``allowed``, shape (n, levels).

        Parameters
        ----------
        arrays : mapping of str to ndarray
            Encoded columns, ``columns`` among them.
        n : int
        discrete : bool
            Whether values are drawn on the column's grid, so that the ends are those of the grid.
        """
        left, column = self.left(arrays, n), self.schema[self.column]
        if column.levels:
            every = np.ones((n, len(column.levels)))
            return {"allowed": every if left.allowed is None else np.asarray(left.allowed, dtype=float) * every}
        half = 0.0 if discrete else half_step(column)
        lower = np.full(n, -np.inf) if left.lower is None else left.lower - half
        upper = np.full(n, np.inf) if left.upper is None else left.upper + half
        if left.lower is not None and left.upper is not None:
            crossed = left.lower > left.upper
            lower, upper = np.where(crossed, np.inf, lower), np.where(crossed, -np.inf, upper)
        return {"lower": lower, "upper": upper}

    def require(self, given: Mapping[str, Any]) -> None:
        """Raise a SynthesisError that names the rows in which :meth:`beside` says that nothing is left."""
        some = given["allowed"].any(axis=1) if "allowed" in given else given["lower"] <= given["upper"]
        if not some.all():
            rows = np.flatnonzero(~some)
            raise SynthesisError(
                f"Rules leave column {self.column!r} no value in {len(rows)} of {len(some)} rows, the first is row "
                f"{rows[0]}: {', '.join(map(repr, self.rules))}. They contradict each other or the columns given; drop "
                "or widen one of them."
            )

    def hold(self, values: np.ndarray, arrays: Arrays) -> np.ndarray:
        """Return values, rounded as they are released, within the ends: what is halfway may be rounded outwards."""
        left = self.left(arrays, len(values))
        if left.lower is None or left.upper is None:
            return values
        return np.clip(values, left.lower, left.upper)

    def to_json(self) -> dict[str, Any]:
        """Return the truncation as JSON data."""
        return {"column": self.column, "rules": [r.to_json() for r in self.rules], "columns": self.columns,
                "schema": self.schema.to_json()}  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Truncation:
        """Make a truncation of what :meth:`to_json` returned."""
        rules = tuple(map(from_json, data["rules"]))
        return cls(data["column"], rules, tuple(data["columns"]), Schema.from_json(data["schema"]))


def find_truncations(
    spec: Spec, rules: tuple[Rule, ...], schema: Schema, kept: Iterable[str], levels: Mapping[str, str],
    sequences: bool = False,
) -> dict[str, Truncation]:  # fmt: skip
    """Return which equations with parameters rules narrow, given the columns that are drawn before, by response.

    Raises
    ------
    SpecError
        If a rule narrows an equation whose family cannot be drawn within limits, or decides which of its cells are
        missing.
    """
    if not rules:
        return {}
    computed, known, found = determined(rules), set(kept), {}
    known |= {e.column for e in spec if levels[e.column] != "row"}
    of_groups: set[str] = set()
    for equation in spec:
        before = known if levels[equation.column] == "row" else of_groups
        own = _truncation(equation.column, rules, schema, before - {equation.column})
        if own is not None and not _nonparametric(equation.family):
            if sequences:
                raise SpecError(
                    f"The rule {own.rules[0]!r} narrows the draw of {equation.response!r} in a table of sequences, "
                    "where only family='tree' can be drawn within: give its equation that family, or drop the rule."
                )
            _check(equation.response, equation.column, equation.family, own)
            found[equation.response] = own
        before |= {equation.column, *(equation.cause.declares if equation.cause else ())}
        known |= {c for c, rule in computed.items() if set(rule.columns) - {c} <= known}
    return found


def _truncation(column: str, rules: tuple[Rule, ...], schema: Schema, known: set[str]) -> Truncation | None:
    acting = tuple(rule for rule in rules if rule.determines is None and rule.restricts(column, known))
    tied = tuple(c for c in dict.fromkeys(c for rule in acting for c in rule.columns) if c in known)
    return Truncation(column, acting, tied, schema.subset([column, *tied])) if acting else None


def _nonparametric(family: str | None) -> bool:
    return family is not None and families.get(family).nonparametric


def _check(response: str, column: str, family: str | None, own: Truncation) -> None:
    """Refuse what no family within limits can be."""
    first = own.rules[0]
    if response != column:
        raise SpecError(
            f"The rule {first!r} narrows {column!r}, a survival time, which is the least of latent times and cannot be "
            "drawn within limits: drop the rule."
        )
    empty = {c: np.zeros(0, dtype=int if own.schema[c].levels else float) for c in own.columns}
    for rule in own.rules:
        decides = [rule.absent, rule.present]
        if any(type(rule).__dict__.get(method.__name__) for method in decides):
            raise SpecError(
                f"The rule {rule!r} decides in which rows {column!r} is missing, which only family='tree' can be drawn "
                "with: give its equation that family, or drop the rule."
            )
    own.left(empty, 0)
    if own.schema[column].kind == "constant":
        return
    base = families.get(family) if family else families.default_for(own.schema[column])
    if families.limited(base.name) is None:
        able = [name for name in families.names() if families.limited(name) is not None
                and own.schema[column].kind in families.get(name).kinds]  # fmt: skip
        raise SpecError(
            f"The rule {first!r} narrows the draw of {response!r}, which family {base.name!r} cannot be drawn within. "
            f"Families that can: {', '.join(map(repr, [*able, 'tree']))}. Give its equation one of them, or drop the "
            "rule."
        )


def limited[E](equation: E, truncation: Truncation | None, arrays: Arrays, n: int) -> E:
    """Return a bound equation with the family within limits in place of its own, where rules narrow it.

    Rules that leave everything, whatever the rows, as allowed combinations do of the first of their columns, are none.
    """
    if truncation is None:
        return equation
    if not truncation.columns:
        left = truncation.left(arrays, n)
        if left.lower is None and (left.allowed is None or left.allowed.all()):
            return equation
    own: Any = equation
    family = families.limited(own.family)
    assert family is not None  # find_truncations() asked
    return replace(own, family=family.name, truncation=truncation)
