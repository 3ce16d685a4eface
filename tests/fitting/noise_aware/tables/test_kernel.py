import numpy as np
from scipy.stats import multivariate_normal

from bayessynth.fitting.noise_aware.tables.kernel import likelihood, whitened


def problem():
    rng = np.random.default_rng(1)
    features, effects = rng.standard_normal((12, 4)), rng.standard_normal(4)
    return features, effects, 300.0, 100 * rng.standard_normal(4), rng.uniform(5, 50, 4)


def test_the_likelihood_is_the_normal_density_with_the_moments_of_the_cells():
    features, effects, total, values, variances = problem()
    p = np.exp(features @ effects)
    p /= p.sum()
    mean = p @ features
    covariance = total * np.cov(features.T, aweights=p, ddof=0) + np.diag(variances)
    expected = multivariate_normal(total * mean, covariance).logpdf(values) + 2 * np.log(2 * np.pi)
    np.testing.assert_allclose(likelihood(features, effects, total, values, variances)[0], expected, rtol=1e-10)


def test_gradients_are_central_differences():
    features, effects, total, values, variances = problem()
    _, by_effects, by_total = likelihood(features, effects, total, values, variances)

    def height(effects, total):
        return likelihood(features, effects, total, values, variances)[0]

    steps = np.eye(4) * 1e-5
    found = [(height(effects + h, total) - height(effects - h, total)) / 2e-5 for h in steps]
    np.testing.assert_allclose(by_effects, found, rtol=1e-6)
    found = (height(effects, total + 1e-3) - height(effects, total - 1e-3)) / 2e-3
    np.testing.assert_allclose(by_total, found, rtol=1e-6)


def test_the_whitened_gradient_is_central_differences():
    features, effects, total, values, variances = problem()
    scale = np.tril(np.random.default_rng(2).standard_normal((4, 4)))
    others = (features, effects, scale, total, 9.0, values, variances, np.full(4, 0.5))
    z = np.random.default_rng(3).standard_normal(5)
    found = [(whitened(z + h, *others)[0] - whitened(z - h, *others)[0]) / 2e-5 for h in np.eye(5) * 1e-5]
    np.testing.assert_allclose(whitened(z, *others)[1], found, rtol=1e-6)


def test_there_is_no_table_of_less_than_a_row():
    features, effects, total, values, variances = problem()
    others = (features, effects, np.eye(4), total, 9.0, values, variances, np.ones(4))
    height, gradient = whitened(np.array([-100.0, 0, 0, 0, 0]), *others)
    assert height == -np.inf and not gradient.any()
