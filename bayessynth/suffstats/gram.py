"""Sums of products, cell by cell: all that a Gaussian equation's posterior needs of the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayessynth import families
from bayessynth.design import BoundEquation, Component
from bayessynth.spec.equation import AR
from bayessynth.suffstats.accumulate import accumulate


@dataclass(frozen=True)
class Gram:
    """Sums of products of an equation's columns, for every cell of its grouping factors.

    A cell is a combination of groups that occurs, one of each factor of the equation; without factors there is one.
    The posterior given the sums is that given the rows, exactly.

    Attributes
    ----------
    columns : tuple of str
        What v holds: ``"1"``, the columns of the common matrix, further columns that group effects multiply, and last
        the response.
    shift, scale : ndarray of shape (V,)
        v = (raw - shift) / scale; those of ``"1"`` are 0 and 1.
    codes : mapping of str to ndarray of int64, shape (C,)
        Group of every cell, by factor.
    counts : ndarray of int64, shape (C,)
        Rows of every cell.
    moments : ndarray of shape (C, V, V)
        Sum of v vᵀ over the rows of every cell.

    Examples
    --------
    >>> one = Gram(("1", "y"), np.zeros(2), np.ones(2), {}, np.array([1]), np.array([[[1.0, 3.0], [3.0, 9.0]]]))
    >>> (one + one).n, (one + one).moments[0, 0, 1].item()
    (2, 6.0)
    """

    columns: tuple[str, ...]
    shift: np.ndarray
    scale: np.ndarray
    codes: Mapping[str, np.ndarray]
    counts: np.ndarray
    moments: np.ndarray

    exact = True

    @property
    def n(self) -> int:
        """Number of rows.

        >>> Gram(("1",), np.zeros(1), np.ones(1), {}, np.array([3]), np.array([[[3.0]]])).n
        3
        """
        return int(self.counts.sum())

    @property
    def size(self) -> int:
        """Bytes that the sums take.

        >>> Gram(("1",), np.zeros(1), np.ones(1), {}, np.array([3]), np.array([[[3.0]]])).size
        16
        """
        return int(self.moments.nbytes + self.counts.nbytes + sum(codes.nbytes for codes in self.codes.values()))

    def about(self, shift: np.ndarray, scale: np.ndarray) -> Gram:
        """Return the same sums of columns that are shifted and scaled otherwise.

        >>> one = Gram(("1", "y"), np.zeros(2), np.ones(2), {}, np.array([1]), np.array([[[1.0, 3.0], [3.0, 9.0]]]))
        >>> one.about(np.array([0.0, 3.0]), np.ones(2)).moments[0, 1].tolist()
        [0.0, 0.0]
        """
        # v' = (scale v + shift - shift') / scale', linear in v since v holds the 1.
        move = np.diag(self.scale / scale)
        move[:, 0] += (self.shift - shift) / scale
        return Gram(self.columns, shift, scale, self.codes, self.counts, move @ self.moments @ move.T)

    def __add__(self, other: Gram) -> Gram:
        if self.columns != other.columns or set(self.codes) != set(other.codes):
            raise ValueError("Sums of different columns or factors cannot be added.")
        moved = other.about(self.shift, self.scale)
        factors = list(self.codes)
        both = np.zeros((max(1, len(factors)), len(self.counts) + len(moved.counts)), dtype=np.int64)
        for row, factor in zip(both, factors, strict=False):
            row[:] = np.concatenate([self.codes[factor], moved.codes[factor]])
        cells, place = np.unique(both, axis=1, return_inverse=True)
        counts = np.zeros(cells.shape[1], dtype=np.int64)
        moments = np.zeros((cells.shape[1], *self.moments.shape[1:]))
        np.add.at(counts, place, np.concatenate([self.counts, moved.counts]))
        np.add.at(moments, place, np.concatenate([self.moments, moved.moments]))
        return Gram(self.columns, self.shift, self.scale, dict(zip(factors, cells, strict=False)), counts, moments)


def unserved(equation: BoundEquation) -> str | None:
    """Return why sums of products do not hold all that an equation needs, or None if they do.

    >>> from types import SimpleNamespace
    >>> unserved(SimpleNamespace(family="poisson"))
    "family 'poisson' is not Gaussian"
    """
    family = families.get(equation.family)
    if family.gaussian is None:
        return f"family {equation.family!r} is not Gaussian"
    if equation.cause is not None:
        return "some of its times are censored"
    parent = family.parameters[0].name
    if equation.links[parent] != "identity":
        return f"the link of {parent!r} is not the identity"
    modelled = [name for name in equation.predictors if name != parent]
    if modelled:
        return f"{modelled[0]!r} has a formula of its own"
    spreads = {f"{e}|{g.factor}_sd" for g in equation.predictors[parent].groups for e in g.effects}
    scalars = {p.name for p in family.parameters} | ({AR} if equation.ar else set())
    for name, prior in equation.priors.items():
        if name not in spreads and name not in scalars and prior.name not in ("Normal", "LKJ"):
            return f"the prior {prior} of {name!r} is not normal"
    return None


def column_names(equation: BoundEquation) -> tuple[str, ...]:
    """Return the names of the columns whose products are summed, the response last.

    >>> from types import SimpleNamespace
    >>> column_names(SimpleNamespace(response="y", predictors={"mu": SimpleNamespace(terms=(), groups=())}))
    ('1', 'y')
    """
    (predictor,) = equation.predictors.values()
    common = [f"{t.name}[{label}]" if label else t.name for t in predictor.terms for label in (t.labels or ("",))]
    effects = [e for g in predictor.groups for e in g.effects if e != "1"]
    return ("1", *common, *(e for e in dict.fromkeys(effects) if e not in common), equation.response)


def gram(component: Component) -> Gram:
    """Sum the products of a Gaussian component's rows.

    Parameters
    ----------
    component : Component
        Of an equation that :func:`unserved` has nothing against.

    Returns
    -------
    Gram
        Of columns as the formulas give them, about their means, in units of their standard deviations.
    """
    columns, n = column_names(component.equation), len(component.y)
    values = columns_of(component)
    shift = np.array([0.0, *(v.mean() for v in values[1:])])
    scale = np.array([1.0, *(v.std() or 1.0 for v in values[1:])])
    codes, cells = _cells(component.index, n)
    size = len(next(iter(codes.values()))) if codes else 1
    counts, moments = accumulate(values, cells, size, shift, scale)
    return Gram(columns, shift, scale, codes, counts, moments)


def columns_of(component: Component) -> list[np.ndarray]:
    """Return the columns of :func:`column_names` of a Gaussian component's rows, each of shape (n,)."""
    equation, n = component.equation, len(component.y)
    name, predictor = next(iter(equation.predictors.items()))
    transform = component.family.gaussian
    assert transform is not None
    columns = column_names(equation)
    means = np.asarray(predictor.means) if predictor.centred else 0.0
    found = dict(zip(columns[1:], (component.matrices[name] + means).T, strict=False))
    for group, block in zip(predictor.groups, component.effects[name], strict=True):
        found |= {e: column for e, column in zip(group.effects, block.T, strict=True) if e not in found and e != "1"}
    y = transform(component.y.astype(float))
    found[equation.response] = y - component.offsets[name] if name in component.offsets else y
    return [np.ones(n), *(np.ascontiguousarray(found[c], dtype=float) for c in columns[1:])]


def _cells(index: Mapping[str, np.ndarray], n: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the groups of every cell, by factor, and the cell of every row."""
    if not index:
        return {}, np.zeros(n, dtype=np.int64)
    joint = np.zeros(n, dtype=np.int64)
    for codes in index.values():
        # Numbered anew after each factor, so that products of many factors' groups cannot overflow.
        joint = np.unique(joint * (int(codes.max()) + 1) + codes, return_inverse=True)[1].reshape(-1)
    _, first, cells = np.unique(joint, return_index=True, return_inverse=True)
    return {factor: codes[first].astype(np.int64) for factor, codes in index.items()}, cells.astype(np.int64)
