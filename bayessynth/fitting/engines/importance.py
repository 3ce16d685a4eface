"""Draws from a density of low dimension, by importance resampling that tells how far it can be trusted.

A multivariate t is fitted to the density; its draws are resampled by their Pareto-smoothed importance weights. Pareto
k̂ of the weights (Vehtari, Simpson, Gelman, Yao & Gabry 2024) tells whether the proposal's tails cover the density, and
the effective number of draws what the resampling left of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaln, logsumexp

LogDensity = Callable[[np.ndarray], np.ndarray]
#: Largest Pareto k̂ of weights that are used.
PARETO_K = 0.7
#: Smallest effective number of draws, as of any other engine, and where few are drawn as a share of them.
ESS, ESS_SHARE = 400, 0.2
# Draws by which a proposal is fitted, and how often it is.
_PILOT = 600
_ROUNDS = 8
# Most draws of the proposal, as a multiple of the draws that are kept.
_MORE = 8
# Degrees of freedom of the proposal: heavy tails, which cover the exponential one of the logarithm of a standard
# deviation near zero, where there are few dimensions; in many they would waste most draws.
_DEGREES = 5.0
# Weights of which none is this many times the mean have no tail.
_EVEN = 5.0
# The wider part of a proposal: how much wider, and its share of the draws. With less of either, the right tail of a
# standard deviation that few groups inform comes out short, though Pareto k says nothing of it.
_WIDE, _WIDE_SHARE = 3.0, 0.3
# Wider than the moments of few draws, which are too small more often than too large.
_WIDER = 1.05


@dataclass(frozen=True)
class Proposal:
    """A mixture of two multivariate t distributions around one centre, the second of them wider.

    The second covers tails that are heavier than those of the first within a few standard deviations.

    Attributes
    ----------
    centre : ndarray of shape (d,)
    root : ndarray of shape (d, d)
        Lower Cholesky factor of the first one's scale matrix.
    degrees : float
    """

    centre: np.ndarray
    root: np.ndarray
    degrees: float

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw n points, shape (n, d)."""
        mixing = np.sqrt(rng.chisquare(self.degrees, (n, 1)) / self.degrees)
        mixing /= np.where(rng.random((n, 1)) < _WIDE_SHARE, _WIDE, 1.0)
        return self.centre + rng.standard_normal((n, len(self.centre))) / mixing @ self.root.T

    def logp(self, points: np.ndarray) -> np.ndarray:
        """Return the log density at points, shape (n,)."""
        d, nu = len(self.centre), self.degrees
        z = np.linalg.solve(self.root, (points - self.centre).T)
        square = (z * z).sum(axis=0)
        constant = gammaln((nu + d) / 2.0) - gammaln(nu / 2.0) - 0.5 * d * np.log(nu * np.pi)
        constant -= np.log(np.diag(self.root)).sum()
        narrow, wide = (-0.5 * (nu + d) * np.log1p(square / s**2 / nu) - d * np.log(s) for s in (1.0, _WIDE))
        return constant + np.logaddexp(np.log(1.0 - _WIDE_SHARE) + narrow, np.log(_WIDE_SHARE) + wide)


def proposal_of(centre: np.ndarray, covariance: np.ndarray) -> Proposal:
    """Return a proposal whose first part has a density's mean (or mode) and covariance."""
    degrees = max(_DEGREES, 0.6 * len(centre))
    return Proposal(centre, _WIDER * np.linalg.cholesky(covariance * (degrees - 2.0) / degrees), degrees)


@dataclass(frozen=True)
class Draws:
    """Draws of a density, independent but for repeated ones, in random order.

    Attributes
    ----------
    values : ndarray of shape (chains * draws, d)
    log_density : ndarray of shape (chains * draws,)
    k_hat : float
        Pareto k̂ of the importance weights.
    ess : float
        Effective number of draws, by the weights and by the number that was resampled; systematic resampling loses
        less than is charged here, so it is on the safe side.
    """

    values: np.ndarray
    log_density: np.ndarray
    k_hat: float
    ess: float

    def reported(self, chains: int) -> dict[str, Any]:
        """Return what a posterior reports of such draws, as chains."""
        stats = {"lp": self.log_density.reshape(chains, -1)}
        return {"chains": chains, "stats": stats, "k_hat": self.k_hat, "ess": self.ess}


def sample(
    log_density: LogDensity, mode: np.ndarray, covariance: np.ndarray, count: int, rng: np.random.Generator,
    least: int = 1,
) -> Draws:  # fmt: skip
    """Draw from a density.

    Parameters
    ----------
    log_density : callable
        Takes points of shape (n, d) and returns log densities of shape (n,), up to a constant; what is not finite
        counts as a density of zero.
    mode : ndarray of shape (d,)
    covariance : ndarray of shape (d, d)
        Of the normal density that fits around the mode.
    count : int
        Number of draws.
    rng : Generator
    least : int
        From how many times as many points of the proposal they are taken, at the least.
    """
    proposal, share = _fitted(log_density, proposal_of(mode, covariance), rng)
    # Where the proposal fits less well more is drawn from it, so that the draws kept are worth about the same.
    more = int(np.clip(round(0.6 / max(share, 1e-3)), least, _MORE))
    points = proposal.sample(count * more, rng)
    values = _evaluated(log_density, points)
    weights, k_hat = _smoothed(values - proposal.logp(points))
    if not np.isfinite(k_hat):
        return Draws(points[:count], values[:count], np.inf, 0.0)
    kept = rng.permutation(_systematic(weights, count, rng))
    effective = _effective(weights)
    return Draws(points[kept], values[kept], k_hat, 1.0 / (1.0 / effective + 1.0 / count))


