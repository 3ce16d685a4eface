"""Public domains: what is known of columns without a look at the data."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import DataError, PrivacyError, SchemaError, suggest
from bayessynth.privacy.cells import codes, numbers, spelled
from bayessynth.schema import (
    Binary,
    Categorical,
    Continuous,
    Count,
    Declaration,
    Ordinal,
    Positive,
    Proportion,
    Schema,
    named,
)
from bayessynth.schema.column import plain
from bayessynth.schema.validate import check_present

_KINDS: dict[str, Callable[[float, float, int | None], Declaration]] = {
    "continuous": lambda low, high, decimals: Continuous((low, high), decimals=decimals),
    "count": lambda low, high, decimals: Count((low, high)),
    "positive": lambda low, high, decimals: Positive((low, high), decimals=decimals, zeros=low <= 0),
    "proportion": lambda low, high, decimals: Proportion(decimals=decimals),
}


@dataclass(frozen=True)
class Bounds:
    """State between which values a column of numbers is known to lie.

    Values outside count as the nearest bound; how many there are is not counted, since the count would tell of records.
    A cell that is missing or no number counts as ``missing=``; where that
    is not stated, its row is left out of whatever reads the column.

    Parameters
    ----------
    low, high : float
        The smallest and the largest value, from a public source and never from the data.
    kind : {"continuous", "count", "positive", "proportion"}
    grid : int or sequence of float, optional
        Number of equal cells between the bounds, or the points that part the cells; for tables of counts.
    missing : float, optional
        What a missing cell counts as.
    decimals : int, optional
        Decimals of the values.
    source : str, optional
        Where the bounds were taken from; by default the domain's.

    Raises
    ------
    PrivacyError
        If the bounds, the grid or the value for missing cells make no sense.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Bounds(0, 100, grid=4).cuts
    (25.0, 50.0, 75.0)
    """

    low: float
    high: float
    kind: str = "continuous"
    grid: int | Sequence[float] | None = None
    missing: float | None = None
    decimals: int | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        ends = (plain(self.low), plain(self.high))
        numbers = all(isinstance(end, int | float) and math.isfinite(end) for end in ends)
        if not (numbers and ends[0] < ends[1] and math.isfinite(ends[1] - ends[0])):
            raise PrivacyError(f"Bounds({self.low!r}, {self.high!r}): state two finite numbers, the smaller first.")
        if self.kind not in _KINDS:
            raise PrivacyError(
                f"Bounds(…, kind={self.kind!r}) is not one of {', '.join(map(repr, _KINDS))}."
                f"{suggest(str(self.kind), _KINDS)}"
            )
        grid = plain(self.grid)
        object.__setattr__(self, "grid", grid if grid is None or isinstance(grid, int) else tuple(map(float, grid)))
        cuts = (self.low, *self.cuts, self.high)
        if self.grid is not None and (len(cuts) < 3 or any(a >= b for a, b in pairwise(cuts))):
            raise PrivacyError(
                f"Bounds(…, grid={self.grid!r}): state at least 2 cells, or points between {self.low} and {self.high} "
                "in rising order."
            )
        if self.missing is not None and not self.low <= self.missing <= self.high:
            raise PrivacyError(f"Bounds(…, missing={self.missing!r}) lies outside {self.low} to {self.high}.")

    @property
    def cuts(self) -> tuple[float, ...]:
        """The points that part the cells of the grid; none without a grid."""
        if isinstance(self.grid, int):
            return tuple(float(cut) for cut in np.linspace(self.low, self.high, self.grid + 1)[1:-1])
        return tuple(self.grid or ())

    def declaration(self) -> Declaration:
        """Return what a schema is told of the column."""
        return _KINDS[self.kind](self.low, self.high, self.decimals)


@dataclass(frozen=True, init=False)
class Levels:
    """State the levels that a column is known to have, or the groups of a grouping factor.

    A cell with another value, or none, counts as the level ``missing=``; where that is not stated, its row is left
    out of whatever reads the column.

    Parameters
    ----------
    *values : str, int, float or bool
        All levels, from a public source and never from the data; the first is the reference.
    ordered : bool
        Whether they are ordered, lowest first.
    missing : object, optional
        The level as which missing and unknown cells count.
    source : str, optional
        Where the levels were taken from; by default the domain's.

    Raises
    ------
    PrivacyError
        If there are fewer than two levels, or two that cells cannot be told apart by.

    Examples
    --------
    >>> import bayessynth as bs
    >>> bs.Levels("no", "yes", "unknown", missing="unknown").values
    ('no', 'yes', 'unknown')
    """

    values: tuple[Any, ...]
    ordered: bool
    missing: Any
    source: str | None

    def __init__(self, *values: Any, ordered: bool = False, missing: Any = None, source: str | None = None) -> None:
        found = tuple(map(plain, values))
        for name, value in {"values": found, "ordered": ordered, "missing": missing, "source": source}.items():
            object.__setattr__(self, name, value)
        odd = [value for value in found if not isinstance(value, str | int | float) or spelled(value) is None]
        if odd or len(found) < 2 or len(set(found)) < len(found):
            raise PrivacyError(
                f"Levels{found!r}: state two or more different texts, numbers or truth values; a missing cell is no "
                "level."
            )
        if missing is not None and missing not in found:
            raise PrivacyError(f"Levels(…, missing={missing!r}) is not one of {', '.join(map(repr, found))}.")

    def declaration(self) -> Declaration:
        """Return what a schema is told of the column."""
        if self.ordered:
            return Ordinal(*self.values)
        return Binary(*self.values) if len(self.values) == 2 else Categorical(*self.values)


class Domain(Mapping[str, Bounds | Levels]):
    """State the public facts of a table's columns: all that a release may know of it besides noisy statistics.

    No fact may be taken from the data: bounds and levels that were looked up in them disclose records without any
    noise. A table can only be checked against a domain, never make one.

    Parameters
    ----------
    columns : mapping of str to Bounds or Levels
    source : str, optional
        Where the facts were taken from, for columns that do not say: a codebook, a law, an earlier publication.

    Raises
    ------
    PrivacyError
        If a column is declared otherwise, or its facts have no source.

    Examples
    --------
    >>> import bayessynth as bs
    >>> domain = bs.Domain({"age": bs.Bounds(0, 110), "sex": bs.Levels("f", "m")}, source="codebook 2024, p. 3")
    >>> domain["sex"].values
    ('f', 'm')
    """

    def __init__(self, columns: Mapping[str, Bounds | Levels], source: str | None = None) -> None:
        if not columns:
            raise PrivacyError("A domain needs at least one column: bs.Domain({'age': bs.Bounds(0, 110)}, source='…').")
        for name, declared in columns.items():
            if not isinstance(declared, Bounds | Levels):
                raise PrivacyError(
                    f"Column {name!r}: declare it as bs.Bounds(low, high) or bs.Levels('a', 'b'), not {declared!r}."
                )
            if not (declared.source or source):
                raise PrivacyError(
                    f"Column {name!r}: say where its bounds or levels were taken from, bs.Domain(…, source='codebook') "
                    "or source= of the column. The data themselves are no source."
                )
            try:
                Schema(**{name: declared.declaration()})
            except SchemaError as error:
                raise PrivacyError(str(error)) from None
        self._columns = dict(columns)
        self.source = source

    def __getitem__(self, name: str) -> Bounds | Levels:
        try:
            return self._columns[name]
        except KeyError:
            raise PrivacyError(
                f"Column {name!r} is not in the domain.{suggest(str(name), self._columns)} State its bounds or levels "
                "from a public source."
            ) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Domain) and self.to_json() == other.to_json()

    def __hash__(self) -> int:
        return hash((tuple(self._columns.items()), self.source))

    def __repr__(self) -> str:
        return f"Domain({self._columns!r}, source={self.source!r})"

    def schema(self) -> Schema:
        """Return the schema of a table with these columns.

        >>> import bayessynth as bs
        >>> bs.Domain({"age": bs.Bounds(0, 110, kind="count")}, source="codebook").schema()["age"].kind
        'count'
        """
        return Schema(**{name: declared.declaration() for name, declared in self._columns.items()})

    def groups(self, factor: str) -> Levels:
        """Return the list of groups of a grouping factor.

        Raises
        ------
        PrivacyError
            If the domain does not list them.
        """
        declared = self[factor]
        if not isinstance(declared, Levels):
            raise PrivacyError(f"Grouping factor {factor!r}: list its groups, bs.Levels(…), in the domain.")
        return declared

    def complete(self, columns: Iterable[str]) -> bool:
        """Return whether no row can be left out for a missing or unknown cell of these columns."""
        return all(self[name].missing is not None for name in columns)

    def check(self, data: pd.DataFrame, columns: Iterable[str] | None = None) -> pd.DataFrame:
        """Check that a table has the columns, and return it with names as text.

        What its cells hold is never looked at, so that no error or warning depends on a record: a table without rows,
        with missing cells, unknown levels and values outside the bounds passes.

        Parameters
        ----------
        data : DataFrame
        columns : iterable of str, optional
            Which; all of the domain by default.

        Raises
        ------
        DataError
            If it is no table, or lacks a column.
        """
        if not isinstance(data, pd.DataFrame):
            raise DataError(f"Data must be a pandas DataFrame, not {type(data).__name__}.")
        table = named(data)
        check_present(table, self if columns is None else columns)
        return table

    def to_json(self) -> dict[str, Any]:
        """Return the domain as JSON data.

        >>> import bayessynth as bs
        >>> domain = bs.Domain({"age": bs.Bounds(0, 110)}, source="codebook")
        >>> bs.Domain.from_json(domain.to_json()) == domain
        True
        """
        columns = {name: _to_json(declared) for name, declared in self._columns.items()}
        return {"columns": columns, "source": self.source}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Domain:
        """Make a domain of what :meth:`to_json` returned."""
        return cls({name: _from_json(facts) for name, facts in data["columns"].items()}, data["source"])


def _to_json(declared: Bounds | Levels) -> dict[str, Any]:
    facts = {name: getattr(declared, name) for name in declared.__dataclass_fields__}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in facts.items() if v is not None}


def _from_json(facts: Mapping[str, Any]) -> Bounds | Levels:
    known = dict(facts)
    if "values" in known:
        return Levels(*known.pop("values"), **known)
    return Bounds(**known)


def bounded(series: pd.Series, declared: Bounds) -> tuple[np.ndarray, np.ndarray]:
    """Return numbers cut to the bounds, and which cells count.

    >>> values, known = bounded(pd.Series([5, 300, None]), Bounds(0, 100))
    >>> values[known].tolist(), known.tolist()
    ([5.0, 100.0], [True, True, False])
    """
    values = numbers(series)
    missing = np.isnan(values)
    filled = np.where(missing, declared.low if declared.missing is None else declared.missing, values)
    return np.clip(filled, declared.low, declared.high), ~missing | (declared.missing is not None)


def level_codes(series: pd.Series, declared: Levels) -> tuple[np.ndarray, np.ndarray]:
    """Return the codes of levels, and which cells count.

    >>> found, known = level_codes(pd.Series(["b", "c"]), Levels("a", "b"))
    >>> found.tolist(), known.tolist()
    ([1, 0], [True, False])
    """
    found = codes(series, declared.values)
    missing = found < 0
    fill = 0 if declared.missing is None else declared.values.index(declared.missing)
    return np.where(missing, fill, found), ~missing | (declared.missing is not None)
