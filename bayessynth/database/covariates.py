"""What a table's columns are drawn given beside each other: the owners' columns, row numbers, summaries of siblings.

Each kind of covariate is a frozen value that knows its column and computes it from the tables that are there already,
the originals or those of a copy alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Protocol

import numpy as np

from bayessynth.database.structure import Link
from bayessynth.errors import StorageError
from bayessynth.schema import Column

# Levels of a category whose shares sum it up; the same where there is at most one row, which has one of them.
TOP, TOP_SINGLE = 3, 8
# What the column is called that says nothing.
FILLER = "nothing"


@dataclass
class Known:
    """Tables that are drawn, or original ones: encoded columns, and which row of each owner every row belongs to.

    Attributes
    ----------
    rows : dict of str to int
    arrays : dict of str to mapping of str to ndarray
        By table: encoded columns, internal ones included.
    links : dict of str to ndarray
        By a link's label: the owner's row of every row of the member, -1 for none.
    """

    rows: dict[str, int] = field(default_factory=dict)
    arrays: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    links: dict[str, np.ndarray] = field(default_factory=dict)


class Covariate(Protocol):
    """A column that a table's equations read and that is not its own."""

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """Return its name beside the table's columns."""

    @property
    def column(self) -> Column:
        """Return its entry of the schema."""

    def values(self, known: Known) -> np.ndarray:
        """Return it for every row of the table, encoded."""

    def clusters(self, known: Known) -> np.ndarray:
        """Return the row above, -1 for none, within whose rows it is constant, or, of row numbers, counts."""

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""


_KINDS: dict[str, Callable[[Mapping[str, Any]], Covariate]] = {}


def from_json(data: Mapping[str, Any]) -> Covariate:
    """Make a covariate of what its ``to_json`` returned."""
    if data.get("kind") not in _KINDS:
        raise StorageError(f"There is no covariate of kind {data.get('kind')!r}; upgrade bayessynth.")
    return _KINDS[data["kind"]]({k: v for k, v in data.items() if k != "kind"})


def number(name: str, decimals: int | None = None) -> Column:
    """Return the schema's entry of a number that was computed."""
    return Column(name, "continuous", "float64", decimals=decimals, missing=True)


