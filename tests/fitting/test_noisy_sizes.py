"""Group sizes given draws of noisy counts: the posterior of exact counts where there is no noise, wider with it."""

from __future__ import annotations

import numpy as np

from bayessynth.fitting.groups import _fit_sizes
from bayessynth.fitting.noisy_sizes import sizes_given

COUNTS = np.array([12, 45, 30, 7, 60, 22, 38, 51])


def test_without_noise_it_is_the_posterior_of_the_counts() -> None:
    ours = sizes_given(np.tile(COUNTS, (6_000, 1)), np.random.default_rng(1))
    theirs = _fit_sizes(COUNTS, 6_000, np.random.default_rng(2))
    for own, other in ((ours.mean, theirs.mean), (ours.shape, theirs.shape)):
        np.testing.assert_allclose(np.log(own).mean(), np.log(other).mean(), atol=0.03)
        np.testing.assert_allclose(np.log(own).std(), np.log(other).std(), rtol=0.07)


def test_each_draw_follows_its_own_counts() -> None:
    found = sizes_given(np.repeat([COUNTS, 10 * COUNTS], 500, axis=0), np.random.default_rng(1))
    small, large = np.log(found.mean[:500]).mean(), np.log(found.mean[500:]).mean()
    assert abs(large - small - np.log(10)) < 0.1


def test_counts_below_one_are_groups_of_one() -> None:
    found = sizes_given(np.full((50, 3), 0.2), np.random.default_rng(1))
    assert (found.mean < 3).all() and np.isfinite(found.shape).all()
    assert found.sample(np.random.default_rng(1), 7, 5).min() >= 1
