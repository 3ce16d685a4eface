"""Vector-valued parameters: from unconstrained numbers to correlations, thresholds and shares, as PyMC transforms them.

Each ``forward`` takes unconstrained numbers, each ``prior`` returns the log density (Jacobian included, up to a
constant) with its gradient, each ``backward`` carries a gradient in the constrained value back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from bayessynth.families import Prior, get
from bayessynth.fitting.kernels import cholesky, priors


@dataclass(frozen=True)
class Cholesky:
    """The Cholesky factor of a correlation matrix with an LKJ prior.

    Attributes
    ----------
    q : int
    eta : float
        Shape of the LKJ prior.
    """

    q: int
    eta: float

    def forward(self, theta: np.ndarray) -> np.ndarray:
        """Return the factors, shape (…, q, q)."""
        numbers = np.ascontiguousarray(theta).reshape(-1, theta.shape[-1])
        found = np.empty((len(numbers), self.q, self.q))
        for own, factor in zip(numbers, found, strict=True):
            cholesky.fill(own, self.q, factor)
        return found.reshape(*theta.shape[:-1], self.q, self.q)

    def prior(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the LKJ density of the correlations with the transform's Jacobian, and its gradient."""
        grad = np.zeros_like(theta)
        return float(cholesky.log_prior(theta, self.q, self.eta, grad)), grad

    def backward(self, theta: np.ndarray, slope: np.ndarray) -> np.ndarray:
        """Return the gradient in the numbers, of one in the factor."""
        grad = np.zeros_like(theta)
        cholesky.pull_back(theta, self.q, self.forward(theta), slope, grad)
        return grad


@dataclass(frozen=True)
class Ordered:
    """Increasing thresholds: the first, and the logarithms of the steps.

    Attributes
    ----------
    own : Prior
        A Dirichlet on the probabilities of the levels where the predictor is zero, or a prior of each threshold.
    link : str
        ``"logit"`` or ``"probit"``.
    length : int
    """

    own: Prior
    link: str
    length: int

    def forward(self, theta: np.ndarray) -> np.ndarray:
        """Return the thresholds."""
        steps = np.concatenate([theta[..., :1], np.exp(theta[..., 1:])], axis=-1)
        return np.cumsum(steps, axis=-1)

    def prior(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the density of the thresholds with the transform's Jacobian."""
        cuts = self.forward(theta)
        value, slope = self._dirichlet(cuts) if self.own.name == "Dirichlet" else self._each(cuts)
        grad = self.backward(theta, slope)
        grad[1:] += 1.0
        return value + float(theta[1:].sum()), grad

    def backward(self, theta: np.ndarray, grad: np.ndarray) -> np.ndarray:
        """Return the gradient in the numbers, of one in the thresholds."""
        after = np.cumsum(grad[::-1])[::-1]
        found = after * np.exp(theta)
        found[0] = after[0]
        return found

    def _each(self, cuts: np.ndarray) -> tuple[float, np.ndarray]:
        laid = priors.elements([self.own])
        found = [priors.density(laid.code[0], *laid.arguments[0], cut) for cut in cuts]
        return sum(value for value, _ in found), np.array([slope for _, slope in found])

    def _dirichlet(self, cuts: np.ndarray) -> tuple[float, np.ndarray]:
        a = np.broadcast_to(np.asarray(self.own.params["a"], dtype=float).reshape(-1), (len(cuts) + 1,))
        log_f, slope_f = _LOG_DENSITY[self.link](cuts)
        shares = get("ordinal").logp(np.arange(len(a)), mu=0.0, thresholds=cuts, link=self.link)
        # A threshold adds its density to the share below it and takes it from the one above.
        weight = (a - 1.0) * np.exp(-shares)
        return float(((a - 1.0) * shares).sum() + log_f.sum()), np.exp(log_f) * (weight[:-1] - weight[1:]) + slope_f


def _logistic(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return special.log_expit(x) + special.log_expit(-x), -np.tanh(x / 2.0)


def _normal(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return -0.5 * x * x - 0.5 * np.log(2.0 * np.pi), -x


# Log density of the latent distribution, and its derivative.
_LOG_DENSITY: dict[str, Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]] = {"logit": _logistic, "probit": _normal}


@dataclass(frozen=True)
class Simplex:
    """Shares that sum to one, with a Dirichlet prior: a softmax of numbers that sum to zero.

    Attributes
    ----------
    a : tuple of float
        Parameters of the Dirichlet, one a share.
    """

    a: tuple[float, ...]

    @property
    def length(self) -> int:
        """Number of shares."""
        return len(self.a)

    def forward(self, theta: np.ndarray) -> np.ndarray:
        """Return the shares."""
        whole = np.concatenate([theta, -theta.sum(axis=-1, keepdims=True)], axis=-1)
        return special.softmax(whole, axis=-1)

    def prior(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the Dirichlet density with the transform's Jacobian."""
        a, shares = np.asarray(self.a), self.forward(theta)
        slope = a - a.sum() * shares
        return float((a * np.log(shares)).sum()), slope[:-1] - slope[-1]

    def backward(self, theta: np.ndarray, grad: np.ndarray) -> np.ndarray:
        """Return the gradient in the numbers, of one in the shares."""
        shares = self.forward(theta)
        slope = shares * (grad - (grad * shares).sum())
        return slope[:-1] - slope[-1]
