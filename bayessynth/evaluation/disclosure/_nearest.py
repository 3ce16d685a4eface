"""The nearest record of a table in Gower's distance: numbers by their scaled difference, levels by equality.

The search is exact. Rows of the base are put into buckets by the levels that tell most, and sorted by a number within
each; for a query, buckets are visited in the order of the levels in which they differ from it, and rows by their
difference in that number, until neither can come nearer than what was found.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np

from bayessynth.evaluation.disclosure._records import Records
from bayessynth.fitting.cores import available_cores

# Levels define buckets until there are about so many for the square root of the rows.
BUCKETS = 4
# Queries that one thread takes at a time.
CHUNK = 256


@dataclass(frozen=True)
class Index:
    """A table's rows, sorted for the search.

    Attributes
    ----------
    starts : ndarray of shape (buckets + 1,)
    bucket_codes : ndarray of shape (buckets, levels that define buckets)
    pivot : ndarray of shape (n,)
        The number by which rows are sorted within a bucket; zeros where there is none.
    codes, numbers : ndarray
        The other levels and numbers of the sorted rows, those that tell most first.
    rows : ndarray of shape (n,)
        Positions of the sorted rows in the table.
    front, back, by_number : tuple of int
        Columns of ``Records.codes`` that define buckets, the others, and columns of ``Records.numbers``, the pivot
        first.
    """

    starts: np.ndarray
    bucket_codes: np.ndarray
    pivot: np.ndarray
    codes: np.ndarray
    numbers: np.ndarray
    rows: np.ndarray
    front: tuple[int, ...]
    back: tuple[int, ...]
    by_number: tuple[int, ...]


def index(base: Records) -> Index:
    """Sort a table's rows for :func:`nearest`."""
    by_level = np.argsort([_agreement(base.codes[:, j]) for j in range(base.codes.shape[1])], kind="stable").tolist()
    by_number = np.argsort([_agreement(base.numbers[:, j]) for j in range(base.numbers.shape[1])], kind="stable")
    numbers = [int(j) for j in by_number]
    bucket = np.zeros(base.n, dtype=np.int64)
    front: list[int] = []
    for j in by_level:
        joint = bucket * (int(base.codes[:, j].max()) + 1) + base.codes[:, j]
        wider = np.unique(joint, return_inverse=True)[1]
        if wider.max() + 1 > BUCKETS * np.sqrt(base.n):
            break
        bucket, front = wider, [*front, j]
    pivot = base.numbers[:, numbers[0]] if numbers else np.zeros(base.n, dtype=np.float32)
    order = np.lexsort([np.arange(base.n), pivot, bucket])
    starts = np.searchsorted(bucket[order], np.arange(bucket.max() + 2))
    back = [j for j in by_level if j not in front]
    return Index(
        starts, np.ascontiguousarray(base.codes[order[starts[:-1]]][:, front]), np.ascontiguousarray(pivot[order]),
        np.ascontiguousarray(base.codes[order][:, back]), np.ascontiguousarray(base.numbers[order][:, numbers[1:]]),
        order, tuple(front), tuple(back), tuple(numbers),
    )  # fmt: skip


def nearest(queries: Records, base: Index, skip: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Find the nearest row of a table for every query.

    Parameters
    ----------
    queries : Records
    base : Index
    skip : ndarray of int, optional
        For every query a row of the base that does not count, such as itself.

    Returns
    -------
    tuple of ndarray
        Distance, summed over columns: 0 equal, at most the number of columns (infinite if no row counts); and the
        row's position in the base, the first of several at the same distance.

    Examples
    --------
    >>> base = Records(np.array([[0.0], [0.5]], dtype=np.float32), np.array([[1], [2]], dtype=np.int32))
    >>> query = Records(np.array([[0.25]], dtype=np.float32), np.array([[2]], dtype=np.int32))
    >>> nearest(query, index(base))
    (array([0.25], dtype=float32), array([1]))
    """
    n = queries.n
    distance, position = np.full(n, np.inf, dtype=np.float32), np.full(n, -1, dtype=np.int64)
    front = np.ascontiguousarray(queries.codes[:, list(base.front)])
    back = np.ascontiguousarray(queries.codes[:, list(base.back)])
    numbers = np.ascontiguousarray(queries.numbers[:, list(base.by_number)])
    pivot = numbers[:, 0].copy() if base.by_number else np.zeros(n, dtype=np.float32)
    others = np.ascontiguousarray(numbers[:, 1:])
    left_out = np.full(n, -1, dtype=np.int64) if skip is None else np.asarray(skip, dtype=np.int64)

    def search(first: int) -> None:
        part = slice(first, first + CHUNK)
        _search(
            front[part], pivot[part], back[part], others[part], left_out[part], base.starts, base.bucket_codes,
            base.pivot, base.codes, base.numbers, base.rows, distance[part], position[part],
        )  # fmt: skip

    with ThreadPoolExecutor(available_cores()) as pool:
        list(pool.map(search, range(0, n, CHUNK)))
    return distance, position


def _agreement(values: np.ndarray) -> float:
    """Return the chance that two rows agree in a column."""
    shares = np.unique(values, return_counts=True)[1] / len(values)
    return float((shares**2).sum())


@numba.njit(cache=True, nogil=True)
def _search(
    front: np.ndarray, pivot: np.ndarray, back: np.ndarray, numbers: np.ndarray, skip: np.ndarray,
    starts: np.ndarray, bucket_codes: np.ndarray, base_pivot: np.ndarray, base_codes: np.ndarray,
    base_numbers: np.ndarray, rows: np.ndarray, distance: np.ndarray, position: np.ndarray,
) -> None:  # fmt: skip  # pragma: no cover  (compiled)
    n_buckets, n_front = bucket_codes.shape
    differs = np.empty(n_buckets, dtype=np.int64)
    for i in range(len(pivot)):
        for b in range(n_buckets):
            count = 0
            for j in range(n_front):
                count += bucket_codes[b, j] != front[i, j]
            differs[b] = count
        best, found = np.float32(np.inf), -1
        for level in range(n_front + 1):
            if np.float32(level) > best:
                break
            for b in range(n_buckets):
                if differs[b] != level:
                    continue
                start, stop = starts[b], starts[b + 1]
                right = start + np.searchsorted(base_pivot[start:stop], pivot[i])
                left = right - 1
                while left >= start or right < stop:
                    below = pivot[i] - base_pivot[left] if left >= start else np.float32(np.inf)
                    above = base_pivot[right] - pivot[i] if right < stop else np.float32(np.inf)
                    if below < above:
                        r, apart = left, below
                        left -= 1
                    else:
                        r, apart = right, above
                        right += 1
                    total = np.float32(level) + min(apart, np.float32(1))
                    if total > best:
                        break
                    for j in range(back.shape[1]):
                        if base_codes[r, j] != back[i, j]:
                            total += np.float32(1)
                            if total > best:
                                break
                    if total > best:
                        continue
                    for j in range(numbers.shape[1]):
                        total += min(abs(base_numbers[r, j] - numbers[i, j]), np.float32(1))
                        if total > best:
                            break
                    if rows[r] != skip[i] and (total < best or (total == best and rows[r] < found)):
                        best, found = total, rows[r]
        distance[i], position[i] = best, found
