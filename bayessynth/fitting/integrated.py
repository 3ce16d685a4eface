"""An equation's log density with the effects of one grouping factor integrated, by adaptive Gauss–Hermite quadrature.

For each group the nodes lie around the mode of its effects, scaled by the curvature there (Liu & Pierce 1994; Pinheiro
& Bates 1995, as in lme4); one node is Laplace's approximation. The gradient is Fisher's identity: the posterior mean,
over the nodes, of the gradient at given effects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from bayessynth.design import Component
from bayessynth.fitting.density import Density, by_group
from bayessynth.fitting.kernels import effects, integral
from bayessynth.fitting.kernels.tables import Tables
from bayessynth.fitting.parameters import sd_rows
from bayessynth.fitting.program import correlation
from bayessynth.fitting.threads import in_threads

# Modes are found when no group's effects move by more of their standard deviations.
_SETTLED = 1e-6
# Draws of the effects that are made at a time, which bounds the memory for their random numbers.
_AT_A_TIME = 20
# Points that a thread takes at a time with one part.
_POINTS = 50
# Rows of a part, of which fewer than twice as many are one: what is read and written of them stays in a core's cache.
_ROWS = 16_384


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


class Part(NamedTuple):
    """Some groups with their rows: given the parameters, groups are independent.

    Attributes
    ----------
    groups : ndarray of int64
    tables : Tables
    own : Own
    """

    groups: np.ndarray
    tables: Tables
    own: integral.Own


def part_of(tables: Tables, own: integral.Own, groups: np.ndarray, share: float = 1.0) -> Part:
    """Return groups with their rows alone, or with a share of the rows of each, evenly spread, but one at the least."""
    sizes = np.diff(own.starts)[groups]
    lengths = np.ceil(share * sizes).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    within = np.arange(starts[-1]) - np.repeat(starts[:-1], lengths)
    steps = np.repeat(sizes / np.maximum(lengths, 1), lengths)
    rows = np.repeat(own.starts[groups], lengths) + np.floor((within + 0.5) * steps).astype(np.int64)
    by_row = ("matrix", "offsets", "group_of", "columns", "y", "weights")
    taken = {name: getattr(tables, name) for name in by_row}
    taken = {name: np.take(values, rows, axis=-1) if values.shape[-1] else values for name, values in taken.items()}
    taken["beside"] = tables.beside[rows]
    columns = np.take(own.columns, rows, axis=-1)
    return Part(groups, tables._replace(**taken), own._replace(starts=starts, columns=columns))


def parts_of(tables: Tables, own: integral.Own, groups: np.ndarray) -> list[Part]:
    """Split groups, in their order, into parts of so many rows that none is much larger than the others."""
    ends = np.cumsum(np.diff(own.starts)[groups])
    marks = np.arange(_ROWS, ends[-1] - _ROWS + 1, _ROWS)
    cuts = np.unique(np.searchsorted(ends, marks) + 1)
    cuts = cuts[ends[np.minimum(cuts, len(ends)) - 1] < ends[-1]]
    if not len(cuts) and len(groups) == len(own.starts) - 1:
        return [Part(groups, tables, own)]
    return [part_of(tables, own, own_groups) for own_groups in np.split(groups, cuts)]


class Integrated:
    """Log density of a component's parameters but the effects of one factor, which are integrated.

    Calls use threads of their own; what they return does not depend on how many there are.

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
        self.parts = parts_of(self.density.tables, self.own, np.arange(self.groups))
        length = sum(v.length for v in self.density.vectors.values())
        self.space = integral.space(self.parts[0].tables, self.parts[0].own, p.size, length)

    def sizes(self) -> np.ndarray:
        """Return the number of rows of every group, shape (G,)."""
        return np.diff(self.own.starts)

    def only(self, groups: np.ndarray) -> list[Part]:
        """Return parts of some groups."""
        if len(groups) == self.groups:
            return self.parts
        return parts_of(self.density.tables, self.own, groups)

    def thinned(self, share: float) -> list[Part]:
        """Return all parts with a share of their rows."""
        return [part_of(self.density.tables, self.own, part.groups, share) for part in self.parts]

    def gradient(
        self, theta: np.ndarray, start: np.ndarray, rule: Nodes, threads: int, parts: Sequence[Part]
    ) -> tuple[float, np.ndarray, np.ndarray]:
        """Return log density, gradient, and all groups' modes (G, q), which are sought from ``start``.

        Parameters
        ----------
        theta : ndarray of shape (d,)
        start : ndarray of shape (G, q)
        rule : Nodes
        threads : int
        parts : sequence of Part
            All groups, with the rows that are counted.
        """
        d, theta, modes = self.density, np.ascontiguousarray(theta), np.empty((self.groups, self.q))
        vector, totals = d.vector(theta), np.empty(len(parts))
        shapes = (len(d.parameters.elements),), (len(theta),), (self.q, self.q), vector.shape
        found = integral.Gradient(*(np.zeros((len(parts), *shape)) for shape in shapes))

        def work(i: int) -> None:
            part = parts[i]
            own_modes = np.empty((len(part.groups), self.q))
            totals[i] = integral.gradient(
                d.rows, part.tables, part.own, rule.points, rule.log_weights, theta, vector, start[part.groups],
                _SETTLED, own_modes, integral.Gradient(*(values[i] for values in found)),
            )  # fmt: skip
            modes[part.groups] = own_modes

        _each(work, len(parts), threads)
        sums = integral.Gradient(*(values.sum(axis=0) for values in found))
        total = totals.sum() + integral.carry(self.parts[0].tables, self.own, theta, sums, self.space)
        total += d.pull_vectors(theta, self.space.whole)
        return (total if np.isfinite(total) else -np.inf), self.space.whole.grad.copy(), modes

    def modes(
        self, thetas: np.ndarray, guess: integral.Guess, close: float, threads: int, parts: Sequence[Part]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Find modes of groups' standardised effects, and the curvature there.

        Parameters
        ----------
        thetas : ndarray of shape (S, d)
        guess : Guess
        close : float
            In standard deviations of the effects; the error is of the order of its square.
        threads : int
        parts : sequence of Part

        Returns
        -------
        tuple of ndarray of shape (S, G, q) and (S, G, q, q)
            Modes, and Cholesky factors of the negative Hessians, of the groups of the parts, in their order.
        """
        d, thetas = self.density, np.ascontiguousarray(thetas)
        vectors, firsts = d.vector(thetas), _firsts(parts)
        modes = np.empty((len(thetas), firsts[-1], self.q))
        roots = np.empty((*modes.shape, self.q))

        def work(i: int) -> None:
            part, own = parts[i], slice(firsts[i], firsts[i + 1])
            found = np.empty((len(thetas), len(part.groups), self.q))
            factors = np.empty((*found.shape, self.q))
            effects.located(d.rows, part.tables, part.own, _guess_of(guess, part), thetas, vectors, close, found,
                            factors)  # fmt: skip
            modes[:, own], roots[:, own] = found, factors

        _each(work, len(parts), threads)
        return modes, roots

    def values(self, thetas: np.ndarray, guess: integral.Guess, rule: Nodes, threads: int) -> np.ndarray:
        """Return the log densities at points, shape (S,), with the groups' modes sought from a guess."""
        d, thetas = self.density, np.ascontiguousarray(thetas)
        vectors, out = d.vector(thetas), np.empty((len(self.parts), len(thetas)))
        guesses = [_guess_of(guess, part) for part in self.parts]
        work = [(i, slice(k, k + _POINTS)) for i in range(len(self.parts)) for k in range(0, len(thetas), _POINTS)]

        def do(k: int) -> None:
            i, rows = work[k]
            integral.values(d.rows, self.parts[i].tables, self.parts[i].own, guesses[i], rule.points,
                            rule.log_weights, thetas[rows], vectors[rows], out[i, rows])  # fmt: skip

        _each(do, len(work), threads)
        priors = np.empty(len(thetas))
        integral.priors(self.parts[0].tables, self.own, thetas, self.space, priors)
        return out.sum(axis=0) + priors + d.vector_priors(thetas)

    def draws(
        self, thetas: np.ndarray, guess: integral.Guess, steps: int, degrees: float, seed: int, threads: int,
        parts: Sequence[Part],
    ) -> np.ndarray:  # fmt: skip
        """Draw groups' standardised effects given each point.

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
        parts : sequence of Part

        Returns
        -------
        ndarray of shape (S, G, q)
            Of the groups of the parts, in their order.
        """
        d, thetas, firsts = self.density, np.ascontiguousarray(thetas), _firsts(parts)
        vectors, out = d.vector(thetas), np.empty((len(thetas), firsts[-1], self.q))
        guesses = [_guess_of(guess, part) for part in parts]

        def work(rows: slice) -> None:
            numbers = random_numbers(range(rows.start, rows.stop), (steps, firsts[-1], self.q), degrees, seed)
            for part, own_guess, start, stop in zip(parts, guesses, firsts, firsts[1:], strict=False):
                normal, mixing, uniform = (np.ascontiguousarray(values[:, :, start:stop]) for values in numbers)
                own = np.empty((len(normal), stop - start, self.q))
                effects.draws(d.rows, part.tables, part.own, own_guess, thetas[rows], vectors[rows], normal, mixing,
                              uniform, degrees, own)  # fmt: skip
                out[rows, start:stop] = own

        in_threads(work, len(thetas), threads, _AT_A_TIME)
        return out

    def weights(
        self, theta: np.ndarray, guess: integral.Guess, count: int, degrees: float, threads: int,
        parts: Sequence[Part],
    ) -> np.ndarray:  # fmt: skip
        """Return log importance weights of proposals for groups' effects at one point, shape (count, G)."""
        d, theta, firsts = self.density, np.ascontiguousarray(theta), _firsts(parts)
        vector, out = d.vector(theta), np.empty((count, firsts[-1]))
        normal, mixing = proposals([np.random.default_rng(0)], (count, firsts[-1], self.q), degrees)

        def work(i: int) -> None:
            part, own = parts[i], slice(firsts[i], firsts[i + 1])
            found = np.empty((count, len(part.groups)))
            effects.weights(d.rows, part.tables, part.own, _guess_of(guess, part), theta, vector,
                            np.ascontiguousarray(normal[0][:, own]), np.ascontiguousarray(mixing[0][:, own]), degrees,
                            found)  # fmt: skip
            out[:, own] = found

        _each(work, len(parts), threads)
        return out

    def log_joints(self, theta: np.ndarray, z: np.ndarray, threads: int, parts: Sequence[Part]) -> np.ndarray:
        """Return the log densities of groups' rows and standardised effects z (R, G, q) at one point, shape (R, G)."""
        d, theta, firsts = self.density, np.ascontiguousarray(theta), _firsts(parts)
        vector, out = d.vector(theta), np.empty(z.shape[:2])

        def work(i: int) -> None:
            part, own = parts[i], slice(firsts[i], firsts[i + 1])
            found = np.empty((len(z), len(part.groups)))
            effects.log_joints(d.rows, part.tables, part.own, theta, vector, np.ascontiguousarray(z[:, own]), found)
            out[:, own] = found

        _each(work, len(parts), threads)
        return out

    def scales(self, thetas: np.ndarray) -> np.ndarray:
        """Return the lower triangular factors of the effects' covariance at points (S, d), shape (S, q, q)."""
        out = np.empty((len(thetas), self.q, self.q))
        effects.scales(self.own, self.parts[0].tables, np.ascontiguousarray(thetas), self.space, out)
        return out


def _each(work: Callable[[int], None], count: int, threads: int) -> None:
    """Call ``work`` with every number below ``count``, in threads."""
    in_threads(lambda one: work(one.start), count, threads, 1)


def _firsts(parts: Sequence[Part]) -> list[int]:
    """Return where each part's groups begin when all stand side by side, and how many there are."""
    return [0, *np.cumsum([len(part.groups) for part in parts]).tolist()]


def _guess_of(guess: integral.Guess, part: Part) -> integral.Guess:
    return guess._replace(z=guess.z[part.groups], slopes=guess.slopes[part.groups])


def random_numbers(
    points: Sequence[int], shape: tuple[int, int, int], degrees: float, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the numbers that draws of effects are made of, from a stream of its own for each point.

    Parameters
    ----------
    points : sequence of int
        Places of the points among all, S of them.
    shape : tuple of int
        Metropolis steps, groups, effects.
    degrees : float
    seed : int

    Returns
    -------
    tuple of ndarray of shape (S, steps + 1, G, q), (S, steps + 1, G) and (S, steps, G)
        As of :func:`proposals`, and logarithms of uniform numbers.
    """
    steps, groups, q = shape
    streams = [np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, i))) for i in points]
    normal, mixing = proposals(streams, (steps + 1, groups, q), degrees)
    return normal, mixing, np.array([np.log(rng.random((steps, groups))) for rng in streams])


def proposals(
    streams: list[np.random.Generator], shape: tuple[int, int, int], degrees: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return normal numbers, and the chi-squared ones that make a t of them (ones where it is to be normal)."""
    normal = np.array([rng.standard_normal(shape) for rng in streams])
    if not np.isfinite(degrees):
        return normal, np.ones(normal.shape[:-1])
    return normal, np.array([rng.chisquare(degrees, shape[:-1]) / degrees for rng in streams])
