"""Linear scores against regressions of statsmodels and scikit-learn."""

from __future__ import annotations

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge

from bayessynth.trees.score import PRECISION, coefficients

RNG = np.random.default_rng(1)
X = RNG.normal(size=(400, 3)).astype(np.float32)
WEIGHTS = RNG.exponential(size=400)
WEIGHTS /= WEIGHTS.mean()


def test_the_score_of_a_number_is_a_weighted_ridge_regression() -> None:
    y = X @ [1.0, -2.0, 0.5] + RNG.normal(size=400)
    wanted = Ridge(alpha=PRECISION).fit(X, y, sample_weight=WEIGHTS).coef_
    np.testing.assert_allclose(coefficients(X, y, WEIGHTS)[0][:, 0], wanted, rtol=1e-3)


def test_the_score_of_two_levels_is_a_weighted_logistic_regression() -> None:
    y = (X @ [1.0, -2.0, 0.5] + RNG.logistic(size=400) > 0).astype(float)
    wanted = LogisticRegression(C=1 / PRECISION, tol=1e-8).fit(X, y, sample_weight=WEIGHTS).coef_[0]
    found, projection = coefficients(X, np.column_stack([1 - y, y]), WEIGHTS)
    assert projection is None
    np.testing.assert_allclose(found[:, 0], wanted, rtol=5e-3)


def test_scores_of_more_levels_span_what_tells_them_apart() -> None:
    codes = (X[:, 0] > 0.5).astype(int) + (X[:, 0] > -0.5)
    found, projection = coefficients(X, np.eye(3)[codes], WEIGHTS)
    assert found.shape == (3, 2)
    assert projection is not None
    assert abs(found[0, 0]) > 10 * np.abs(found[1:, 0]).max()


def test_without_predictors_there_is_nothing_to_score() -> None:
    assert coefficients(np.zeros((5, 0), dtype=np.float32), np.arange(5.0), np.ones(5))[0].shape == (0, 1)
