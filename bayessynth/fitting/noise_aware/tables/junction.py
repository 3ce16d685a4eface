"""Junction trees: how sums over a log-linear model with many columns are taken exactly, a few columns at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

Axes = tuple[int, ...]


@dataclass(frozen=True)
class JunctionTree:
    """Sets of columns, each but the first joined to an earlier one by the columns that they share.

    Columns that two sets share lie in every set on the path between them, so that a table over the whole is the product
    of the sets' tables, each given the columns that it shares with its parent.

    Attributes
    ----------
    sizes : tuple of int
        Levels of each column.
    cliques : tuple of tuple of int
        Columns of each set, in rising order; a parent stands before its children.
    parents : tuple of int
        Place of each set's parent; -1 of the first.

    Examples
    --------
    >>> tree = junction_tree([(0, 1), (1, 2), (2, 3)], (2, 3, 4, 5))
    >>> tree.cliques, tree.parents, tree.cells
    (((2, 3), (1, 2), (0, 1)), (-1, 0, 1), 38)
    """

    sizes: tuple[int, ...]
    cliques: tuple[Axes, ...]
    parents: tuple[int, ...]

    @property
    def cells(self) -> int:
        """Cells of all sets together."""
        return sum(math.prod(self.sizes[i] for i in clique) for clique in self.cliques)

    def shared(self, place: int) -> Axes:
        """Return the columns that a set shares with its parent."""
        parent = self.parents[place]
        return () if parent < 0 else tuple(i for i in self.cliques[place] if i in self.cliques[parent])

    def home(self, axes: Iterable[int]) -> int:
        """Return the place of the smallest set that holds some columns."""
        wanted = set(axes)
        holding = [place for place, clique in enumerate(self.cliques) if wanted <= set(clique)]
        return min(holding, key=lambda place: math.prod(self.sizes[i] for i in self.cliques[place]))


def junction_tree(cliques: Iterable[Sequence[int]], sizes: Sequence[int]) -> JunctionTree:
    """Return a junction tree whose sets hold all cliques.

    Columns are eliminated one by one, that with the smallest set of neighbours (in cells) first.

    Parameters
    ----------
    cliques : iterable of sequence of int
        Columns that must stand together in one set.
    sizes : sequence of int
        Levels of each column.

    Returns
    -------
    JunctionTree
    """
    neighbours: dict[int, set[int]] = {i: set() for i in range(len(sizes))}
    for clique in cliques:
        for i, j in combinations(clique, 2):
            neighbours[i].add(j)
            neighbours[j].add(i)
    found: list[set[int]] = []
    while neighbours:
        i = min(neighbours, key=lambda one: (math.prod(sizes[j] for j in {one, *neighbours[one]}), one))
        near = neighbours.pop(i)
        for j in near:
            neighbours[j] = (neighbours[j] | near) - {i, j}
        if not any({i, *near} <= other for other in found):
            found.append({i, *near})
    return _joined([tuple(sorted(one)) for one in found], tuple(sizes))


def _joined(cliques: list[Axes], sizes: tuple[int, ...]) -> JunctionTree:
    """Join sets by a spanning tree of the most shared columns, from the largest set on (Prim's algorithm)."""
    left = sorted(cliques, key=lambda one: -math.prod(sizes[i] for i in one))
    taken, parents = [left.pop(0)], [-1]
    while left:
        pairs = ((len(set(a) & set(b)), -p, -q) for p, a in enumerate(taken) for q, b in enumerate(left))
        _, parent, child = max(pairs)
        taken.append(left.pop(-child))
        parents.append(-parent)
    return JunctionTree(sizes, tuple(taken), tuple(parents))
