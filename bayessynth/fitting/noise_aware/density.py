"""The log density of a chain's parameters given noisy sums of products, and its gradient, from a compiled kernel."""

from __future__ import annotations

import numpy as np

from bayessynth.fitting.kernels import noisy_moments
from bayessynth.fitting.noise_aware.chain import Chain
from bayessynth.fitting.threads import in_threads


class NoisyDensity:
    """Log density (up to a constant) and gradient of a chain's unconstrained parameters.

    The sums of n rows are taken as normal with the mean and covariance that the equations imply, and the noise of the
    release is added (Bernstein & Sheldon 2018, 2019; Kazan & Reiter 2024): exact for the noise, by the central limit
    theorem for the rows, which the noise covers where there are few. Fourth moments are those of the declared
    families, of 0/1 columns exact. Rounding to a grid of 1/s adds a variance of 1/(12 s²) to a square, less than
    1e-5 for s from 100, and is left out.

    Values beyond the public bounds were clipped before the release, and the equations are taken to put no mass there.
    What they do put there (:meth:`beyond`) tells how many rows were clipped, and how far spreads and slopes are biased
    towards smaller ones.

    Parameters
    ----------
    chain : Chain

    References
    ----------
    Bernstein & Sheldon (2019), Differentially private Bayesian linear regression, NeurIPS 32.

    Examples
    --------
    >>> import bayessynth as bs
    >>> from bayessynth.design import bind
    >>> from bayessynth.fitting.noise_aware import chain
    >>> from bayessynth.privacy import NoisyMoments
    >>> schema = bs.Schema(y=bs.Continuous(bounds=(0, 10)))
    >>> bound, _ = bind(bs.Spec("y ~ 1"), schema.example(100, np.random.default_rng(1)), schema)
    >>> sums = np.array([[100.0, 10.0, 20.0]])
    >>> released = NoisyMoments(("y",), (False,), ((0, 0), (0, 1), (1, 1)), sums, 25.0 * np.eye(3), None, ())
    >>> value, gradient = NoisyDensity(chain(bound, released, {"y": (0, 10)}))(np.array([5.5, 0.8, 4.6]))
    >>> gradient.shape
    (3,)
    """

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.size = chain.size

    def __call__(self, theta: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the log density and its gradient, shape (size,)."""
        theta = np.ascontiguousarray(theta, dtype=float)
        grad = np.empty(len(theta))
        total = noisy_moments.gradient(self.chain.tables, theta, grad)
        return (total if np.isfinite(total) else -np.inf), grad

    def values(self, thetas: np.ndarray, threads: int) -> np.ndarray:
        """Return the log densities at points, shape (S,)."""
        thetas, out = np.ascontiguousarray(thetas), np.empty(len(thetas))
        in_threads(lambda rows: noisy_moments.values(self.chain.tables, thetas[rows], out[rows]), len(thetas), threads,
                   1000)  # fmt: skip
        return out

    def beyond(self, thetas: np.ndarray) -> dict[str, np.ndarray]:
        """Return the share of the declared model's rows outside the bounds of each number, at points, shape (S,)."""
        thetas, out = np.ascontiguousarray(thetas), np.empty((len(thetas), len(self.chain.parts) + 1))
        noisy_moments.beyond(self.chain.tables, thetas, out)
        return {p.column.name: out[:, j] for j, p in enumerate(self.chain.parts, start=1) if not p.column.binary}
