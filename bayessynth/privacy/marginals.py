"""Noisy tables of counts over cliques of columns: what a formal release says of categorical equations."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from bayessynth.errors import DataError, PrivacyError
from bayessynth.privacy.domain import Bounds, Domain, bounded, level_codes
from bayessynth.privacy.release import Release
from bayessynth.privacy.unit import Unit

# Cells of all tables together; exact noise takes about ten seconds for so many.
MAX_CELLS = 1_000_000

Clique = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class NoisyMarginals:
    """Tables of counts over cliques of columns, with Gaussian noise on every cell.

    Tables of separate releases of the same cliques add up with ``+``, and so do their variances.

    Attributes
    ----------
    cliques : tuple of tuple of str
        Columns of each table.
    cells : mapping of str to tuple of str
        Labels of a column's levels, or of the cells of its grid.
    counts : tuple of ndarray
        Noisy counts, one axis a column of the clique.
    variance : float
        Variance of the noise in each cell.
    n : int or None
        Number of rows, where the neighbour relation makes it public.
    test : bool
        Whether noise was drawn with a seed, which protects nobody.

    Examples
    --------
    >>> table = NoisyMarginals((("sex",),), {"sex": ("f", "m")}, (np.array([48.0, 57.0]),), 25.0, None)
    >>> table.shapes, (table + table).counts[0].tolist()
    (((2,),), [96.0, 114.0])
    """

    cliques: tuple[Clique, ...]
    cells: Mapping[str, tuple[str, ...]]
    counts: tuple[np.ndarray, ...]
    variance: float
    n: int | None
    test: bool = False

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each table."""
        return tuple(tuple(len(self.cells[name]) for name in clique) for clique in self.cliques)

    def scaled(self, factor: float) -> NoisyMarginals:
        """Return the tables, as if each row had a weight of ``factor``.

        >>> table = NoisyMarginals((("sex",),), {"sex": ("f", "m")}, (np.array([48.0, 57.0]),), 25.0, None)
        >>> table.scaled(2).counts[0].tolist(), table.scaled(2).variance
        ([96.0, 114.0], 100.0)
        """
        return replace(self, counts=tuple(factor * own for own in self.counts), variance=factor**2 * self.variance)

    def __add__(self, other: NoisyMarginals) -> NoisyMarginals:
        if not isinstance(other, NoisyMarginals):
            return NotImplemented
        if self.cliques != other.cliques or dict(self.cells) != dict(other.cells):
            raise DataError(
                f"Noisy tables cannot be added: one has {self.cliques}, the other {other.cliques}, or their levels "
                "differ. Release both with the same domain and cliques."
            )
        if (self.n is None) != (other.n is None):
            raise DataError(
                "Noisy tables cannot be added: the number of rows is public in one and private in the other. Release "
                "both under the same neighbour relation."
            )
        n = None if self.n is None or other.n is None else self.n + other.n
        counts = tuple(one + two for one, two in zip(self.counts, other.counts, strict=True))
        return replace(self, counts=counts, variance=self.variance + other.variance, n=n,
                       test=self.test or other.test)  # fmt: skip


def marginals(release: Release, frame: pd.DataFrame, cliques: Sequence[Sequence[str]], *, rho: float) -> NoisyMarginals:
    """Release noisy tables of counts.

    A row counts once in each of the M tables, so adding or removing it moves them by √M together, and replacing it by
    at most √(2M); a person with at most c rows moves them c times as far, one whose rows are weighted no further.

    Parameters
    ----------
    release : Release
    frame : DataFrame
        Checked against the domain by its columns only; rows with missing or unknown cells count as the domain says.
    cliques : sequence of sequence of str
        Columns of each table, with levels or with a grid.
    rho : float
        What may be spent on all tables together.

    Returns
    -------
    NoisyMarginals

    Raises
    ------
    DataError, PrivacyError
        If the table or the domain lacks a column, a number has no grid, the tables have too many cells, or the budget
        does not suffice; nothing is drawn then.

    Examples
    --------
    >>> import bayessynth as bs
    >>> import pandas as pd
    >>> from bayessynth.privacy import Exact, Release
    >>> domain = bs.Domain({"sex": bs.Levels("f", "m"), "age": bs.Bounds(0, 110, grid=11)}, source="codebook")
    >>> release = Release(domain, bs.Unit(), bs.Ledger(1, 1e-5), Exact())
    >>> noisy = marginals(release, pd.DataFrame({"sex": ["f"], "age": [31]}), [("sex", "age")], rho=0.02)
    >>> noisy.shapes, noisy.cells["age"][:2], round(noisy.variance)
    (((2, 11),), ('[0, 10)', '[10, 20)'), 25)
    """
    asked = tuple(tuple(clique) for clique in cliques)
    squared = marginals_squared(release.domain, release.unit, asked)
    exact = marginal_counts(release.domain, release.unit, asked, frame)
    listed = ", ".join(" × ".join(clique) for clique in asked)
    flat = [count for table in exact for count in table.ravel().tolist()]
    parts = release.unit.parts
    noisy, scale = release.gaussian(flat, squared * parts**2, rho, f"counts of {listed}")
    ends = np.cumsum([table.size for table in exact])[:-1]
    counts = tuple(own.reshape(table.shape).astype(float) / parts
                   for own, table in zip(np.split(noisy, ends), exact, strict=True))  # fmt: skip
    names = dict.fromkeys(name for clique in asked for name in clique)
    counted = release.unit.counts(release.domain, names)
    return NoisyMarginals(asked, {name: cell_labels(release.domain, name) for name in names}, counts,
                          (scale / parts) ** 2,
                          len(frame) if counted else None, release.noise.test)  # fmt: skip


