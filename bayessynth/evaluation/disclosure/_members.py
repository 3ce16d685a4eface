"""Training records and holdout records under attack, and how near the copies come to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayessynth.evaluation.disclosure._nearest import Index, index, nearest
from bayessynth.evaluation.disclosure._records import Records, Space, space
from bayessynth.evaluation.tables import Tables

# At most so many records on each side, and more while comparisons of cells stay below WORK.
LEAST, WORK = 6_500, 2e10


@dataclass(frozen=True)
class Nearness:
    """Records under attack and their nearest synthetic records.

    Attributes
    ----------
    members, others : ndarray of int
        Positions in the original and in the holdout.
    to_members, to_others : ndarray of shape (copies, records)
        Distance to the nearest record of each copy.
    rows : ndarray of shape (copies, members)
        Which record that is.
    notes : tuple of str
        What was sub-sampled.
    """

    members: np.ndarray
    others: np.ndarray
    to_members: np.ndarray
    to_others: np.ndarray
    rows: np.ndarray
    notes: tuple[str, ...]


def chosen(n: int, limit: int, rng: np.random.Generator) -> np.ndarray:
    """Return all positions below n, or ``limit`` of them at random.

    >>> chosen(3, 5, np.random.default_rng(1)).tolist()
    [0, 1, 2]
    """
    return np.arange(n) if n <= limit else np.sort(rng.choice(n, limit, replace=False))


def sampled(kept: int, n: int, what: str) -> tuple[str, ...]:
    """Announce a sub-sample, if there is one."""
    return (f"{kept:,} of {n:,} {what}, chosen at random (max_rows= sets how many).",) if kept < n else ()


def indices(tables: Tables) -> tuple[Index, ...]:
    """Return the copies sorted for the search of nearest records, made once an evaluation."""
    if "disclosure_indices" not in tables.cache:
        tables.cache["disclosure_indices"] = tuple(index(copy) for copy in space(tables).copies)
    return tables.cache["disclosure_indices"]


def nearness(tables: Tables) -> Nearness:
    """Return the nearest synthetic records of training and holdout records, found once an evaluation."""
    if "disclosure_nearness" not in tables.cache:
        tables.cache["disclosure_nearness"] = _nearness(tables)
    return tables.cache["disclosure_nearness"]


def _nearness(tables: Tables) -> Nearness:
    records = space(tables)
    assert records.holdout is not None  # measures ask for it first
    limit = tables.max_rows or max(LEAST, int(WORK / (tables.k * tables.m * max(1, records.width))))
    rng = tables.rng("disclosure members")
    members, others = chosen(records.original.n, limit, rng), chosen(records.holdout.n, limit, rng)
    found = [nearest(records.original.take(members), copy) for copy in indices(tables)]
    apart = [nearest(records.holdout.take(others), copy)[0] for copy in indices(tables)]
    notes = sampled(len(members), tables.n, "training records") + sampled(
        len(others), records.holdout.n, "holdout records"
    )
    return Nearness(
        members, others, np.stack([d for d, _ in found]), np.stack(apart), np.stack([r for _, r in found]), notes
    )


def independent(records: Space, rng: np.random.Generator) -> tuple[Records, ...]:
    """Return tables of the copies' sizes whose columns are drawn from the original's, each column by itself.

    They have its margins and know none of its records: what an attack makes of them is what the split alone makes.
    """
    original = records.original

    def drawn(columns: np.ndarray, k: int) -> np.ndarray:
        rows = rng.integers(0, original.n, (k, columns.shape[1]))
        return np.take_along_axis(columns, rows, axis=0)

    return tuple(Records(drawn(original.numbers, c.n), drawn(original.codes, c.n)) for c in records.copies)


def control(tables: Tables) -> tuple[np.ndarray, np.ndarray]:
    """Return the distances to the nearest record of tables with independent columns, over all of them.

    Returns
    -------
    tuple of ndarray
        Of the members and of the others of :func:`nearness`.
    """
    if "disclosure_control" not in tables.cache:
        records, near = space(tables), nearness(tables)
        assert records.holdout is not None
        members, others = records.original.take(near.members), records.holdout.take(near.others)
        found = []
        for made in independent(records, tables.rng("disclosure independent")):
            sorted_rows = index(made)
            found.append((nearest(members, sorted_rows)[0], nearest(others, sorted_rows)[0]))
        tables.cache["disclosure_control"] = (
            np.min([a for a, _ in found], axis=0),
            np.min([b for _, b in found], axis=0),
        )
    return tables.cache["disclosure_control"]
