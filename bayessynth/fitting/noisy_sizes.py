"""The posterior of group sizes where the number of rows in each group is known up to noise."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from bayessynth import families
from bayessynth.families import Summary
from bayessynth.fitting.groups import Sizes

# Points of the grid a side, draws by which it closes in, and draws at once.
_GRID, _SOME, _CHUNK = 100, 200, 100


def sizes_given(counts: np.ndarray, rng: np.random.Generator) -> Sizes:
    """Draw the parameters of the size of a group given draws of how many rows the groups have.

    The model is that of :mod:`bayessynth.fitting.groups`, a negative binomial shifted to start at one; its two
    parameters are drawn once given each draw of the counts, on a grid that all draws share, uniform within cells.
    Sizes of new groups so carry the noise of the counts.

    Parameters
    ----------
    counts : ndarray of shape (draws, groups)
        Draws of the numbers of rows, above zero.
    rng : Generator

    Returns
    -------
    Sizes
        One entry a draw.

    Examples
    --------
    >>> counts = np.random.default_rng(1).normal([40, 60, 50], 5, (500, 3))
    >>> found = sizes_given(counts, np.random.default_rng(1))
    >>> bool(35 < np.median(1 + found.mean) < 65), len(found.shape)
    (True, 500)
    """
    units = np.maximum(np.rint(counts), 1.0) - 1.0
    location = float(np.log(max(units.mean(), 0.1)))
    ends = [(location - 4.0, location + 4.0), (-5.0, 12.0)]
    some = units[:: max(1, len(units) // _SOME)]
    for _ in range(3):
        axes = [np.linspace(*pair, _GRID) for pair in ends]
        held = (_mass(some, axes, location) > 1e-8).any(axis=0)
        inside = [axis[held.any(axis=1 - i)] for i, axis in enumerate(axes)]
        steps = [axis[1] - axis[0] for axis in axes]
        ends = [(own[0] - step, own[-1] + step) for own, step in zip(inside, steps, strict=True)]
    axes = [np.linspace(*pair, _GRID) for pair in ends]
    parts = range(0, len(units), _CHUNK)
    cells = np.concatenate([_chosen(_mass(units[i : i + _CHUNK], axes, location), rng) for i in parts])
    found = [axis[own] + (axis[1] - axis[0]) * rng.uniform(-0.5, 0.5, len(units))
             for axis, own in zip(axes, np.unravel_index(cells, (_GRID, _GRID)), strict=True)]  # fmt: skip
    return Sizes(np.exp(found[0]), np.exp(found[1]))


def _mass(units: np.ndarray, axes: list[np.ndarray], location: float) -> np.ndarray:
    """Return the posterior density given each draw on the grid, its largest value 1, shape (draws, means, shapes)."""
    log_mean, log_shape = axes
    mean, shape = np.exp(log_mean)[:, None], np.exp(log_shape)[None, :]
    family = families.get("negative_binomial")
    prior = next(p.prior for p in family.parameters if p.name == "alpha")
    assert prior is not None
    groups, total = units.shape[1], units.sum(axis=1)
    rising = (gammaln(units[:, :, None] + shape) - gammaln(shape)).sum(axis=1)
    own = groups * shape * np.log(shape / (shape + mean)) - 0.5 * ((log_mean[:, None] - location) / 2.5) ** 2
    own = own + prior(Summary()).logp(shape) + log_shape
    log_density = rising[:, None, :] + total[:, None, None] * np.log(mean / (shape + mean)) + own
    return np.exp(log_density - log_density.max(axis=(1, 2), keepdims=True))


def _chosen(mass: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose a cell for each draw, in proportion to its mass."""
    summed = mass.reshape(len(mass), -1).cumsum(axis=1)
    return (summed < rng.random((len(mass), 1)) * summed[:, -1:]).sum(axis=1)
