"""What a linear score sees of the columns: numbers in standard units, and an indicator of every usual level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bayessynth.trees.ranks import Ranks, code_type, ranks_of

# Levels beyond the most frequent have no effect of their own on a linear score; the tree sees them all.
LEVELS = 50
# A number further out than this, in standard deviations, would bend a linear score.
REACH = 5.0
# Share of a number by which another differs from it in 32 bits as well.
APART = 1e-6


@dataclass(frozen=True)
class Block:
    """One column's part of the design of linear scores.

    Attributes
    ----------
    center, scale : float
        Of a number; 0 and 1 for levels.
    levels : ndarray of int64 or None
        Codes that have an indicator, -1 (missing) among them; None for a number, whose second column, if it has
        one, says where it is missing.
    matrix : ndarray of float32, shape (n, q)
    ranks : Ranks or None
        Of a number, as trees see it: rank 0 is a missing one, whose value is below all others, so that one cut parts it
        from them.
    """

    center: float
    scale: float
    levels: np.ndarray | None
    matrix: np.ndarray
    ranks: Ranks | None = None


def block(values: np.ndarray, count: int | None) -> Block:
    """Return the block of a column.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Encoded.
    count : int or None
        Number of its levels, if it has levels.

    Examples
    --------
    >>> block(np.array([1.0, 3.0, np.nan]), None).matrix.tolist()
    [[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]
    """
    return _number(values) if count is None else _levels(values, count)


def _number(values: np.ndarray) -> Block:
    gap = ~np.isfinite(values)
    present = values[~gap]
    center = float(present.mean()) if len(present) else 0.0
    scale = float(present.std()) if len(present) else 1.0
    scale = scale if scale > 0 and np.isfinite(scale) else 1.0
    with np.errstate(invalid="ignore", over="ignore"):
        standard = np.clip((np.where(gap, center, values) - center) / scale, -REACH, REACH)
    columns = [standard, gap] if gap.any() else [standard]
    return Block(center, scale, None, np.column_stack(columns).astype(np.float32), _ranks(values, present))


def _ranks(values: np.ndarray, present: np.ndarray) -> Ranks:
    there = ~np.isnan(values)
    own = ranks_of(values[there])
    codes = np.zeros(len(values), dtype=code_type(len(own.values) + 1))
    codes[there] = own.codes + 1
    return Ranks(codes, np.append(np.float32(_below(present)), own.values))


def _below(present: np.ndarray) -> float:
    """Return a number below all others, as a 32-bit number too."""
    if not len(present):
        return -1.0
    low, high = float(present.min()), float(present.max())
    return low - (high - low) - max(1.0, APART * abs(low))


def _levels(codes: np.ndarray, count: int) -> Block:
    frequency = np.bincount(codes + 1, minlength=count + 1)
    usual = np.argsort(-frequency, kind="stable")[:LEVELS]
    usual = np.sort(usual[frequency[usual] > 0])
    place = np.full(count + 1, -1)
    place[usual] = np.arange(len(usual))
    matrix = np.zeros((len(codes), len(usual)), dtype=np.float32)
    found = place[codes + 1]
    rows = np.flatnonzero(found >= 0)
    matrix[rows, found[rows]] = 1
    return Block(0.0, 1.0, usual - 1, matrix)


def joined(found: Sequence[Block], rows: np.ndarray) -> np.ndarray:
    """Return the blocks of some rows side by side.

    >>> joined([Block(0, 1, None, np.array([[1.0], [2.0]], dtype=np.float32))], np.array([1])).tolist()
    [[2.0]]
    """
    none = np.zeros((len(rows), 0), dtype=np.float32)
    return np.hstack([none, *(block.matrix[rows] for block in found)])
