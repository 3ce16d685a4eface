"""Main effects of every column as a matrix of full rank: what linear classifiers see of a table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import qr

from bayessynth.evaluation.tables import Encoded, Tables

# Pivots of the scaled Gram matrix below this are linear combinations of others (it squares the condition number).
TOLERANCE = 1e-9
# Numbers farther out than so many standard deviations count as that far, so that one cell does not rule a regression.
FARTHEST = 20.0


def main_effects(tables: Tables, parts: Sequence[Encoded], columns: Sequence[str] | None = None) -> np.ndarray:
    """Return the main effects of the stacked tables, shape (rows, K): linearly independent, without the constant.

    A number is standardised over the stacked tables, missing cells are filled with its mean and told by an indicator
    of their own; every other column has an indicator for each code but its most frequent one, "missing" being a code.

    Parameters
    ----------
    tables : Tables
    parts : sequence of Encoded
        Stacked in this order.
    columns : sequence of str, optional
        All of the tables by default.

    Returns
    -------
    ndarray of float
        K is the rank of the design with its constant, less one. It may be 0.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayessynth.evaluation.tables import read_tables
    >>> df = pd.DataFrame({"x": [1.0, 2.0, None], "s": ["a", "a", "b"], "same": ["a", "a", "b"]})
    >>> tables = read_tables(df, [df])
    >>> main_effects(tables, [tables.original, tables.copies[0]]).shape
    (6, 2)
    """
    blocks: list[np.ndarray] = []
    for column in tables.columns if columns is None else columns:
        if column in tables.numbers:
            blocks += _number(np.concatenate([p.values[column] for p in parts]))
        else:
            blocks += _levels(np.concatenate([p.codes[column] for p in parts]))
    rows = sum(p.n for p in parts)
    return independent(np.column_stack(blocks)) if blocks else np.empty((rows, 0))


def independent(design: np.ndarray) -> np.ndarray:
    """Return columns of a matrix that are linearly independent of each other and of the constant, in their order.

    Found by a pivoted QR decomposition of the centred and scaled Gram matrix.

    >>> x = np.array([[1.0, 2.0, 0.0], [2.0, 4.0, 1.0], [3.0, 6.0, 0.0], [4.0, 8.0, 0.0]])
    >>> independent(x).shape
    (4, 2)
    """
    means = design.mean(axis=0)
    gram = design.T @ design - len(design) * np.outer(means, means)
    scale = np.sqrt(np.diagonal(gram).clip(0))
    varies = scale > TOLERANCE * np.sqrt(len(design)) * np.maximum(1.0, np.abs(means))
    design, gram, scale = design[:, varies], gram[np.ix_(varies, varies)], scale[varies]
    if not design.shape[1]:
        return design
    triangle, pivots = qr(gram / np.outer(scale, scale), mode="r", pivoting=True)
    size = np.abs(np.diagonal(triangle))
    return design[:, np.sort(pivots[size > TOLERANCE * size[0]])]


def _number(values: np.ndarray) -> list[np.ndarray]:
    gone = np.isnan(values)
    blocks = [gone.astype(float)] if gone.any() else []
    finite = values[np.isfinite(values)]
    if len(finite) and (sd := finite.std()) > 0:
        scaled = ((values - finite.mean()) / sd).clip(-FARTHEST, FARTHEST)
        blocks.append(np.where(gone, 0.0, scaled))
    return blocks


def _levels(codes: np.ndarray) -> list[np.ndarray]:
    counts = np.bincount(codes)
    present = np.flatnonzero(counts)
    return [(codes == code).astype(float) for code in present[present != counts.argmax()]]
