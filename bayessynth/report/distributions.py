"""Drawings of the distribution of every column: bars are the original, a line or points the copies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from bayessynth.evaluation.tables import Tables
from bayessynth.report.numerals import percent, shortened, tick
from bayessynth.report.shares import Shares, ranked, shares
from bayessynth.report.svg import drawing, path, tag, ticks

WIDTH, HEIGHT, ROW, LABELS = 320, 128, 17, 118
# Columns drawn in the open; those that follow are folded.
OPEN = 12


@dataclass(frozen=True)
class Panel:
    """One column's drawing, with what stands above it.

    Attributes
    ----------
    column : str
    figure : Markup
    distance, chance : str
        As percentages of the records.
    missing : str
        Shares of missing cells, original and copies; empty where there are none.
    beyond : bool
        Whether the distance is more than three times what chance gives.
    """

    column: str
    figure: Markup
    distance: str
    chance: str
    missing: str
    beyond: bool


def panels(tables: Tables) -> list[Panel]:
    """Return a panel for every column, the one farthest from the original first.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> original = pd.DataFrame({"s": ["a", "b"] * 50, "x": range(100)})
    >>> [p.column for p in panels(read_tables(original, [original.head(50)]))]
    ['x', 's']
    """
    return [panel(shares(tables, *row)) for row in ranked(tables)]


def panel(found: Shares) -> Panel:
    """Draw one column."""
    own, drawn = found.missing[0], found.missing[1:]
    missing = f"missing: {percent(own)}, copies {_spread(drawn)}" if found.missing.any() else ""
    said = (
        f"Distribution of {found.column}: a copy differs from the original in {percent(found.distance)} of the "
        f"records, two samples of these sizes in {percent(found.chance)}. {missing}"
    )
    draw = _bars if found.edges is None else _histogram
    return Panel(
        found.column, draw(found, said.strip()), percent(found.distance), percent(found.chance), missing,
        found.distance > 3 * found.chance + 0.005,
    )  # fmt: skip


def _spread(values: Sequence[float] | np.ndarray) -> str:
    low, high = percent(float(np.min(values))), percent(float(np.max(values)))
    return low if low == high else f"{low.removesuffix(' %')} to {high}"


def _bars(found: Shares, said: str) -> Markup:
    """Draw horizontal bars, which leave room for names of levels; missing cells are a bar of their own."""
    labels, own, drawn = list(found.labels), found.original, found.copies
    if found.missing.any():
        labels.append("missing")
        own, drawn = np.append(own, found.missing[0]), np.column_stack([drawn, found.missing[1:]])
    top = max(float(own.max(initial=0)), float(drawn.max(initial=0)), 1e-9)
    room = WIDTH - LABELS - 44
    parts = []
    for i, label in enumerate(labels):
        y = ROW * i
        low, high = (LABELS + room * float(f(drawn[:, i])) / top for f in (np.min, np.max))
        middle = LABELS + room * float(drawn[:, i].mean()) / top
        title = f"{label}: original {percent(float(own[i]))}, copies {_spread(drawn[:, i])}"
        parts.append(tag(
            "g", tag("title", title),
            tag("text", shortened(label, 17), x=LABELS - 6, y=y + 12, text_anchor="end", class_="label"),
            tag("rect", x=LABELS, y=y + 2, width=max(room * float(own[i]) / top, 0.5), height=ROW - 5,
                class_="missing" if label == "missing" else "original"),
            tag("line", x1=low, x2=high, y1=y + 7.5, y2=y + 7.5, class_="copies"),
            tag("circle", cx=middle, cy=y + 7.5, r=3.2, class_="copies"),
            tag("text", percent(float(own[i])), x=WIDTH, y=y + 12, text_anchor="end", class_="tick"),
        ))  # fmt: skip
    return drawing(WIDTH, ROW * len(labels) + 2, said, *parts)


def _histogram(found: Shares, said: str) -> Markup:
    """Draw a histogram: the area is the original, the band reaches from the lowest to the highest copy."""
    assert found.edges is not None
    places = np.log1p(found.edges) if found.logs else found.edges
    first, last = float(places[0]), float(places[-1])
    top = max(float(found.original.max()), float(found.copies.max()), 1e-9)
    base = HEIGHT - 18

    def x(value: float) -> float:
        return 2 + (WIDTH - 4) * (value - first) / (last - first)

    def y(share: float) -> float:
        return base - (base - 12) * share / top

    def steps(heights: np.ndarray) -> list[tuple[float, float]]:
        return [(x(float(places[i + side])), y(float(h))) for i, h in enumerate(heights) for side in (0, 1)]

    parts = [
        path([(x(first), base), *steps(found.original), (x(last), base)], "original", closed=True),
        path(steps(found.copies.max(axis=0)) + steps(found.copies.min(axis=0))[::-1], "spread", closed=True),
        path(steps(found.copies.mean(axis=0)), "copies"),
        tag("line", x1=0, x2=WIDTH, y1=base, y2=base, class_="axis"),
        tag("text", f"{percent(top)} of records in a bin", x=WIDTH if _leans_left(found.original) else 2, y=9,
            text_anchor="end" if _leans_left(found.original) else "start", class_="tick"),
    ]  # fmt: skip
    for value, label in _ticked(found):
        place = x(value)
        end = "start" if place < 16 else "end" if place > WIDTH - 16 else "middle"
        parts.append(tag("line", x1=place, x2=place, y1=base, y2=base + 4, class_="axis"))
        parts.append(tag("text", label, x=place, y=base + 15, text_anchor=end, class_="tick"))
    return drawing(WIDTH, HEIGHT, said, *parts)


def _leans_left(heights: np.ndarray) -> bool:
    return int(np.argmax(heights)) < len(heights) / 2


def _ticked(found: Shares) -> list[tuple[float, str]]:
    """Return places and labels of ticks on the drawn scale."""
    assert found.edges is not None
    low, high = float(found.edges[0]), float(found.edges[-1])
    if found.logs:
        powers = [10.0**e for e in range(-3, 16) if max(low, 0.2) <= 10.0**e <= high]
        step = max(1, -(-len(powers) // 5))
        return [(0.0, "0"), *((float(np.log1p(p)), tick(p)) for p in powers[::step])]
    if found.dates:
        days = ticks(low, high, 4)
        form = "%Y" if high - low > 1500 else "%Y-%m" if high - low > 120 else "%Y-%m-%d"
        return [(d, (pd.Timestamp(0) + pd.Timedelta(days=d)).strftime(form)) for d in days]
    return [(t, tick(t)) for t in ticks(low, high)]
