"""Noisy sums of products: what a formal release says of Gaussian equations."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import DataError, PrivacyError
from bayessynth.privacy.domain import Bounds, Domain, Levels, bounded, level_codes
from bayessynth.privacy.release import Release
from bayessynth.privacy.unit import Unit

# Steps of the grid between 0 and 1: rounding then has a standard deviation of .0003 on the scale of [-1, 1].
GRID = 1024
# Weight of a sum of numbers, so large that others are whole numbers too; standard deviation of a number that weights
# are made for.
_WEIGHT, _SPREAD = 16, 0.5
# Rows summed at once. A product is at most 2**32, so that sums of so many are whole numbers below 2**53, which floats
# hold exactly.
_CHUNK = 1 << 20


@dataclass(frozen=True, eq=False)
class NoisyMoments:
    """Noisy sums of products of columns, each mapped to [-1, 1] by its public bounds.

    Row by row w = (1, x1, …, xp); an entry of ``total`` is the sum over rows of one product w_i w_j, plus Gaussian
    noise. Moments of separate tables of the same columns add up with ``+``, and so do their variances.

    Attributes
    ----------
    columns : tuple of str
        Entries of w after the constant: ``"age"``, ``"sex[m]"`` for a level.
    binary : tuple of bool
        Whether a column is -1 or 1 only; its square is 1 and is left out.
    pairs : tuple of tuple of int
        (i, j) with i <= j for each entry of ``total``; 0 is the constant. (0, 0), the noisy number of rows, is left
        out only where ``n`` is public and there is one group.
    total : ndarray of shape (groups, len(pairs))
        Noisy sums.
    covariance : ndarray of shape (len(pairs), len(pairs))
        Of the noise in a row of ``total``; rows are independent.
    n : int or None
        Number of rows, where the neighbour relation makes it public.
    groups : tuple of str
        Labels of the rows of ``total``; empty if there is one row.
    test : bool
        Whether noise was drawn with a seed, which protects nobody.

    Examples
    --------
    >>> sums, noise = np.array([[90.0, 12.0, 30.0]]), 36.0 * np.eye(3)
    >>> one = NoisyMoments(("age",), (False,), ((0, 0), (0, 1), (1, 1)), sums, noise, None, ())
    >>> both = one + one
    >>> both.total.tolist(), both.covariance[0].tolist()
    ([[180.0, 24.0, 60.0]], [72.0, 0.0, 0.0])
    """

    columns: tuple[str, ...]
    binary: tuple[bool, ...]
    pairs: tuple[tuple[int, int], ...]
    total: np.ndarray
    covariance: np.ndarray
    n: int | None
    groups: tuple[str, ...]
    test: bool = False

    def scaled(self, factor: float) -> NoisyMoments:
        """Return the sums, as if each row had a weight of ``factor``.

        >>> sums, noise = np.array([[90.0, 12.0, 30.0]]), 36.0 * np.eye(3)
        >>> one = NoisyMoments(("age",), (False,), ((0, 0), (0, 1), (1, 1)), sums, noise, None, ())
        >>> one.scaled(0.5).total.tolist(), one.scaled(0.5).covariance[0].tolist()
        ([[45.0, 6.0, 15.0]], [9.0, 0.0, 0.0])
        """
        return replace(self, total=factor * self.total, covariance=factor**2 * self.covariance)

    def __add__(self, other: NoisyMoments) -> NoisyMoments:
        if not isinstance(other, NoisyMoments):
            return NotImplemented
        for name in ("columns", "binary", "pairs", "groups"):
            if getattr(self, name) != getattr(other, name):
                raise DataError(
                    f"Noisy moments cannot be added: {name} are {getattr(self, name)} in one and "
                    f"{getattr(other, name)} in the other. Release both with the same domain and spec."
                )
        if (self.n is None) != (other.n is None):
            raise DataError(
                "Noisy moments cannot be added: the number of rows is public in one and private in the other. Release "
                "both under the same neighbour relation."
            )
        n = None if self.n is None or other.n is None else self.n + other.n
        return replace(self, total=self.total + other.total, covariance=self.covariance + other.covariance, n=n,
                       test=self.test or other.test)  # fmt: skip


@dataclass(frozen=True)
class MomentLayout:
    """What moments of some columns consist of, told from the domain alone.

    Attributes
    ----------
    read : tuple of str
        Columns of the table.
    group : str or None
        The grouping factor by which sums are taken apart.
    columns, binary, pairs, groups : tuple
        As in :class:`NoisyMoments`.
    counted : bool
        Whether the number of rows is public.
    centred : bool
        Whether of a square the sum of 2w² - 1 is released, which lies within [-1, 1] too.
    weights : tuple of int
        What every entry is multiplied by before noise of one scale is added to all.
    squared : int
        Square of the L2 sensitivity of all weighted sums together, on the unit scale.

    Notes
    -----
    Of one row t has k entries within [-1, 1]. Adding or removing a row moves the weighted sums by ‖m t‖ <= ‖m‖,
    whatever group it lies in.

    The weights m make the noise small where sampling errors are: with noise of variance ‖m‖²σ² in every weighted sum,
    they minimise the noise's variance over the variance that one row adds, averaged over sums of columns, over squares
    and over products, and these added up, if the columns are independent around 0 with a standard deviation of ½, or 1
    for a level. What one row adds to a sum has variance s_i², to a product s_i² s_j², to a square 2s⁴, to the number
    of rows 1 by convention; Σw² is half of Σ(2w² - 1) and n together, so that the noise in n goes into every square.
    Hence, of p columns and q numbers, m_i⁴ ∝ 1/p s_i², m_ij⁴ ∝ 2/p(p - 1) s_i² s_j², m_ii⁴ ∝ 1/8q s_i⁴ and
    m_00⁴ ∝ 1 + 1/8s⁴, the last term where there are numbers. Weights depend on nothing but the kinds of the columns;
    where they do not suit a table, its intervals are wider and as valid.

    With a relation that replaces rows all weights are 1 and squares stay as they are. Replacing a row by one of the
    same group moves the sums by ‖t - t'‖ <= p + 1: with a = w + w', b = w - w' and C = Σ|a_i b_i| <= p,
    ‖t - t'‖² <= ¼(‖a‖²‖b‖² + C²) + ½C, where ‖a‖² + ‖b‖² <= 4(p + 1) - 2C; hence
    ‖t - t'‖² <= (p + 1)² - C(p + 1) + ½C(C + 1) <= (p + 1)². Between groups the two rows share no entry, and it is
    √(2k). A row left out counts as t = 0, which is no further away. A person with at most c rows moves the sums c times
    as far; the mean over a person's rows moves them no further than one row.
    """

    read: tuple[str, ...]
    group: str | None
    columns: tuple[str, ...]
    binary: tuple[bool, ...]
    pairs: tuple[tuple[int, int], ...]
    groups: tuple[str, ...]
    counted: bool
    centred: bool
    weights: tuple[int, ...]
    squared: int

    @property
    def share(self) -> Fraction:
        """Square of the sensitivity, with the weight of a sum of numbers as the unit."""
        return Fraction(self.squared, _WEIGHT**2 if self.centred else 1)

    def told(self, noisy: np.ndarray, sd: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the sums of products, and the covariance of the noise in them, from weighted sums with noise.

        Parameters
        ----------
        noisy : ndarray of shape (groups, pairs)
        sd : float
            Standard deviation of the noise.

        Returns
        -------
        tuple of ndarray
            Shapes (groups, pairs) and (pairs, pairs).
        """
        weights = np.array(self.weights, dtype=float)
        total, back = noisy.astype(float) / weights, np.diag(1.0 / weights)
        if self.centred:
            rows = self.pairs.index((0, 0))
            squares = [at for at, (i, j) in enumerate(self.pairs) if i == j and i]
            total[:, squares] = 0.5 * (total[:, squares] + total[:, [rows]])
            back[squares] = 0.5 * (back[squares] + back[rows])
        return total, sd**2 * back @ back.T

    def on_grid(self, unit: Unit, grid: int) -> int:
        """Return the square of the L2 sensitivity of sums in units of 1/grid².

        Means over a person's rows are cut towards zero, which makes none larger; two of them may come apart by one
        unit an entry.
        """
        squared = self.squared * grid**4
        if unit.weighted and not unit.adds:
            entries = len(self.pairs) * max(1, len(self.groups))
            squared = (math.isqrt(squared) + math.isqrt(entries) + 2) ** 2
        return squared


