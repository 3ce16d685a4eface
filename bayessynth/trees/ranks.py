"""Features as ranks: whole numbers in the order of the values between which trees cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Cuts of a score are looked for on a grid of this many steps a standard deviation. Within a leaf scores still tilt
# probabilities; more places to cut would only be paid for.
STEPS = 16


class Ranks(NamedTuple):
    """One feature's values by rank.

    Attributes
    ----------
    codes : ndarray of int, shape (n,)
        From 0 up.
    values : ndarray of float64, shape (ranks,)
        What each rank stands for, ascending; some may occur nowhere.
    """

    codes: np.ndarray
    values: np.ndarray


class Ranked(NamedTuple):
    """Features side by side, as arrays that compiled code reads.

    Attributes
    ----------
    codes : ndarray of uint16, or of uint32 where a feature has more than 65,536 ranks, shape (features, n)
    values : ndarray of float64
        Of all ranks, feature after feature.
    first : ndarray of int64, shape (features + 1,)
        Where each feature's begin.
    """

    codes: np.ndarray
    values: np.ndarray
    first: np.ndarray


def code_type(ranks: int) -> type[np.uint16 | np.uint32]:
    """Return the type in which so many ranks are kept.

    >>> code_type(1 << 16).__name__
    'uint16'
    """
    return np.uint16 if ranks <= 1 << 16 else np.uint32


def ranks_of(values: np.ndarray) -> Ranks:
    """Return the ranks of values as 32-bit numbers, which is how trees see them.

    Parameters
    ----------
    values : ndarray of shape (n,)
        None is missing.

    Examples
    --------
    >>> ranks_of(np.array([2.5, 1.0, 2.5])).codes.tolist()
    [1, 0, 1]
    """
    found, codes = np.unique(values.astype(np.float32), return_inverse=True)
    return Ranks(codes, found.astype(float))


def ranks_on_grid(values: np.ndarray) -> Ranks:
    """Return the ranks of a linear score on its grid. Cuts fall midway between its points, where rounding parts too.

    Parameters
    ----------
    values : ndarray of float32, shape (n,)

    Examples
    --------
    >>> score = np.array([-1.0, -0.99, 1.0, 1.0], dtype=np.float32)
    >>> ranks_on_grid(score).codes.tolist(), ranks_on_grid(score).values[[0, -1]].round(3).tolist()
    ([0, 0, 32, 32], [-0.998, 0.998])
    """
    step = float(values.std() / np.float32(STEPS)) if len(values) else 1.0
    step = step if step > 0 and np.isfinite(step) else 1.0
    # A number midway belongs to the point below, as a record on a cut goes left.
    point = np.ceil(values.astype(float) / step - 0.5).astype(np.int64)
    low, high = (int(point.min()), int(point.max())) if len(point) else (0, 0)
    return Ranks(point - low, np.arange(low, high + 1) * step)


def ranked(features: Sequence[Ranks], n: int) -> Ranked:
    """Return features side by side.

    Parameters
    ----------
    features : sequence of Ranks
    n : int
        Records.

    Examples
    --------
    >>> found = ranked([Ranks(np.array([1, 0]), np.array([3.0, 5.0])), ranks_of(np.array([7.0, 7.0]))], 2)
    >>> found.codes.tolist(), found.first.tolist()
    ([[1, 0], [0, 0]], [0, 2, 3])
    """
    first = np.cumsum([0, *(len(own.values) for own in features)])
    most = max((len(own.values) for own in features), default=0)
    codes = np.empty((len(features), n), dtype=code_type(most))
    for place, own in zip(codes, features, strict=True):
        place[:] = own.codes
    return Ranked(codes, np.concatenate([np.zeros(0), *(own.values for own in features)]), first.astype(np.int64))
