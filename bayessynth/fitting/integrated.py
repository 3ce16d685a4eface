"""An equation's log density with the effects of one grouping factor integrated, by adaptive Gauss–Hermite quadrature.

For each group the nodes lie around the mode of its effects, scaled by the curvature there (Liu & Pierce 1994; Pinheiro
& Bates 1995, as in lme4); one node is Laplace's approximation. The gradient is Fisher's identity: the posterior mean,
over the nodes, of the gradient at given effects.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np

from bayessynth.design import Component
from bayessynth.fitting.density import Density, by_group
from bayessynth.fitting.kernels import integral
from bayessynth.fitting.parameters import sd_rows
from bayessynth.fitting.program import correlation
from bayessynth.fitting.threads import in_threads

# Modes are found when no group's effects move by more of their standard deviations.
_SETTLED = 1e-6
# Draws of the effects that are made at a time, which bounds the memory for their random numbers.
_AT_A_TIME = 20


@dataclass(frozen=True)
class Nodes:
    """Quadrature nodes of q standard normal effects.

    Attributes
    ----------
    points : ndarray of shape (K, q)
    log_weights : ndarray of shape (K,)
        Of the integral over all effects, the normal density of the points taken out.
    """

    points: np.ndarray
    log_weights: np.ndarray


def nodes(order: int, q: int) -> Nodes:
    """Return the product rule of Gauss–Hermite's with ``order`` nodes an effect.

    >>> nodes(1, 1).points.tolist(), nodes(3, 2).points.shape
    ([[0.0]], (9, 2))
    """
    points, weights = np.polynomial.hermite_e.hermegauss(order)
    log_weights = np.log(weights) + 0.5 * points**2 - 0.5 * np.log(2.0 * np.pi)
    return Nodes(np.array(list(product(points, repeat=q))), np.array([sum(w) for w in product(log_weights, repeat=q)]))


class Integrated:
    """Log density of a component's parameters but the effects of one factor, which are integrated.

    Calls hold working memory, so it is not to be shared between threads; :meth:`values`, :meth:`draws` use threads of
    their own.

    Parameters
    ----------
    component : Component
        Its first predictor, and no other, has terms of the factor.
    factor : str
    """

    def __init__(self, component: Component, factor: str) -> None:
        ordered, starts = by_group(component, factor)
        self.density = Density(ordered, without=factor)
        p = self.density.parameters
        name = self.density.family.parameters[0].name
        predictor = self.density.equation.predictors[name]
        terms = [(i, g) for i, g in enumerate(predictor.groups) if g.factor == factor]
        self.prefix, self.terms = p.prefix(name), [g for _, g in terms]
        correlations = [correlation(p, predictor, g) for g in self.terms]
        places = [
            (sd_rows(p, self.prefix, g).start,
             p.blocks[f"{self.prefix}{factor}_corr"].rows.start if made else -1, len(g.effects))
            for g, made in zip(self.terms, correlations, strict=True)
        ]  # fmt: skip
        columns = np.concatenate([ordered.effects[name][i] for i, _ in terms], axis=1)
        self.own = integral.Own(
            starts, np.ascontiguousarray(columns.T), np.array(places, dtype=np.int64),
            np.array([made.eta if made else 0.0 for made in correlations]),
        )  # fmt: skip
        self.groups, self.q = len(starts) - 1, columns.shape[1]
        length = sum(v.length for v in self.density.vectors.values())
        self.space = integral.space(self.density.tables, self.own, p.size, length)

    def gradient(self, theta: np.ndarray, start: np.ndarray, rule: Nodes) -> tuple[float, np.ndarray]:
        """Return log density and gradient; the groups' modes, found from ``start`` (G, q), are in ``space.z``."""
        d, theta = self.density, np.ascontiguousarray(theta)
        total = integral.gradient(d.rows, d.tables, self.own, rule.points, rule.log_weights, theta, d.vector(theta),
                                  start, _SETTLED, self.space)  # fmt: skip
        total += d.pull_vectors(theta, self.space.whole)
        return (total if np.isfinite(total) else -np.inf), self.space.whole.grad.copy()

    def modes(self, theta: np.ndarray, start: np.ndarray) -> np.ndarray:
        """Return the modes of the groups' standardised effects, shape (G, q), sought from ``start``."""
        d, theta = self.density, np.ascontiguousarray(theta)
        integral.begin(d.tables, self.own, theta, self.space)
        self.space.z[:] = start
        integral.near(d.rows, d.tables, self.own, d.vector(theta), _SETTLED, self.space)
        return self.space.z.copy()

    def values(self, thetas: np.ndarray, guess: integral.Guess, rule: Nodes, threads: int) -> np.ndarray:
        """Return the log densities at points, shape (S,), with the groups' modes sought from a guess."""
        d, thetas = self.density, np.ascontiguousarray(thetas)
        vectors, out = d.vector(thetas), np.empty(len(thetas))
        in_threads(
            lambda rows: integral.values(d.rows, d.tables, self.own, guess, rule.points, rule.log_weights,
                                         thetas[rows], vectors[rows], out[rows]),
            len(thetas), threads,
        )  # fmt: skip
        return out + d.vector_priors(thetas)

    def draws(
        self, thetas: np.ndarray, guess: integral.Guess, steps: int, degrees: float, seed: int, threads: int
    ) -> np.ndarray:
        """Draw the groups' standardised effects given each point.

        Parameters
        ----------
        thetas : ndarray of shape (S, d)
        guess : Guess
        steps : int
            Metropolis steps after the first proposal.
        degrees : float
            Of the proposals' t distribution; infinite for normal ones.
        seed : int
            Each point has a random stream of its own below it.
        threads : int

        Returns
        -------
        ndarray of shape (S, G, q)
        """
        d, thetas = self.density, np.ascontiguousarray(thetas)
        vectors, out = d.vector(thetas), np.empty((len(thetas), self.groups, self.q))

        def work(rows: slice) -> None:
            streams = [np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, i)))
                       for i in range(rows.start, rows.stop)]  # fmt: skip
            normal, mixing = proposals(streams, (steps + 1, self.groups, self.q), degrees)
            uniform = np.array([np.log(rng.random((steps, self.groups))) for rng in streams])
            integral.draws(d.rows, d.tables, self.own, guess, thetas[rows], vectors[rows], normal, mixing, uniform,
                           degrees, out[rows])  # fmt: skip

        in_threads(work, len(thetas), threads, _AT_A_TIME)
        return out

    def weights(self, theta: np.ndarray, guess: integral.Guess, count: int, degrees: float) -> np.ndarray:
        """Return log importance weights of proposals for the groups' effects at one point, shape (count, G)."""
        d, theta = self.density, np.ascontiguousarray(theta)
        normal, mixing = proposals([np.random.default_rng(0)], (count, self.groups, self.q), degrees)
        out = np.empty((count, self.groups))
        integral.weights(d.rows, d.tables, self.own, guess, theta, d.vector(theta), normal[0], mixing[0], degrees, out)
        return out


def proposals(
    streams: list[np.random.Generator], shape: tuple[int, int, int], degrees: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return normal numbers, and the chi-squared ones that make a t of them (ones where it is to be normal)."""
    normal = np.array([rng.standard_normal(shape) for rng in streams])
    if not np.isfinite(degrees):
        return normal, np.ones(normal.shape[:-1])
    return normal, np.array([rng.chisquare(degrees, shape[:-1]) / degrees for rng in streams])
