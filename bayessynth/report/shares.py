"""How the records of the original and of each copy are shared out over the values of a column."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from bayessynth.evaluation.tables import Tables
from bayessynth.evaluation.utility.univariate import total_variation
from bayessynth.report.bins import FEW, SKEWED, counted, edges

# Levels drawn by themselves; the others share a bar.
MOST = 8
# From so many records on, ranges of values are read off an evenly spread part of them.
ENOUGH = 20_000


@dataclass(frozen=True)
class Shares:
    """One column.

    Attributes
    ----------
    column : str
    labels : tuple of str
        Of the bars; empty for a histogram.
    edges : ndarray or None
        Of a histogram's bins.
    logs : bool
        Whether the bins are of equal width on the scale of log(1 + x).
    dates : bool
        Whether values are days since 1970.
    original : ndarray, shape (bars,)
        Shares of all records, those with a missing cell counted.
    copies : ndarray, shape (m, bars)
    missing : ndarray, shape (1 + m,)
        Share of missing cells in the original and in each copy.
    distance, chance : float
        Total variation distance from the original, of levels or deciles, averaged over copies; and the value that two
        samples of these sizes have on average.
    """

    column: str
    labels: tuple[str, ...]
    edges: np.ndarray | None
    logs: bool
    dates: bool
    original: np.ndarray
    copies: np.ndarray
    missing: np.ndarray
    distance: float
    chance: float


def ranked(tables: Tables) -> list[tuple[str, float, float]]:
    """Return every column with its distance and its chance value, the farthest beyond chance first.

    Notes
    -----
    Of two samples of n and k records the share of a level differs by about a normal variable of variance
    p(1 − p)(1/n + 1/k), whose mean absolute value is √(2/π) of its standard deviation.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> original = pd.DataFrame({"s": ["a", "b"] * 50, "t": ["a", "b"] * 50})
    >>> copy = pd.DataFrame({"s": ["a", "b"] * 50, "t": ["a"] * 100})
    >>> [(c, round(d, 2)) for c, d, _ in ranked(read_tables(original, [copy]))]
    [('t', 0.5), ('s', 0.0)]
    """
    found = []
    for column in tables.columns:
        own, size = tables.original.codes[column], tables.sizes[column]
        distance = float(np.mean([total_variation(own, c.codes[column], size) for c in tables.copies]))
        p = np.bincount(own, minlength=size) / tables.n
        chance = float(np.sqrt(2 / np.pi * p * (1 - p) * (1 / tables.n + 1 / tables.k)).sum() / 2)
        found.append((column, distance, chance))
    return sorted(found, key=lambda row: row[2] - row[1])


def shares(tables: Tables, column: str, distance: float, chance: float) -> Shares:
    """Share out the records over a column's values.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> original = pd.DataFrame({"s": ["a", "a", "b", None]})
    >>> found = shares(read_tables(original, [original]), "s", 0.0, 0.1)
    >>> found.labels, found.original.tolist(), found.missing.tolist()
    (('a', 'b'), [0.5, 0.25], [0.25, 0.25])
    """
    every = (tables.original, *tables.copies)
    last = tables.sizes[column] - 1
    missing = np.array([float(np.mean(t.codes[column] == last)) for t in every])
    dates = pd.api.types.is_datetime64_any_dtype(tables.original_frame[column].dtype)
    labels: tuple[str, ...] = ()
    cuts = None
    logs = False
    if column in tables.numbers:
        values = [t.values[column][np.isfinite(t.values[column])] for t in every]
        labels, cuts, logs, counts = _numbers(values, dates)
    else:
        labels, counts = _levels(tables, column)
    totals = np.array([t.n for t in every])[:, None]
    return Shares(
        column, labels, cuts, logs, dates, (counts / totals)[0], (counts / totals)[1:], missing, distance, chance
    )


def _numbers(values: list[np.ndarray], dates: bool) -> tuple[tuple[str, ...], np.ndarray | None, bool, np.ndarray]:
    """Return labels or edges, whether on the scale of logs, and counts, shape (1 + m, bars)."""
    own, drawn = values[0], [v for v in values[1:] if len(v)]
    if not len(own) or not drawn:
        known = np.unique(np.concatenate(values))[:MOST]
        return _valued(values, known)
    known = np.unique(own)
    if len(known) <= FEW and not dates:
        return _valued(values, known)
    skewed = bool(known[0] >= 0 and pd.Series(own).skew() > SKEWED) and not dates
    if skewed and (known == np.round(known)).all() and known[-1] < 1e12:
        _, cuts = counted(own, drawn)
        return _merged(cuts, np.array([np.histogram(v, cuts)[0] for v in values]))
    cuts = edges(_part(own), [_part(v) for v in drawn], skewed)
    if not (np.diff(cuts) > 0).all():
        return _valued(values, known[:MOST])
    return (), cuts, skewed, np.array([np.histogram(v, cuts)[0] for v in values])


def _merged(cuts: np.ndarray, counts: np.ndarray) -> tuple[tuple[str, ...], np.ndarray | None, bool, np.ndarray]:
    """Join neighbouring bins of a count, those of the fewest records first, until few are left; zero stays alone."""
    starts = [int(c + 0.5) for c in cuts]
    while counts.shape[1] > FEW - 2:
        together = (counts / counts.sum(axis=1, keepdims=True)).mean(axis=0)
        i = 1 + int(np.argmin(together[1:-1] + together[2:]))
        counts = np.column_stack([counts[:, :i], counts[:, i] + counts[:, i + 1], counts[:, i + 2 :]])
        del starts[i + 1]
    labels = [f"{a:,}" if b == a + 1 else f"{a:,}–{b - 1:,}" for a, b in pairwise(starts[:-1])]
    return (*labels, f"≥{starts[-2]:,}"), None, False, counts


def _part(values: np.ndarray) -> np.ndarray:
    return values if len(values) <= ENOUGH else values[:: len(values) // ENOUGH]


def _valued(values: list[np.ndarray], known: np.ndarray) -> tuple[tuple[str, ...], np.ndarray | None, bool, np.ndarray]:
    """Count value by value, what else there is in a last bar."""
    counts = np.array([[np.sum(v == x) for x in known] + [len(v) - np.isin(v, known).sum()] for v in values])
    labels = (*(f"{x:.10g}" for x in known), "another value")
    return (labels, None, False, counts) if counts[:, -1].any() else (labels[:-1], None, False, counts[:, :-1])


def _levels(tables: Tables, column: str) -> tuple[tuple[str, ...], np.ndarray]:
    """Count level by level: ordered ones in their order, else the most frequent first; the rest in a last bar."""
    size = tables.sizes[column]
    every = (tables.original, *tables.copies)
    counts = np.array([np.bincount(t.codes[column], minlength=size)[: size - 1] for t in every])
    names = tables.labels[column]
    dtype = tables.original_frame[column].dtype
    frequent = sorted(range(size - 2), key=lambda i: -counts[0, i])[:MOST]
    if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered:
        position = {str(c): i for i, c in enumerate(dtype.categories)}
        frequent.sort(key=lambda i: position.get(names[i], size))
    rest = counts.sum(axis=1) - counts[:, frequent].sum(axis=1)
    labels = tuple(names[i] for i in frequent)
    if not rest.any():
        return labels, counts[:, frequent]
    others = size - 2 - len(frequent)
    return (*labels, f"{others} others" if others else "another level"), np.column_stack([counts[:, frequent], rest])
