"""Sums of products over rows, in one pass of a compiled loop."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

# Rows that are laid side by side at a time: they stay in the second-level cache.
_BLOCK = 4096
# Code of its own is compiled for a number of columns where so many rows are to be summed, if they are no more than so.
_MANY_ROWS, _FEW_COLUMNS = 1 << 16, 8


def accumulate(
    values: Sequence[np.ndarray], cells: np.ndarray, size: int, shift: np.ndarray, scale: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Sum v vᵀ over the rows of every cell, v = (values - shift) / scale.

    Parameters
    ----------
    values : sequence of V ndarray of shape (n,)
        The first is all ones.
    cells : ndarray of int64, shape (n,)
        Within 0 … size - 1.
    size : int
        Number of cells.
    shift, scale : ndarray of shape (V,)

    Returns
    -------
    tuple of ndarray
        Rows (size,) and sums (size, V, V) of every cell.

    Examples
    --------
    >>> counts, sums = accumulate([np.ones(2), np.array([1.0, 3.0])], np.zeros(2, int), 1, np.zeros(2), np.ones(2))
    >>> counts.tolist(), sums[0].tolist()
    ([2], [[2.0, 4.0], [4.0, 10.0]])
    """
    v, n = len(values), len(cells)
    if n and not 0 <= cells.min() <= cells.max() < size:
        raise ValueError(f"cells reach from {cells.min()} to {cells.max()}, outside 0..{size - 1}.")
    moments = np.zeros((size, v, v))
    if size > 1 and n >= _MANY_ROWS and 1 < v <= _FEW_COLUMNS:
        columns = tuple(np.ascontiguousarray(column, dtype=float) for column in values[1:])
        _add_rows(columns, cells, moments, shift[1:], 1.0 / scale[1:])
        return _completed(moments, cells)
    block = np.empty((_BLOCK, v))
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        part = block[: stop - start]
        for j, column in enumerate(values):
            np.subtract(column[start:stop], shift[j], out=part[:, j])
        part /= scale
        if size == 1:
            moments[0] += part.T @ part
        else:
            _add(part, cells[start:stop], moments)
    return _completed(moments, cells) if size > 1 else (np.array([n]), moments)


def _completed(moments: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and sums of every cell, of which only the upper triangles are there."""
    moments += np.triu(moments, 1).transpose(0, 2, 1)
    return np.bincount(cells, minlength=len(moments)).astype(np.int64), moments


@njit(cache=True, nogil=True, error_model="numpy")
def _add(part, cells, moments):
    """Add the upper triangles of the rows' products to their cells' sums."""
    v = part.shape[1]
    for i in range(part.shape[0]):
        cell = cells[i]
        for a in range(v):
            left = part[i, a]
            for b in range(a, v):
                moments[cell, a, b] += left * part[i, b]


@njit(cache=True, nogil=True, error_model="numpy")
def _add_rows(columns, cells, moments, shift, per_scale):
    """Add the upper triangles of products of 1 and the columns, which are a tuple: the compiler knows their number."""
    row = np.empty(len(columns))
    for i in range(len(cells)):
        sums = moments[cells[i]]
        sums[0, 0] += 1.0
        for a in range(len(columns)):
            row[a] = (columns[a][i] - shift[a]) * per_scale[a]
            sums[0, a + 1] += row[a]
        for a in range(len(columns)):
            for b in range(a, len(columns)):
                sums[a + 1, b + 1] += row[a] * row[b]
