"""What stands in for densities that read all rows gives their posterior, and is refused where it does not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayessynth.design import Component
from bayessynth.fitting.engines import conditional, importance, quadrature, surrogate
from bayessynth.fitting.engines.mode import Mode, find, refine
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.integrated import Integrated
from bayessynth.fitting.posterior import Posterior
from tests.fitting.engines.tables import bound, table

SETTINGS = Settings(draws=1000, tune=1, chains=4, cores=2)


def grouped(sizes: list[int], seed: int = 1) -> Component:
    """Return an equation of yes and no, with an intercept and a slope of each group, of groups of given sizes."""
    rng = np.random.default_rng(seed)
    site, x = np.repeat(np.arange(len(sizes)), sizes), rng.normal(size=sum(sizes))
    u = rng.normal(size=(len(sizes), 2)) * [0.6, 0.3]
    p = 1 / (1 + np.exp(0.4 - 0.5 * x - u[site, 0] - u[site, 1] * x))
    return bound("flag ~ x + (1 + x | site)", pd.DataFrame({"site": site, "x": x, "flag": rng.random(len(x)) < p}))


def nearly_normal(cubic: float) -> tuple[Callable[[np.ndarray], np.ndarray], Mode]:
    covariance = np.array([[2.0, 0.6], [0.6, 1.0]])
    mode = Mode(np.array([1.0, -2.0]), covariance)

    def log_density(thetas: np.ndarray) -> np.ndarray:
        x = surrogate.standardised(mode, thetas)
        return 7.0 - 0.5 * (x * x).sum(axis=1) + cubic * x[:, 0] * x[:, 1] ** 2

    return log_density, mode


@pytest.mark.parametrize(("cubic", "degree"), [(0.0, 2), (0.1, 3)])
def test_a_polynomial_is_found_by_the_lowest_degree_that_holds(cubic: float, degree: int) -> None:
    log_density, mode = nearly_normal(cubic)
    found = surrogate.surrogate(log_density, mode, 4000, 0.02)
    assert found is not None and found.correction.degree == degree
    points = surrogate.design(mode, 30)
    away = surrogate.standardised(mode, points)
    points = points[np.sqrt((away * away).sum(axis=1)) < found.correction.reach]
    np.testing.assert_allclose(found(points), log_density(points), atol=1e-9)


def test_beyond_the_points_it_was_fitted_to_the_normal_density_goes_on() -> None:
    log_density, mode = nearly_normal(0.1)
    found = surrogate.surrogate(log_density, mode, 4000, 0.02)
    assert found is not None
    far = mode.theta + 1000.0 * np.linalg.cholesky(mode.covariance)[:, 1]
    at_reach = mode.theta + found.correction.reach * np.linalg.cholesky(mode.covariance)[:, 1]
    expected = found.correction(at_reach[None])[0, 0] - 0.5 * 1000.0**2
    assert found(far[None])[0] == pytest.approx(expected, rel=1e-9)


def test_what_no_polynomial_fits_and_what_costs_as_much_as_all_draws_is_refused() -> None:
    log_density, mode = nearly_normal(0.0)
    assert surrogate.surrogate(lambda t: log_density(t) + 0.2 * np.sin(6 * t[:, 0]), mode, 4000, 0.02) is None
    assert surrogate.surrogate(lambda t: np.where(t[:, 0] > 1, log_density(t), -np.inf), mode, 4000, 0.02) is None
    assert surrogate.surrogate(log_density, mode, 70, 0.02) is None


def test_the_distance_of_two_densities_is_estimated() -> None:
    rng, normal = np.random.default_rng(1), stats.multivariate_normal(np.zeros(3))
    drawn = importance.Draws(normal.rvs(4000, random_state=2), np.zeros(4000), 0.0, 4000.0)
    k_hat, same = importance.told(normal.logpdf, normal.logpdf, drawn, 300, rng)
    assert k_hat < 0.7 and same == 0.0
    other = stats.multivariate_normal([0.2, 0.0, 0.0])
    _, distance = importance.told(normal.logpdf, other.logpdf, drawn, 20_000, rng)
    assert distance == pytest.approx(2 * stats.norm.cdf(0.1) - 1, abs=0.004)
    assert importance.told(lambda x: np.full(len(x), -np.inf), normal.logpdf, drawn, 300, rng) == (np.inf, 1.0)


def test_a_mode_is_refined_from_one_nearby() -> None:
    """A Poisson log density: the mode is where the rate is the mean."""
    means, calls = np.array([3.0, 8.0]), []

    def gradient(theta: np.ndarray) -> tuple[float, np.ndarray]:
        calls.append(theta)
        return float((50 * means * theta - 50 * np.exp(theta)).sum()), 50 * (means - np.exp(theta))

    exact = np.log(means)
    found = refine(gradient, Mode(exact + np.array([0.2, -0.1]), np.diag([0.01, 0.005])))
    assert found is not None and len(calls) < 12
    sds = 1 / np.sqrt(50 * means)
    assert (np.abs(found.theta - exact) < 0.05 * sds).all()
    np.testing.assert_allclose(found.sds, sds, rtol=0.15)
    plain = find(gradient, np.zeros(2), np.ones(2))
    assert plain is not None and (np.abs(plain.theta - exact) < 0.01 * sds).all()


def exactly(own: Component, monkeypatch: pytest.MonkeyPatch, seed: int) -> Posterior:
    """Fit with every draw evaluated on all rows."""
    with monkeypatch.context() as patch:
        patch.setattr(surrogate, "surrogate", lambda *_: None)
        patch.setattr(conditional, "local", lambda *_: None)
        made = quadrature.sample(own, SETTINGS, seed)
    assert isinstance(made, Posterior), made
    return made


def test_posterior_is_that_of_draws_that_read_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    own = grouped([300] * 40)
    served: list[conditional.Local | None] = []
    local = conditional.local
    monkeypatch.setattr(conditional, "local", lambda *args: served.append(local(*args)) or served[-1])
    told: list[tuple[float, float]] = []
    tell = importance.told
    monkeypatch.setattr(importance, "told", lambda *args: told.append(tell(*args)) or told[-1])
    ours = quadrature.sample(own, SETTINGS, 1)
    assert isinstance(ours, Posterior), ours
    assert told and told[0][1] <= surrogate.DISTANCE
    assert served[0] is not None and len(served[0].groups) > 30
    theirs = exactly(own, monkeypatch, 2)
    assert ours.ess is not None and theirs.ess is not None and ours.ess > theirs.ess
    for name, (_, values) in ours.variables.items():
        flat, other = values.reshape(4000, -1), theirs.variables[name][1].reshape(4000, -1)
        error = np.hypot(flat.std(axis=0) / np.sqrt(ours.ess), other.std(axis=0) / np.sqrt(theirs.ess)) + 1e-12
        assert (np.abs(flat.mean(axis=0) - other.mean(axis=0)) < 4 * error).all(), name
        spread = flat.std(axis=0).mean() / max(other.std(axis=0).mean(), 1e-12)
        assert abs(spread - 1) < 0.05 or not other.std(axis=0).any(), name


def test_few_groups_are_drawn_from_the_density_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """With five groups the standard deviation's tails are far from a normal one's."""
    densities: list[object] = []
    sample = importance.sample
    monkeypatch.setattr(importance, "sample", lambda *args: densities.append(args[0]) or sample(*args))
    made = quadrature.sample(bound("flag ~ x + (1 | rater)", table(150)), SETTINGS, 1)
    assert isinstance(made, Posterior), made
    assert not isinstance(densities[-1], surrogate.Surrogate)


def test_only_groups_of_many_rows_are_drawn_without_them() -> None:
    own = grouped([5] * 10 + [600] * 12 + [60] * 5)
    density = Integrated(own, "site")
    made = quadrature._prepare(density, 2)
    assert not isinstance(made, str)
    thetas = np.repeat(made.mode.theta[None], 4000, axis=0)
    served = conditional.local(density, made.mode, made.guess, thetas, 2)
    assert served is not None and set(served.groups) >= set(range(10, 22)) and not set(served.groups) & set(range(10))
    z = conditional.draw(density, made.mode, made.guess, thetas, 1, 2)
    exact = density.draws(thetas, made.guess, 6, 6.0, 2, 2, density.parts)
    sds = exact.std(axis=0)
    assert (np.abs(z.mean(axis=0) - exact.mean(axis=0)) < 4.5 * sds * np.sqrt(2 / 4000)).all()
    np.testing.assert_allclose(z.std(axis=0), sds, rtol=0.06)


def test_draws_without_rows_do_not_depend_on_the_number_of_cores() -> None:
    own = grouped([400] * 90)
    assert len(Integrated(own, "site").parts) > 1
    one, two = (quadrature.sample(own, Settings(500, 1, 4, cores), 7) for cores in (1, 2))
    assert isinstance(one, Posterior) and isinstance(two, Posterior)
    for name, (_, values) in one.variables.items():
        assert values.tobytes() == two.variables[name][1].tobytes(), name
