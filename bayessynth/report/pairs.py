"""Drawings of pairs of columns: the shares of a two-way table in the original, in the copies, and their difference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.tables import Tables
from bayessynth.report.numerals import percent, shortened
from bayessynth.report.svg import drawing, tag

# Levels of a column drawn by themselves; pairs drawn.
MOST, SHOWN = 9, 6
CELL, LEFT, GAP, TOP = 13, 92, 20, 18


@dataclass(frozen=True)
class Pair:
    """The drawing of one pair, and the share of records that would have to move for the copies to agree."""

    column: str
    other: str
    figure: Markup
    distance: str


def worst_pairs(measures: Iterable[Measure], tables: Tables) -> list[tuple[str, str]]:
    """Return the pairs that measures of utility list first in their detail, none twice.

    A detail with columns ``column`` and ``with`` is one of pairs.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayessynth.evaluation.tables import read_tables
    >>> tables = read_tables(pd.DataFrame({"s": ["a", "b"], "x": [1, 2]}), [pd.DataFrame({"s": ["a"], "x": [2]})])
    >>> detail = pd.DataFrame({"column": ["x", "s"], "with": ["s", "x"]})
    >>> worst_pairs([Measure("pairs", "utility", "Pairs", 0.1, "…", detail=detail)], tables)
    [('x', 's')]
    """
    found: dict[frozenset[str], tuple[str, str]] = {}
    for m in measures:
        if m.detail is None or not {"column", "with"} <= set(m.detail):
            continue
        for a, b in zip(m.detail["column"].head(4 * SHOWN), m.detail["with"].head(4 * SHOWN), strict=True):
            if a != b and a in tables.sizes and b in tables.sizes:
                found.setdefault(frozenset((a, b)), (a, b))
    return list(found.values())[:SHOWN]


def pair(tables: Tables, column: str, other: str) -> Pair:
    """Draw one pair: rows are the first column, shades the shares of records.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayessynth.evaluation.tables import read_tables
    >>> original = pd.DataFrame({"s": ["a", "b"] * 9, "t": ["a", "b"] * 9})
    >>> pair(read_tables(original, [original.assign(t=["a"] * 18)]), "s", "t").distance
    '50 %'
    """
    rows, row_names = _grouped(tables, column)
    columns, column_names = _grouped(tables, other)
    shape = (len(row_names), len(column_names))

    def table(codes: dict[str, np.ndarray]) -> np.ndarray:
        flat = rows[codes[column]] * shape[1] + columns[codes[other]]
        return np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape) / len(flat)

    own = table(dict(tables.original.codes))
    drawn = np.mean([table(dict(c.codes)) for c in tables.copies], axis=0)
    distance = percent(float(np.abs(own - drawn).sum() / 2))
    wide = shape[1] * CELL
    top = max(float(own.max()), float(drawn.max()), 1e-9)
    most = max(float(np.abs(drawn - own).max()), 1e-9)
    parts = [
        tag("text", shortened(name, 15), x=LEFT - 6, y=TOP + CELL * i + 10, text_anchor="end", class_="label")
        for i, name in enumerate(row_names)
    ]
    panels = (
        ("original", np.sqrt(own / top), "shade-original"),
        ("copies", np.sqrt(drawn / top), "shade-copies"),
        (f"difference, up to {percent(most)}", (drawn - own) / most, ""),
    )
    step = max(wide + GAP, 84)
    for j, (title, shades, class_) in enumerate(panels):
        parts.append(_table(LEFT + j * step, title, shades, class_, (own, drawn), (row_names, column_names)))
    said = (
        f"Two-way tables of {column} (rows) and {other}: {distance} of the records would have to change cell for the "
        "copies, on average, to agree with the original."
    )
    # Labels lean, so they need two thirds of their length below; the last heading needs room beside its table.
    foot = 16 + 4.4 * max(len(shortened(name, 11)) for name in column_names)
    size = (LEFT + 2 * step + max(wide, 124), TOP + shape[0] * CELL + foot)
    return Pair(column, other, drawing(*size, said, *parts, class_="fixed", width=size[0]), distance)


def _grouped(tables: Tables, column: str) -> tuple[np.ndarray, list[str]]:
    """Return the place of every code in the drawing, and names: rare levels share one, absent ones have none."""
    size, names = tables.sizes[column], tables.labels[column]
    counts = np.sum([np.bincount(t.codes[column], minlength=size) for t in (tables.original, *tables.copies)], axis=0)
    inner = [i for i in range(size - 2) if counts[i]]
    if column in tables.levels:
        inner.sort(key=lambda i: -counts[i])
    alone = inner if len(inner) <= MOST + 1 else inner[:MOST]
    shared = [i for i in (*inner[len(alone) :], size - 2) if counts[i]]
    place = np.zeros(size, dtype=np.int64)
    labels: list[str] = []
    for codes, label in [*(([i], names[i]) for i in alone), (shared, "other"), ([size - 1], "missing")]:
        if any(counts[i] for i in codes):
            place[codes] = len(labels)
            labels.append(label)
    return place, labels


def _table(
    left: float, title: str, shades: np.ndarray, class_: str, tables: tuple[np.ndarray, np.ndarray],
    names: tuple[list[str], list[str]],
) -> Markup:  # fmt: skip
    own, drawn = tables
    high, wide = shades.shape
    parts = [
        tag("text", title, x=left, y=11, class_="tick"),
        tag("rect", x=left, y=TOP, width=wide * CELL, height=high * CELL, class_="frame"),
    ]
    for i, j in zip(*np.nonzero(np.abs(shades) > 0.02), strict=True):
        said = (
            f"{names[0][i]}, {names[1][j]}: original {percent(float(own[i, j]))}, copies {percent(float(drawn[i, j]))}"
        )
        parts.append(tag(
            "rect", tag("title", said), x=left + CELL * int(j), y=TOP + CELL * int(i), width=CELL, height=CELL,
            class_=class_ or ("shade-copies" if shades[i, j] > 0 else "shade-original"),
            fill_opacity=f"{abs(float(shades[i, j])):.2f}",
        ))  # fmt: skip
    foot = TOP + high * CELL + 6
    for j, name in enumerate(names[1]):
        x = left + CELL * j + CELL / 2
        parts.append(tag(
            "text", shortened(name, 11), x=x, y=foot, text_anchor="end", class_="label",
            transform=f"rotate(-55 {x:.1f} {foot})", dy=4,
        ))  # fmt: skip
    return tag("g", *parts)
