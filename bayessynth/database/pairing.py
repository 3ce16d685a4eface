"""Which rows of a table belong to which rows of a second owner, when both margins are there.

Rows stand in the order of the primary owner; the second owner's rows say how many members each has. The two are
matched so that both hold, and so that what goes together in the original goes together in a copy: a share of the rows
has an owner of the same origin (a client of the account's own district), and in what is left the rank of a linear score
of what is known of the row is paired with the rank of another of the owner, the two that are most correlated (canonical
correlation; Hotelling 1936), as a Gaussian copula of that correlation would pair them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import linalg

from bayessynth.database.covariates import FromAbove, Known, follow
from bayessynth.database.structure import Link, Structure

# Levels of a category, the commonest first, that have an indicator in a score.
LEVELS = 8
# Prior records' worth by which correlations are drawn towards zero.
RIDGE = 10.0


@dataclass(frozen=True)
class Score:
    """A linear score of encoded columns.

    Attributes
    ----------
    columns : tuple of str
    levels : tuple
        Codes of the levels of each that have an indicator; empty for a number.
    centre, scale, weights : tuple of float
        Of each number and indicator.
    """

    columns: tuple[str, ...]
    levels: tuple[tuple[int, ...], ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]

    def of(self, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the score of each row."""
        n = len(next(iter(arrays.values()), np.zeros(0)))
        if not self.columns:
            return np.zeros(n)
        design = _design([arrays[c] for c in self.columns], self.levels)
        standard = (np.where(np.isnan(design), self.centre, design) - self.centre) / np.asarray(self.scale)
        return standard @ np.asarray(self.weights)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Score:
        """Make a score of JSON data."""
        levels = tuple(tuple(codes) for codes in data["levels"])
        return cls(tuple(data["columns"]), levels, tuple(data["centre"]), tuple(data["scale"]), tuple(data["weights"]))


@dataclass(frozen=True)
class Pairing:
    """How a table's rows are matched with those of a second owner.

    Attributes
    ----------
    origin : tuple of two tuples of str, or None
        Labels of links from the table, and from the owner, up to a table that both lead to.
    same, rows : int
        Rows whose two ways there end at one row, and all.
    missing : int
        Rows without this owner, of ``rows + missing``.
    least, most : int
        Members of an owner, in the original.
    correlation : float
        Between the two scores.
    row, owner : Score
    above : tuple of FromAbove
        What the score of a row reads.
    """

    origin: tuple[tuple[str, ...], tuple[str, ...]] | None
    same: int
    rows: int
    missing: int
    least: int
    most: int
    correlation: float
    row: Score
    owner: Score
    above: tuple[FromAbove, ...]

    def draw(
        self, known: Known, owners: Mapping[str, np.ndarray], counts: np.ndarray, n: int, first: np.ndarray | None,
        rng: np.random.Generator,
    ) -> np.ndarray:  # fmt: skip
        """Return the owner's row of each of n rows, -1 for none.

        Parameters
        ----------
        known : Known
        owners : mapping of str to ndarray
            The owner's columns, encoded.
        counts : ndarray
            Members of each of the owner's rows, as they were drawn.
        n : int
        first : ndarray or None
            The primary owner's row of each row.
        rng : Generator
        """
        total = self.missing + self.rows
        gone = rng.random(n) < rng.beta(self.missing + 0.5, self.rows + 0.5) if self.missing and total else None
        at = np.full(n, -1, dtype=np.int64)
        there = np.arange(n) if gone is None else np.flatnonzero(~gone)
        if not len(counts) or not len(there):
            return at
        agree = rng.random(len(there)) < rng.beta(self.same + 0.5, self.rows - self.same + 0.5)
        wanted = np.full(len(there), -1)
        if self.origin is not None and first is not None:
            wanted = np.where(agree, follow(known, first, self.origin[0][1:])[there], -1)
        if self.origin is not None and not self.origin[1]:
            # The owner itself is what both ways lead to: rows have it, however many they are.
            at[there] = wanted
            there = there[wanted < 0]
            wanted = wanted[wanted < 0]
        stubs = np.repeat(np.arange(len(counts)), adjusted(counts, len(there), self.least, self.most, rng))
        rng.shuffle(stubs)
        left = there
        if (wanted >= 0).any() and self.origin is not None:
            chosen, taken = _within(wanted, follow(known, np.arange(len(counts)), self.origin[1])[stubs], rng)
            at[there[chosen]] = stubs[taken]
            left, stubs = np.delete(there, chosen), np.delete(stubs, taken)
        noise = np.sqrt(max(1 - self.correlation**2, 0.0))
        read = {c.name: c.values(known) for c in self.above}
        score = _standard(
            self.row.of(read)[left] if read else np.zeros(len(left))
        ) * self.correlation + noise * rng.standard_normal(len(left))
        other = self.owner.of(owners)[stubs]
        at[left[np.argsort(score, kind="stable")]] = stubs[np.argsort(other, kind="stable")]
        return at

    def to_json(self) -> dict[str, Any]:
        """Return the pairing as JSON data."""
        plain = {k: v for k, v in vars(self).items() if k not in ("row", "owner", "above")}
        return {**plain, "row": asdict(self.row), "owner": asdict(self.owner),
                "above": [c.to_json() for c in self.above]}  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Pairing:
        """Make a pairing of what :meth:`to_json` returned."""
        scores = {side: Score.from_json(data[side]) for side in ("row", "owner")}
        origin = None if data["origin"] is None else tuple(tuple(way) for way in data["origin"])
        above = tuple(FromAbove.from_json({k: v for k, v in c.items() if k != "kind"}) for c in data["above"])
        return cls(**{**data, **scores, "origin": origin, "above": above})


