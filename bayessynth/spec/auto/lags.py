"""Which columns of the row before say most of a column, beyond its own value there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

# Columns of the row before that a column is drawn from, beside itself: with a fixed number the cost of a table stays
# linear in its columns.
LAGS = 4
# A partial correlation below this many standard errors is chance.
NOTICEABLE = 2.5


def screened(
    values: Mapping[str, np.ndarray], number: np.ndarray, columns: Sequence[str], most: int = LAGS
) -> dict[str, list[str]]:
    """Return for each column the others whose value in the row before says most of it, given its own value there.

    Parameters
    ----------
    values : mapping of str to ndarray of shape (n,)
        Columns as numbers, NaN where missing; rows sorted by unit and time.
    number : ndarray of shape (n,)
        Of the row within its unit, from 0.
    columns : sequence of str
    most : int

    Returns
    -------
    dict of str to list of str
        The most telling first. How much is measured by the partial correlation of ranks.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=400)
    >>> y = np.r_[0.0, x[:-1]] + rng.normal(size=400)
    >>> screened({"x": x, "y": y}, np.tile(np.arange(4), 100), ["x", "y"])
    {'x': [], 'y': ['x']}
    """
    now = np.flatnonzero(number > 0)
    if len(now) < 10 or len(columns) < 2:
        return {column: [] for column in columns}
    later = np.column_stack([_standard(values[c][now]) for c in columns])
    before = np.column_stack([_standard(values[c][now - 1]) for c in columns])
    across, own = later.T @ before / len(now), before.T @ before / len(now)
    itself = np.diagonal(across)
    with np.errstate(invalid="ignore", divide="ignore"):
        partial = (across - itself[:, None] * own) / np.sqrt((1 - itself**2)[:, None] * (1 - own**2))
    partial = np.where(np.isfinite(partial), np.abs(partial), 0.0)
    np.fill_diagonal(partial, 0.0)
    found = {}
    for i, column in enumerate(columns):
        best = np.argsort(-partial[i], kind="stable")[:most]
        found[column] = [columns[j] for j in best if partial[i, j] * np.sqrt(len(now)) > NOTICEABLE]
    return found


def _standard(values: np.ndarray) -> np.ndarray:
    """Return ranks in standard units, missing cells in the middle."""
    ranks = stats.rankdata(values, nan_policy="omit")
    there = np.isfinite(ranks)
    centred = np.where(there, ranks - (ranks[there].mean() if there.any() else 0.0), 0.0)
    spread = float(centred.std())
    return centred / spread if spread > 0 else centred
