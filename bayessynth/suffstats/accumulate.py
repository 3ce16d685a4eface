"""Sums of products over rows, in one pass of a compiled loop."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit

# Rows that are laid side by side at a time: they stay in the second-level cache.
_BLOCK = 4096
# Code for a number of columns of its own is compiled where so many rows are to be summed, for no more columns than so.
_MANY_ROWS, _FEW_COLUMNS = 200_000, 8


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
    block = np.empty((_BLOCK, v))
    unrolled = (0,) * v if n >= _MANY_ROWS and v <= _FEW_COLUMNS else None
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        part = block[: stop - start]
        for j, column in enumerate(values):
            np.subtract(column[start:stop], shift[j], out=part[:, j])
        part /= scale
        if size == 1:
            moments[0] += part.T @ part
        elif unrolled is not None:
            _add_unrolled(part, cells[start:stop], moments, unrolled)
        else:
            _add(part, cells[start:stop], moments)
    moments += np.triu(moments, 1).transpose(0, 2, 1) if size > 1 else 0.0
    return np.bincount(cells, minlength=size).astype(np.int64), moments


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
def _add_unrolled(part, cells, moments, columns):
    """Do what :func:`_add` does, with the number of columns known to the compiler by the length of a tuple."""
    for i in range(part.shape[0]):
        cell = cells[i]
        for a in range(len(columns)):
            left = part[i, a]
            for b in range(a, len(columns)):
                moments[cell, a, b] += left * part[i, b]
