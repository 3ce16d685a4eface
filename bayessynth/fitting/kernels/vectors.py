"""Vector-valued parameters: from unconstrained numbers to correlations, thresholds and shares, as PyMC transforms them.

A dataclass for each says what it is. What the log density needs of thresholds and shares is in arrays, so that one
compiled function serves all: ``vectors.table`` has a row a vector with these columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numba import njit

from bayessynth.families import Prior
from bayessynth.fitting.kernels import cholesky, priors
from bayessynth.fitting.kernels.links import LOGIT

# Columns of ``table``: its constraint (one of the three after them); its place among all parameters; its length; the
# code of the prior of each threshold or step, DIRICHLET for one on the levels' probabilities, or JOINT for steps that
# share an unknown scale; its first argument.
CONSTRAINT, PLACE, LENGTH, PRIOR, ARGUMENT = range(5)
ORDERED, SHARES, WALK = range(3)
DIRICHLET, JOINT = -1, -2


class Vectors(NamedTuple):
    """Thresholds, shares and random walks of a log density, side by side.

    Attributes
    ----------
    table : ndarray of int64, shape (vectors, 5)
    arguments : ndarray
        Of their priors.
    """

    table: np.ndarray
    arguments: np.ndarray


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


@dataclass(frozen=True)
class Ordered:
    """Increasing thresholds: the first, and the logarithms of the steps.

    Attributes
    ----------
    own : Prior
        A Dirichlet on the probabilities of the levels where the predictor is zero, or a prior of each threshold.
    length : int
    """

    own: Prior
    length: int
    constraint = ORDERED

    def forward(self, theta: np.ndarray) -> np.ndarray:
        """Return the thresholds, shape (…, length).

        >>> Ordered(Prior("Normal", mu=0, sigma=1), 2).forward(np.array([-1.0, 0.0])).tolist()
        [-1.0, 0.0]
        """
        return _all(ordered, theta, self.length)

    def row(self) -> tuple[list[int], np.ndarray]:
        """Return the row of the table after the place, the last column left out, and the prior's arguments."""
        if self.own.name == "Dirichlet":
            a = np.asarray(self.own.params["a"], dtype=float).reshape(-1)
            return [self.length, DIRICHLET], np.broadcast_to(a, (self.length + 1,))
        laid = priors.elements([self.own])
        return [self.length, int(laid.code[0])], laid.arguments[0]


@dataclass(frozen=True)
class Simplex:
    """Shares that sum to one, with a Dirichlet prior: a softmax of numbers that sum to zero.

    Attributes
    ----------
    a : tuple of float
        Parameters of the Dirichlet, one a share.
    """

    a: tuple[float, ...]
    constraint = SHARES

    @property
    def length(self) -> int:
        """Number of shares."""
        return len(self.a)

    def forward(self, theta: np.ndarray) -> np.ndarray:
        """Return the shares, shape (…, length).

        >>> Simplex((1.0, 1.0)).forward(np.array([0.0])).tolist()
        [0.5, 0.5]
        """
        return _all(shares, theta, self.length)

    def row(self) -> tuple[list[int], np.ndarray]:
        """Return the row of the table after the place, the last column left out, and the prior's arguments."""
        return [self.length, DIRICHLET], np.asarray(self.a)


@dataclass(frozen=True)
class Walk:
    """A random walk: numbers with a prior on the step from 0 to the first, and from each to the next.

    Attributes
    ----------
    own : Prior
        Of a step, or MvStudentT of all steps.
    length : int
    """

    own: Prior
    length: int
    constraint = WALK

    def forward(self, theta: np.ndarray) -> np.ndarray:
        """Return the numbers, shape (…, length): they are not constrained.

        >>> Walk(Prior("Normal", mu=0, sigma=1), 2).forward(np.array([-1.0, 0.0])).tolist()
        [-1.0, 0.0]
        """
        return np.asarray(theta)

    def row(self) -> tuple[list[int], np.ndarray]:
        """Return the row of the table after the place, the last column left out, and the prior's arguments."""
        if self.own.name == "MvStudentT":
            own = self.own.params
            return [self.length, JOINT], np.array([own["nu"], own["sigma"], 0.0])
        laid = priors.elements([self.own])
        return [self.length, int(laid.code[0])], laid.arguments[0]


