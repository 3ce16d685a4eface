"""Importance resampling reproduces known densities, and refuses those that its proposal does not cover."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bayessynth.fitting.engines import importance

COUNT = 4000


def drawn(log_density, mode, covariance, seed: int = 1, count: int = COUNT) -> importance.Draws:
    return importance.sample(log_density, np.asarray(mode), np.asarray(covariance), count, np.random.default_rng(seed))


def test_a_correlated_normal_density_is_reproduced() -> None:
    d = 10
    factor = np.tril(np.random.default_rng(0).normal(size=(d, d))) + 3 * np.eye(d)
    target = stats.multivariate_normal(np.arange(d), factor @ factor.T)
    found = drawn(target.logpdf, np.arange(d), np.linalg.inv(np.linalg.inv(factor @ factor.T)))
    error = np.sqrt(np.diag(factor @ factor.T) / found.ess)
    assert importance.refusal(found) is None and found.k_hat < 0.5
    assert (np.abs(found.values.mean(axis=0) - np.arange(d)) < 4 * error).all()
    np.testing.assert_allclose(found.values.std(axis=0), np.sqrt(np.diag(factor @ factor.T)), rtol=0.08)


@pytest.mark.parametrize("shape", [0.7, 2.0, 20.0])
def test_an_exponential_left_tail_is_covered(shape: float) -> None:
    """The logarithm of a gamma variable: what the log of a standard deviation near zero looks like."""
    target = stats.loggamma(shape)
    mode = np.log(shape)
    found = drawn(lambda x: target.logpdf(x[:, 0]), [mode], [[1 / shape]])
    assert importance.refusal(found) is None
    assert abs(found.values.mean() - target.mean()) < 4 * target.std() / np.sqrt(found.ess)
    np.testing.assert_allclose(np.quantile(found.values, [0.01, 0.05, 0.95]), target.ppf([0.01, 0.05, 0.95]), rtol=0.2)
    assert stats.kstest(np.unique(found.values)[:: max(1, len(found.values) // 500)], target.cdf).pvalue > 1e-4


def test_a_bad_start_is_mended_by_the_pilot_draws() -> None:
    target = stats.multivariate_normal(np.zeros(4), np.diag([1.0, 4.0, 9.0, 0.01]))
    found = drawn(target.logpdf, [1.0, 2.0, -3.0, 0.1], 0.3 * np.eye(4))
    assert importance.refusal(found) is None
    np.testing.assert_allclose(found.values.std(axis=0), [1.0, 2.0, 3.0, 0.1], rtol=0.1)


def test_tails_that_are_not_covered_are_refused() -> None:
    """A Cauchy density in eight dimensions: no t of the proposals has tails as heavy."""
    target = stats.multivariate_t(np.zeros(8), np.eye(8), df=0.5)
    found = drawn(target.logpdf, np.zeros(8), np.eye(8))
    assert "Pareto k" in str(importance.refusal(found))


def test_too_few_effective_draws_are_refused() -> None:
    found = importance.Draws(np.zeros((4000, 1)), np.zeros(4000), 0.2, 399.0)
    assert importance.refusal(found) == "399 effective of 4000 draws are too few"
    assert importance.refusal(importance.Draws(np.zeros((4000, 1)), np.zeros(4000), 0.2, 401.0)) is None


def test_a_density_that_is_nowhere_finite_is_refused() -> None:
    found = drawn(lambda x: np.full(len(x), np.nan), [0.0], [[1.0]])
    assert found.k_hat == np.inf and importance.refusal(found) is not None


def test_the_same_seed_gives_the_same_draws() -> None:
    one, two, other = (drawn(lambda x: -0.5 * x[:, 0] ** 2, [0.0], [[1.0]], seed)
                       for seed in (1, 1, 2))  # fmt: skip
    assert one.values.tobytes() == two.values.tobytes() != other.values.tobytes()


def test_effective_number_is_that_of_the_means() -> None:
    """Means of repeated runs vary as the effective number says, repeated draws counted."""
    means = [drawn(lambda x: stats.loggamma.logpdf(x[:, 0], 1.0), [0.0], [[1.0]], seed, 400) for seed in range(150)]
    spread = np.var([m.values.mean() for m in means])
    told = stats.loggamma.var(1.0) / np.mean([m.ess for m in means])
    assert 0.5 < spread / told < 1.5