def moment_layout(domain: Domain, unit: Unit, read: Sequence[str], group: str | None = None) -> MomentLayout:
    """Return what moments of columns consist of.

    A column of levels stands for one column a level but the first, 1 at that level and -1 elsewhere.

    Raises
    ------
    PrivacyError
        If the domain lacks a column, or the grouping factor has no levels there.

    Examples
    --------
    >>> import bayessynth as bs
    >>> domain = bs.Domain({"age": bs.Bounds(0, 110), "sex": bs.Levels("f", "m")}, source="codebook")
    >>> layout = moment_layout(domain, bs.Unit(), ["age", "sex"])
    >>> layout.columns, layout.pairs
    (('age', 'sex[m]'), ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2)))
    >>> layout.weights, layout.squared
    ((18, 16, 11, 16, 19), 1318)
    """
    found = [(f"{name}[{level}]" if level is not None else name, level is not None)
             for name in read for level in _levels(domain[name])]  # fmt: skip
    groups: tuple[str, ...] = ()
    if group is not None:
        groups = tuple(map(str, domain.groups(group).values))
    used = (*read, *([group] if group else []))
    counted = unit.counts(domain, used)
    size = len(found) + 1
    pairs = tuple((i, j) for i in range(size) for j in range(i, size)
                  if (i != j or not i or not found[i - 1][1]) and (i or j or groups or not counted))  # fmt: skip
    binary = tuple(level for _, level in found)
    weights = _weights(binary, pairs) if unit.adds else (1,) * len(pairs)
    squared = sum(m**2 for m in weights) if unit.adds else max(size**2, 2 * len(pairs) if groups else 0)
    return MomentLayout(tuple(read), group, tuple(name for name, _ in found), binary, pairs, groups, counted,
                        unit.adds, weights, squared * unit.cap**2)  # fmt: skip


