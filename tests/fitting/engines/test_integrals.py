"""What the marginal and the quadrature engine integrate, against brute force on few rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

import bayessynth as bs
from bayessynth.design import Component
from bayessynth.fitting import integrated
from bayessynth.fitting.density import Density
from bayessynth.fitting.gaussian import Gaussian
from bayessynth.fitting.integrated import Integrated, nodes
from bayessynth.fitting.kernels.integral import Guess
from bayessynth.fitting.parameters import raw_name
from bayessynth.suffstats import gram
from tests.fitting.engines.tables import bound, table


def covariance(own: Component, sds: dict[str, np.ndarray], correlations: dict[str, np.ndarray]) -> np.ndarray:
    """Return the covariance of the rows that coefficients and group effects make."""
    (name, predictor), n = next(iter(own.equation.predictors.items())), len(own.y)
    total = np.zeros((n, n))
    if predictor.intercept:
        total += own.equation.priors["Intercept"].params["sigma"] ** 2
    for term in predictor.terms:
        block = own.matrices[name][:, predictor.slices[term.name]]
        total += block @ block.T * own.equation.priors[term.name].params["sigma"] ** 2
    for group, columns in zip(predictor.groups, own.effects[name], strict=True):
        index = own.index[group.factor]
        within = columns @ (np.outer(sds[group.factor], sds[group.factor]) * correlations[group.factor]) @ columns.T
        total += within * (index[:, None] == index[None, :])
    return total


@pytest.mark.parametrize(
    "equation",
    ["number ~ x + z + (1 + x | site)", "number ~ x + (1 | site) + (1 + x | rater)", "number ~ 0 + x + (0 + x | site)",
     "number ~ 1", bs.Equation("amount ~ x + (1 | site)", family="lognormal")],
)  # fmt: skip
def test_gaussian_marginal_density_is_that_of_a_multivariate_normal(equation: str | bs.Equation) -> None:
    own = bound(equation, table(40, 5))
    density = Gaussian(own.equation, own.labels, gram(own))
    (predictor,) = own.equation.predictors.values()
    y = own.y if own.equation.family == "normal" else np.log(own.y)
    centre = own.equation.priors["Intercept"].params["mu"] if predictor.intercept else 0.0
    rng, differences = np.random.default_rng(1), []
    for _ in range(4):
        theta = 0.4 * rng.normal(size=density.size)
        x = np.exp(theta)
        sds, correlations, at = {}, {}, 1
        prior = density.elements.evaluate(theta[: len(density.elements)])[0]
        place = len(density.elements)
        for group, made in zip(predictor.groups, density.correlations, strict=True):
            q = len(group.effects)
            sds[group.factor] = x[at : at + q]
            factor = np.eye(q)
            if made is not None:
                numbers = theta[place : place + q * (q - 1) // 2]
                factor, place = made.forward(numbers), place + len(numbers)
                prior += made.prior(numbers)[0]
            correlations[group.factor] = factor @ factor.T
            at += q
        rows = covariance(own, sds, correlations) + x[0] ** 2 * np.eye(len(y))
        exact = stats.multivariate_normal.logpdf(y, np.full(len(y), centre), rows) + prior
        differences.append(density.values(theta[None], 1)[0] - exact)
    np.testing.assert_allclose(differences, differences[0], rtol=0, atol=1e-7)


def test_gaussian_draws_given_the_standard_deviations_have_the_exact_moments() -> None:
    own = bound("number ~ x + (1 | site) + (1 | rater)", table(60, 6))
    density = Gaussian(own.equation, own.labels, gram(own))
    theta = np.array([0.0, -0.4, -0.8])
    made = density.posterior(np.repeat(theta[None], 40_000, axis=0), 3, 2, chains=1,
                             stats={"lp": np.zeros((1, 40_000))}, engine="", seconds=0.0)  # fmt: skip
    sds = dict(zip(("site", "rater"), np.exp(theta[1:])[:, None], strict=True))
    rows = covariance(own, sds, {f: np.eye(1) for f in sds}) + np.eye(len(own.y))
    inverse = np.linalg.inv(rows)
    prior = own.equation.priors
    residual = own.y - prior["Intercept"].params["mu"]
    x = own.matrices["mu"][:, 0]
    spread = prior["x"].params["sigma"] ** 2
    exact = {"number_x": (spread * x @ inverse @ residual, spread - spread**2 * x @ inverse @ x)}
    for factor in sds:
        member = (own.index[factor] == 2).astype(float)
        variance = float(sds[factor][0] ** 2)
        name = f"number_1|{factor}"
        exact[name] = (variance * member @ inverse @ residual, variance - variance**2 * member @ inverse @ member)
    for name, (mean, variance) in exact.items():
        values = made.variables[name][1][0]
        values = values[:, 2] if values.ndim == 2 else values
        assert abs(values.mean() - mean) < 4 * np.sqrt(variance / 40_000), name
        assert values.var() == pytest.approx(variance, rel=0.03), name


@pytest.mark.parametrize(
    "equation",
    ["flag ~ x + (1 | site)", "rank ~ (0 + x | site)",
     bs.Equation("count ~ x + (1 | site)", family="negative_binomial"),
     bs.Equation("count ~ x + (1 | site) + (1 | rater)", family="poisson")],
)  # fmt: skip
def test_quadrature_is_the_integral_over_the_group_effects(equation: str | bs.Equation) -> None:
    """Against SciPy's quadrature of the density with the effects as parameters, group by group."""
    own = bound(equation, table(40, 4))
    made, whole = Integrated(own, "site"), Density(own)
    p, q = made.density.parameters, whole.parameters
    block = q.blocks[raw_name(made.prefix, made.terms[0])]
    rng, found, exact = np.random.default_rng(2), [], []
    for _ in range(2):
        theta = 0.3 * rng.normal(size=p.size)
        rule = nodes(25, 1)
        value, _, modes = made.gradient(theta, np.zeros((made.groups, 1)), rule, 1, made.parts)
        guess = Guess(theta, modes, np.zeros((made.groups, 1, p.size)))
        assert made.values(theta[None], guess, rule, 1)[0] == pytest.approx(value, abs=1e-6)
        found.append(value)
        full = np.zeros(q.size)
        for name, own_block in p.blocks.items():
            full[q.blocks[name].rows] = theta[own_block.rows]
        # Centred or not, the raw effect at which the standardised one is z lies on a line; its slope is the Jacobian.
        full[block.rows] = _raw(whole, full, block.rows, 0.0)
        step = _raw(whole, full, block.rows, 1.0) - full[block.rows]
        base = whole(full)[0]
        total = sum(_log_integral(whole, full, block.rows.start + g, step[g], base) for g in range(made.groups))
        exact.append(base + total)
    assert np.diff(found)[0] == pytest.approx(np.diff(exact)[0], abs=1e-6)


