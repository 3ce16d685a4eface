"""Special functions of compiled kernels keep the digits that their docstrings state, up to the edges."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import njit
from scipy import special as oracle

from bayessynth.fitting.kernels import special
from bayessynth.fitting.kernels.counts import rising
from bayessynth.fitting.kernels.links import CODES, canonical, chain

RNG = np.random.default_rng(1)


def spread(low: float, high: float, n: int = 400) -> np.ndarray:
    """Return numbers evenly spread on the logarithmic scale."""
    return np.geomspace(low, high, n)


def run(function: Any, *arguments: np.ndarray) -> np.ndarray:
    """Return what a scalar function gives in a compiled loop, shape (results, n)."""
    scalar = njit(lambda *a: function(*a))
    first = scalar(*(float(a[0]) for a in arguments))
    several = isinstance(first, tuple)
    found = [scalar(*map(float, row)) for row in zip(*arguments, strict=True)]
    return np.array(found if several else [(value,) for value in found]).T


def logs(function: Callable[[float], float], x: np.ndarray) -> np.ndarray:
    return np.array([function(float(v)) for v in x])


@pytest.mark.parametrize(
    ("function", "expected", "x"),
    [
        (special.exp, math.exp, np.r_[np.linspace(-708, 709, 801), np.linspace(-1, 1, 201)]),
        (special.expm1, math.expm1, np.r_[np.linspace(-50, 50, 401), spread(1e-20, 1), -spread(1e-20, 1)]),
        (special.log, math.log, np.r_[spread(2.3e-308, 1.7e308), np.linspace(0.5, 2, 401), 1 + spread(1e-15, 0.1)]),
        (special.log1p, math.log1p, np.r_[spread(1e-300, 1.7e308), np.linspace(0, 3, 301)]),
        (special.log1p_unit, math.log1p, np.r_[spread(1e-300, 1), -spread(1e-300, 0.5)]),
        (special.softplus, lambda x: max(x, 0) + math.log1p(math.exp(-abs(x))), np.linspace(-700, 700, 801)),
    ],
    ids=["exp", "expm1", "log", "log1p", "log1p_unit", "softplus"],
)
def test_elementary_functions(function: Any, expected: Callable[[float], float], x: np.ndarray) -> None:
    np.testing.assert_allclose(run(function, x)[0], logs(expected, x), rtol=6e-16)


def test_limits_of_exp() -> None:
    x = np.array([-np.inf, -709.0, 1e4, np.nan])
    found = run(special.exp, x)[0]
    assert found[:2].tolist() == [0.0, 0.0]
    assert found[2] == pytest.approx(math.exp(709.0), rel=1e-15)
    assert np.isnan(found[3])


def test_logistic_and_its_logarithms() -> None:
    x = np.linspace(-700, 700, 801)
    expected = oracle.log_expit(x), oracle.log_expit(-x), oracle.expit(x), oracle.expit(-x)
    np.testing.assert_allclose(run(special.logistic, x), expected, rtol=2e-15)


def test_log_add() -> None:
    a, b = RNG.normal(0, 50, 300), RNG.normal(0, 50, 300)
    total, share, rest = run(special.log_add, a, b)
    np.testing.assert_allclose(total, np.logaddexp(a, b), rtol=1e-15)
    np.testing.assert_allclose(share, oracle.expit(a - b), rtol=1e-14)
    np.testing.assert_allclose(rest, oracle.expit(b - a), rtol=1e-14)


def test_log1mexp_close_to_zero() -> None:
    x = -spread(1e-300, 50)
    value, odds = run(special.log1mexp, x)
    np.testing.assert_allclose(value, logs(lambda v: math.log(-math.expm1(v)), x), rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(odds, 1.0 / np.expm1(-x), rtol=1e-15)


def test_log_normal_cdf_and_mills_ratio() -> None:
    x = np.r_[np.linspace(-700, 5, 701), np.linspace(-6, 5, 401)]
    value, ratio = run(special.log_normal_cdf, x)
    np.testing.assert_allclose(value, oracle.log_ndtr(x), rtol=2e-14)
    below = x[x < 0]
    mills = math.sqrt(2 / math.pi) / oracle.erfcx(-below * math.sqrt(0.5))
    np.testing.assert_allclose(ratio[x < 0], mills, rtol=5e-15)
    above = x[x >= 0]
    density = np.exp(-0.5 * above * above) / math.sqrt(2 * math.pi)
    np.testing.assert_allclose(ratio[x >= 0], density / oracle.ndtr(above), rtol=1e-14)


def test_stirling_is_log_gamma_and_digamma() -> None:
    x = np.r_[spread(1e-5, 1e3), np.linspace(7.5, 8.5, 101)]
    value, slope = run(special.stirling, x, np.log(x))
    np.testing.assert_allclose(x * np.log(x) - x - value, oracle.gammaln(x), rtol=1e-14, atol=1e-13)
    np.testing.assert_allclose(np.log(x) - slope / x, oracle.digamma(x), rtol=1e-13, atol=1e-13)


def test_stirling_where_x_is_huge_or_underflows() -> None:
    x = spread(1e8, 1e300)
    value, slope = run(special.stirling, x, np.log(x))
    np.testing.assert_allclose(value, 0.5 * np.log(x / (2 * math.pi)), rtol=1e-9)
    np.testing.assert_allclose(slope, 0.5, rtol=1e-8)
    value, slope = run(special.stirling, np.zeros(1), np.array([-1e5]))
    assert value.item() == pytest.approx(-1e5)
    assert slope.item() == 1.0


def test_scaled_trigamma() -> None:
    x = np.r_[spread(1e-8, 1e8), np.linspace(7.5, 8.5, 101)]
    expected = x * x * oracle.polygamma(1, x)
    np.testing.assert_allclose(run(special.scaled_trigamma, x)[0], expected, rtol=1e-14)


def test_rising_keeps_its_digits_at_every_shape() -> None:
    # log(Γ(y + α) / (Γ(α) α^y)) is a sum of y logarithms, exact where two log gammas have no digit left.
    counts, shapes = (part.ravel() for part in np.meshgrid([0.0, 1.0, 2.0, 17.0, 200.0], spread(1e-9, 1e13, 60)))
    value, slope = run(rising, counts, shapes, np.log(shapes))
    pairs = [(range(int(y)), a) for y, a in zip(counts, shapes, strict=True)]
    expected = [math.fsum(math.log1p(k / a) for k in below) for below, a in pairs]
    by_alpha = [math.fsum(-k / (a + k) for k in below) for below, a in pairs]
    np.testing.assert_allclose(value, expected, rtol=1e-13, atol=2e-13)
    np.testing.assert_allclose(slope, by_alpha, rtol=1e-12, atol=2e-13)


@pytest.mark.parametrize("link", ["softplus", "probit", "cloglog"])
def test_other_links_are_the_canonical_one_of_another_predictor(link: str) -> None:
    eta = np.vstack([np.linspace(-6, 6, 49), np.linspace(-3, 3, 49)])
    x, y = eta
    codes = np.array([CODES[link], CODES["log"]])
    constant = np.array([False, False])
    same, own = canonical(codes, constant, eta)
    moved = {
        "softplus": np.log(np.logaddexp(0, x)),
        "probit": oracle.log_ndtr(x) - oracle.log_ndtr(-x),
        "cloglog": np.log(np.expm1(np.exp(x))),
    }[link]
    assert not same
    np.testing.assert_allclose(own[0], moved, rtol=1e-13, atol=1e-13)
    np.testing.assert_array_equal(own[1], y)
    # Of f(canonical) = canonical² / 2: gradient is the value itself, minus the second derivative is -1.
    grad, curvature = np.vstack([own[0], y]), np.full(49, -1.0)
    chain(codes, constant, eta, grad, curvature)
    h = 1e-4
    up, down = (canonical(codes, constant, eta + s)[1][0] for s in (h, -h))
    np.testing.assert_allclose(grad[0], (up**2 - down**2) / (4 * h), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(curvature, -(up**2 + down**2 - 2 * own[0] ** 2) / (2 * h * h), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(grad[1], y)
