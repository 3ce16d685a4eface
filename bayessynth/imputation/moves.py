"""Draws of missing cells that leave their density as it is; all cells of a column at a time.

Levels are drawn exactly. Numbers take two steps: an independence Metropolis step with the column's own equation as the
proposal, which can go anywhere (between a point mass and amounts, between modes), and a slice step, which moves far
where the equations that read a cell know it much better than its own does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayessynth.errors import FitError
from bayessynth.imputation.conditional import Conditional

# Most widths by which the interval of a slice step is widened.
_WIDEST = 16
# A slice step ends on its own, since the interval shrinks towards the present value; this many halvings reach it.
_SHRINKS = 200

LogDensity = Callable[[np.ndarray, np.ndarray], np.ndarray]


def enumerated(density: Conditional, levels: int, rng: np.random.Generator) -> np.ndarray:
    """Draw codes of levels with their exact probabilities.

    Parameters
    ----------
    density : Conditional
    levels : int
    rng : Generator

    Raises
    ------
    FitError
        If no level is possible for a cell.
    """
    table = np.stack([density.logp(np.full(density.cells, k)) for k in range(levels)])
    top = table.max(axis=0)
    if not np.isfinite(top).all():
        column, count = density.own.column, int((~np.isfinite(top)).sum())
        raise FitError(
            f"Column {column!r}: in {count} of {density.cells} missing cells no level is possible given the rest of "
            "the row. Look at the equations that read the column."
        )
    cumulative = np.cumsum(np.exp(table - top), axis=0)
    return (rng.random(density.cells) * cumulative[-1] >= cumulative[:-1]).sum(axis=0)


def independence(density: Conditional, x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Take a Metropolis step whose proposal is a draw from the column's own equation.

    The equation's density cancels, so that it may have point masses. What it holds for impossible, as a donor's number
    of successes may be beyond the trials of the row that took it, gives way to any proposal.
    """
    proposal = density.own.sample(rng)
    everywhere = np.ones(len(x), dtype=bool)
    possible = np.isfinite(density.own.logp(x, everywhere))
    present = np.where(possible, density.likelihood(x, possible), -np.inf)
    with np.errstate(invalid="ignore"):
        gain = density.likelihood(proposal, everywhere) - present
    # Of two impossible values, whose gain is no number, either will do.
    accepted = np.log(rng.random(len(x))) < np.where(np.isnan(gain), 0.0, gain)
    return np.where(accepted, proposal, x)


def sliced(logp: LogDensity, x: np.ndarray, width: float, moving: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Take a slice step, with stepping out and shrinkage (Neal 2003, figures 3 and 5), in each moving cell.

    Parameters
    ----------
    logp : callable
        Log density of values at live cells.
    x : ndarray of shape (cells,)
    width : float
        First guess of the size of a slice.
    moving : ndarray of bool, shape (cells,)
    rng : Generator
    """
    height = logp(x, moving) - rng.standard_exponential(len(x))
    live = moving & np.isfinite(height)
    left = x - width * rng.random(len(x))
    right = left + width
    steps = (_WIDEST * rng.random(len(x))).astype(int)
    left = _stepped_out(logp, left, -width, steps, height, live)
    right = _stepped_out(logp, right, width, _WIDEST - 1 - steps, height, live)
    found = x.copy()
    for _ in range(_SHRINKS):
        if not live.any():
            break
        proposal = left + rng.random(len(x)) * (right - left)
        inside = live & (logp(proposal, live) > height)
        found[inside] = proposal[inside]
        live = live & ~inside
        left, right = np.where(live & (proposal < x), proposal, left), np.where(live & (proposal >= x), proposal, right)
    return found


def _stepped_out(
    logp: LogDensity, end: np.ndarray, step: float, most: np.ndarray, height: np.ndarray, live: np.ndarray
) -> np.ndarray:
    """Move one end of each interval outwards until it lies outside the slice."""
    left_over = most.copy()
    live = live & (left_over > 0)
    while live.any():
        live = live & (logp(end, live) > height)
        end = np.where(live, end + step, end)
        left_over = left_over - live
        live = live & (left_over > 0)
    return end