def _weights(binary: Sequence[bool], pairs: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Return what every sum is multiplied by; :class:`MomentLayout` says why."""
    spread = np.array([1.0, *np.where(binary, 1.0, _SPREAD)])
    columns, numbers = len(binary), sum(not level for level in binary)

    def wanted(i: int, j: int) -> float:
        if i != j:
            alike = columns if i == 0 else columns * (columns - 1) / 2
            return float(1.0 / (alike * spread[i] ** 2 * spread[j] ** 2))
        square = 1.0 / (8.0 * _SPREAD**4)
        return square / numbers if i else 1.0 + square * (numbers > 0)

    sum_of_numbers = 1.0 / (max(1, columns) * _SPREAD**2)
    return tuple(round(_WEIGHT * (wanted(i, j) / sum_of_numbers) ** 0.25) for i, j in pairs)


def moments(
    release: Release,
    frame: pd.DataFrame,
    read: Sequence[str],
    *,
    rho: float,
    group: str | None = None,
    grid: int = GRID,
) -> NoisyMoments:
    """Release noisy sums of products of columns.

    Every value is mapped to [-1, 1] by the public bounds and rounded to a multiple of 1/grid, so that sums are whole
    numbers, computed exactly; discrete Gaussian noise is added to these. Rounding adds a variance of 1/(12 grid²) to a
    column.

    Parameters
    ----------
    release : Release
    frame : DataFrame
        Checked against the domain by its columns only; rows with missing or unknown cells count as the domain says.
    read : sequence of str
        Columns of the table.
    rho : float
        What may be spent.
    group : str, optional
        Grouping factor by which sums are taken apart, which costs nothing more.
    grid : int
        Steps from 0 to 1, at most 65536.

    Returns
    -------
    NoisyMoments

    Raises
    ------
    DataError, PrivacyError
        If the table or the domain lacks a column, or the budget does not suffice; nothing is drawn then.

    Examples
    --------
    >>> import bayessynth as bs
    >>> import pandas as pd
    >>> from bayessynth.privacy import Exact, Release
    >>> domain = bs.Domain({"age": bs.Bounds(0, 110)}, source="codebook")
    >>> release = Release(domain, bs.Unit(), bs.Ledger(1, 1e-5), Exact())
    >>> noisy = moments(release, pd.DataFrame({"age": [31, 64, 47]}), ["age"], rho=0.01)
    >>> noisy.total.shape, np.diag(noisy.covariance).round().tolist()
    ((1, 3), [144.0, 127.0, 84.0])
    """
    if not (isinstance(grid, int) and 1 <= grid <= 65536):
        raise PrivacyError(f"grid={grid!r}: state a whole number of steps from 1 to 65536.")
    layout = moment_layout(release.domain, release.unit, read, group)
    sums = moment_sums(release.domain, release.unit, layout, frame, grid)
    what = f"sums of products of {', '.join(layout.columns) or 'the constant'}" + (f" by {group}" if group else "")
    weighted = sums * np.array(layout.weights, dtype=object)
    noisy, scale = release.gaussian(weighted.ravel().tolist(), layout.on_grid(release.unit, grid), rho, what)
    total, covariance = layout.told(noisy.reshape(sums.shape) / grid**2, scale / grid**2)
    return NoisyMoments(layout.columns, layout.binary, layout.pairs, total, covariance,
                        len(frame) if layout.counted else None, layout.groups, release.noise.test)  # fmt: skip


def moment_sums(domain: Domain, unit: Unit, layout: MomentLayout, frame: pd.DataFrame, grid: int) -> np.ndarray:
    """Return exact sums of products in units of 1/grid², as Python's whole numbers, shape (groups, pairs).

    They are confidential. Of squares they are sums of 2w² - 1 where the layout has them centred. Where a person's rows
    are weighted they are sums over persons of the mean over their rows.

    Examples
    --------
    >>> import bayessynth as bs
    >>> import pandas as pd
    >>> domain = bs.Domain({"age": bs.Bounds(0, 100)}, source="codebook")
    >>> layout = moment_layout(domain, bs.Unit(), ["age"])
    >>> moment_sums(domain, bs.Unit(), layout, pd.DataFrame({"age": [0, 75]}), 4).tolist()
    [[32, -8, 8]]
    """
    needed = [*layout.read, *filter(None, (layout.group, unit.person))]
    table = domain.check(frame, needed)
    values, valid = _on_grid(domain, table, layout, grid)
    valid &= unit.keep(table)
    cells = np.zeros(len(table), dtype=np.int64)
    if layout.group is not None:
        cells, known = level_codes(table[layout.group], domain.groups(layout.group))
        valid &= known
    values, cells = values[:, valid], cells[valid]
    shape = (max(1, len(layout.groups)), len(layout.pairs))
    if unit.weighted:
        return _sums_of_means(values.astype(np.int64), cells, unit.persons(table)[valid], layout, shape)
    total = np.zeros(shape, dtype=object)
    for start in range(0, values.shape[1], _CHUNK):
        part, place = values[:, start : start + _CHUNK], cells[start : start + _CHUNK]
        sums = [np.bincount(place, weights=_product(part, pair, layout), minlength=shape[0]) for pair in layout.pairs]
        total += np.array(sums).reshape(len(layout.pairs), shape[0]).T.astype(np.int64).astype(object)
    return total


def _product(values: np.ndarray, pair: tuple[int, int], layout: MomentLayout) -> np.ndarray:
    """Return the products of two columns row by row; squares as the layout has them."""
    i, j = pair
    product = values[i] * values[j]
    return 2 * product - values[0] ** 2 if layout.centred and i == j and i else product


def _sums_of_means(
    values: np.ndarray, cells: np.ndarray, persons: np.ndarray, layout: MomentLayout, shape: tuple[int, int]
) -> np.ndarray:  # fmt: skip
    """Return sums over persons of the mean products over their rows, each mean cut towards zero to a whole number."""
    rows = np.bincount(persons)
    place, of = np.unique(persons * shape[0] + cells, return_inverse=True)
    total = np.zeros(shape, dtype=object)
    for entry, pair in enumerate(layout.pairs):
        summed = np.zeros(len(place), dtype=np.int64)
        np.add.at(summed, of, _product(values, pair, layout))
        means = np.sign(summed) * (np.abs(summed) // rows[place // shape[0]])
        np.add.at(total[:, entry], place % shape[0], means)
    return total


def _levels(declared: Bounds | Levels) -> tuple[Any, ...]:
    return declared.values[1:] if isinstance(declared, Levels) else (None,)


def _on_grid(
    domain: Domain, table: pd.DataFrame, layout: MomentLayout, grid: int
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return w in units of 1/grid, shape (1 + columns, n), and the rows in which no cell is missing."""
    rows, valid = [np.full(len(table), float(grid))], np.ones(len(table), dtype=bool)
    for name in layout.read:
        declared = domain[name]
        if isinstance(declared, Levels):
            codes, known = level_codes(table[name], declared)
            rows += [np.where(codes == code, grid, -grid).astype(float) for code in range(1, len(declared.values))]
        else:
            value, known = bounded(table[name], declared)
            unit_scale = 2 * ((value - declared.low) / (declared.high - declared.low)) - 1
            rows.append(np.clip(np.round(grid * unit_scale), -grid, grid))
        valid &= known
    return np.array(rows), valid
