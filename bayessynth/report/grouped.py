"""Drawings of groups: how much the means of groups spread in the original and in each copy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from markupsafe import Markup

from bayessynth.evaluation.tables import Encoded, Tables
from bayessynth.report.numerals import number, tick
from bayessynth.report.svg import dots, drawing, tag, ticks

# Columns drawn of a grouping factor, copies, and groups of a table.
COLUMNS, COPIES, GROUPS = 6, 5, 400
ROW, LEFT, WIDTH = 20, 66, 420


@dataclass(frozen=True)
class Spread:
    """The means of groups of one column.

    Attributes
    ----------
    group, column : str
    figure : Markup
    sentence : str
        Between-group standard deviations, original and copies.
    """

    group: str
    column: str
    figure: Markup
    sentence: str


def spreads(tables: Tables, group: str) -> list[Spread]:
    """Return drawings of a group's sizes and of the columns whose means spread most unlike the original's.

    Columns of numbers are read as they are, columns of two levels as shares.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> original = pd.DataFrame({"site": ["a", "a", "b", "b"], "x": [1.0, 3.0, 11.0, 13.0]})
    >>> [s.column for s in spreads(read_tables(original, [original], groups=["site"]), "site")]
    ['rows in a group', 'x']
    """
    frames = [tables.original_frame, *tables.copy_frames[:COPIES]]
    encoded = [tables.original, *tables.copies[:COPIES]]
    codes = [pd.factorize(f[group], use_na_sentinel=True)[0] for f in frames]
    if any((c < 0).all() for c in codes):
        return []
    sizes = [np.bincount(c[c >= 0]).astype(float) for c in codes]
    found = []
    for column in tables.columns:
        values = [_values(t, tables, column) for t in encoded]
        if any(v is None for v in values):
            continue
        means = [_means(c, v) for c, v in zip(codes, values, strict=True) if v is not None]
        if all(len(m) for m in means):
            found.append((column, means))
    found.sort(key=lambda item: -_unlike(item[1]))
    chosen = [("rows in a group", sizes), *found[:COLUMNS]]
    return [_spread(group, column, means) for column, means in chosen]


def _values(table: Encoded, tables: Tables, column: str) -> np.ndarray | None:
    if column in table.values:
        return table.values[column]
    if tables.sizes[column] == 4:  # two levels, "another" and "missing"
        codes = table.codes[column]
        return np.where(codes == 3, np.nan, (codes == 1).astype(float))
    return None


def _means(codes: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the mean of every group that has a value."""
    there = (codes >= 0) & np.isfinite(values)
    counts = np.bincount(codes[there])
    return np.bincount(codes[there], values[there])[counts > 0] / counts[counts > 0]


def _sd(means: np.ndarray) -> float:
    return float(np.std(means, ddof=1)) if len(means) > 1 else float("nan")


def _unlike(means: list[np.ndarray]) -> float:
    """Return how far the copies' spread is from the original's, as a ratio on the log scale."""
    own, drawn = _sd(means[0]), float(np.mean([_sd(m) for m in means[1:]]))
    if not np.isfinite([own, drawn]).all():
        return -np.inf
    least = 1e-6 * max(own, drawn, 1e-12)
    return abs(float(np.log((own + least) / (drawn + least))))


def _spread(group: str, column: str, means: list[np.ndarray]) -> Spread:
    every = np.concatenate(means)
    low, high = float(every.min()), float(every.max())
    if high <= low:
        low, high = low - 0.5, high + 0.5

    def x(value: float) -> float:
        return LEFT + 8 + (WIDTH - LEFT - 16) * (value - low) / (high - low)

    parts = []
    for j, own in enumerate(means):
        y = ROW * j + ROW / 2
        drawn = np.sort(own) if len(own) <= GROUPS else np.quantile(own, np.linspace(0, 1, GROUPS))
        class_ = "points-original" if j == 0 else "points-copies"
        parts += [
            tag("text", "original" if j == 0 else f"copy {j}", x=LEFT - 6, y=y + 4, text_anchor="end", class_="label"),
            tag("line", x1=LEFT, x2=WIDTH, y1=y, y2=y, class_="grid"),
            dots(((x(float(v)), y) for v in drawn), class_),
        ]
    foot = ROW * len(means)
    for t in ticks(low, high):
        end = "end" if x(t) > WIDTH - 20 else "middle"
        parts.append(tag("text", tick(t), x=x(t), y=foot + 13, text_anchor=end, class_="tick"))
    own_sd, drawn_sd = _sd(means[0]), [_sd(m) for m in means[1:]]
    sentence = (
        f"{len(means[0]):,} groups; standard deviation over groups {number(own_sd)} in the original, "
        f"{number(float(np.mean(drawn_sd)))} in the copies."
    )
    said = f"{column} by {group}, original and {len(means) - 1} copies. {sentence}"
    return Spread(group, column, drawing(WIDTH, foot + 18, said, *parts), sentence)
