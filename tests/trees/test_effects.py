"""Group effects of tree equations against the model that they come from."""

from __future__ import annotations

import numpy as np
import pytest

from bayessynth.trees.effects import Residuals, covariance, drawn_effects, new_effects, residuals

RNG = np.random.default_rng(1)
CODES = np.repeat(np.arange(200), 10)


@pytest.mark.parametrize("sd", [0.0, 0.5, 2.0])
def test_drawn_effects_vary_as_the_groups_do(sd: float) -> None:
    truth = RNG.normal(0, sd, 200)
    left = (truth[CODES] + RNG.normal(size=2000))[:, None]
    drawn = drawn_effects(
        Residuals(left, np.ones((2000, 1)), False, np.ones((2000, 1))), CODES, 200, np.random.default_rng(2)
    )
    assert drawn.std() == pytest.approx(sd, abs=0.12)
    if sd == 2:
        assert np.corrcoef(drawn[:, 0], truth)[0, 1] > 0.95


def test_effects_of_a_binary_column_are_log_odds() -> None:
    truth = RNG.normal(0, 1, 200)
    codes = np.repeat(np.arange(200), 50)
    y = (RNG.logistic(size=10_000) < truth[codes]).astype(float)
    left = residuals(np.column_stack([1 - y, y]), np.zeros((10_000, 1)), None, np.ones(10_000))
    drawn = drawn_effects(left, codes, 200, np.random.default_rng(2))[:, 0]
    # One step from zero shrinks the largest log odds.
    assert 0.75 < drawn.std() < 1.1
    assert np.corrcoef(drawn, truth)[0, 1] > 0.85


def test_new_effects_have_the_covariance_of_the_drawn_ones() -> None:
    wanted = np.array([[1.0, 0.6], [0.6, 2.0]])
    drawn = RNG.multivariate_normal([0, 0], wanted, size=5000)
    found = new_effects(covariance(drawn, np.ones(5000)), 20_000, np.random.default_rng(3))
    np.testing.assert_allclose(np.cov(found.T), wanted, atol=0.1)


def test_few_groups_say_little_of_correlations() -> None:
    drawn = np.array([[1.0, 1.0], [-1.0, -1.0]])
    found = covariance(drawn, np.ones(2))
    assert found[0, 0] == 1.0
    assert found[0, 1] == 0.5


def test_effects_of_a_rare_level_do_not_run_away() -> None:
    truth = RNG.normal(0, 1, 2000)
    codes = np.repeat(np.arange(2000), 6)
    y = (RNG.random(12_000) < 1 / (1 + np.exp(5 - truth[codes]))).astype(float)
    left = residuals(np.column_stack([1 - y, y]), np.zeros((12_000, 1)), None, np.ones(12_000))
    drawn = drawn_effects(left, codes, 2000, np.random.default_rng(2))[:, 0]
    assert 0.5 < drawn.std() < 1.3