Vector = Ordered | Simplex | Walk


def vectors(own: Iterable[tuple[int, Vector]]) -> Vectors:
    """Lay vectors out, each with its place among all parameters."""
    table, arguments, first = [], [np.empty(0)], 0
    for place, vector in own:
        row, found = vector.row()
        table.append([vector.constraint, place, *row, first])
        arguments.append(found)
        first += len(found)
    return Vectors(np.array(table, dtype=np.int64).reshape(-1, 5), np.concatenate(arguments))


def _all(function: Callable[[np.ndarray, np.ndarray], None], theta: np.ndarray, length: int) -> np.ndarray:
    numbers = np.ascontiguousarray(theta).reshape(-1, theta.shape[-1])
    found = np.empty((len(numbers), length))
    for own, values in zip(numbers, found, strict=True):
        function(own, values)
    return found.reshape(*theta.shape[:-1], length)


@njit(cache=True, nogil=True, error_model="numpy")
def ordered(theta, cuts):
    """Fill ``cuts`` (K,) with thresholds from as many numbers."""
    cuts[0] = theta[0]
    for i in range(1, cuts.shape[0]):
        cuts[i] = cuts[i - 1] + math.exp(theta[i])


@njit(cache=True, nogil=True, error_model="numpy")
def shares(theta, out):
    """Fill ``out`` (K,) with shares from K - 1 numbers."""
    last, rest, whole = theta.shape[0], 0.0, 0.0
    for i in range(last):
        out[i] = theta[i]
        rest -= theta[i]
    out[last], highest = rest, rest
    for i in range(last):
        highest = max(highest, out[i])
    for i in range(last + 1):
        out[i] = math.exp(out[i] - highest)
        whole += out[i]
    for i in range(last + 1):
        out[i] /= whole


@njit(cache=True, nogil=True, error_model="numpy")
def length(vectors):
    """Return the length of all vectors together."""
    found = 0
    for v in range(vectors.table.shape[0]):
        found += vectors.table[v, LENGTH]
    return found


@njit(cache=True, nogil=True, error_model="numpy")
def forward(vectors, theta, out):
    """Fill ``out`` with all vectors side by side, from all parameters."""
    start = 0
    for v in range(vectors.table.shape[0]):
        k, place = vectors.table[v, LENGTH], vectors.table[v, PLACE]
        if vectors.table[v, CONSTRAINT] == SHARES:
            shares(theta[place : place + k - 1], out[start : start + k])
        elif vectors.table[v, CONSTRAINT] == WALK:
            out[start : start + k] = theta[place : place + k]
        else:
            ordered(theta[place : place + k], out[start : start + k])
        start += k