def adjusted(counts: np.ndarray, total: int, least: int, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return counts that sum up to a total: scaled, rounded at random, within limits as long as these allow it.

    >>> adjusted(np.array([1, 2, 2]), 4, 1, 2, np.random.default_rng(1)).sum()
    np.int64(4)
    """
    low, high = max(least, 0), max(most, 0)
    scaled = np.clip(counts * (total / max(int(counts.sum()), 1)), low if low * len(counts) <= total else 0, None)
    scaled = np.minimum(scaled, high if high * len(counts) >= total else np.inf)
    made = np.floor(scaled + rng.random(len(scaled))).astype(np.int64)
    while (gap := total - int(made.sum())) != 0:
        step = 1 if gap > 0 else -1
        free = np.flatnonzero(made < high if step > 0 else made > low)
        if not len(free):
            free = np.arange(len(made)) if step > 0 else np.flatnonzero(made > 0)
        # In proportion to what each has, so that large ones change more.
        weights = made[free] + (0.0 if made[free].any() else 1.0)
        size = min(abs(gap), int(np.count_nonzero(weights)))
        made[rng.choice(free, size, replace=False, p=weights / weights.sum())] += step
    return made


def pairing_of(
    link: Link, structure: Structure, known: Known, rows: Sequence[FromAbove], owners: Sequence[str],
    levels: Mapping[str, int],
) -> Pairing:  # fmt: skip
    """Learn how a table's rows go together with those of a second owner.

    Parameters
    ----------
    link : Link
    structure : Structure
    known : Known
        The original tables.
    rows : sequence of FromAbove
        What is known of a row before its second owner is.
    owners : sequence of str
        The second owner's columns.
    levels : mapping of str to int
        Number of levels of each column of either side, 0 for numbers.
    """
    at = known.links[link.label]
    there = np.flatnonzero(at >= 0)
    counts = np.bincount(at[there], minlength=known.rows[link.owner])
    origin, same = _origin(link, structure, known, there)
    left = {c.name: c.values(known)[there] for c in rows}
    right = {c: known.arrays[link.owner][c][at[there]] for c in owners}
    correlation, row, owner = _canonical(left, right, levels)
    read = tuple(c for c in rows if c.name in row.columns)
    return Pairing(origin, same, len(there), len(at) - len(there), int(counts.min()), int(counts.max()), correlation,
                   row, owner, read)  # fmt: skip


def _origin(
    link: Link, structure: Structure, known: Known, there: np.ndarray
) -> tuple[tuple[tuple[str, ...], tuple[str, ...]] | None, int]:
    """Return the two ways to one table that end at one row most often beyond chance, and how often."""
    primary = structure.owners(link.member)[0]
    best: tuple[float, tuple[tuple[str, ...], tuple[str, ...]] | None, int] = (0.0, None, 0)
    for one, table in _ways(primary.owner, structure, (primary.label,)):
        for other, goal in _ways(link.owner, structure, ()):
            if table != goal:
                continue
            first = follow(known, known.links[primary.label], one[1:])[there]
            second = follow(known, known.links[link.label], other)[there]
            both = (first >= 0) & (second >= 0)
            size = known.rows[table]
            share = float((np.bincount(first[both], minlength=size) / max(both.sum(), 1))
                          @ (np.bincount(second[both], minlength=size) / max(both.sum(), 1)))  # fmt: skip
            same = int((first[both] == second[both]).sum())
            beyond = same / max(len(there), 1) - share
            if beyond > max(best[0], 2 * np.sqrt(share * (1 - share) / max(len(there), 1))):
                best = beyond, (one, other), same
    return best[1], best[2]


def _ways(table: str, structure: Structure, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], str]]:
    found = [(path, table)]
    for link in structure.owners(table):
        found += _ways(link.owner, structure, (*path, link.label))
    return found


def _within(wanted: np.ndarray, offered: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pair as many rows as there are offers of what each wants; offers are in random order already."""
    rows = np.flatnonzero(wanted >= 0)
    rows = rng.permutation(rows)
    rows = rows[np.argsort(wanted[rows], kind="stable")]
    stubs = np.argsort(offered, kind="stable")
    size = int(max(wanted.max(initial=-1), offered.max(initial=-1))) + 1
    need = np.bincount(wanted[rows], minlength=size)
    have = np.bincount(offered[offered >= 0], minlength=size)
    rank_need = np.arange(len(rows)) - np.repeat(np.cumsum(need) - need, need)
    stubs = stubs[offered[stubs] >= 0]
    rank_have = np.arange(len(stubs)) - np.repeat(np.cumsum(have) - have, have)
    return rows[rank_need < have[wanted[rows]]], stubs[rank_have < need[offered[stubs]]]


def _standard(values: np.ndarray) -> np.ndarray:
    spread = values.std() if len(values) else 0.0
    return (values - values.mean()) / spread if spread > 0 else np.zeros(len(values))


def _design(columns: Sequence[np.ndarray], levels: Sequence[Sequence[int]]) -> np.ndarray:
    parts = []
    for values, codes in zip(columns, levels, strict=True):
        parts += [(values == code).astype(float) for code in codes] if codes else [values.astype(float)]
    return np.column_stack(parts)


def _canonical(
    left: Mapping[str, np.ndarray], right: Mapping[str, np.ndarray], levels: Mapping[str, int]
) -> tuple[float, Score, Score]:
    """Return the pair of scores that are most correlated, and by how much beyond chance."""
    sides = []
    for arrays in (left, right):
        columns = tuple(arrays)
        codes = tuple(_common(arrays[c], levels.get(c, 0)) for c in columns)
        kept = [i for i, c in enumerate(columns) if not levels.get(c, 0) or codes[i]]
        columns, codes = tuple(columns[i] for i in kept), tuple(codes[i] for i in kept)
        sides.append((columns, codes, _design([arrays[c] for c in columns], codes) if columns else None))
    empty = Score((), (), (), (), ())
    if any(design is None or len(design) < 3 for _, _, design in sides):
        return 0.0, empty, empty
    standard, scales = [], []
    for _, _, design in sides:
        assert design is not None
        centre = np.nan_to_num(np.nanmean(np.where(np.isfinite(design).any(axis=0), design, 0.0), axis=0))
        filled = np.where(np.isnan(design), centre, design)
        spread = filled.std(axis=0)
        spread[spread == 0] = 1.0
        standard.append((filled - centre) / spread)
        scales.append((tuple(centre.tolist()), tuple(spread.tolist())))
    n, (x, y) = len(standard[0]), standard
    roots = [linalg.cholesky(z.T @ z / n + (RIDGE / n + 1e-6) * np.eye(z.shape[1]), lower=True) for z in (x, y)]
    cross = linalg.solve_triangular(roots[0], x.T @ y / n, lower=True)
    cross = linalg.solve_triangular(roots[1], cross.T, lower=True).T
    u, s, vt = linalg.svd(cross, full_matrices=False)
    # Of unrelated sides the largest canonical correlation is about this by chance.
    chance = (np.sqrt(x.shape[1]) + np.sqrt(y.shape[1])) / np.sqrt(n)
    rho = float(np.sqrt(max(s[0] ** 2 - chance**2, 0.0)))
    weights = [linalg.solve_triangular(root.T, vector) for root, vector in zip(roots, (u[:, 0], vt[0]), strict=True)]
    row, owner = (
        Score(columns, codes, centre, spread, tuple(w.tolist()))
        for (columns, codes, _), (centre, spread), w in zip(sides, scales, weights, strict=True)
    )
    return min(rho, 0.999), row, owner


def _common(values: np.ndarray, levels: int) -> tuple[int, ...]:
    if not levels:
        return ()
    count = np.bincount(values[values >= 0], minlength=levels)
    return tuple(int(code) for code in np.argsort(-count, kind="stable")[: min(LEVELS, levels - 1)] if count[code])
