"""Where to cut a column of numbers so that its distribution can be seen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

# Numbers with at most so many values are drawn value by value.
FEW = 12
# From this skewness on (log-normal's at sigma of about 0.55), a column is drawn on the scale of log(1 + x).
SKEWED = 2.0


def span(original: np.ndarray, copies: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the original's range, widened to the copies' middle 99.8 %.

    >>> span(np.array([0.0, 1.0]), [np.array([0.5, 0.7])])
    (0.0, 1.0)
    """
    low, high = np.quantile(np.concatenate(list(copies)), [0.001, 0.999])
    return min(float(original.min()), float(low)), max(float(original.max()), float(high))


def edges(original: np.ndarray, copies: Sequence[np.ndarray], logs: bool) -> np.ndarray:
    """Return edges of bins: whole numbers if there are few, else bins of equal width.

    Parameters
    ----------
    original : ndarray of float, shape (n,)
        No cell missing.
    copies : sequence of ndarray
    logs : bool
        Whether bins are of equal width on the scale of log(1 + x); exact zeros then have a bin of their own.

    Examples
    --------
    >>> edges(np.array([0.0, 1.0, 2.0]), [np.array([1.0])], logs=False).tolist()
    [-0.5, 0.5, 1.5, 2.5]
    """
    low, high = span(original, copies)
    if logs:
        return np.r_[-0.3, 1e-9, np.expm1(np.linspace(0.2, np.log1p(high), 18))]
    if (original == np.round(original)).all() and high - low <= 40:
        return np.arange(np.floor(low) - 0.5, np.ceil(high) + 1.0)
    return np.linspace(low, high, 25)


def counted(original: np.ndarray, copies: Sequence[np.ndarray]) -> tuple[list[str], np.ndarray]:
    """Return labels and edges of bins of a skewed count: 0 to 4 by themselves, then 1-2-5 steps.

    >>> counted(np.array([0.0, 1.0, 30.0]), [np.array([2.0])])[0]
    ['0', '1', '2', '3', '4', '5–9', '10–19', '≥20']
    """
    high = max(float(original.max()), *(float(c.max()) for c in copies))
    starts = [0, 1, 2, 3, 4, *(s * 10**e for e in range(13) for s in (1, 2, 5) if s * 10**e >= 5)]
    used = [s for s in starts if s <= span(original, copies)[1]]
    after = [*used[1:], int(high) + 1]
    labels = [str(s) if e == s + 1 else f"{s}–{e - 1}" for s, e in zip(used[:-1], after[:-1], strict=True)]
    return [*labels, f"≥{used[-1]}"], np.array([*used, int(high) + 1]) - 0.5
