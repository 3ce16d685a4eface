"""Draws of the integrated effects given draws of the parameters.

Groups of many rows have effects that are nearly normal given the parameters: where their modes and curvatures lie, as
polynomials of the parameters, and a polynomial of the effects for what is missing, draw them without their rows. Which
groups are drawn so is told by their exact densities at points that nothing was fitted to; all others are drawn from
their rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import comb

import numpy as np

from bayessynth.fitting.engines import surrogate
from bayessynth.fitting.engines.mode import Mode
from bayessynth.fitting.integrated import Integrated, Part, random_numbers
from bayessynth.fitting.kernels import effects
from bayessynth.fitting.kernels.integral import Guess
from bayessynth.fitting.threads import in_threads

# Effects are drawn by independence Metropolis steps, as many as leave this total variation distance.
_DISTANCE = 1e-3
_MOST_STEPS = 20
_DEGREES = 6.0
# Proposals by which acceptance is told.
_WEIGHED = 60
# Draws that are made at a time, which bounds the memory for their random numbers.
_AT_A_TIME = 20
# Fewest rows of a group whose density is tried to be had without them, and the degree of its modes in the parameters.
_ENOUGH, _DEGREE = 30, 2
# Distance of Newton's last step but one to the modes, whose error is of the order of its square.
_CLOSE = 0.03
# Points a coefficient of the polynomials of the effects; draws of the parameters, and proposals for each, that tell
# whether they hold.
_POINTS, _PROBES, _PROPOSALS = 4, 6, 25
#: Total variation distance between a group's own conditional density and the one that its draws come from.
NEAR = 0.005
# Most bytes of the modes that polynomials are fitted to, and most passes over the rows, as a share of the draws.
_BYTES, _SHARE = 5e8, 0.25


@dataclass(frozen=True)
class Local:
    """Conditional densities of groups' effects that take no rows.

    Attributes
    ----------
    groups : ndarray of int64, shape (G,)
        The groups that are served.
    places : Polynomial
        Of the parameters: modes of the effects and Cholesky factors of their precisions (:func:`_flat`).
    coefficients : ndarray of shape (G, B)
        Of the polynomials of the effects, standardised by them, that are the log densities less the normal ones.
    reach : float
        Distance to which they were fitted.
    steps : int
        Metropolis steps.
    """

    groups: np.ndarray
    places: surrogate.Polynomial
    coefficients: np.ndarray
    reach: float
    steps: int


def draw(density: Integrated, mode: Mode, guess: Guess, thetas: np.ndarray, seed: int, cores: int) -> np.ndarray:
    """Draw the standardised effects of all groups given every draw of the parameters.

    Parameters
    ----------
    density : Integrated
    mode : Mode
        Of the parameters.
    guess : Guess
    thetas : ndarray of shape (S, d)
        Draws of the parameters, in random order.
    seed, cores : int

    Returns
    -------
    ndarray of shape (S, G, q)
    """
    made = local(density, mode, guess, thetas, cores)
    rest = np.ones(density.groups, dtype=bool)
    z = np.empty((len(thetas), density.groups, density.q))
    if made is not None:
        rest[made.groups] = False
        z[:, made.groups] = _without_rows(density, made, thetas, seed, cores)
    groups = np.flatnonzero(rest)
    if len(groups):
        parts = density.only(groups)
        steps, degrees = _steps(density, mode, guess, cores, parts)
        z[:, groups] = density.draws(thetas, guess, steps, degrees, seed, cores, parts)
    return z


def _steps(density: Integrated, mode: Mode, guess: Guess, cores: int, parts: list[Part]) -> tuple[int, float]:
    """Return how many Metropolis steps leave the wanted distance, and the proposal's degrees of freedom.

    Normal proposals are taken where they fit all groups so well that their tails are no concern.
    """
    found = []
    for degrees in (np.inf, _DEGREES):
        weights = density.weights(mode.theta, guess, _WEIGHED, degrees, cores, parts)
        if np.isfinite(degrees) or weights.std(axis=0).max() < 0.25:
            found.append((_needed(weights), degrees))
    return min(found)


def _needed(weights: np.ndarray) -> int:
    """Return how many Metropolis steps proposals with these log weights (R, G) need.

    A step from an independent proposal that is accepted with probability a leaves at most 1 - a of the distance.
    """
    half = len(weights) // 2
    accepted = np.minimum(1.0, np.exp(weights[:half] - weights[half : 2 * half])).mean(axis=0)
    missed = np.clip(1.0 - accepted, 1e-9, 0.9)
    # Averaged over groups: few may lag behind.
    return next(k for k in range(1, _MOST_STEPS + 1) if k == _MOST_STEPS or (missed**k).mean() <= _DISTANCE)


def local(density: Integrated, mode: Mode, guess: Guess, thetas: np.ndarray, cores: int) -> Local | None:
    """Return conditional densities that take no rows, of the groups where they hold; None if of none.

    Parameters
    ----------
    density : Integrated
    mode : Mode
    guess : Guess
    thetas : ndarray of shape (S, d)
        Draws of the parameters; at the first of them the conditional densities are held to the exact ones.
    cores : int
    """
    q, sizes = density.q, density.sizes()
    count, proposals = surrogate.needed(len(mode.theta), _DEGREE), _POINTS * comb(q + effects.DEGREE, q)
    # An empty group's effects are standard normal.
    groups = np.flatnonzero((sizes >= _ENOUGH) | (sizes == 0))
    passes = 4 * count + proposals + _PROBES * _PROPOSALS
    if not (sizes[groups] > 0).any() or passes > _SHARE * len(thetas):
        return None
    if 8.0 * count * len(groups) * (q + q * (q + 1) // 2) > _BYTES:
        return None
    parts, points = density.only(groups), surrogate.design(mode, count)
    try:
        found = _flat(*density.modes(points, guess, _CLOSE, cores, parts), density.scales(points))
        places = surrogate.fit(mode, points, found, _DEGREE)
    except np.linalg.LinAlgError:  # a standard deviation so near to zero that the effects have no density
        return None
    rng = np.random.default_rng(2)  # as in the design, no matter of chance for a seed to change
    x = rng.standard_normal((proposals, q))
    reach = float(np.sqrt((x * x).sum(axis=1).max()))
    weights = _weights(density, places, mode.theta, np.repeat(x[:, None], len(groups), axis=1), cores, parts)
    coefficients = np.ascontiguousarray((np.linalg.pinv(surrogate.powers(x, effects.DEGREE)) @ weights).T)
    far, expected = np.zeros(len(groups)), []
    for theta in thetas[:_PROBES]:
        x = rng.standard_normal((_PROPOSALS, len(groups), q))
        expected.append(np.empty(x.shape[:2]))
        effects.polynomial(x, surrogate.exponents(q, effects.DEGREE), coefficients, reach, expected[-1])
        missing = _weights(density, places, theta, x, cores, parts) - expected[-1]
        far += 0.5 * np.abs(missing - missing.mean(axis=0)).mean(axis=0) / min(_PROBES, len(thetas))
    kept = far <= NEAR
    if not kept.any():
        return None
    own = places.coefficients.reshape(len(places.coefficients), len(groups), -1)[:, kept]
    places = replace(places, coefficients=own.reshape(len(own), -1))
    return Local(groups[kept], places, np.ascontiguousarray(coefficients[kept]), reach,
                 _needed(np.concatenate(expected)[:, kept]))  # fmt: skip


def _flat(modes: np.ndarray, roots: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Return where the effects themselves lie, all numbers side by side, group by group, with one axis.

    Their modes and precisions hardly move with the standard deviations, those of standardised effects do.

    Parameters
    ----------
    modes : ndarray of shape (S, G, q)
        Of the standardised effects.
    roots : ndarray of shape (S, G, q, q)
        Lower Cholesky factors of their precisions.
    scales : ndarray of shape (S, q, q)
        Factors of the effects' covariance.
    """
    half = np.linalg.inv(scales).swapaxes(-1, -2)[:, None] @ roots
    lower = np.linalg.cholesky(half @ half.swapaxes(-1, -2))[..., *np.tril_indices(modes.shape[-1])]
    effects_modes = modes @ scales.swapaxes(-1, -2)
    return np.concatenate([effects_modes, lower], axis=-1).reshape(len(modes), -1)


