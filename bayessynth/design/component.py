"""A component: one bound equation with the arrays that its posterior needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bayessynth import families
from bayessynth.design.autoregression import Chain, chain_of
from bayessynth.design.bind import Data
from bayessynth.design.bound import Bound, BoundEquation
from bayessynth.design.evaluate import Frame
from bayessynth.errors import DataError


@dataclass(frozen=True)
class Component:
    """An equation and its rows as arrays, ready for an engine.

    Attributes
    ----------
    equation : BoundEquation
    y : ndarray of shape (n,)
        Encoded response.
    matrices : mapping of str to ndarray
        Common matrix of each predictor, shape (n, p), centred where the predictor is.
    offsets : mapping of str to ndarray
        Offsets of the predictors that have any, shape (n,).
    effects : mapping of str to tuple of ndarray
        For each predictor, the columns that each group-specific term multiplies, shape (n, number of effects).
    index : mapping of str to ndarray
        Group of every row, by factor, shape (n,).
    labels : mapping of str to tuple
        Labels of the groups, by factor: all text or all integers.
    beside : mapping of str to ndarray
        What stands beside every value, by the family's name of it, shape (n,): numbers of trials; of times, whether the
        event was seen, when the record came in, and the end of an interval; the ends that rules leave, or, of shape
        (n, levels), the levels.
    weights : ndarray of int64 or None
        How many equal rows each row stands for; None for one each.
    chain : Chain or None
        Where residuals depend on those of the row before: which one that is.
    """

    equation: BoundEquation
    y: np.ndarray
    matrices: Mapping[str, np.ndarray]
    offsets: Mapping[str, np.ndarray]
    effects: Mapping[str, tuple[np.ndarray, ...]]
    index: Mapping[str, np.ndarray]
    labels: Mapping[str, tuple[str, ...] | tuple[int, ...]]
    beside: Mapping[str, np.ndarray] = field(default_factory=dict)
    weights: np.ndarray | None = None
    chain: Chain | None = None

    @property
    def family(self) -> families.Family:
        """The response's family."""
        return families.get(self.equation.family)

    def __post_init__(self) -> None:
        # Compiled code does not check an index against its dimension: it returns garbage.
        for factor, index in self.index.items():
            size = len(self.labels[factor])
            wrong = (index < 0) | (index >= size)
            if wrong.any():
                row = int(np.flatnonzero(wrong)[0])
                raise DataError(
                    f"Group index of {factor!r} is outside 0..{size - 1} in {int(wrong.sum())} rows, the first is row "
                    f"{row}: {index[row]}."
                )

    def expanded(self) -> Component:
        """Return the component with every row as often as it counts, for what takes no weights."""
        if self.weights is None:
            return self
        rows = np.repeat(np.arange(len(self.y)), self.weights)
        return replace(self.take(rows), weights=None)

    def beside_table(self) -> np.ndarray:
        """Return what stands beside the values, shape (n, C), in the family's order; C is 0 where nothing does."""
        wanted = self.family.beside if self.beside else {}
        given = [np.asarray(self.beside.get(name, default), dtype=float) for name, default in wanted.items()]
        columns = [v if v.ndim > 1 else np.broadcast_to(v, self.y.shape)[:, None] for v in given]
        return np.ascontiguousarray(np.hstack(columns)) if columns else np.empty((len(self.y), 0))

    def take(self, rows: np.ndarray) -> Component:
        """Return the component of some of its rows, in the given order.

        Parameters
        ----------
        rows : ndarray
            Positions of rows.
        """
        return replace(
            self,
            y=self.y[rows],
            matrices={name: matrix[rows] for name, matrix in self.matrices.items()},
            offsets={name: offset[rows] for name, offset in self.offsets.items()},
            effects={name: tuple(e[rows] for e in effects) for name, effects in self.effects.items()},
            index={factor: codes[rows] for factor, codes in self.index.items()},
            beside={name: values[rows] for name, values in self.beside.items()},
            weights=None if self.weights is None else self.weights[rows],
            chain=None if self.chain is None else self.chain.take(rows),
        )


def component(bound: Bound, data: Data, column: str) -> Component:
    """Evaluate one equation's design on its rows."""
    equation, rows = bound[column], data.rows[column]
    index = {factor: data.grouping.codes[factor][rows] for factor in equation.factors}
    labels = {factor: coordinate(data.grouping.labels[factor]) for factor in equation.factors}
    made = assemble(equation, data.at(column), data.columns[equation.column][rows], index, labels)
    if equation.ar is None or bound.sequence is None:
        return made
    return replace(made, chain=chain_of(equation, data, bound.sequence))


def assemble(
    equation: BoundEquation, frame: Frame, y: np.ndarray, index: Mapping[str, np.ndarray],
    labels: Mapping[str, tuple[str, ...] | tuple[int, ...]], weights: np.ndarray | None = None,
) -> Component:  # fmt: skip
    """Evaluate an equation's design on a frame of its rows.

    Parameters
    ----------
    equation : BoundEquation
    frame : Frame
        The columns that the equation reads, n rows.
    y : ndarray of shape (n,)
    index : mapping of str to ndarray
        Group of every row, by factor.
    labels : mapping of str to tuple
        Labels of the groups, by factor.
    weights : ndarray, optional
        How many equal rows each row stands for.
    """
    n = len(y)
    matrices, offsets, effects = {}, {}, {}
    for name, predictor in equation.predictors.items():
        matrix = predictor.matrix(frame, n)
        matrices[name] = matrix - np.asarray(predictor.means) if predictor.centred else matrix
        offset = predictor.offset(frame, n)
        if offset is not None:
            offsets[name] = offset
        effects[name] = tuple(group.matrix(frame, n) for group in predictor.groups)
    return Component(equation, y, matrices, offsets, effects, index, labels, equation.beside(frame, n), weights)


def coordinate(labels: tuple[Any, ...]) -> tuple[str, ...] | tuple[int, ...]:
    """Return group labels as a posterior's coordinates can hold them: integers, or text.

    >>> coordinate((("a", 1), ("a", 2)))
    ('a:1', 'a:2')
    """
    if all(isinstance(label, int) and not isinstance(label, bool) for label in labels):
        return tuple(labels)
    return tuple(":".join(map(str, label)) if isinstance(label, tuple) else str(label) for label in labels)
