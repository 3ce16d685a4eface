"""Draws from a density of low dimension, by importance sampling that tells how far it can be trusted.

A multivariate t is fitted to the density, and independence Metropolis–Hastings (Tierney 1994) turns its independent
draws into chains whose target is the density itself. Against resampling, a chain shows in its effective sample size
and R-hat what the proposal lacks, where duplicates in random order would hide it. Pareto k̂ of the importance weights
(Vehtari, Simpson, Gelman, Yao & Gabry 2024) tells whether the proposal's tails cover the density.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from arviz_stats.base import array_stats
from scipy.special import gammaln, logsumexp

LogDensity = Callable[[np.ndarray], np.ndarray]
#: Largest Pareto k̂ of weights that are used.
PARETO_K = 0.7
#: Smallest effective number of draws, as of any other engine, and as a share of the draws.
ESS, ESS_SHARE = 400, 0.1
# Draws by which a proposal is fitted, and how often it is.
_PILOT = 600
_ROUNDS = 3
# A light tail wastes fewer draws, a heavy one covers more: the best for the density is chosen among these.
_DEGREES = (5.0, 12.0, 40.0, 200.0)


@dataclass(frozen=True)
class Proposal:
    """A multivariate t distribution.

    Attributes
    ----------
    centre : ndarray of shape (d,)
    root : ndarray of shape (d, d)
        Lower Cholesky factor of the scale matrix.
    degrees : float
    """

    centre: np.ndarray
    root: np.ndarray
    degrees: float

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw n points, shape (n, d)."""
        mixing = np.sqrt(rng.chisquare(self.degrees, (n, 1)) / self.degrees)
        return self.centre + rng.standard_normal((n, len(self.centre))) / mixing @ self.root.T

    def logp(self, points: np.ndarray) -> np.ndarray:
        """Return the log density at points, shape (n,)."""
        d, nu = len(self.centre), self.degrees
        z = np.linalg.solve(self.root, (points - self.centre).T)
        constant = gammaln((nu + d) / 2.0) - gammaln(nu / 2.0) - 0.5 * d * np.log(nu * np.pi)
        volume = np.log(np.diag(self.root)).sum()
        return constant - volume - 0.5 * (nu + d) * np.log1p((z * z).sum(axis=0) / nu)


@dataclass(frozen=True)
class Draws:
    """Draws of a density.

    Attributes
    ----------
    values : ndarray of shape (chains * draws, d)
        Ordered by chain.
    log_density : ndarray of shape (chains * draws,)
    k_hat : float
        Pareto k̂ of the proposals' importance weights.
    ess : float
        Effective number of the proposals by their smoothed weights.
    accepted : ndarray of shape (chains * draws,)
        Whether a draw is a new one.
    """

    values: np.ndarray
    log_density: np.ndarray
    k_hat: float
    ess: float
    accepted: np.ndarray

    def stats(self, chains: int) -> dict[str, np.ndarray]:
        """Return what a sampler reports of its draws, each of shape (chains, draws)."""
        return {
            "lp": self.log_density.reshape(chains, -1),
            "acceptance_rate": self.accepted.astype(float).reshape(chains, -1),
        }


def sample(
    log_density: LogDensity, mode: np.ndarray, covariance: np.ndarray, draws: int, chains: int,
    rng: np.random.Generator,
) -> Draws:  # fmt: skip
    """Draw chains from a density.

    Parameters
    ----------
    log_density : callable
        Takes points of shape (n, d) and returns log densities of shape (n,), up to a constant; what is not finite
        counts as a density of zero.
    mode : ndarray of shape (d,)
    covariance : ndarray of shape (d, d)
        Of the normal density that fits around the mode.
    draws, chains : int
    rng : Generator
    """
    proposal = _fitted(log_density, Proposal(mode, np.linalg.cholesky(covariance), _DEGREES[0]), rng)
    points = proposal.sample(draws * chains, rng)
    values = _evaluated(log_density, points)
    weights = values - proposal.logp(points)
    smoothed, k_hat = _smoothed(weights)
    kept = np.concatenate([_chain(part, rng) for part in np.split(weights, chains)])
    kept += np.repeat(np.arange(chains) * draws, draws)
    return Draws(points[kept], values[kept], k_hat, _effective(smoothed), kept == np.arange(len(kept)))


def refusal(drawn: Draws) -> str | None:
    """Return why draws are not to be trusted, or None if they are."""
    if not drawn.k_hat < PARETO_K:
        return f"Pareto k {drawn.k_hat:.2f} is not below {PARETO_K}"
    n = len(drawn.values)
    if drawn.ess < min(ESS, n) * 1.0 or drawn.ess < ESS_SHARE * n:
        return f"{drawn.ess:.0f} effective of {n} draws are too few"
    return None


def _evaluated(log_density: LogDensity, points: np.ndarray) -> np.ndarray:
    values = np.asarray(log_density(points), dtype=float)
    return np.where(np.isfinite(values), values, -np.inf)


def _smoothed(weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Return Pareto-smoothed log weights that sum to one, and k̂."""
    if not np.isfinite(weights).any():
        return weights, np.inf
    # A density of zero has a weight of zero, which the smoothing takes as a very small one.
    floor = weights[np.isfinite(weights)].max() - 700.0
    smoothed, k_hat = array_stats.psislw(-np.maximum(weights, floor))  # it takes minus the log weights
    return smoothed - logsumexp(smoothed), float(k_hat)


def _effective(log_weights: np.ndarray) -> float:
    return float(np.exp(-logsumexp(2.0 * log_weights)))


def _fitted(log_density: LogDensity, start: Proposal, rng: np.random.Generator) -> Proposal:
    """Fit the proposal to the density by the moments of weighted pilot draws, until the weights are even enough."""
    proposal = start
    d = len(start.centre)
    n = max(_PILOT, 40 * d)
    for _ in range(_ROUNDS):
        points = proposal.sample(n, rng)
        values = _evaluated(log_density, points)
        weights, k_hat = _smoothed(values - proposal.logp(points))
        effective = _effective(weights) if np.isfinite(k_hat) else 0.0
        if effective < 4.0 * d + 10.0:
            break
        share = np.exp(weights)
        centre = share @ points
        away = points - centre
        covariance = (away * share[:, None]).T @ away
        proposal = _with_degrees(centre, covariance, points, values, weights)
        if k_hat < 0.5 and effective > 0.4 * n:
            break
    return proposal


def _with_degrees(
    centre: np.ndarray, covariance: np.ndarray, points: np.ndarray, values: np.ndarray, weights: np.ndarray
) -> Proposal:
    """Return the t of given moments whose weights would vary least.

    The second moment of the weights p / q under q is the mean of p / q under p, which the weighted pilot draws give.
    """
    made = []
    for degrees in _DEGREES:
        root = np.linalg.cholesky(covariance * (degrees - 2.0) / degrees)
        # Somewhat wide: moments of few draws are too small more often than too large.
        proposal = Proposal(centre, 1.05 * root, degrees)
        made.append((float(logsumexp(weights + values - proposal.logp(points))), proposal))
    return min(made, key=lambda pair: pair[0])[1]


def _chain(weights: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return which proposal stands at each draw of one chain.

    The chain starts at a proposal drawn by weight, so that it starts in its target.
    """
    uniform = np.log(rng.random(len(weights)))
    kept = np.empty(len(weights), dtype=np.int64)
    share = np.exp(weights - weights.max())
    now = int(rng.choice(len(weights), p=share / share.sum()))
    for i, weight in enumerate(weights):
        if uniform[i] < weight - weights[now]:
            now = i
        kept[i] = now
    return kept