def _places(places: surrogate.Polynomial, thetas: np.ndarray, q: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the effects' modes (S, G, q) and Cholesky factors of their precisions (S, G, q, q) at points (S, d)."""
    found = places(thetas).reshape(len(thetas), -1, q + q * (q + 1) // 2)
    roots = np.zeros((*found.shape[:-1], q, q))
    roots[..., *np.tril_indices(q)] = found[..., q:]
    return np.ascontiguousarray(found[..., :q]), roots


def _weights(
    density: Integrated, places: surrogate.Polynomial, theta: np.ndarray, x: np.ndarray, cores: int, parts: list[Part]
) -> np.ndarray:
    """Return log importance weights (R, G), less constants, of standard normal proposals x (R, G, q) at one point."""
    modes, roots = _places(places, theta[None], density.q)
    z = np.empty(x.shape)
    effects.placed(modes[0], roots[0], density.scales(theta[None])[0], x, z)
    return density.log_joints(theta, z, cores, parts) + 0.5 * (x * x).sum(axis=-1)


def _without_rows(density: Integrated, made: Local, thetas: np.ndarray, seed: int, cores: int) -> np.ndarray:
    """Draw the standardised effects of the groups that are served, shape (S, G, q)."""
    q, scales = density.q, density.scales(thetas)
    out = np.empty((len(thetas), len(made.groups), q))

    def work(rows: slice) -> None:
        shape = (made.steps, len(made.groups), q)
        normal, _, uniform = random_numbers(range(rows.start, rows.stop), shape, np.inf, seed)
        effects.polynomial_draws(*_places(made.places, thetas[rows], q), scales[rows],
                                 surrogate.exponents(q, effects.DEGREE), made.coefficients, made.reach, normal,
                                 uniform, out[rows])  # fmt: skip

    in_threads(work, len(thetas), cores, _AT_A_TIME)
    return out
