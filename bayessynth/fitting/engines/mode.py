"""The mode of a log density and the covariance of the normal density that fits it there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from bayessynth.fitting.kernels.priors import Elements
from bayessynth.fitting.parameters import Parameters

Gradient = Callable[[np.ndarray], tuple[float, np.ndarray]]
# Steps of differences in standard deviations of the density: large enough to stand above the noise of a quadrature.
_STEP = 0.05
_POLISH = 4
# Steps with the same Hessian, and how many standard deviations the last of them is long.
_CHEAP, _ARRIVED = 10, 0.05


@dataclass(frozen=True)
class Mode:
    """A mode.

    Attributes
    ----------
    theta : ndarray of shape (d,)
    covariance : ndarray of shape (d, d)
        Inverse of the negative Hessian.
    """

    theta: np.ndarray
    covariance: np.ndarray

    @property
    def sds(self) -> np.ndarray:
        """Standard deviations."""
        return np.sqrt(np.diag(self.covariance))


def start_of(parameters: Parameters) -> tuple[np.ndarray, np.ndarray]:
    """Return where to start a search and the scale of each direction, from the priors."""
    start, scale = np.zeros(parameters.size), np.ones(parameters.size)
    own = parameters.elements
    start[: len(own)], scale[: len(own)] = centres(own)
    return start, scale


def centres(own: Elements) -> tuple[np.ndarray, np.ndarray]:
    """Return centre and spread of priors, on the unconstrained scale.

    The first two arguments of a prior on all real numbers are its location and scale. Of a prior on positive numbers
    the larger argument is on the scale of the values, near enough for a start.
    """
    first, second = own.arguments[:, 0], own.arguments[:, 1]
    real = own.transform == 0
    size = np.where(second > 0, second, np.abs(first))
    start = np.where(real, first, np.where(own.transform == 1, np.log(np.maximum(0.5 * size, 1e-3)), 0.0))
    return start, np.where(real & (second > 0), second, 1.0)


def find(gradient: Gradient, start: np.ndarray, scale: np.ndarray) -> Mode | None:
    """Find the mode by BFGS, and polish it by Newton steps.

    Parameters
    ----------
    gradient : callable
        Log density and gradient.
    start, scale : ndarray of shape (d,)
        Where to start, and the size of each direction.

    Returns
    -------
    Mode or None
        None where the density has no mode with a negative definite Hessian within reach.
    """

    def target(phi: np.ndarray) -> tuple[float, np.ndarray]:
        value, grad = gradient(start + scale * phi)
        if not (np.isfinite(value) and np.isfinite(grad).all()):
            return 1e300, np.zeros_like(phi)
        return -value, -grad * scale

    found = minimize(target, np.zeros(len(start)), jac=True, method="BFGS", options={"gtol": 1e-3, "maxiter": 500})
    theta = start + scale * found.x
    width = scale * np.sqrt(np.clip(np.diag(found.hess_inv), 1e-20, 1e4))
    for _ in range(_POLISH):
        made = _newton(gradient, theta, width)
        if made is None:
            return None
        moved = np.abs(made.theta - theta) / made.sds
        # The steps of the differences were those of the sds that are now better known.
        settled = moved.max() < 0.1 and np.abs(np.log(made.sds / width)).max() < 1.0
        theta, width = made.theta, made.sds
        if settled:
            return made
    return made


def refine(gradient: Gradient, near: Mode) -> Mode | None:
    """Find the mode from one that is close, such as that of a share of the rows.

    After one Newton step come cheap ones with the same Hessian, each at the price of a gradient, as long as they
    shrink; another Hessian is only made where they do not.

    Returns
    -------
    Mode or None
        None where the Hessian is not negative definite. Its covariance is that at the last Newton step.
    """
    found, width = near, near.sds
    for _ in range(_POLISH):
        made = _newton(gradient, found.theta, width)
        if made is None:
            return None
        found, width, last = made, made.sds, np.inf
        for _ in range(_CHEAP):
            step = found.covariance @ gradient(found.theta)[1]
            length = float(np.abs(step / width).max())
            if not length < 0.7 * last:
                break
            found, last = replace(found, theta=found.theta + step * min(1.0, 2.0 / max(length, 1e-300))), length
            if length < _ARRIVED:
                return found
    return found


def _newton(gradient: Gradient, theta: np.ndarray, width: np.ndarray) -> Mode | None:
    """Take one Newton step, with the Hessian by central differences of the gradient."""
    d = len(theta)
    hessian = np.empty((d, d))
    for j in range(d):
        step = np.zeros(d)
        step[j] = _STEP * width[j]
        hessian[j] = (gradient(theta + step)[1] - gradient(theta - step)[1]) / (2.0 * step[j])
    hessian = 0.5 * (hessian + hessian.T)
    if not np.isfinite(hessian).all():
        return None
    # In units of the widths, so that the smallest eigenvalue means something.
    scaled = -hessian * np.outer(width, width)
    values, vectors = np.linalg.eigh(scaled)
    if values[0] <= 1e-8 * values[-1]:
        return None
    inverse = (vectors / values) @ vectors.T * np.outer(width, width)
    step = inverse @ gradient(theta)[1]
    length = np.sqrt((step**2 / np.diag(inverse)).max())
    return Mode(theta + step * min(1.0, 2.0 / max(length, 1e-300)), inverse)
