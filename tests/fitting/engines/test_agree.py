"""Every engine that draws independently gives the posterior that NUTS on the same kernels gives.

The kernels themselves are held to the PyMC graph, point by point, in tests/fitting/test_density.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from arviz_stats.base import array_stats

import bayessynth as bs
from bayessynth.fitting.engines import kernel, laplace, marginal, quadrature
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.posterior import Posterior
from tests.fitting.engines.tables import bound

SETTINGS = Settings(draws=500, tune=400, chains=4, cores=2)
CASES: dict[str, tuple[Any, Any]] = {
    "gaussian with groups": (marginal, "number ~ x + z + (1 + x | site)"),
    "gaussian, crossed": (marginal, "number ~ x + (1 | site) + (1 | rater)"),
    "lognormal": (marginal, bs.Equation("amount ~ z + (1 + x || site)", family="lognormal")),
    "bernoulli": (laplace, "flag ~ x + z"),
    "ordinal": (laplace, "rank ~ x"),
    "negative binomial": (laplace, bs.Equation("count ~ x + z", family="negative_binomial")),
    "distributional": (laplace, bs.Equation("number ~ x", "sigma ~ z", family="normal")),
    "categorical": (laplace, bs.Equation("z ~ x", family="categorical")),
    "bernoulli with groups": (quadrature, "flag ~ x + (1 | site)"),
    "poisson with slopes": (quadrature, bs.Equation("count ~ x + (1 + x | site)", family="poisson")),
    "ordinal with groups": (quadrature, "rank ~ x + (1 | site)"),
    "two factors": (quadrature, bs.Equation("count ~ x + (1 | site) + (1 | rater)", family="poisson")),
    "student t with groups": (quadrature, bs.Equation("number ~ x + (1 | site)", family="student_t")),
}


def error(values: np.ndarray, ess: float | None) -> np.ndarray:
    """Return the Monte Carlo standard error of the means."""
    draws = values.reshape(*values.shape[:2], -1)
    effective = array_stats.ess(draws, chain_axis=0, draw_axis=1)
    effective = np.minimum(effective, ess or np.inf)
    return draws.std(axis=(0, 1)) / np.sqrt(effective)


@pytest.mark.parametrize("case", CASES)
def test_engine_agrees_with_nuts(case: str) -> None:
    engine, equation = CASES[case]
    own = bound(equation)
    assert engine.unserved(own) is None
    ours = engine.sample(own, SETTINGS, 1)
    assert isinstance(ours, Posterior), ours
    assert ours.k_hat is not None and ours.k_hat < 0.7
    theirs = kernel.sample(own, SETTINGS, 2)
    assert set(ours.variables) == set(theirs.variables) == set(own.equation.variables)
    assert dict(ours.coords) == dict(theirs.coords)
    for name, (dims, values) in ours.variables.items():
        other_dims, other = theirs.variables[name]
        assert dims == other_dims and values.shape == other.shape
        flat, other_flat = values.reshape(2000, -1), other.reshape(2000, -1)
        allowed = 4.5 * np.hypot(error(values, ours.ess), error(other, None)) + 1e-12
        assert (np.abs(flat.mean(axis=0) - other_flat.mean(axis=0)) <= allowed).all(), name
        # The spread by quantiles: the standard deviation of a group's with five groups hangs on a few draws.
        spread, other_spread = (np.diff(np.quantile(v, [0.1, 0.9], axis=0), axis=0) for v in (flat, other_flat))
        np.testing.assert_allclose(spread, other_spread, rtol=0.15, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("case", ["gaussian with groups", "poisson with slopes", "ordinal"])
def test_draws_do_not_depend_on_the_number_of_cores(case: str) -> None:
    engine, equation = CASES[case]
    own = bound(equation)
    one, two = (engine.sample(own, Settings(200, 1, 2, cores), 7) for cores in (1, 2))
    for name, (_, values) in one.variables.items():
        assert values.tobytes() == two.variables[name][1].tobytes(), name


@pytest.mark.slow
def test_the_right_tail_of_a_standard_deviation_of_five_groups_is_not_cut_short() -> None:
    """Quantiles of many fits together: one fit has too few draws there to tell."""
    own, name = bound(CASES["two factors"][1]), "count_1|rater_sd"
    fits = [quadrature.sample(own, Settings(1000, 1, 4, 2), seed) for seed in range(1, 9)]
    ours = np.concatenate([fit.variables[name][1].ravel() for fit in fits if isinstance(fit, Posterior)])
    runs = [kernel.sample(own, Settings(5000, 1000, 4, 2), seed) for seed in (1, 2)]
    theirs = np.concatenate([run.variables[name][1].ravel() for run in runs])
    probabilities = [0.5, 0.9, 0.95, 0.99]
    np.testing.assert_allclose(np.quantile(ours, probabilities), np.quantile(theirs, probabilities), rtol=0.06)
