"""The columns of which another is a sum of multiples, found one after the other."""

from __future__ import annotations

import numpy as np


def pursue(values: np.ndarray, target: np.ndarray, most: int, enough: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the columns that together leave nothing of a target unexplained, and their coefficients.

    Orthogonal matching pursuit on the matrix of correlations: the column that explains most of what is left comes next.

    Parameters
    ----------
    values : ndarray of shape (rows, columns)
        Columns that do not vary are passed over.
    target : ndarray of shape (rows,)
    most : int
        Columns at most.
    enough : float
        The mean square that may be left.

    Returns
    -------
    tuple of ndarray, or None
        Places of columns, and their coefficients.

    Examples
    --------
    >>> values = np.random.default_rng(1).normal(size=(50, 4))
    >>> chosen, coefficients = pursue(values, values[:, 2] - 2 * values[:, 0], 3, 1e-12)
    >>> chosen, coefficients.round(6)
    (array([0, 2]), array([-2.,  1.]))
    """
    centred = np.column_stack([values, target])
    centred = centred - centred.mean(axis=0)
    size = np.sqrt((centred**2).mean(axis=0))
    if size[-1] == 0:
        return None
    scaled = np.divide(centred, size, out=np.zeros_like(centred), where=size > 0)
    left = scaled.T @ scaled / len(scaled)
    bar = max(enough / size[-1] ** 2, 1e-12)
    chosen: list[int] = []
    while len(chosen) < most and left[-1, -1] > bar:
        own = np.diag(left)[:-1]
        gain = np.divide(left[-1, :-1] ** 2, own, out=np.zeros_like(own), where=own > 1e-9)
        gain[chosen] = 0
        pick = int(gain.argmax())
        if gain[pick] <= 0:
            return None
        chosen.append(pick)
        left = left - np.outer(left[:, pick], left[pick]) / left[pick, pick]
    if left[-1, -1] > bar or not chosen:
        return None
    chosen.sort()
    coefficients = np.linalg.lstsq(scaled[:, chosen], scaled[:, -1], rcond=None)[0] * size[-1] / size[chosen]
    return np.array(chosen), coefficients