def _systematic(weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return which points are drawn: each as often as its weight says, up to rounding (systematic resampling)."""
    cumulative = np.cumsum(np.exp(weights))
    at = (np.arange(count) + rng.random()) / count * cumulative[-1]
    return np.minimum(np.searchsorted(cumulative, at), len(weights) - 1)


def refusal(drawn: Draws) -> str | None:
    """Return why draws are not to be trusted, or None if they are."""
    if not drawn.k_hat < PARETO_K:
        return f"Pareto k {drawn.k_hat:.2f} is not below {PARETO_K}"
    n = len(drawn.values)
    if drawn.ess < min(ESS, ESS_SHARE * n):
        return f"{drawn.ess:.0f} effective of {n} draws are too few"
    return None


def told(
    log_density: LogDensity, stand_in: LogDensity, drawn: Draws, count: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Compare a density with another one that draws were made from.

    Parameters
    ----------
    log_density : callable
        Of the density that draws were wanted from.
    stand_in : callable
        Of the one that they are from.
    drawn : Draws
    count : int
        Number of points; their tails are wider than those of the draws.
    rng : Generator

    Returns
    -------
    tuple of float
        Pareto k̂ of the importance weights of the density, and an estimate of the total variation distance of the two.
    """
    proposal = proposal_of(drawn.values.mean(axis=0), np.atleast_2d(np.cov(drawn.values.T)))
    points = proposal.sample(count, rng)
    logp = proposal.logp(points)
    exact, other = (_evaluated(f, points) - logp for f in (log_density, stand_in))
    _, k_hat = _smoothed(exact)
    if not np.isfinite(k_hat):
        return np.inf, 1.0
    return k_hat, float(0.5 * np.abs(np.exp(exact - logsumexp(exact)) - np.exp(other - logsumexp(other))).sum())


def _evaluated(log_density: LogDensity, points: np.ndarray) -> np.ndarray:
    values = np.asarray(log_density(points), dtype=float)
    return np.where(np.isfinite(values), values, -np.inf)


def _smoothed(weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Return Pareto-smoothed log weights that sum to one, and k̂; 0 for weights without a tail to smooth.

    A Pareto distribution is fitted to what the largest weights have above a cutoff. Where no weight is far above the
    mean that is a small part of them, whose shape says nothing of how the weights would go on.
    """
    # Imported here: its import takes longer than the fit of a small table.
    from arviz_stats.base import array_stats

    if not np.isfinite(weights).any():
        return weights, np.inf
    # A density of zero has a weight of zero, which the smoothing takes as a very small one.
    floor = weights[np.isfinite(weights)].max() - 700.0
    floored = np.maximum(weights, floor)
    even = floored - logsumexp(floored)
    if even.max() < np.log(_EVEN / len(weights)):
        return even, 0.0
    smoothed, k_hat = array_stats.psislw(-floored)  # it takes minus the log weights
    return smoothed - logsumexp(smoothed), float(k_hat)


def _effective(log_weights: np.ndarray) -> float:
    return float(np.exp(-logsumexp(2.0 * log_weights)))


def _fitted(log_density: LogDensity, start: Proposal, rng: np.random.Generator) -> tuple[Proposal, float]:
    """Fit the proposal to the density by the moments of weighted pilot draws, until the weights are even enough.

    Each round adds its draws to those before; all are weighted by the mixture of the proposals that they came from
    (adaptive multiple importance sampling; Cornuet, Marin, Mira & Robert 2012). Where few draws carry all weight,
    weights are flattened (raised to a power below one), so that the proposal moves towards the density in steps.

    Returns
    -------
    tuple of Proposal and float
        And the share of the last round's draws that was effective; that of its own draws is larger rather than less.
    """
    proposal, share = start, 0.0
    d = len(start.centre)
    n = max(_PILOT, 60 * d)
    made, points, values = [], np.empty((0, d)), np.empty(0)
    for _ in range(_ROUNDS):
        made.append(proposal)
        new = proposal.sample(n, rng)
        points, values = np.concatenate([points, new]), np.concatenate([values, _evaluated(log_density, new)])
        own, k_hat = _smoothed(values[-n:] - proposal.logp(new))
        if not np.isfinite(k_hat):
            break
        mixture = logsumexp([p.logp(points) for p in made], axis=0)
        weights, _ = _smoothed(values - mixture)
        mass = np.exp(_flattened(weights, 0.1 * n + 4.0 * d))
        centre = mass @ points
        away = points - centre
        covariance = (away * mass[:, None]).T @ away
        proposal, share = proposal_of(centre, covariance), _effective(own) / n
        if k_hat < 0.5 and share > 0.4:
            break
    return proposal, share


def _flattened(weights: np.ndarray, effective: float) -> np.ndarray:
    """Return log weights raised to the largest power at which they have a given effective number."""
    low, high = 0.0, 1.0
    if _effective(weights) >= effective:
        return weights
    for _ in range(30):
        power = 0.5 * (low + high)
        even = power * weights - logsumexp(power * weights)
        low, high = (power, high) if _effective(even) >= effective else (low, power)
    return low * weights - logsumexp(low * weights)
