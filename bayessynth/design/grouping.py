"""Grouping factors of a table: codes of rows, nesting, and how new groups are to be made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayessynth.errors import DataError, MissingDataError, SpecError
from bayessynth.errors import where as where_rows
from bayessynth.schema import Columns


@dataclass(frozen=True)
class Grouping:
    """The grouping factors of a table's rows.

    Attributes
    ----------
    columns : mapping of str to tuple of str
        Columns that together identify each factor's groups, in the order in which the spec names them.
    codes : mapping of str to ndarray
        Group index of every row, shape (n,).
    labels : mapping of str to tuple
        Label of every group; of ``a:b``, a pair.
    first : mapping of str to ndarray
        A row of each group.
    ancestors : mapping of str to tuple of str
        Factors within whose groups each factor is nested, coarsest first.
    weights : ndarray of int64 or None
        How many rows of the table each row here stands for; None for one each.
    """

    n: int
    columns: Mapping[str, tuple[str, ...]]
    codes: Mapping[str, np.ndarray]
    labels: Mapping[str, tuple[Any, ...]]
    first: Mapping[str, np.ndarray]
    ancestors: Mapping[str, tuple[str, ...]]
    weights: np.ndarray | None = None

    @property
    def total(self) -> int:
        """Number of rows of the table."""
        return self.n if self.weights is None else int(self.weights.sum())

    def size(self, factor: str) -> int:
        """Number of groups of a factor."""
        return len(self.first[factor])

    def rows(self, level: str) -> np.ndarray:
        """Return one row of each group, or all rows at the level ``"row"``."""
        return np.arange(self.n) if level == "row" else self.first[level]

    def within(self, level: str, factor: str) -> np.ndarray:
        """Return the group of ``factor`` to which each row (or group, at a group's level) belongs."""
        return self.codes[factor][self.rows(level)]

    def count(self, level: str, above: str | None, factor: str | None = None) -> np.ndarray:
        """Count the units of a level by group.

        Parameters
        ----------
        level : str
            ``"row"``, or the factor whose groups are counted.
        above : str or None
            The factor in whose groups they lie; None for one that holds all.
        factor : str or None
            A second factor that they are counted by.

        Returns
        -------
        ndarray of int64, shape (groups of above, groups of factor)
        """
        shape = (self.size(above) if above else 1, self.size(factor) if factor else 1)
        rows = self.within(level, above) if above else np.zeros(len(self.rows(level)), dtype=np.int64)
        columns = self.within(level, factor) if factor else np.zeros(len(rows), dtype=np.int64)
        table = np.zeros(shape, dtype=np.int64)
        np.add.at(table, (rows, columns), 1 if self.weights is None or level != "row" else self.weights)
        return table

    def determines(self, level: str, factor: str) -> bool:
        """Tell whether every row, or group, of a level lies in one group of a factor."""
        return level in ("row", factor) or factor in self.ancestors[level]


def closure(factors: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """Add to each factor ``a:b`` the factor ``a`` above it, whose groups the copies need as well.

    >>> closure((("a", "b"), ("c",)))
    (('a',), ('a', 'b'), ('c',))
    """
    return tuple(dict.fromkeys(names[: i + 1] for names in factors for i in range(len(names))))


def group(
    columns: Columns, factors: tuple[tuple[str, ...], ...], at_least: int = 2, weights: np.ndarray | None = None
) -> Grouping:
    """Find the groups of each factor and which factors are nested in which.

    Parameters
    ----------
    columns : Columns
        Encoded data with group columns as codes.
    factors : tuple of tuple of str
        Columns of each factor.
    at_least : int
        Fewest groups that a factor may have.
    weights : ndarray, optional
        How many rows of the table each row stands for.

    Raises
    ------
    MissingDataError
        If a row has no group.
    DataError
        If a factor has only one group.
    """
    codes: dict[str, np.ndarray] = {}
    labels: dict[str, tuple[Any, ...]] = {}
    first: dict[str, np.ndarray] = {}
    for names in factors:
        for name in names:
            missing = columns[name] < 0
            if missing.any():
                raise MissingDataError(
                    f"A row without a group: {where_rows(name, missing, columns[name])}. Give these rows a label of "
                    "their own, or drop them."
                )
        key = ":".join(names)
        joint = columns[names[0]]
        for name in names[1:]:
            joint = joint * (len(columns.levels[name]) + 1) + columns[name]
        _, first[key], codes[key] = np.unique(joint, return_index=True, return_inverse=True)
        labels[key] = _labels(columns, names, first[key])
        if len(first[key]) < at_least:
            raise DataError(
                f"Grouping factor {key!r} has only one group, so nothing can be learnt of how groups differ; "
                f"remove the terms (… | {key}) from the spec."
            )
    ancestors = {key: _ancestors(key, codes, first) for key in codes}
    return Grouping(columns.n, {":".join(f): f for f in factors}, codes, labels, first, ancestors, weights)


def _labels(columns: Columns, names: tuple[str, ...], first: np.ndarray) -> tuple[Any, ...]:
    parts = [[columns.levels[name][code] for code in columns[name][first]] for name in names]
    return tuple(parts[0]) if len(parts) == 1 else tuple(zip(*parts, strict=True))


def _ancestors(key: str, codes: Mapping[str, np.ndarray], first: Mapping[str, np.ndarray]) -> tuple[str, ...]:
    """Return coarser factors whose group is constant within every group of ``key``."""
    found = [
        other
        for other in codes
        if len(first[other]) < len(first[key]) and np.array_equal(codes[other], codes[other][first[key]][codes[key]])
    ]
    return tuple(sorted(found, key=lambda other: len(first[other])))


def level_of(values: np.ndarray, grouping: Grouping) -> str:
    """Return the coarsest factor within whose groups a column is constant, or ``"row"``.

    A factor whose groups all have one row says nothing, and neither does a column that never varies.
    """
    filled = np.nan_to_num(values.astype(float), nan=-np.inf)
    if (filled == filled[0]).all():
        return "row"
    for factor in sorted(grouping.codes, key=grouping.size):
        representative = filled[grouping.first[factor]]
        if grouping.size(factor) < grouping.total and np.array_equal(filled, representative[grouping.codes[factor]]):
            return factor
    return "row"


@dataclass(frozen=True)
class GroupPlan:
    """How groups of a copy are made: which factors nest in a chain, and where the others are crossed with it.

    Attributes
    ----------
    chain : tuple of str
        Nested factors from the top down; rows lie in the groups of the last.
    crossed : mapping of str to str
        Every other factor, and the level (a factor of the chain, or ``"row"``) whose units choose among its groups.
    balanced : int
        If each group of the (single-factor) chain meets every group of the (single) crossed factor equally often:
        how often. Otherwise 0.
    columns : mapping of str to tuple of str
        Columns of each factor.
    reused : tuple of str
        Factors whose last column's labels begin anew within each group above (``class`` 1, 2, … in every school).
    """

    chain: tuple[str, ...]
    crossed: Mapping[str, str]
    balanced: int
    columns: Mapping[str, tuple[str, ...]]
    reused: tuple[str, ...]

    @property
    def steps(self) -> tuple[tuple[str, str], ...]:
        """Each factor of the chain with the level below it, from the top down."""
        return tuple(zip(self.chain, [*self.chain[1:], "row"][: len(self.chain)], strict=True))

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON data."""
        return {
            "chain": self.chain, "crossed": dict(self.crossed), "balanced": self.balanced,
            "columns": {k: list(v) for k, v in self.columns.items()}, "reused": self.reused,
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GroupPlan:
        """Make a plan of what :meth:`to_json` returned."""
        columns = {k: tuple(v) for k, v in data["columns"].items()}
        return cls(tuple(data["chain"]), data["crossed"], data["balanced"], columns, tuple(data["reused"]))


def plan_groups(grouping: Grouping) -> GroupPlan:
    """Choose the chain of nested factors that gives the rows; all others are crossed with it.

    The chain ends in the factor with most nested levels above it (ties: the more groups, then the first named) and
    goes up through ancestors that nest in each other.
    """
    names = list(grouping.codes)
    if not names:
        return GroupPlan((), {}, 0, {}, ())
    chains = {name: _chain(name, grouping) for name in names}
    lowest = max(names, key=lambda f: (len(chains[f]), grouping.size(f), -names.index(f)))
    chain = chains[lowest]
    crossed = {
        f: next((level for level in chain if f in grouping.ancestors[level]), "row") for f in names if f not in chain
    }
    for f in crossed:
        if grouping.ancestors[f]:
            raise SpecError(
                f"Grouping factor {f!r} is nested in {grouping.ancestors[f][0]!r} and crossed with {lowest!r}; how "
                f"{lowest!r} chooses among the groups of {f!r} near it has no model yet. Leave out the terms of one of "
                "the three."
            )
    reused = tuple(
        f for f, columns in grouping.columns.items()
        if len(columns) > 1 and len({label[-1] for label in grouping.labels[f]}) < grouping.size(f)
    )  # fmt: skip
    return GroupPlan(chain, crossed, _balanced(chain, crossed, grouping), dict(grouping.columns), reused)


def _chain(lowest: str, grouping: Grouping) -> tuple[str, ...]:
    """Return a factor under its ancestors, leaving out those that do not nest with the ones already taken.

    Of ancestors that cross each other the first named is taken.
    """
    order = list(grouping.codes)
    chain = [lowest]
    for ancestor in sorted(grouping.ancestors[lowest], key=order.index):
        if all(ancestor in grouping.ancestors[f] or f in grouping.ancestors[ancestor] for f in chain):
            chain.append(ancestor)
    return tuple(sorted(chain, key=grouping.size))


def _balanced(chain: tuple[str, ...], crossed: Mapping[str, str], grouping: Grouping) -> int:
    if len(chain) != 1 or list(crossed.values()) != ["row"]:
        return 0
    (other,) = crossed
    cells = grouping.count("row", chain[0], other)
    return int(cells[0, 0]) if (cells == cells[0, 0]).all() else 0