def marginals_squared(domain: Domain, unit: Unit, cliques: Sequence[Clique]) -> int:
    """Return the square of the L2 sensitivity of tables of counts, and check that they can be made.

    Raises
    ------
    PrivacyError
        If a number has no grid, a clique names a column twice, or there are too many cells.

    Examples
    --------
    >>> import bayessynth as bs
    >>> domain = bs.Domain({"a": bs.Levels(0, 1), "b": bs.Levels(0, 1)}, source="codebook")
    >>> marginals_squared(domain, bs.Unit(relation="replace_one"), [("a",), ("a", "b")])
    4
    """
    if not cliques:
        raise PrivacyError("No tables of counts are asked for: state at least one clique of columns.")
    for clique in cliques:
        if not clique or len(set(clique)) < len(clique):
            raise PrivacyError(f"Clique {clique}: name one column or more, each once.")
    sizes = [math.prod(len(cell_labels(domain, name)) for name in clique) for clique in cliques]
    if sum(sizes) > MAX_CELLS:
        largest = cliques[int(np.argmax(sizes))]
        raise PrivacyError(
            f"Tables of {sum(sizes):,} cells are more than {MAX_CELLS:,}; the largest is {' × '.join(largest)} with "
            f"{max(sizes):,}. Give these columns fewer levels or a coarser grid, or leave some out."
        )
    return len(cliques) * (1 if unit.adds else 2) * unit.cap**2


def marginal_counts(
    domain: Domain, unit: Unit, cliques: Sequence[Clique], frame: pd.DataFrame
) -> tuple[np.ndarray, ...]:  # fmt: skip
    """Return exact tables of counts in units of 1/unit.parts, which are confidential.

    Where a person's k rows are weighted, those in a cell count together as their part of k, cut to a whole number.

    >>> import bayessynth as bs
    >>> domain = bs.Domain({"a": bs.Levels("x", "y"), "b": bs.Bounds(0, 2, grid=2)}, source="codebook")
    >>> marginal_counts(domain, bs.Unit(), [("a", "b")], pd.DataFrame({"a": ["x", "y"], "b": [0.5, 1]}))[0].tolist()
    [[1, 0], [0, 1]]
    """
    names = list(dict.fromkeys(name for clique in cliques for name in clique))
    table = domain.check(frame, [*names, *filter(None, (unit.person,))])
    valid, codes = unit.keep(table), {}
    for name in names:
        declared = domain[name]
        if isinstance(declared, Bounds):
            values, known = bounded(table[name], declared)
            codes[name] = np.searchsorted(declared.cuts, values, side="right")
        else:
            codes[name], known = level_codes(table[name], declared)
        valid &= known
    persons = unit.persons(table)[valid] if unit.weighted else None
    found = []
    for clique in cliques:
        shape = tuple(len(cell_labels(domain, name)) for name in clique)
        place = np.ravel_multi_index([codes[name][valid] for name in clique], shape)
        size = math.prod(shape)
        counted = np.bincount(place, minlength=size) if persons is None else _shares(place, persons, size, unit.parts)
        found.append(counted.reshape(shape))
    return tuple(found)


def _shares(place: np.ndarray, persons: np.ndarray, size: int, parts: int) -> np.ndarray:
    """Return the sums over persons of the share of their rows that lies in each cell, in whole parts."""
    rows = np.bincount(persons)
    own, count = np.unique(persons * size + place, return_counts=True)
    found = np.zeros(size, dtype=np.int64)
    np.add.at(found, own % size, count * parts // rows[own // size])
    return found


def cell_labels(domain: Domain, name: str) -> tuple[str, ...]:
    """Return the labels of a column's levels, or of the cells of its grid.

    Raises
    ------
    PrivacyError
        If it is a number without a grid.

    Examples
    --------
    >>> import bayessynth as bs
    >>> cell_labels(bs.Domain({"age": bs.Bounds(0, 90, grid=(18, 65))}, source="codebook"), "age")
    ('[0, 18)', '[18, 65)', '[65, 90]')
    """
    declared = domain[name]
    if not isinstance(declared, Bounds):
        return tuple(map(str, declared.values))
    if not declared.cuts:
        raise PrivacyError(f"Column {name!r} is a number without a grid: bs.Bounds(…, grid=10) cuts it into cells.")
    ends = (declared.low, *declared.cuts, declared.high)
    shown = [f"[{a:g}, {b:g})" for a, b in pairwise(ends)]
    return (*shown[:-1], shown[-1][:-1] + "]")
