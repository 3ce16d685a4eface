"""Link functions: linear predictor to parameter, in NumPy and in PyTensor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from bayessynth.errors import SpecError, suggest

#: exp() of a larger number is close to overflow (exp(709.8) is infinite): predictors are held within
#: ±MAX_LOG, so that a wild draw gives a very large finite parameter instead of an infinity.
MAX_LOG = 700.0
# A NumPy number, since PyTensor makes 32-bit constants of Python's: pm.math.invprobit and the normal log CDF
# of PyMC 6.4 divide by a 32-bit root of 2 and are off by 1e-8.
_SQRT_HALF = np.sqrt(np.float64(0.5))


def _exp(eta: np.ndarray) -> np.ndarray:
    return np.exp(np.clip(eta, -MAX_LOG, MAX_LOG))


def _cloglog_inverse(eta: np.ndarray) -> np.ndarray:
    return -np.expm1(-_exp(eta))


def _softplus_inverse(mu: np.ndarray) -> np.ndarray:
    # log(exp(mu) - 1) without overflow.
    return mu + np.log(-np.expm1(-mu))


def _normal_cdf_graph(eta: Any, pm: Any) -> Any:
    return 0.5 * pm.math.erfc(-eta * _SQRT_HALF)


@dataclass(frozen=True)
class _Link:
    inverse: Callable[[Any], Any]
    forward: Callable[[Any], Any]
    graph: Callable[[Any, Any], Any]


_LINKS: dict[str, _Link] = {
    "identity": _Link(lambda eta: eta, lambda mu: mu, lambda eta, pm: eta),
    "log": _Link(_exp, np.log, lambda eta, pm: pm.math.exp(eta)),
    "logit": _Link(special.expit, special.logit, lambda eta, pm: pm.math.sigmoid(eta)),
    "probit": _Link(special.ndtr, special.ndtri, _normal_cdf_graph),
    "cloglog": _Link(
        _cloglog_inverse,
        lambda mu: np.log(-np.log1p(-mu)),
        lambda eta, pm: -pm.math.expm1(-pm.math.exp(eta)),
    ),
    "softplus": _Link(lambda eta: np.logaddexp(0.0, eta), _softplus_inverse, lambda eta, pm: pm.math.softplus(eta)),
}


def names() -> tuple[str, ...]:
    """Return the names of all links.

    >>> names()
    ('identity', 'log', 'logit', 'probit', 'cloglog', 'softplus')
    """
    return tuple(_LINKS)


def inverse(link: str, eta: Any) -> np.ndarray:
    """Return the parameter that belongs to a linear predictor.

    Exponentials hold the predictor within ±``MAX_LOG``; the result is finite for every finite predictor.

    Examples
    --------
    >>> inverse("logit", np.array([0.0, 2.0])).round(3).tolist()
    [0.5, 0.881]
    """
    return np.asarray(_get(link).inverse(np.asarray(eta, dtype=float)))


def forward(link: str, mu: Any) -> np.ndarray:
    """Return the linear predictor that belongs to a parameter inside the link's domain.

    Examples
    --------
    >>> forward("log", 1.0).item()
    0.0
    """
    return np.asarray(_get(link).forward(np.asarray(mu, dtype=float)))


def inverse_graph(link: str, eta: Any, pm: Any) -> Any:
    """Return :func:`inverse` as a PyTensor expression, built from ``pm.math``.

    Examples
    --------
    >>> import pymc as pm
    >>> inverse_graph("log", pm.math.constant(0.0), pm).eval(mode="FAST_COMPILE").item()
    1.0
    """
    return _get(link).graph(eta, pm)


def log_normal_cdf_graph(x: Any, pm: Any) -> Any:
    """Return the logarithm of the standard normal distribution function as a PyTensor expression.

    It is finite, and so is its gradient, for every x up to 1e150 in absolute value.

    Examples
    --------
    >>> import pymc as pm
    >>> log_normal_cdf_graph(pm.math.constant(-40.0), pm).eval(mode="FAST_COMPILE").round(1).item()
    -804.6
    """
    # Each branch of a switch is evaluated, and its gradient too: each gets only arguments that it can bear.
    left, right = pm.math.minimum(x, -1.0), pm.math.maximum(x, -1.0)
    tail = pm.math.log(0.5 * pm.math.pt.erfcx(-left * _SQRT_HALF)) - 0.5 * left * left
    body = pm.math.log1p(-0.5 * pm.math.erfc(right * _SQRT_HALF))
    return pm.math.switch(pm.math.lt(x, -1.0), tail, body)


def _get(link: str) -> _Link:
    if link not in _LINKS:
        raise SpecError(f"There is no link {link!r}.{suggest(link, _LINKS)} Known: {', '.join(_LINKS)}.")
    return _LINKS[link]