def _log_integral(density: Density, theta: np.ndarray, place: int, step: float, base: float) -> float:
    """Return the log of the density's integral over one raw effect, relative to ``base``, in standardised units."""

    def ratio(z: float) -> float:
        moved = theta.copy()
        moved[place] += z * step
        return float(np.exp(density(moved)[0] - base))

    return float(np.log(integrate.quad(ratio, -9, 9, epsabs=1e-13, limit=200)[0] * step))


def _raw(density: Density, theta: np.ndarray, rows: slice, z: float) -> np.ndarray:
    """Return raw effects whose standardised ones are z, by one step of a linear equation."""
    from bayessynth.fitting.kernels import whole

    space = whole.space(density.tables, len(theta), 0)

    def standardised(raw: np.ndarray) -> np.ndarray:
        moved = theta.copy()
        moved[rows] = raw
        whole.begin(density.tables, moved, space)
        return space.z[rows].copy()

    size = rows.stop - rows.start
    at_zero, at_one = standardised(np.zeros(size)), standardised(np.ones(size))
    return (z - at_zero) / (at_one - at_zero)


def test_gradient_of_the_integral_is_its_derivative() -> None:
    own = bound(bs.Equation("count ~ x + z + (1 + x | site) + (1 | rater)", family="negative_binomial"))
    made = Integrated(own, "site")
    rng, rule, d = np.random.default_rng(1), nodes(9, 2), made.density.parameters.size
    theta = 0.3 * rng.normal(size=d)
    _, grad, modes = made.gradient(theta, np.zeros((made.groups, 2)), rule, 1, made.parts)
    guess = Guess(theta, modes, np.zeros((made.groups, 2, d)))
    for i in range(d):
        step = np.zeros(d)
        step[i] = 1e-4
        ends = made.values(np.array([theta + step, theta - step]), guess, rule, 1)
        assert (ends[0] - ends[1]) / 2e-4 == pytest.approx(grad[i], rel=2e-3, abs=2e-3)


@pytest.mark.parametrize(
    "equation",
    ["flag ~ x + (1 + x | site)", "rank ~ x + (1 | site)",
     bs.Equation("count ~ x + (1 + x || site) + (1 | rater)", family="negative_binomial")],
)  # fmt: skip
def test_parts_add_up_to_the_whole(equation: str | bs.Equation, monkeypatch: pytest.MonkeyPatch) -> None:
    own = bound(equation, table(200, 12))
    whole = Integrated(own, "site")
    monkeypatch.setattr(integrated, "_ROWS", 30)
    split = Integrated(own, "site")
    assert len(whole.parts) == 1 and len(split.parts) > 3
    assert np.concatenate([part.groups for part in split.parts]).tolist() == list(range(12))
    rng, rule, d = np.random.default_rng(1), nodes(5, whole.q), whole.density.parameters.size
    thetas, start = 0.3 * rng.normal(size=(3, d)), np.zeros((12, whole.q))
    one, two = (m.gradient(thetas[0], start, rule, 2, m.parts) for m in (whole, split))
    for left, right in zip(one, two, strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-9, atol=1e-8)
    guess = Guess(thetas[0], one[2], np.zeros((12, whole.q, d)))
    np.testing.assert_allclose(*(m.values(thetas, guess, rule, 2) for m in (whole, split)), rtol=1e-6)
    some = np.array([1, 4, 5, 11])
    for parts in (split.only(some), split.parts):
        chosen = np.concatenate([part.groups for part in parts])
        modes, roots = split.modes(thetas, guess, 1e-4, 2, parts)
        expected = whole.modes(thetas, guess, 1e-4, 2, whole.parts)
        np.testing.assert_allclose(modes, expected[0][:, chosen], atol=1e-7)
        np.testing.assert_allclose(roots, expected[1][:, chosen], atol=1e-6)


def test_a_share_of_the_rows_is_taken_from_every_group() -> None:
    made = Integrated(bound("flag ~ x + (1 | site)", table(200, 12)), "site")
    (part,) = made.thinned(0.25)
    assert np.diff(part.own.starts).tolist() == np.ceil(0.25 * made.sizes()).tolist()
    y, x = made.density.tables.y, made.density.tables.matrix[0]
    first = made.own.starts[3] + int(0.5 * made.sizes()[3] / np.ceil(0.25 * made.sizes()[3]))
    at = part.own.starts[3]
    assert (part.tables.y[at], part.tables.matrix[0, at]) == (y[first], x[first])
