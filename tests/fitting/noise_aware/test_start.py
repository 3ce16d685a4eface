"""Where the search for the mode starts: without noise, at the regressions of the rows."""

from __future__ import annotations

import numpy as np

import bayessynth as bs
from bayessynth.fitting.noise_aware import NoisyDensity, chain
from bayessynth.fitting.noise_aware.start import start_of
from tests.fitting.noise_aware.releases import bound_to, release

BOUNDS = {"x": (0.0, 10.0), "z": (-2.0, 2.0), "y": (-20.0, 30.0)}
SPEC = bs.Spec("x ~ 1", "z ~ x", "y ~ x + z")


def test_without_noise_it_is_the_regression() -> None:
    rng, n = np.random.default_rng(1), 500
    x, z = rng.normal(5.0, 1.5, n), rng.normal(0.0, 0.6, n)
    y = 4.0 + 1.5 * x - 2.0 * z + rng.normal(0.0, 6.0, n)
    unit = {name: 2 * (v - BOUNDS[name][0]) / np.diff(BOUNDS[name]) - 1 for name, v in (("x", x), ("z", z), ("y", y))}
    given = release(unit, 1e-8, rng)
    bound = bound_to(SPEC, **{name: bs.Continuous(bounds=b) for name, b in BOUNDS.items()})
    own = chain(bound, given, BOUNDS)
    theta, scale = start_of(own)
    found = own.constrain(theta[None])[0, own.parts[2].own]
    means = np.asarray(own.parts[2].predictor.means)
    matrix = np.column_stack([np.ones(n), np.column_stack([x, z]) - means])
    solution, (residual,), *_ = np.linalg.lstsq(matrix, y, rcond=None)
    np.testing.assert_allclose(found, [*solution, np.sqrt(residual / n)], rtol=1e-5)
    assert (scale > 0).all()


def test_whatever_the_noise_it_has_a_density() -> None:
    """Sums that no table could have: negative numbers of rows and squares."""
    bound = bound_to(SPEC, **{name: bs.Continuous(bounds=b) for name, b in BOUNDS.items()})
    for seed in range(20):
        given = release(dict.fromkeys(BOUNDS, np.zeros(3)), 8.0, np.random.default_rng(seed))
        own = chain(bound, given, BOUNDS)
        value, grad = NoisyDensity(own)(start_of(own)[0])
        assert np.isfinite(value)
        assert np.isfinite(grad).all()