@dataclass(frozen=True)
class FromAbove:
    """A column of an owner, or of an owner's owner.

    Attributes
    ----------
    name : str
    column : Column
    path : tuple of str
        Labels of the links, from the table upwards.
    table, source : str
        The table above and its column.
    """

    kind: ClassVar[str] = "from above"
    name: str
    column: Column
    path: tuple[str, ...]
    table: str
    source: str

    def clusters(self, known: Known) -> np.ndarray:
        """Return the row above of every row of the table, -1 for none."""
        return follow(known, known.links[self.path[0]], self.path[1:])

    def values(self, known: Known) -> np.ndarray:
        """Return the column at the row above; missing where there is none."""
        at = self.clusters(known)
        values = known.arrays[self.table][self.source]
        gap: Any = -1 if self.column.levels else np.nan
        if not len(values):
            return np.full(len(at), gap)
        found = values[np.maximum(at, 0)]
        return found if at.min(initial=0) >= 0 else np.where(at >= 0, found, gap)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {**vars(self), "kind": self.kind, "column": self.column.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FromAbove:
        """Make it of what :meth:`to_json` returned."""
        return cls(**{**data, "column": Column.from_json(data["column"]), "path": tuple(data["path"])})


@dataclass(frozen=True)
class RowNumber:
    """The number of a row among those of one owner, in the order of the table.

    Attributes
    ----------
    name, link : str
    relative : bool
        Whether it is the share of the owner's rows up to it, as where owners have many, rather than counted from 1.
    """

    kind: ClassVar[str] = "row number"
    name: str
    link: str
    relative: bool

    @property
    def column(self) -> Column:
        """Return its entry of the schema."""
        return number(self.name, None if self.relative else 0)

    def clusters(self, known: Known) -> np.ndarray:
        """Return the owner's row of every row, -1 for none."""
        return known.links[self.link]

    def values(self, known: Known) -> np.ndarray:
        """Return the numbers; missing for rows without that owner."""
        at = known.links[self.link]
        order, starts = by_owner(at)
        counted, sizes = np.empty(len(at)), np.diff(np.append(starts, len(at)))
        place = np.arange(len(at)) - np.repeat(starts, sizes) + 1.0
        counted[order] = place / np.repeat(sizes, sizes) if self.relative else place
        return np.where(at >= 0, counted, np.nan)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {**asdict(self), "kind": self.kind}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RowNumber:
        """Make it of what :meth:`to_json` returned."""
        return cls(**data)


@dataclass(frozen=True)
class Summary:
    """What the rows of a table that is drawn already say of their owner, beside each row of another member of it.

    Attributes
    ----------
    name : str
    path : str
        Label of the link from the table to the owner.
    link : str
        Label of the link from the sibling to the owner.
    owner, sibling, source : str
        Tables, and the sibling's column.
    level : int or None
        Code of the level whose share it is; None for numbers.
    statistic : str
        ``"mean"``, ``"lowest"``, ``"highest"`` or ``"share"``.
    """

    kind: ClassVar[str] = "summary"
    name: str
    path: str
    link: str
    owner: str
    sibling: str
    source: str
    level: int | None
    statistic: str

    @property
    def column(self) -> Column:
        """Return its entry of the schema."""
        return number(self.name)

    def clusters(self, known: Known) -> np.ndarray:
        """Return the owner's row of every row, -1 for none."""
        return known.links[self.path]

    def values(self, known: Known) -> np.ndarray:
        """Return the summary at the owner of each row; missing where it has no such sibling."""
        own = self.of_owner(known)
        at = known.links[self.path]
        return np.where(at >= 0, own[np.maximum(at, 0)], np.nan) if len(own) else np.full(len(at), np.nan)

    def of_owner(self, known: Known) -> np.ndarray:
        """Return the summary for every row of the owner."""
        at, values = known.links[self.link], known.arrays[self.sibling][self.source]
        found = np.full(known.rows[self.owner], np.nan)
        numbers = values.astype(float) if self.level is None else (values == self.level).astype(float)
        order, starts = by_owner(at)
        if len(starts):
            who = at[order[starts]]
            found[who[who >= 0]] = _STATISTICS[self.statistic](numbers[order], starts)[who >= 0]
        return found

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {**asdict(self), "kind": self.kind}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Summary:
        """Make it of what :meth:`to_json` returned."""
        return cls(**data)


@dataclass(frozen=True)
class Filler:
    """A column that says nothing, for a table all of whose columns are computed: a spec has one equation at least.

    Attributes
    ----------
    name, table : str
    """

    kind: ClassVar[str] = "filler"
    name: str
    table: str

    @property
    def column(self) -> Column:
        """Return its entry of the schema."""
        return Column(self.name, "binary", "int64", levels=(0, 1))

    def clusters(self, known: Known) -> np.ndarray:
        """Return every row by itself."""
        return np.arange(known.rows[self.table])

    def values(self, known: Known) -> np.ndarray:
        """Return zeros and ones in turn."""
        return np.arange(known.rows[self.table]) % 2

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {**asdict(self), "kind": self.kind}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Filler:
        """Make it of what :meth:`to_json` returned."""
        return cls(**data)


_KINDS |= {made.kind: made.from_json for made in (FromAbove, RowNumber, Summary, Filler)}


def _mean(values: np.ndarray, starts: np.ndarray) -> np.ndarray:
    there = np.isfinite(values)
    count = np.add.reduceat(there.astype(float), starts)
    total = np.add.reduceat(np.where(there, values, 0.0), starts)
    return np.divide(total, count, out=np.full(len(starts), np.nan), where=count > 0)


_STATISTICS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "mean": _mean,
    "share": _mean,
    "lowest": np.fmin.reduceat,
    "highest": np.fmax.reduceat,
}


def follow(known: Known, at: np.ndarray, path: Sequence[str]) -> np.ndarray:
    """Return the rows at the end of a way upwards, -1 where it breaks off."""
    for label in path:
        at = np.where(at >= 0, known.links[label][np.maximum(at, 0)], -1)
    return at


def by_owner(at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return an order in which the rows of each owner follow one another, and where each owner's begin.

    >>> [part.tolist() for part in by_owner(np.array([1, 0, 1]))]
    [[1, 0, 2], [0, 1]]
    """
    order = np.arange(len(at)) if (at[1:] >= at[:-1]).all() else np.argsort(at, kind="stable")
    if not len(at):
        return order, np.zeros(0, dtype=np.int64)
    found = at[order]
    return order, np.flatnonzero(np.r_[True, found[1:] != found[:-1]])


def summaries(path: Link, link: Link, sibling: str, columns: Sequence[Column], known: Known) -> list[Summary]:
    """Return the summaries of a sibling: mean, lowest and highest of numbers, shares of the commonest levels.

    Of a sibling with at most one row an owner the lowest and highest are the mean, and shares say which level it has:
    there are those of more levels then.
    """
    at = known.links[link.label]
    single = len(at) == 0 or np.bincount(at[at >= 0], minlength=1).max() <= 1
    made = []
    for column in columns:
        values = known.arrays[sibling][column.name]
        common = (path.label, link.label, link.owner, sibling, column.name)
        if not column.levels:
            for statistic in ("mean",) if single else ("mean", "lowest", "highest"):
                made.append(Summary(f"{statistic} of {sibling}.{column.name}", *common, None, statistic))
            continue
        count = np.bincount(values[values >= 0], minlength=len(column.levels))
        most = TOP_SINGLE if single else TOP
        top = np.argsort(-count, kind="stable")[: most if len(column.levels) > 2 else 1]
        made += [Summary(f"share of {sibling}.{column.name} {column.levels[code]}", *common, int(code), "share")
                 for code in top if count[code]]  # fmt: skip
    return made
