"""Where to look for a chain's mode: an estimate by moments, and how far the noise may have moved it."""

from __future__ import annotations

import numpy as np

from bayessynth.fitting.engines.mode import centres
from bayessynth.fitting.kernels.priors import Elements
from bayessynth.fitting.noise_aware.chain import Chain

# On the unit scale: smallest variance of a column that is started from, and the spread of a coefficient.
_SMALLEST, _SPREAD = 0.005, 0.3


def start_of(chain: Chain) -> tuple[np.ndarray, np.ndarray]:
    """Return where to start a search and the scale of each direction.

    Regressions on the noisy moments, these shrunk by their noise; standard deviations of groups from their priors.
    """
    t, own = chain.tables, chain.elements
    noise = np.sqrt(np.diag(t.noise).max())
    rows = t.rows if len(t.rows) else np.maximum(t.total[:, _place(chain, 0, 0)], max(1.0, noise))
    n, error = rows.sum(), noise * np.sqrt(len(rows)) / rows.sum()
    coefficients, residual = _regressions(chain, _moments(chain, n), error)

    x, spread = np.full(len(own), np.nan), np.full(len(own), _SPREAD)
    for j in range(1, len(t.constants)):
        mine = np.flatnonzero(t.places[:, 1] == j)
        if len(mine):
            map_ = np.zeros((j, len(mine)))
            map_[t.places[mine, 2], np.arange(len(mine))] = t.weights[mine, 0]
            map_[0] += t.weights[mine, 1]
            wanted = coefficients[j, :j] - np.eye(j)[0] * t.constants[j]
            x[t.places[mine, 0]] = np.linalg.lstsq(map_, wanted, rcond=None)[0]
            spread[t.places[mine, 0]] = _SPREAD / np.abs(t.weights[mine, 0])
        if t.spreads[j] >= 0:
            x[t.spreads[j]] = np.sqrt(residual[j]) / t.units[j]
    for sd, weight in zip(t.effects[:, 0], t.effect_weights[:, 0], strict=True):
        x[sd] = 0.3 * _SPREAD / abs(weight)

    theta, scale = np.zeros(chain.size), np.ones(chain.size)
    prior, width = centres(own)
    found = _unconstrained(own, x, prior)
    times = np.where(t.over >= 0, own.constrain(found)[t.over], 1.0)
    theta[: len(own)] = found * times
    scale[: len(own)] = np.where(own.transform == 0, np.minimum(width, spread) * times, _SPREAD)
    if not len(t.rows):
        theta[t.first[1] :], scale[t.first[1] :] = np.log(rows), np.minimum(noise / rows, 1.0)
    return theta, scale


def _place(chain: Chain, i: int, j: int) -> int | None:
    found = np.flatnonzero((np.sort(chain.tables.pairs, axis=1) == sorted((i, j))).all(axis=1))
    return int(found[0]) if len(found) else None


def _moments(chain: Chain, n: float) -> np.ndarray:
    """Return the noisy mean of w wᵀ."""
    t = chain.tables
    moments = np.eye(len(t.constants))  # squares of binary columns, which are not released, are 1
    sums = t.total.sum(axis=0) / n
    for (i, j), value in zip(t.pairs, sums, strict=True):
        moments[i, j] = moments[j, i] = value
    moments[0, 0] = 1.0
    return moments


def _regressions(chain: Chain, moments: np.ndarray, error: float) -> tuple[np.ndarray, np.ndarray]:
    """Return each column's coefficients, the constant's first, and its residual variance."""
    t = chain.tables
    p, binary = len(t.constants), t.cells.shape[1]
    mean = np.clip(moments[0], -0.9, 0.9)
    cov = moments - np.outer(moments[0], moments[0])
    values, vectors = np.linalg.eigh(cov[1:, 1:])
    cov = np.zeros_like(cov)
    cov[1:, 1:] = (vectors * np.maximum(values, max(_SMALLEST, 0.5 * error))) @ vectors.T
    coefficients, residual = np.zeros((p, p)), np.zeros(p)
    for j in range(1, p):
        on = sorted(set(t.places[t.places[:, 1] == j, 2].tolist()) - {0})
        if j <= binary:
            coefficients[j, 0] = np.log1p(mean[j]) - np.log1p(-mean[j])
            continue
        inner = cov[np.ix_(on, on)] + error * np.eye(len(on))
        coefficients[j, on] = np.linalg.solve(inner, cov[on, j]) if on else 0.0
        coefficients[j, 0] = mean[j] - coefficients[j, on] @ mean[on]
        residual[j] = max(cov[j, j] - coefficients[j, on] @ cov[on, j], _SMALLEST)
    return coefficients, residual


def _unconstrained(own: Elements, x: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Return values on the real line; those that the prior excludes, and unknown ones, from its centre."""
    low, high = own.bounds.T
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (x - low) / (high - low)
        found = np.where(own.transform == 1, np.log(x), np.where(own.transform == 2, np.log(share / (1.0 - share)), x))
    return np.where(np.isfinite(found), found, prior)
