"""The log density as a C function: what the density itself returns, from any thread, and nothing of Python in it."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import bayessynth as bs
from bayessynth.errors import FitError
from bayessynth.fitting.density import Density
from bayessynth.fitting.engines import kernel
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.kernels.native import Data, Handed, addresses
from tests.fitting.engines.tables import bound, table

EQUATIONS = {
    "groups": "flag ~ x + (1 | site)",
    "slopes": bs.Equation("count ~ x + (1 + x | site) + (1 | rater)", family="negative_binomial"),
    "thresholds": "rank ~ x + (1 | site)",
    "thresholds with priors of their own": bs.Equation(
        "rank ~ x", family="ordinal", priors={"thresholds": bs.Prior("Normal", mu=0, sigma=2)}
    ),
    "categories": bs.Equation("z ~ x + (1 | site)", family="categorical"),
}


def called(density: Density, handed: Handed, theta: np.ndarray) -> tuple[int, float, np.ndarray]:
    """Call the C function; return its code, the log density and the gradient."""
    kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_uint64, *[ctypes.c_void_p] * 4)
    value, grad = np.full(1, np.nan), np.full(density.parameters.size, np.nan)
    code = kind(addresses()[0])(len(theta), theta.ctypes.data, grad.ctypes.data, value.ctypes.data, handed.address)
    return code, float(value[0]), grad


def made(equation: str | bs.Equation, rows: int = 150) -> tuple[Density, Handed]:
    density = Density(bound(equation, table(rows, 5)))
    return density, Handed(Data(density.tables, density.laid, density.rows))


@pytest.mark.parametrize("name", EQUATIONS)
def test_it_returns_what_the_density_returns(name: str) -> None:
    density, handed = made(EQUATIONS[name])
    theta = 0.3 * np.random.default_rng(1).normal(size=density.parameters.size)
    code, value, grad = called(density, handed, theta)
    expected, slope = density(theta)
    assert code == 0
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(grad, slope, rtol=1e-10, atol=1e-10)


def test_rows_taken_some_at_a_time_are_all_counted() -> None:
    """The gradient of a table that takes several turns, against its values, which take one."""
    density, handed = made("flag ~ x + z + (1 | site)", rows=2600)
    rng = np.random.default_rng(2)
    theta, way = 0.3 * rng.normal(size=(2, density.parameters.size))
    _, value, grad = called(density, handed, theta)
    above, here, below = density.values(np.array([theta + 1e-5 * way, theta, theta - 1e-5 * way]), 1)
    np.testing.assert_allclose(value, here, rtol=1e-12)
    np.testing.assert_allclose((above - below) / 2e-5, grad @ way, rtol=1e-6)


def test_threads_do_not_disturb_each_other() -> None:
    density, handed = made(EQUATIONS["slopes"])
    thetas = 0.3 * np.random.default_rng(3).normal(size=(200, density.parameters.size))
    alone = [called(density, handed, theta) for theta in thetas]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda theta: called(density, handed, theta), thetas))
    for (_, value, grad), (_, other, other_grad) in zip(alone, together, strict=True):
        assert value == other and grad.tobytes() == other_grad.tobytes()


def test_a_point_without_a_finite_density_has_a_code() -> None:
    density, handed = made(EQUATIONS["slopes"])
    code, value, _ = called(density, handed, np.full(density.parameters.size, np.nan))
    assert code > 0 and np.isnan(value)


@pytest.mark.parametrize("name", ["groups", "thresholds"])
def test_draws_do_not_depend_on_the_number_of_cores(name: str) -> None:
    own = bound(EQUATIONS[name])
    one, two = (kernel.sample(own, Settings(50, 50, 2, cores), 7) for cores in (1, 2))
    for variable, (_, values) in one.variables.items():
        assert values.tobytes() == two.variables[variable][1].tobytes(), variable


def test_a_sampler_that_cannot_start_says_which_equation() -> None:
    own = bound("flag ~ x")
    own.matrices["p"][:] = np.nan
    with pytest.raises(FitError, match="'flag'"):
        kernel.sample(own, Settings(10, 10, 1), 1)
