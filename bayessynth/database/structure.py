"""Which table is drawn after which: links from tables to those that are drawn given them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.database.key import Key


@dataclass(frozen=True)
class Link:
    """A key, read in the direction in which its two tables are drawn.

    Attributes
    ----------
    key : Key
    owner, member : str
        The table that is drawn first, and the one whose rows each belong to one of its rows.
    primary : bool
        Whether the member's rows follow the owner's; other owners are matched to them.
    inverted : bool
        Whether the member is the parent: where each parent has exactly one child, it is drawn after that child if the
        child's rows follow another parent, so that their numbers agree.
    alone : bool
        Whether it is the only link between its two tables.
    """

    key: Key
    owner: str
    member: str
    primary: bool
    inverted: bool = False
    alone: bool = True

    @property
    def name(self) -> str:
        """What the owner is called beside the member's columns."""
        return self.owner if self.alone else f"{self.owner} by {self.key.column}"

    @property
    def count(self) -> str:
        """The owner's internal column that holds its number of members."""
        return f"number of {self.member}" + ("" if self.alone else f" by {self.key.column}")

    @property
    def label(self) -> str:
        """The name under which one finds it."""
        return f"{self.owner}>{self.member}:{self.key.column}"

    def to_json(self) -> dict[str, Any]:
        """Return the link as JSON data."""
        return {"key": self.key.to_json(), "owner": self.owner, "member": self.member, "primary": self.primary,
                "inverted": self.inverted, "alone": self.alone}  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Link:
        """Make a link of what :meth:`to_json` returned."""
        return cls(**{**data, "key": Key(**data["key"])})


@dataclass(frozen=True)
class Structure:
    """Tables in the order in which they are drawn, and the links between them.

    Attributes
    ----------
    order : tuple of str
        Tables that have rows.
    links : tuple of Link
    primary : mapping of str to str
        The column that names the rows of each table that has one.
    """

    order: tuple[str, ...]
    links: tuple[Link, ...]
    primary: Mapping[str, str]

    def owners(self, table: str) -> list[Link]:
        """Return the links to a table's owners, that to the primary one first."""
        return sorted((o for o in self.links if o.member == table), key=lambda o: not o.primary)

    def members(self, table: str) -> list[Link]:
        """Return the links to the tables whose rows belong to a table's, in the order in which these are drawn."""
        own = [o for o in self.links if o.owner == table]
        return sorted(own, key=lambda o: (self.order.index(o.member), o.key.column))

    @property
    def roots(self) -> list[str]:
        """Tables that belong to none."""
        return [table for table in self.order if not self.owners(table)]

    def keys(self, table: str) -> list[Key]:
        """Return the keys that a table's rows hold."""
        return [o.key for o in self.links if o.key.table == table]

    def to_json(self) -> dict[str, Any]:
        """Return the structure as JSON data."""
        return {"order": self.order, "links": [o.to_json() for o in self.links], "primary": dict(self.primary)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Structure:
        """Make a structure of what :meth:`to_json` returned."""
        return cls(tuple(data["order"]), tuple(map(Link.from_json, data["links"])), data["primary"])


def positions(key: Key, tables: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """Return for every row of the child which row of the parent it refers to, -1 for none."""
    index = pd.Index(tables[key.parent][str(key.parent_column)])
    return index.get_indexer(pd.Index(tables[key.table][key.column])).astype(np.int64)


def structure_of(tables: Mapping[str, pd.DataFrame], keys: Sequence[Key], primary: Mapping[str, str]) -> Structure:
    """Return in which order tables are drawn.

    Of a table's parents the one that is declared so is primary, else the one with the fewest children a row. A parent
    of which every row has exactly one child is drawn after it, if the child's rows follow another parent.

    Examples
    --------
    >>> parent, child = pd.DataFrame({"id": [1, 2]}), pd.DataFrame({"parent_id": [1, 1, 2]})
    >>> structure_of({"c": child, "p": parent}, [Key("c", "parent_id", "p", "id")], {"p": "id"}).order
    ('p', 'c')
    """
    filled = [key for key in keys if len(tables[key.table]) and len(tables[key.parent])]
    links: list[Link] = []
    for table in tables:
        own = [key for key in filled if key.table == table]
        paired = [key for key in own if _bijective(positions(key, tables), len(tables[key.parent]))]
        plain = [key for key in own if key not in paired] or own[:1]
        first = next((key for key in own if key.primary), None)
        if first is not None and first not in plain:
            plain = [first, *plain]
        first = first or min(plain, key=lambda key: -len(tables[key.parent]), default=None)
        for key in own:
            alone = sum(key.parent == other.parent for other in own) == 1
            if key in plain:
                links.append(Link(key, key.parent, table, key == first, alone=alone))
            else:
                links.append(Link(key, table, key.parent, True, inverted=True, alone=alone))
    links = _acyclic(links, filled)
    links = [replace(o, primary=False) if o.primary and not o.inverted and _inverted_into(o.member, links) else o
             for o in links]  # fmt: skip
    order = _sorted([table for table in tables if len(tables[table])], links, {t: len(f) for t, f in tables.items()})
    return Structure(order, tuple(links), dict(primary))


def _bijective(at: np.ndarray, rows: int) -> bool:
    return len(at) == rows and bool((at >= 0).all()) and len(np.unique(at)) == rows


def _inverted_into(table: str, links: Sequence[Link]) -> bool:
    return any(o.inverted and o.member == table for o in links)


def _acyclic(links: list[Link], keys: Sequence[Key]) -> list[Link]:
    """Turn inverted links back where they would close a cycle, or would give a table two primary owners."""
    found = list(links)
    for link in links:
        if link.inverted:
            twice = sum(o.inverted and o.member == link.member for o in found) > 1
            if twice or _reaches(link.member, link.owner, found):
                found[found.index(link)] = replace(
                    link, owner=link.key.parent, member=link.key.table, primary=False, inverted=False
                )
    return found


def _reaches(start: str, goal: str, links: Sequence[Link]) -> bool:
    waiting, seen = [start], {start}
    while waiting:
        table = waiting.pop()
        if table == goal:
            return True
        new = {o.member for o in links if o.owner == table} - seen
        seen |= new
        waiting += new
    return False


def _sorted(tables: Sequence[str], links: Sequence[Link], rows: Mapping[str, int]) -> tuple[str, ...]:
    """Order tables after their owners; of those that are free the one with the most rows comes first.

    What is drawn later is drawn given summaries of what came before, and many rows sum up to more than few.
    """
    order: list[str] = []
    left = list(tables)
    while left:
        ready = [t for t in left if all(o.owner in order for o in links if o.member == t)]
        order.append(min(ready, key=lambda t: rows[t]))
        left.remove(order[-1])
    return tuple(order)
