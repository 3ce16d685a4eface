"""How much any two columns tell of each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from bayessynth.schema import Column, Columns
from bayessynth.spec.auto.classes import Classes, classify

# Classes whose tables with all others are counted at once.
BLOCK = 800
# Information below so many standard deviations above chance counts as none.
CHANCE = 2.0


@dataclass(frozen=True)
class Dependence:
    """Mutual information of every two columns, missing cells being a class of their own.

    Attributes
    ----------
    names : tuple of str
    information : ndarray of float32, shape (p, p)
        In nats, less what chance is expected to show; on the diagonal a column's entropy. Numbers are cut into at
        most ten classes.
    matrix : ndarray of float32, shape (p, p)
        The same as a share of the geometric mean of both entropies: 0 for columns that tell nothing of each other,
        1 for columns that determine each other.
    """

    names: tuple[str, ...]
    information: np.ndarray
    matrix: np.ndarray

    @property
    def entropy(self) -> np.ndarray:
        """Entropy of every column, in nats."""
        return np.diagonal(self.information)

    @property
    def known(self) -> np.ndarray:
        """Share of a column's entropy (row) that another (column) takes away."""
        entropy = self.entropy[:, None]
        return np.clip(
            np.divide(self.information, entropy, out=np.zeros_like(self.information), where=entropy > 0), 0, 1
        )


def associations(
    columns: Columns, schema: Mapping[str, Column], rng: np.random.Generator, rows: int = 5000
) -> Dependence:
    """Measure how much every two columns of a table tell of each other.

    Parameters
    ----------
    columns : Columns
        Encoded columns, missing cells included.
    schema : mapping of str to Column
    rng : Generator
        Draws the rows that are looked at, if there are more of them.
    rows : int
        At most.

    Returns
    -------
    Dependence

    Notes
    -----
    Plug-in mutual information exceeds the truth by about (r - 1)(c - 1) / 2n for a table of r × c cells and n rows
    (Miller 1955), which is taken off; what remains is nothing unless it is ``CHANCE`` standard deviations of
    independent columns above zero.

    Examples
    --------
    >>> x = np.repeat([0, 1], 50)
    >>> same = Columns({"x": x, "y": 1 - x, "z": np.tile([0, 1], 50)}, 100, {"x": (0, 1), "y": (0, 1), "z": (0, 1)})
    >>> from bayessynth.schema import Schema
    >>> import bayessynth as bs
    >>> schema = Schema(x=bs.Binary(0, 1), y=bs.Binary(0, 1), z=bs.Binary(0, 1))
    >>> associations(same, schema, np.random.default_rng(1)).matrix.round(2).tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    if columns.n > rows:
        columns = columns.take(np.sort(rng.choice(columns.n, rows, replace=False)))
    classes = classify(columns, schema)
    p = len(classes.names)
    if not p or not columns.n:
        return Dependence(classes.names, *np.zeros((2, p, p), dtype=np.float32))
    raw = _information(classes)
    entropy = np.where(classes.counts > 1, np.diagonal(raw), 0)
    freedom = np.outer(classes.counts - 1, classes.counts - 1)
    chance = freedom / (2 * columns.n)
    information = np.maximum(raw - chance, 0)
    information[information < CHANCE * np.sqrt(2 * freedom) / (2 * columns.n)] = 0
    geometric = np.sqrt(np.outer(entropy, entropy))
    span = np.maximum(geometric - chance, 1e-12)
    matrix = np.where(geometric > 0, np.clip(information / span, 0, 1), 0)
    np.fill_diagonal(information, entropy)
    np.fill_diagonal(matrix, entropy > 0)
    return Dependence(classes.names, information.astype(np.float32), matrix.astype(np.float32))


def _information(classes: Classes) -> np.ndarray:
    """Return plug-in mutual information of all pairs, and entropies on the diagonal."""
    n = classes.codes.shape[1]
    logs = special.xlogy(np.arange(n + 1), np.arange(n + 1)).astype(np.float32)
    start = np.concatenate([[0], np.cumsum(classes.counts)])
    joint = np.zeros((len(classes.names),) * 2)
    indicators = _indicators(classes, start)
    for first, last in _blocks(start):
        # Tables of these columns with themselves and with all that come later.
        cells = indicators[start[first] : start[last]] @ indicators[start[first] :].T
        filled = logs[cells.astype(np.int32)]
        sums = np.add.reduceat(filled, start[first:last] - start[first], axis=0)
        sums = np.add.reduceat(sums, start[first:-1] - start[first], axis=1, dtype=float)
        joint[first:last, first:] = sums
    joint = np.triu(joint) + np.triu(joint, 1).T
    own = np.diagonal(joint)
    return (joint - own[:, None] - own[None, :] + n * np.log(n)) / n


def _indicators(classes: Classes, start: np.ndarray) -> np.ndarray:
    """Return an indicator of every class of every column, shape (classes, rows)."""
    p, n = classes.codes.shape
    indicators = np.zeros((int(start[-1]), n), dtype=np.float32)
    rows = np.arange(n)
    for j in range(p):
        indicators[start[j] + classes.codes[j], rows] = 1
    return indicators


def _blocks(start: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield ranges of columns that have about ``BLOCK`` classes together."""
    first = 0
    while first < len(start) - 1:
        last = max(first + 1, int(np.searchsorted(start, start[first] + BLOCK, side="right")) - 1)
        yield first, last
        first = last
