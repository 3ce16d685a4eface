"""Samplers and log probabilities of counts, shared by the plain, zero-inflated and hurdle families."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

#: Largest mean of a Poisson draw: NumPy refuses means above 9.2e18 (64-bit integers), and a mean this large
#: is a predictor that has run away, which the draws should show rather than hide.
MAX_MEAN = 1e18
_TINY = float(np.finfo(float).tiny)
#: Above this shape the negative binomial is its Poisson limit: the difference of two log gammas has no digits
#: left there. The same bound as PyMC's.
_MAX_SHAPE = 1e10


def draw_poisson(rng: np.random.Generator, n: int, mu: Any) -> np.ndarray:
    """Draw Poisson counts as floats; means above ``MAX_MEAN`` count as ``MAX_MEAN``.

    >>> draw_poisson(np.random.default_rng(1), 2, 1e300).min() > 9e17
    np.True_
    """
    return rng.poisson(np.minimum(mu, MAX_MEAN), size=n).astype(float)


def draw_negative_binomial(rng: np.random.Generator, n: int, mu: Any, alpha: Any) -> np.ndarray:
    """Draw negative binomial counts as floats: a Poisson whose mean is gamma with shape alpha.

    >>> draw_negative_binomial(np.random.default_rng(1), 3, 2.0, 1.0).shape
    (3,)
    """
    return draw_poisson(rng, n, rng.standard_gamma(alpha, size=n) * _scale(mu, alpha))


def draw_positive_poisson(rng: np.random.Generator, n: int, mu: Any) -> np.ndarray:
    """Draw Poisson counts above 0, exactly and without a loop.

    The first event of a Poisson process with rate ``mu`` that has one before time 1 comes at a truncated
    exponential time; the events after it are an ordinary Poisson count of the time that is left.

    >>> draw_positive_poisson(np.random.default_rng(1), 3, 1e-12).tolist()
    [1.0, 1.0, 1.0]
    """
    mu = np.maximum(mu, _TINY)
    passed = -np.log1p(rng.random(n) * np.expm1(-mu))
    return 1.0 + draw_poisson(rng, n, np.maximum(mu - passed, 0.0))


def draw_positive_negative_binomial(rng: np.random.Generator, n: int, mu: Any, alpha: Any) -> np.ndarray:
    """Draw negative binomial counts above 0, exactly and without a loop.

    The negative binomial is the value at time ``alpha`` of a process whose jumps come at rate
    ``log(1 + mu / alpha)`` and follow the logarithmic distribution. Given a jump, the first comes at a
    truncated exponential time; what follows is negative binomial with the shape that is left.

    >>> draw_positive_negative_binomial(np.random.default_rng(1), 3, 1e-12, 2.0).tolist()
    [1.0, 1.0, 1.0]
    """
    scale = np.maximum(_scale(mu, alpha), _TINY)
    rate = np.log1p(scale)
    passed = -np.log1p(rng.random(n) * np.expm1(-rate * alpha)) / rate
    left = np.clip(alpha - passed, 0.0, None)
    first = rng.logseries(np.minimum(scale / (1.0 + scale), 1.0 - 2.0**-53), size=n)
    return first + draw_poisson(rng, n, rng.standard_gamma(left) * scale)


def poisson_logp(y: Any, mu: Any) -> np.ndarray:
    """Return Poisson log probabilities, -inf for what is no count.

    >>> poisson_logp(np.array([0.0, -1.0]), 2.0).tolist()
    [-2.0, -inf]
    """
    value, ok = _counts(y)
    return np.where(ok, special.xlogy(value, mu) - mu - special.gammaln(value + 1.0), -np.inf)


def negative_binomial_logp(y: Any, mu: Any, alpha: Any) -> np.ndarray:
    """Return negative binomial log probabilities, -inf for what is no count.

    >>> negative_binomial_logp(np.array([0.0]), 1.0, 1.0).round(3).tolist()
    [-0.693]
    """
    value, ok = _counts(y)
    mu, alpha = np.asarray(mu, dtype=float), np.asarray(alpha, dtype=float)
    shape = np.minimum(alpha, _MAX_SHAPE)
    logp = (
        special.gammaln(value + shape)
        - special.gammaln(shape)
        - special.gammaln(value + 1.0)
        - shape * np.log1p(mu / shape)
        + special.xlogy(value, mu)
        - special.xlogy(value, mu + shape)
    )
    logp = np.where(alpha > _MAX_SHAPE, poisson_logp(value, mu), logp)
    return np.where(ok, logp, -np.inf)


def zero_inflated_logp(y: Any, psi: Any, count_logp: Callable[[Any], np.ndarray]) -> np.ndarray:
    """Return log probabilities of a mixture of 0 and, with probability ``psi``, a count.

    >>> zero_inflated_logp(np.array([0.0]), 0.5, lambda y: np.full(np.shape(y), -np.inf)).round(3).tolist()
    [-0.693]
    """
    y = np.asarray(y, dtype=float)
    part = special.xlogy(1.0, psi) + count_logp(y)
    return np.where(y == 0, np.logaddexp(special.xlog1py(1.0, -np.asarray(psi)), part), part)


def hurdle_logp(y: Any, psi: Any, count_logp: Callable[[Any], np.ndarray]) -> np.ndarray:
    """Return log probabilities of 0 or, with probability ``psi``, a count above 0.

    >>> hurdle_logp(np.array([0.0]), 0.25, lambda y: poisson_logp(y, 1.0)).round(3).tolist()
    [-0.288]
    """
    y = np.asarray(y, dtype=float)
    zero = count_logp(np.zeros_like(y))
    part = special.xlogy(1.0, psi) + count_logp(y) - np.log(-np.expm1(zero))
    return np.where(y == 0, special.xlog1py(1.0, -np.asarray(psi)), part)


def zero_inflated_graph(pm: Any, value: Any, psi: Any, count: Any) -> Any:
    """Return :func:`zero_inflated_logp` as a PyTensor expression; ``count`` is an unnamed distribution.

    PyMC's own mixture stacks and reduces components and matches 0 within a tolerance; this is one switch.

    >>> import pymc as pm
    >>> zero = pm.math.constant(0)
    >>> zero_inflated_graph(pm, zero, 1.0, pm.Poisson.dist(2.0)).eval(mode="FAST_COMPILE").item()
    -2.0
    """
    part = pm.math.log(psi) + pm.logp(count, value)
    return pm.math.switch(pm.math.eq(value, 0), pm.math.logaddexp(pm.math.log(1 - psi), part), part)


def hurdle_graph(pm: Any, value: Any, psi: Any, count: Any) -> Any:
    """Return :func:`hurdle_logp` as a PyTensor expression; ``count`` is an unnamed distribution.

    PyMC's own hurdle divides by an incomplete gamma or beta function, whose gradient is slow; the probability
    of a 0 has a closed form.

    >>> import pymc as pm
    >>> zero, psi = pm.math.constant(0), np.float64(0.5)
    >>> hurdle_graph(pm, zero, psi, pm.Poisson.dist(2.0)).eval(mode="FAST_COMPILE").round(3).item()
    -0.693
    """
    positive = pm.logp(count, pm.math.maximum(value, 1))
    above = pm.math.log1mexp(pm.logp(count, pm.math.zeros_like(value)))
    return pm.math.switch(pm.math.eq(value, 0), pm.math.log(1 - psi), pm.math.log(psi) + positive - above)


def _scale(mu: Any, alpha: Any) -> Any:
    return np.minimum(np.asarray(mu) / np.maximum(alpha, _TINY), np.finfo(float).max / 1e6)


def _counts(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return values safe for log gamma, and where they are counts."""
    y = np.asarray(y, dtype=float)
    ok = (y >= 0) & (y == np.floor(y)) & np.isfinite(y)
    return np.where(ok, y, 0.0), ok
