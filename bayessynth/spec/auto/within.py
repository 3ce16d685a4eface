"""What the rows of a group have in common, beyond chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import special, stats

from bayessynth.schema import Column, Columns

# Rows at which columns that vary within groups are found out before all rows are read.
GLANCE = 4096
# Rows on which likeness within groups is measured, at most.
ROWS = 50_000
# Probability of a column that is constant within groups by chance: below the first it tells of groups; above the
# second it is not taken for constant.
TELLING, PLAUSIBLE = 1e-6, 1e-2
# Probability, divided by the number of columns, below which likeness is no chance; and least intraclass correlation.
ALIKE, LEAST = 1e-4, 0.02


@dataclass(frozen=True)
class Table:
    """Columns of a table as they are compared within groups.

    Attributes
    ----------
    names : tuple of str
    codes : ndarray of int32, shape (p, n)
        Distinct values of each column, missing cells among them.
    scores : ndarray of float32, shape (p, n)
        Ranks of numbers, indicators of the most frequent level; of mean zero and variance one.
    measured : ndarray of bool, shape (p,)
        Whether a column holds numbers with decimals, which label nothing.
    """

    names: tuple[str, ...]
    codes: np.ndarray
    scores: np.ndarray
    measured: np.ndarray


def table_of(columns: Columns, schema: Mapping[str, Column]) -> Table:
    """Return a table's columns as they are compared within groups; constant columns are left out.

    Parameters
    ----------
    columns : Columns
    schema : mapping of str to Column
    """
    names, codes, scores = [], [], []
    for name in columns.names:
        values, gap = columns[name], columns.missing(name)
        filled = np.where(gap, -1 if name in columns.levels else np.inf, values)
        distinct = pd.factorize(filled, sort=True)[0]
        if not distinct.any():
            continue
        names.append(name)
        codes.append(distinct.astype(np.int32))
        scores.append(_score(distinct, name not in columns.levels))
    measured = [n not in columns.levels and schema[n].kind != "datetime" and schema[n].decimals != 0 for n in names]
    shape = (len(names), columns.n)
    return Table(tuple(names), np.array(codes, dtype=np.int32).reshape(shape),
                 np.array(scores, dtype=np.float32).reshape(shape), np.array(measured, dtype=bool))  # fmt: skip


def _score(distinct: np.ndarray, numbers: bool) -> np.ndarray:
    """Return ranks of numbers, or where the most frequent level is; of mean zero and variance one."""
    frequency = np.bincount(distinct)
    values = np.cumsum(frequency) - (frequency - 1) / 2 if numbers else np.arange(len(frequency)) == frequency.argmax()
    mean = frequency @ values / len(distinct)
    spread = np.sqrt(frequency @ (values - mean) ** 2 / len(distinct))
    return ((values - mean) / spread).astype(np.float32)[distinct]


@dataclass(frozen=True)
class Common:
    """What the rows of a group have in common, for all groups of one factor.

    Attributes
    ----------
    constant : tuple of str
        Columns that are constant within every group and would hardly be so by chance.
    telling : mapping of str to float
        Those of them that certainly would not, and do more than label the groups one by one, each with its smoothness:
        how far it follows the order of the factor's labels, from 0 for no order to 1 for a quantity. Of columns that
        part the groups alike there is one.
    alike : mapping of str to float
        Columns that vary within groups, but less than by chance, with their intraclass correlation.
    smooth : float
        Mean smoothness of these.
    """

    constant: tuple[str, ...]
    telling: Mapping[str, float]
    alike: Mapping[str, float]
    smooth: float


def common(table: Table, groups: np.ndarray, factor: str) -> Common:
    """Compare the rows of each group.

    Parameters
    ----------
    table : Table
    groups : ndarray of int, shape (n,)
        Group of every row: 0, 1, … in the order of the labels.
    factor : str
        The column that holds the labels.
    """
    sizes, first = np.bincount(groups), one_of_each(groups)
    others = np.array([j for j, name in enumerate(table.names) if name != factor], dtype=np.int64)
    same = _constant(table.codes, others, groups, first)
    chance = {j: _by_chance(table.codes[j], sizes) for j in same}
    telling: dict[str, float] = {}
    parted: list[np.ndarray] = []
    for j in same:
        values = table.codes[j][first]
        labels = len(np.unique(values)) == len(sizes) and not table.measured[j]
        if labels or chance[j] >= np.log(TELLING / len(others)) or any(_equally(values, p) for p in parted):
            continue
        parted.append(values)
        telling[table.names[j]] = _smoothness(table.scores[j][first].astype(float), np.zeros(len(sizes)))
    alike, smooth = _alike(table.scores, np.setdiff1d(others, same), groups, ALIKE / max(len(others), 1))
    constant = tuple(table.names[j] for j in same if chance[j] < np.log(PLAUSIBLE))
    return Common(constant, telling, {table.names[j]: icc for j, icc in alike.items()}, smooth)


def one_of_each(groups: np.ndarray) -> np.ndarray:
    """Return where one row of every group stands.

    Parameters
    ----------
    groups : ndarray of int, shape (n,)
        Of which none is empty.

    Examples
    --------
    >>> one_of_each(np.array([1, 0, 1])).tolist()
    [1, 2]
    """
    rows = np.empty(groups.max() + 1, dtype=np.int64)
    rows[groups] = np.arange(len(groups))
    return rows


def _constant(codes: np.ndarray, columns: np.ndarray, groups: np.ndarray, first: np.ndarray) -> list[int]:
    """Return which columns have one value a group."""
    at = first[groups]
    some = slice(None, None, max(1, len(groups) // GLANCE))
    left = [int(j) for j in columns if np.array_equal(codes[j][some], codes[j][at[some]])]
    return [j for j in left if np.array_equal(codes[j], codes[j][at])]


def _by_chance(codes: np.ndarray, sizes: np.ndarray) -> float:
    """Return the log probability that a column of these shares is constant in groups of these sizes."""
    log_shares = np.log(np.bincount(codes) / len(codes))
    distinct, times = np.unique(sizes, return_counts=True)
    return float(sum(k * special.logsumexp(size * log_shares) for size, k in zip(distinct, times, strict=True)))


def _equally(one: np.ndarray, other: np.ndarray) -> bool:
    """Tell whether two columns part the groups alike."""
    pairs = len(np.unique(one.astype(np.int64) * (int(other.max()) + 1) + other))
    return pairs == len(np.unique(one)) == len(np.unique(other))


def _alike(scores: np.ndarray, columns: np.ndarray, groups: np.ndarray, limit: float) -> tuple[dict[int, float], float]:
    """Return intraclass correlations above chance, by column, and how smooth the groups' means are."""
    groups, rows = _whole_groups(groups)
    sizes = np.bincount(groups)
    n, number = len(groups), len(sizes)
    alike: dict[int, float] = {}
    smooth: list[float] = []
    if number < 2 or n <= number:
        return alike, 0.0
    typical = (n - (sizes**2).sum() / n) / (number - 1)
    for j in columns:
        values = scores[j][rows].astype(float)
        means = np.bincount(groups, weights=values) / sizes
        deviations = values - means[groups]
        inside = max(float(deviations @ deviations), 1e-12) / (n - number)
        f = float(sizes @ (means - values.mean()) ** 2) / (number - 1) / inside
        icc = (f - 1) / (f - 1 + typical)
        if icc >= LEAST and stats.f.sf(f, number - 1, n - number) < limit:
            alike[int(j)] = float(icc)
            smooth.append(_smoothness(means, inside / sizes))
    return alike, float(np.mean(smooth)) if smooth else 0.0


def _whole_groups(groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first groups, all their rows, and where these stand."""
    upto = np.cumsum(np.bincount(groups))
    rows = np.flatnonzero(groups < max(2, int(np.searchsorted(upto, ROWS, side="right"))))
    return groups[rows], rows


def _smoothness(means: np.ndarray, noise: np.ndarray) -> float:
    """Return how far neighbours are alike: 1 less their squared differences over those in a random order.

    That is von Neumann's ratio (1941), with the variance ``noise`` of every mean taken off.
    """
    steps = float((np.diff(means) ** 2).sum() - (noise[1:] + noise[:-1]).sum())
    spread = float(((means - means.mean()) ** 2).sum() - noise.sum())
    return float(np.clip(1 - steps / (2 * spread), 0, 1)) if spread > 0 else 0.0
