"""Drawings of rows that follow each other: the original's means by time over the band of the copies'."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from bayessynth.evaluation.tables import Tables
from bayessynth.report.numerals import tick
from bayessynth.report.svg import drawing, path, tag, ticks

# Panels on the page, the size of one, times at most, and fewest rows behind a mean of the original.
PANELS = 12
WIDTH, HEIGHT, LEFT = 300, 150, 44
PLACES, FEWEST = 12, 5


@dataclass(frozen=True)
class Trajectory:
    """Means of one column by time.

    Attributes
    ----------
    title, sentence : str
    figure : Markup
    """

    title: str
    sentence: str
    figure: Markup


def trajectory_panels(tables: Tables) -> list[Trajectory]:
    """Return drawings of how numbers move in time, those farthest outside the copies' band first; none elsewhere.

    Of the original there are only means of five rows and more.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayessynth.evaluation.tables import read_tables
    >>> frame = pd.DataFrame({"id": np.repeat(np.arange(20), 3), "day": np.tile([0, 7, 14], 20),
    ...                       "y": np.arange(60) % 7 + 0.5})
    >>> own = {"sequence": {"unit": "id", "time": "day", "ends": {}}}
    >>> panels = trajectory_panels(read_tables(frame, [frame, frame], provenance=own))
    >>> [(p.title, p.sentence) for p in panels]
    [('y by day', "the original's mean lies in the band of 2 copies at 100% of times")]
    """
    stated = (tables.provenance or {}).get("sequence")
    if not stated or stated["time"] not in tables.original.values:
        return []
    time, unit = stated["time"], stated["unit"]
    found = []
    for column in (c for c in tables.original.values if c not in (time, unit)):
        own = _means(tables, time, column)
        if own is not None:
            inside = float(((own[1] >= own[2].min(axis=0)) & (own[1] <= own[2].max(axis=0))).mean())
            found.append((inside, column, own))
    found.sort(key=lambda item: item[0])
    return [_panel(f"{column} by {time}", inside, *own) for inside, column, own in found[:PANELS]]


def _edges(times: np.ndarray) -> np.ndarray:
    """Return what parts times into classes: each by itself where they are few, else classes of equal counts."""
    distinct = np.unique(times)
    if len(distinct) <= PLACES:
        return (distinct[1:] + distinct[:-1]) / 2
    return np.unique(np.quantile(times, np.linspace(0, 1, PLACES + 1)[1:-1]))


def _means(tables: Tables, time: str, column: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return times, the original's means, and those of each copy, where all of them have one."""
    edges = _edges(tables.original.values[time])
    size = len(edges) + 1

    def of(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        there = np.isfinite(values)
        place = np.searchsorted(edges, times[there])
        count = np.bincount(place, minlength=size)
        return np.bincount(place, weights=values[there], minlength=size) / np.maximum(count, 1), count

    own, count = of(tables.original.values[time], tables.original.values[column])
    drawn = [of(copy.values[time], copy.values[column]) for copy in tables.copies]
    middle, _ = of(tables.original.values[time], tables.original.values[time])
    kept = (count >= FEWEST) & np.all([n > 0 for _, n in drawn], axis=0)
    if kept.sum() < 2:
        return None
    return middle[kept], own[kept], np.array([mean[kept] for mean, _ in drawn])


def _panel(title: str, inside: float, times: np.ndarray, own: np.ndarray, copies: np.ndarray) -> Trajectory:
    low, high = copies.min(axis=0), copies.max(axis=0)
    bottom, top = min(float(low.min()), float(own.min())), max(float(high.max()), float(own.max()))
    top = top if top > bottom else bottom + 1.0
    first, last = float(times[0]), float(times[-1])

    def at(time: float, value: float) -> tuple[float, float]:
        across = (time - first) / (last - first)
        return LEFT + (WIDTH - LEFT - 8) * across, 6 + (HEIGHT - 12) * (top - value) / (top - bottom)

    def line(values: np.ndarray) -> list[tuple[float, float]]:
        return [at(t, v) for t, v in zip(times.tolist(), values.tolist(), strict=True)]

    parts = [path(line(high) + line(low)[::-1], "band", closed=True), path(line(copies.mean(axis=0)), "copies"),
             path(line(own), "curve-original")]  # fmt: skip
    for value in ticks(bottom, top, 4):
        parts.append(tag("text", tick(value), x=LEFT - 5, y=at(first, value)[1] + 4, text_anchor="end", class_="tick"))
    for time in ticks(first, last, 4):
        anchor = "end" if at(time, bottom)[0] > WIDTH - 20 else "middle"
        parts.append(tag("text", tick(time), x=at(time, bottom)[0], y=HEIGHT + 10, text_anchor=anchor, class_="tick"))
    sentence = f"the original's mean lies in the band of {len(copies)} copies at {inside:.0%} of times"
    return Trajectory(title, sentence, drawing(WIDTH, HEIGHT + 16, f"{title}. {sentence}", *parts))
