"""Rows as an intruder compares them: numbers on a common scale, every distinct level a code, missing a level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayessynth.evaluation.encoders import as_text
from bayessynth.evaluation.tables import Encoded, Tables

# A missing number lies farther than 1, the most that a column counts, from every present one.
MISSING, FAR = -1e9, 1e6
# Numbers are divided by the range of the original's central 98 %: one extreme value must not make all others equal.
TAILS = (0.01, 0.99)


@dataclass(frozen=True)
class Records:
    """Rows of one table.

    Attributes
    ----------
    numbers : ndarray of float32, shape (n, columns)
        In units of the original's range; a difference counts at most 1.
    codes : ndarray of int32, shape (n, columns)
        A code for every distinct level of any table, missing included.
    """

    numbers: np.ndarray
    codes: np.ndarray

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.codes)

    def take(self, rows: np.ndarray) -> Records:
        """Return some of the rows."""
        return Records(self.numbers[rows], self.codes[rows])

    def only(self, numbers: Sequence[int], codes: Sequence[int]) -> Records:
        """Return some of the columns, by their positions."""
        return Records(self.numbers[:, list(numbers)], self.codes[:, list(codes)])


@dataclass(frozen=True)
class Space:
    """All tables in the same space.

    Attributes
    ----------
    numbers, levels : tuple of str
        The columns of ``Records.numbers`` and of ``Records.codes``.
    original : Records
    copies : tuple of Records
    holdout : Records or None
    """

    numbers: tuple[str, ...]
    levels: tuple[str, ...]
    original: Records
    copies: tuple[Records, ...]
    holdout: Records | None

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.numbers) + len(self.levels)

    def only(self, columns: Sequence[str]) -> Space:
        """Return the space of some of the columns."""
        numbers = [j for j, c in enumerate(self.numbers) if c in columns]
        levels = [j for j, c in enumerate(self.levels) if c in columns]
        return Space(
            tuple(self.numbers[j] for j in numbers), tuple(self.levels[j] for j in levels),
            self.original.only(numbers, levels), tuple(c.only(numbers, levels) for c in self.copies),
            None if self.holdout is None else self.holdout.only(numbers, levels),
        )  # fmt: skip


def space(tables: Tables) -> Space:
    """Return all tables in the space of the original's scales, made once an evaluation.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> table = pd.DataFrame({"x": [0.0, 10.0, None], "s": ["a", None, "b"]})
    >>> space(read_tables(table, [table])).original.codes.tolist()
    [[0], [2], [1]]
    """
    if "disclosure_space" not in tables.cache:
        tables.cache["disclosure_space"] = _space(tables)
    return tables.cache["disclosure_space"]


def _space(tables: Tables) -> Space:
    every = [tables.original, *tables.copies, *([tables.holdout] if tables.holdout is not None else [])]
    codes = np.concatenate([np.empty((sum(t.n for t in every), 0), np.int32), *_levels(tables)], axis=1)
    cuts = np.cumsum([t.n for t in every])[:-1]
    records = [Records(_numbers(t, tables), c) for t, c in zip(every, np.split(codes, cuts), strict=True)]
    copies = tuple(records[1 : 1 + tables.m])
    return Space(tables.numbers, tables.levels, records[0], copies, records[-1] if tables.holdout is not None else None)


def _levels(tables: Tables) -> list[np.ndarray]:
    return [distinct(tables, column)[:, None] for column in tables.levels]


def distinct(tables: Tables, column: str) -> np.ndarray:
    """Return a code for every distinct value of a column, of original, copies and holdout below each other.

    Numbers are taken as they are, levels as text; missing is a value.
    """
    key = ("disclosure_distinct", column)
    if key not in tables.cache:
        tables.cache[key] = _distinct(tables, column)
    return tables.cache[key]


def _distinct(tables: Tables, column: str) -> np.ndarray:
    if column in tables.numbers:
        every = [tables.original, *tables.copies, *([tables.holdout] if tables.holdout is not None else [])]
        cells = pd.Series(np.concatenate([t.values[column] for t in every]))
    else:
        frames = [tables.original_frame, *tables.copy_frames]
        frames += [tables.holdout_frame] if tables.holdout_frame is not None else []
        cells = pd.concat([as_text(f[column]) for f in frames], ignore_index=True)
    found, values = pd.factorize(cells, use_na_sentinel=True)
    return np.where(found < 0, len(values), found).astype(np.int32)


def _numbers(table: Encoded, tables: Tables) -> np.ndarray:
    scaled = np.empty((table.n, len(tables.numbers)), dtype=np.float32)
    for j, column in enumerate(tables.numbers):
        centre, spread = _scale(tables.original.values[column])
        values = np.clip((table.values[column] - centre) / spread, -FAR, FAR)
        scaled[:, j] = np.where(np.isnan(values), MISSING, values)
    return scaled


def _scale(values: np.ndarray) -> tuple[float, float]:
    """Return the middle and the range of a column's values, the range never 0."""
    present = values[np.isfinite(values)]
    if not len(present):
        return 0.0, 1.0
    low, high = np.quantile(present, TAILS)
    spread = high - low if high > low else np.ptp(present)
    return float(np.median(present)), float(spread or 1.0)