@njit(cache=True, nogil=True, error_model="numpy")
def pull_back(rows, vectors, options, theta, value, slope, grad):
    """Return the vectors' log prior density (Jacobian included, up to a constant); add to ``grad`` its gradient.

    Parameters
    ----------
    rows, options
        The family's kernel and its options.
    vectors : Vectors
    theta : ndarray of shape (d,)
    value, slope : ndarray
        What :func:`forward` has filled, and a gradient in it that is carried back to the parameters too.
    grad : ndarray of shape (d,)
    """
    total, start = 0.0, 0
    for v in range(vectors.table.shape[0]):
        row = vectors.table[v]
        k, place, first = row[LENGTH], row[PLACE], row[ARGUMENT]
        own, inner = value[start : start + k], slope[start : start + k].copy()
        if row[CONSTRAINT] == SHARES:
            total += _pull_shares(vectors.arguments[first : first + k], own, inner, grad[place : place + k - 1])
        elif row[CONSTRAINT] == WALK:
            total += _steps(row[PRIOR], vectors.arguments[first : first + 3], own, inner)
            grad[place : place + k] += inner
        else:
            if row[PRIOR] == DIRICHLET:
                total += _levels(rows, options, vectors.arguments[first : first + k + 1], own, inner)
            else:
                for i in range(k):
                    found, derivative = priors.density(row[PRIOR], vectors.arguments[first],
                                                       vectors.arguments[first + 1], vectors.arguments[first + 2],
                                                       own[i])  # fmt: skip
                    total += found
                    inner[i] += derivative
            total += _pull_ordered(theta[place : place + k], inner, grad[place : place + k])
        start += k
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _steps(code, arguments, own, inner):
    """Return the log density of a random walk's steps; add its gradient in the numbers to ``inner``."""
    total, before = 0.0, 0.0
    if code == JOINT:
        return _joint_steps(arguments[0], arguments[1], own, inner)
    for i in range(own.shape[0]):
        found, slope = priors.density(code, arguments[0], arguments[1], arguments[2], own[i] - before)
        total += found
        inner[i] += slope
        if i > 0:
            inner[i - 1] -= slope
        before = own[i]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _joint_steps(nu, sigma, own, inner):
    """Return the log density of steps that have a multivariate t; add its gradient in the numbers to ``inner``."""
    k, before, squares = own.shape[0], 0.0, 0.0
    for i in range(k):
        squares += (own[i] - before) ** 2
        before = own[i]
    spread, before = nu * sigma * sigma, 0.0
    for i in range(k):
        slope = -(nu + k) * (own[i] - before) / (spread + squares)
        inner[i] += slope
        if i > 0:
            inner[i - 1] -= slope
        before = own[i]
    return -0.5 * (nu + k) * math.log1p(squares / spread)


@njit(cache=True, nogil=True, error_model="numpy")
def _pull_shares(a, own, inner, grad):
    """Return a Dirichlet's log density; add to ``grad`` (K - 1,) its gradient and that of ``inner``, one in shares."""
    last = own.shape[0] - 1
    total, mean, whole = 0.0, 0.0, 0.0
    for i in range(last + 1):
        total += a[i] * math.log(own[i])
        mean += own[i] * inner[i]
        whole += a[i]
    end = a[last] - whole * own[last] + own[last] * (inner[last] - mean)
    for i in range(last):
        grad[i] += a[i] - whole * own[i] + own[i] * (inner[i] - mean) - end
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _pull_ordered(theta, inner, grad):
    """Return the transform's log Jacobian; add to ``grad`` its gradient and that of ``inner``, one in thresholds."""
    total, after = 0.0, 0.0
    for i in range(theta.shape[0] - 1, 0, -1):
        after += inner[i]
        grad[i] += after * math.exp(theta[i]) + 1.0
        total += theta[i]
    grad[0] += after + inner[0]
    return total


@njit(cache=True, nogil=True, error_model="numpy")
def _levels(rows, options, a, cuts, inner):
    """Return the log density of thresholds whose levels' probabilities have a Dirichlet prior where eta is zero.

    Adds its gradient to ``inner``. The probabilities are those that the family's kernel gives one row of each level.
    """
    n, link = a.shape[0], int(options[0])
    logp, grad, curvature, by_cut = np.empty(n), np.empty((1, n)), np.empty(n), np.empty(n - 1)
    rows(np.arange(n).astype(np.float64), np.empty((n, 0)), np.zeros((1, n)), np.zeros(1, dtype=np.bool_),
         np.array([link]), cuts, options, a - 1.0, 1, logp, grad, by_cut, curvature)  # fmt: skip
    total = 0.0
    for i in range(n):
        total += (a[i] - 1.0) * logp[i]
    for i in range(n - 1):
        inner[i] += by_cut[i]
        if link == LOGIT:
            far = abs(cuts[i])
            total -= far + 2.0 * math.log1p(math.exp(-far))
            inner[i] -= math.tanh(0.5 * cuts[i])
        else:
            total -= 0.5 * cuts[i] * cuts[i]
            inner[i] -= cuts[i]
    return total
