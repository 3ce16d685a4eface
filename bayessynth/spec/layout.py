"""Where the boxes and lines of a graph stand: layers from the top down, lines led around the boxes.

The method of Sugiyama, Tagawa and Toda (1981): a line that passes layers gets a waypoint in each, and the order
within layers is improved by barycentres. All lines from one box share their waypoints, so that they form a trunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Node = tuple[str, int]  # a column and a layer; a waypoint of its lines where the layer is not the column's own
_SWEEPS = 24
# Waypoints hold their place more than boxes do, which keeps trunks straight.
_STIFFNESS = 4.0


@dataclass(frozen=True)
class Layout:
    """Positions in inches, and the lines between them.

    Attributes
    ----------
    layer : mapping of str to int
        Layer of each column.
    x : mapping of Node to float
        Horizontal centre of each box and waypoint.
    lines : tuple of tuple of Node
        Pieces of lines, from one layer to the next.
    ends : mapping
        Where the pieces that arrive at a box do so.
    """

    layer: Mapping[str, int]
    x: Mapping[Node, float]
    lines: tuple[tuple[Node, Node], ...]
    ends: Mapping[tuple[Node, Node], float]


def layout(arrows: Sequence[tuple[str, str]], columns: Sequence[str], widths: Mapping[str, float]) -> Layout:
    """Place the columns of a graph.

    Parameters
    ----------
    arrows : sequence of tuple of str
        Pairs of columns, the second depending on the first.
    columns : sequence of str
        In an order in which each follows those it depends on.
    widths : mapping of str to float
        Of the boxes, in inches.

    Examples
    --------
    >>> found = layout([("a", "b"), ("b", "c"), ("a", "c")], ["a", "b", "c"], dict.fromkeys("abc", 1.0))
    >>> found.layer, len(found.lines)
    ({'a': 0, 'b': 1, 'c': 2}, 4)
    """
    layer: dict[str, int] = {}
    for column in columns:
        layer[column] = 1 + max((layer[a] for a, b in arrows if b == column), default=-1)
    lines: dict[tuple[Node, Node], None] = {}
    for start, end in arrows:
        stops = [(start, depth) for depth in range(layer[start], layer[end])] + [(end, layer[end])]
        lines |= dict.fromkeys(pairwise(stops))
    rows: list[list[Node]] = [[] for _ in range(1 + max(layer.values()))]
    for node in dict.fromkeys([*((c, layer[c]) for c in columns), *(n for line in lines for n in line)]):
        rows[node[1]].append(node)
    neighbours: dict[Node, list[Node]] = {node: [] for row in rows for node in row}
    for upper, lower in lines:
        neighbours[upper].append(lower)
        neighbours[lower].append(upper)
    x = _placed(rows, neighbours, layer, widths)
    return Layout(layer, x, tuple(lines), _ends(lines, layer, x, widths))


def _ends(
    lines: Iterable[tuple[Node, Node]], layer: Mapping[str, int], x: Mapping[Node, float], widths: Mapping[str, float]
) -> dict[tuple[Node, Node], float]:
    """Spread the lines that arrive at a box over its upper edge."""
    arriving: dict[str, list[tuple[Node, Node]]] = {}
    for line in lines:
        if line[1][1] == layer[line[1][0]]:
            arriving.setdefault(line[1][0], []).append(line)
    ends = {}
    for column, found in arriving.items():
        gap = min(0.2, 0.7 * widths[column] / len(found))
        for i, line in enumerate(sorted(found, key=lambda line: x[line[0]])):
            ends[line] = x[line[1]] + (i - (len(found) - 1) / 2) * gap
    return ends


def _placed(
    rows: list[list[Node]], neighbours: Mapping[Node, list[Node]], layer: Mapping[str, int], widths: Mapping[str, float]
) -> dict[Node, float]:
    size = {node: widths[node[0]] if layer[node[0]] == node[1] else 0.0 for row in rows for node in row}
    x = {node: float(i) for row in rows for i, node in enumerate(row)}
    for sweep in range(_SWEEPS):
        downwards = sweep % 2 == 0
        for row in rows if downwards else rows[::-1]:
            wanted = {}
            for node in row:
                side = [n for n in neighbours[node] if (n[1] < node[1]) == downwards] or neighbours[node]
                wanted[node] = sum(x[n] for n in side) / len(side) if side else x[node]
            # The order settles in the first half of the sweeps, the places in the second.
            if sweep < _SWEEPS // 2:
                row.sort(key=wanted.__getitem__)
            x |= _spread(row, wanted, size)
    return x


def _spread(row: list[Node], wanted: Mapping[Node, float], size: Mapping[Node, float]) -> dict[Node, float]:
    """Give each node of a row the place it wants, as far as order and room allow: an isotonic regression."""
    room, reach = 0.0, []
    for i, node in enumerate(row):
        if i:
            room += (size[row[i - 1]] + size[node]) / 2 + 0.3
        reach.append(room)
    blocks: list[tuple[float, float, int]] = []
    for node, offset in zip(row, reach, strict=True):
        weight = 1.0 if size[node] else _STIFFNESS
        mean, count = wanted[node] - offset, 1
        while blocks and blocks[-1][0] > mean:
            before, mass, members = blocks.pop()
            mean = (before * mass + mean * weight) / (mass + weight)
            weight, count = weight + mass, count + members
        blocks.append((mean, weight, count))
    means = [mean for mean, _, count in blocks for _ in range(count)]
    return {node: mean + offset for node, mean, offset in zip(row, means, reach, strict=True)}
