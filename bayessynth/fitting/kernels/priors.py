"""Log densities of priors of single numbers, with their transforms to the real line, as one compiled loop.

The transforms are PyMC's: identity, log, and the logit of a bounded interval, chosen by the prior's support. Constants
are left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numba import njit

from bayessynth.families import Prior

# The order is the code by which the compiled loop knows them.
_NAMES = (
    "Normal", "StudentT", "Cauchy", "Laplace", "HalfNormal", "HalfStudentT", "HalfCauchy", "Exponential", "Gamma",
    "InverseGamma", "LogNormal", "Beta", "Uniform",
)  # fmt: skip
_CODES = {name: code for code, name in enumerate(_NAMES)}
_IDENTITY, _LOG, _INTERVAL = range(3)
# Location, scale and degrees of freedom, or two shapes.
_ARGUMENTS: Mapping[str, Callable[..., tuple[float, ...]]] = {
    "Normal": lambda mu, sigma: (mu, sigma),
    "StudentT": lambda nu, mu, sigma: (mu, sigma, nu),
    "Cauchy": lambda alpha, beta: (alpha, beta, 1.0),
    "Laplace": lambda mu, b: (mu, b),
    "HalfNormal": lambda sigma: (0.0, sigma),
    "HalfStudentT": lambda nu, sigma: (0.0, sigma, nu),
    "HalfCauchy": lambda beta: (0.0, beta, 1.0),
    "Exponential": lambda lam: (lam,),
    "Gamma": lambda alpha, beta: (alpha, beta),
    "InverseGamma": lambda alpha, beta: (alpha, beta),
    "LogNormal": lambda mu, sigma: (mu, sigma),
    "Beta": lambda alpha, beta: (alpha, beta),
    "Uniform": lambda lower, upper: (lower, upper),
}


@dataclass(frozen=True)
class Elements:
    """The priors of a vector of numbers, one entry each.

    Attributes
    ----------
    code : ndarray of int64
        Distribution.
    arguments : ndarray of shape (d, 3)
    transform : ndarray of int64
    bounds : ndarray of shape (d, 2)
        Of the interval transform.
    """

    code: np.ndarray
    arguments: np.ndarray
    transform: np.ndarray
    bounds: np.ndarray

    def __len__(self) -> int:
        return len(self.code)

    def evaluate(self, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
        """Return log density (Jacobian included), its gradient, the values, and their derivatives in theta."""
        grad, x, dx = np.empty(len(self)), np.empty(len(self)), np.empty(len(self))
        total = evaluate(theta, self.code, self.arguments, self.transform, self.bounds, grad, x, dx)
        return total, grad, x, dx

    def constrain(self, theta: np.ndarray) -> np.ndarray:
        """Return the values that belong to unconstrained ones, shape (…, d)."""
        low, high = self.bounds.T
        with np.errstate(over="ignore"):
            log, logit = np.exp(theta), low + (high - low) / (1.0 + np.exp(-theta))
        return np.where(self.transform == _LOG, log, np.where(self.transform == _INTERVAL, logit, theta))


def serves(prior: Prior) -> bool:
    """Tell whether a prior is one of a single number."""
    return prior.name in _CODES


def elements(priors: Sequence[Prior]) -> Elements:
    """Lay priors out as arrays.

    >>> elements([Prior("HalfNormal", sigma=2)]).evaluate(np.array([0.0]))[0]
    -0.125
    """
    d = len(priors)
    code, transform = np.zeros(d, dtype=np.int64), np.zeros(d, dtype=np.int64)
    arguments, bounds = np.zeros((d, 3)), np.zeros((d, 2))
    for i, prior in enumerate(priors):
        code[i] = _CODES[prior.name]
        found = _ARGUMENTS[prior.name](**prior.standard)
        arguments[i, : len(found)] = found
        low, high = prior.support
        if math.isfinite(low) and math.isfinite(high):
            transform[i], bounds[i] = _INTERVAL, (low, high)
        elif math.isfinite(low):
            transform[i] = _LOG
    return Elements(code, arguments, transform, bounds)


@njit(cache=True, nogil=True, error_model="numpy")
def _t(x, location, scale, nu):
    z = (x - location) / scale
    return -0.5 * (nu + 1.0) * math.log1p(z * z / nu), -(nu + 1.0) * z / (nu + z * z) / scale


@njit(cache=True, nogil=True, error_model="numpy")
def density(code, a, b, c, x):
    """Return the log density of one prior at x, up to a constant, and its derivative."""
    if code == 0 or code == 4:  # Normal, HalfNormal
        z = (x - a) / b
        return -0.5 * z * z, -z / b
    if code == 1 or code == 2 or code == 5 or code == 6:  # the t distributions and their halves
        return _t(x, a, b, c)
    if code == 3:  # Laplace
        return -abs(x - a) / b, -np.sign(x - a) / b
    if code == 7:  # Exponential
        return -a * x, -a
    if code == 8:  # Gamma
        return (a - 1.0) * math.log(x) - b * x, (a - 1.0) / x - b
    if code == 9:  # InverseGamma
        return -(a + 1.0) * math.log(x) - b / x, -(a + 1.0) / x + b / (x * x)
    if code == 10:  # LogNormal
        z = (math.log(x) - a) / b
        return -0.5 * z * z - math.log(x), -(z / b + 1.0) / x
    if code == 11:  # Beta
        return (a - 1.0) * math.log(x) + (b - 1.0) * math.log1p(-x), (a - 1.0) / x - (b - 1.0) / (1.0 - x)
    return 0.0, 0.0  # Uniform


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate(theta, code, arguments, transform, bounds, grad, x, dx):
    """Fill gradient, values and their derivatives; return the log density with the transforms' Jacobians."""
    total = 0.0
    for i in range(theta.shape[0]):
        jacobian, slope = 0.0, 0.0
        if transform[i] == 0:
            x[i], dx[i] = theta[i], 1.0
        elif transform[i] == 1:
            x[i] = math.exp(theta[i])
            dx[i], jacobian, slope = x[i], theta[i], 1.0
        else:
            share = 1.0 / (1.0 + math.exp(-theta[i]))
            width = bounds[i, 1] - bounds[i, 0]
            x[i] = bounds[i, 0] + width * share
            # log(share) + log(1 - share) without underflow.
            log_odds = abs(theta[i])
            jacobian = math.log(width) - log_odds - 2.0 * math.log1p(math.exp(-log_odds))
            dx[i], slope = width * share * (1.0 - share), 1.0 - 2.0 * share
        value, derivative = density(code[i], arguments[i, 0], arguments[i, 1], arguments[i, 2], x[i])
        total += value + jacobian
        grad[i] = derivative * dx[i] + slope
    return total
