"""Accounting: conversions against published values and each other, and costs rounded the safe way."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, cast

import numpy as np
import pytest

from bayessynth.errors import PrivacyError
from bayessynth.privacy.accounting import attacker_auc, epsilon_of, noise_cost, noise_scale, rho_of, rho_of_pure
from bayessynth.privacy.audit import epsilon_of_distance
from bayessynth.privacy.noise import opendp

GRID = [(e, d) for e in (0.01, 0.1, 0.5, 1, 3, 10, 100) for d in (1e-2, 1e-5, 1e-12)]


def test_noise_for_one_release_at_epsilon_one() -> None:
    assert 1 / math.sqrt(2 * rho_of(1, 1e-5)) == pytest.approx(4.05, abs=0.006)
    assert noise_scale(1, rho_of(1, 1e-5)) == pytest.approx(4.05, abs=0.006)
    assert attacker_auc(rho_of(1, 1e-5)) == pytest.approx(0.569, abs=5e-4)


@pytest.mark.parametrize(("epsilon", "delta"), GRID)
def test_the_conversion_is_the_best_of_all_orders_and_its_inverse_is_safe(epsilon: float, delta: float) -> None:
    rho = rho_of(epsilon, delta)
    assert epsilon_of(rho, delta) <= epsilon
    assert epsilon_of(rho, delta) == pytest.approx(epsilon, rel=1e-9)
    order = 1 + np.logspace(-4, 6, 200_001)
    bound = order * rho + np.log1p(-1 / order) - (math.log(delta) + np.log(order)) / (order - 1)
    assert epsilon_of(rho, delta) <= bound.min() + 1e-12
    assert epsilon_of(rho, delta) == pytest.approx(bound.min(), rel=1e-6)
    # Tighter than the bound of Bun & Steinke, and no better than what is exact for a single Gaussian release.
    assert epsilon_of_distance(math.sqrt(2 * rho), delta) < epsilon < rho + 2 * math.sqrt(-rho * math.log(delta))


def test_the_exact_value_of_one_gaussian() -> None:
    assert epsilon_of_distance(1 / 3.730632, 1e-5) == pytest.approx(1, abs=1e-5)
    assert epsilon_of_distance(0, 1e-5) == 0


def test_costs_are_rounded_up_and_scales_are_the_smallest_that_fit() -> None:
    dp = opendp()
    rng = np.random.default_rng(1)
    for _ in range(200):
        squared, rho = int(rng.integers(1, 2**62)) ** 2, float(np.exp(rng.normal(-4, 3)))
        scale = noise_scale(squared, rho)
        cost = noise_cost(squared, scale)
        assert cost <= rho and Fraction(cost) >= Fraction(squared) / (2 * Fraction(scale) ** 2)
        assert cost == pytest.approx(rho, rel=1e-14)
        space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
        assert dp.m.make_gaussian(*space, scale).map(math.sqrt(squared)) == pytest.approx(cost, rel=1e-14)


@pytest.mark.parametrize("sensitivity", [1, 3])
def test_a_choice_costs_what_opendp_says(sensitivity: int) -> None:
    dp = opendp()
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.linf_distance(T="i64")
    select = dp.m.make_noisy_max(*space, dp.zero_concentrated_divergence(), scale=5.0)
    assert select.map(sensitivity) == pytest.approx(noise_cost(sensitivity**2, 5.0), rel=1e-14)


def test_nothing_spent_shows_nothing() -> None:
    assert epsilon_of(0, 1e-5) == 0 and attacker_auc(0) == 0.5 and rho_of_pure(2) == 2


@pytest.mark.parametrize(
    ("epsilon", "delta", "message"),
    [(0, 1e-5, "epsilon=0"), (-1, 1e-5, "epsilon=-1"), (math.inf, 1e-5, "epsilon=inf"), (math.nan, 1e-5, "epsilon=nan"),
     ("1", 1e-5, "epsilon='1'"), (1, 0, "delta=0"), (1, 1, "delta=1.*well below 1 / rows"), (1, None, "delta=None")],
)  # fmt: skip
def test_no_budget_is_refused(epsilon: Any, delta: Any, message: str) -> None:
    with pytest.raises(PrivacyError, match=message):
        rho_of(cast(float, epsilon), delta)
