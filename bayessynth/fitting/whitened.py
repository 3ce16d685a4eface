"""A Gaussian equation whose residuals follow each other: the marginal log density at any autocorrelation."""

from __future__ import annotations

import numpy as np

from bayessynth.design import Component
from bayessynth.fitting.gaussian import Gaussian
from bayessynth.fitting.kernels import whitened
from bayessynth.suffstats import gram
from bayessynth.suffstats.gram import columns_of

# Numbers that the products of rows take, beyond which NUTS is the better choice: an evaluation reads all of them.
LARGEST = 5_000_000


def unserved(component: Component) -> str | None:
    """Return why a component cannot be whitened group by group, or None if it can."""
    chain = component.chain
    assert chain is not None
    for factor, index in component.index.items():
        if (index[np.maximum(chain.before, 0)] != index)[~chain.first].any():
            return f"rows of one unit are in several groups of {factor!r}"
    (predictor,) = component.equation.predictors.values()
    largest = max((len(component.labels[f]) for f in component.index), default=0)
    widths = sum(len(component.labels[g.factor]) * len(g.effects) for g in predictor.groups
                 if len(component.labels[g.factor]) < largest)  # fmt: skip
    dense = len(predictor.means) + widths + 2
    if 3 * len(np.unique(chain.power)) * dense**2 > LARGEST:
        return "times between rows are too many different ones"
    return None


class Whitened(Gaussian):
    """Log density of a Gaussian equation's standard deviations, correlations and autocorrelation.

    Given the autocorrelation, rows less what they keep of the row before are independent; their sums of products take
    the place of those of the rows.

    Parameters
    ----------
    component : Component
        With a chain, which :func:`unserved` has nothing against.
    """

    def __init__(self, component: Component) -> None:
        super().__init__(component.equation, component.labels, gram(component))
        self.cells = self._cells(component)

    def _cells(self, component: Component) -> whitened.Cells:
        chain = component.chain
        assert chain is not None
        rows = self._rows(component)
        q, first = self.sums.zy.shape[1], np.where(chain.first, -1.0, chain.power)
        # Nothing of the first rows stays, whatever is said to stand before them.
        before = np.where(chain.first[:, None], 0.0, rows[np.maximum(chain.before, 0)])
        code = component.index[self.factors[0]] if self.factors else np.zeros(len(rows), dtype=np.int64)
        powers, place = np.unique(first, return_inverse=True)
        joint, cell = np.unique(np.stack([code, place]), axis=1, return_inverse=True)
        return whitened.Cells(
            np.array([len(self.elements) - 1]), joint[0].astype(np.int64), joint[1].astype(np.int64),
            _products(rows[:, :q], before[:, :q], rows, before, cell, joint.shape[1]),
            powers, np.bincount(place).astype(float),
            _products(rows[:, q:], before[:, q:], rows[:, q:], before[:, q:], place, len(powers)),
        )  # fmt: skip

    def _rows(self, component: Component) -> np.ndarray:
        """Return the rows' columns: those of the primary factor, the dense ones, the response."""
        sums = gram(component)
        v = np.column_stack(columns_of(component)) - sums.shift
        response = v[:, -1] + (sums.shift[-1] - self.level)
        blocks = [v @ self._columns(sums, factor) for factor in self.factors]
        dense = [v @ self._common(sums)]
        for factor, block in zip(self.factors[1:], blocks[1:], strict=True):
            groups, index = len(self.labels[factor]), component.index[factor]
            wide = np.zeros((len(v), groups, block.shape[1]))
            wide[np.arange(len(v)), index] = block
            dense.append(wide.reshape(len(v), -1))
        return np.column_stack([*blocks[:1], *dense, response])

    def _values(self, thetas: np.ndarray, out: np.ndarray) -> None:
        whitened.values(self.cells, self.sums, thetas, out)

    def _draws(self, thetas: np.ndarray, normal: np.ndarray, dense: np.ndarray, effects: np.ndarray) -> None:
        whitened.draws(self.cells, self.sums, thetas, normal, dense, effects)


def _products(
    left: np.ndarray, left_before: np.ndarray, right: np.ndarray, right_before: np.ndarray, cell: np.ndarray, size: int
) -> np.ndarray:
    """Return the three products of rows and rows before, summed by cell, shape (3, size, left, right)."""
    made = np.zeros((3, size, left.shape[1], right.shape[1]))
    for k, pairs in enumerate((
        [(left, right)], [(left, right_before), (left_before, right)], [(left_before, right_before)]
    )):  # fmt: skip
        for one, other in pairs:
            for j in range(left.shape[1]):
                np.add.at(made[k, :, j], cell, one[:, j : j + 1] * other)
    return made
