"""The marginal engine against exact posteriors: grids, dense normal densities, generalised least squares."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

import bayessynth as bs
from bayessynth.design import Component
from bayessynth.fitting.engines import marginal
from bayessynth.fitting.engines.settings import Settings
from bayessynth.fitting.gaussian import Gaussian
from bayessynth.fitting.kernels import gaussian
from bayessynth.fitting.posterior import Posterior
from bayessynth.suffstats import gram
from tests.fitting.engines.tables import bound, table

SETTINGS = Settings(draws=1000, tune=1, chains=4, cores=2)


def far(n: int = 60) -> pd.DataFrame:
    """Classes within schools, years and incomes far from zero, and a response with an offset."""
    rng = np.random.default_rng(3)
    frame = table(n, 8, 3).assign(year=rng.integers(2000, 2021, n).astype(float), income=rng.lognormal(11, 0.5, n))
    frame["class_"] = frame["site"] % 2 + 2 * rng.integers(0, 2, n)
    frame["score"] = 1e5 + 4.0 * frame["year"] + 1e-3 * frame["income"] + frame["number"] + frame["x"]
    return frame


SHAPES: dict[str, Any] = {
    "two terms of one factor": "number ~ x + (1 | site) + (0 + x | site)",
    "nested factors": "number ~ x + (1 | site/class_)",
    "three correlated effects": "number ~ x + (1 + x + z | site)",
    "two correlated terms": "number ~ z + (1 + x | site) + (1 + x | class_)",
    "lognormal": "amount ~ x + (1 | site) + (1 | rater)",
    "columns far from zero": bs.Equation("score ~ year + income + (1 + center(year) | site)", family="normal"),
    "an effect's column that is not common": "number ~ 1 + (0 + center(income) | site)",
    "offset": bs.Equation("score ~ income + offset(year) + (1 | site)", family="normal"),
    "declared priors": bs.Equation(
        "number ~ x + (1 + x | site)",
        priors={"Intercept": bs.Prior("Normal", mu=2, sigma=0.3), "x": bs.Prior("Normal", mu=-1, sigma=0.2),
                "sigma": bs.Prior("Gamma", mu=1, sigma=0.5), "1|site_sd": bs.Prior("InverseGamma", alpha=3, beta=1),
                "x|site_sd": bs.Prior("Uniform", lower=0, upper=3), "site_corr": bs.Prior("LKJ", eta=4)},
    ),
}  # fmt: skip


def constrained(own: Component, density: Gaussian, theta: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the standard deviations and their log prior density with the transforms' Jacobians, by SciPy."""
    equation = own.equation
    (predictor,) = equation.predictors.values()
    names = ["sigma", *(f"{e}|{g.factor}_sd" for g in predictor.groups for e in g.effects)]
    x, total = np.empty(len(names)), 0.0
    for i, name in enumerate(names):
        low, high = equation.priors[name].support
        share = special.expit(theta[i])
        x[i] = low + (high - low) * share if np.isfinite(high) else np.exp(theta[i])
        jacobian = np.log((high - low) * share * (1 - share)) if np.isfinite(high) else theta[i]
        total += float(equation.priors[name].logp(x[i])) + jacobian
    place = len(names)
    for made in density.correlations:
        if made is not None:
            count = made.q * (made.q - 1) // 2
            total, place = total + made.prior(theta[place : place + count])[0], place + count
    return x, total


def within(own: Component, density: Gaussian, theta: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return of every term the columns, the groups, and the covariance of one group's effects."""
    x, _ = constrained(own, density, theta)
    (name, predictor), found, at, place = next(iter(own.equation.predictors.items())), [], 1, len(density.elements)
    for group, made, columns in zip(predictor.groups, density.correlations, own.effects[name], strict=True):
        q = len(group.effects)
        root = np.diag(x[at : at + q])
        if made is not None:
            numbers = theta[place : place + q * (q - 1) // 2]
            root, place = root @ made.forward(numbers), place + len(numbers)
        found.append((columns, own.index[group.factor], root @ root.T))
        at += q
    return found


def common(own: Component) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the design of all coefficients with their prior means and standard deviations."""
    (name, predictor), priors = next(iter(own.equation.predictors.items())), own.equation.priors
    named = [("Intercept", 1)] * predictor.intercept + [(t.name, t.width) for t in predictor.terms]
    design = np.column_stack([*([np.ones(len(own.y))] * predictor.intercept), own.matrices[name]])
    centre, sd = (
        np.concatenate([np.full(width, priors[n].params[key], dtype=float) for n, width in named])
        for key in ("mu", "sigma")
    )
    return design, centre, sd


def response(own: Component) -> np.ndarray:
    assert own.family.gaussian is not None
    return own.family.gaussian(own.y) - own.offsets.get("mu", 0.0)


def covariance(own: Component, density: Gaussian, theta: np.ndarray) -> np.ndarray:
    """Return the covariance of the rows given the coefficients, (n, n)."""
    x, _ = constrained(own, density, theta)
    total = x[0] ** 2 * np.eye(len(own.y))
    for columns, index, effects in within(own, density, theta):
        total += columns @ effects @ columns.T * (index[:, None] == index[None, :])
    return total


def brute(own: Component, density: Gaussian, theta: np.ndarray) -> float:
    """Return the log density of the rows, coefficients and effects integrated, with the prior of the rest."""
    design, centre, sd = common(own)
    rows = covariance(own, density, theta) + (design * sd**2) @ design.T
    found = stats.multivariate_normal.logpdf(response(own), design @ centre, rows)
    return float(found) + constrained(own, density, theta)[1]


def made(own: Component) -> Gaussian:
    return Gaussian(own.equation, own.labels, gram(own))


@pytest.mark.filterwarnings("ignore::bayessynth.errors.GroupWarning")
@pytest.mark.parametrize("shape", SHAPES)
def test_density_is_that_of_a_dense_normal(shape: str) -> None:
    own = bound(SHAPES[shape], far())
    density = made(own)
    rng = np.random.default_rng(1)
    thetas = density.start() + 0.4 * rng.normal(size=(5, density.size))
    found = density.values(thetas, 1) - [brute(own, density, theta) for theta in thetas]
    np.testing.assert_allclose(found, found[0], rtol=0, atol=1e-7)


@pytest.mark.parametrize("shape", ["two correlated terms", "nested factors", "declared priors"])
def test_means_given_the_standard_deviations_are_those_of_least_squares(shape: str) -> None:
    """Draws whose random numbers are all zero are the conditional means: GLS of coefficients, BLUPs of effects."""
    own = bound(SHAPES[shape], far())
    density = made(own)
    theta = density.start() + 0.3 * np.random.default_rng(2).normal(size=density.size)
    (groups, q), p = density.sums.zy.shape, len(density.sums.dy)
    dense, effects = np.empty((1, p)), np.empty((1, groups, q))
    gaussian.draws(density.sums, theta[None], np.zeros((1, p + groups * q)), dense, effects)
    draws = density._predictor(theta[None], density.elements.constrain(theta[None, : len(density.elements)]),
                               dense, effects)  # fmt: skip
    design, centre, sd = common(own)
    inverse = np.linalg.inv(covariance(own, density, theta))
    precision = design.T @ inverse @ design + np.diag(sd**-2.0)
    exact = np.linalg.solve(precision, design.T @ inverse @ response(own) + centre / sd**2)
    np.testing.assert_allclose(np.concatenate([draws.intercept, draws.slopes[0]]), exact, rtol=1e-8)
    residual = inverse @ (response(own) - design @ exact)
    for (columns, index, spread), own_effects in zip(within(own, density, theta), draws.effects, strict=True):
        sums = np.zeros(own_effects.shape[1:])
        np.add.at(sums, index, columns * residual[:, None])
        np.testing.assert_allclose(own_effects[0], sums @ spread, rtol=1e-7, atol=1e-10)


def test_a_group_deviation_of_zero_is_no_group_effect() -> None:
    frame = table(60, 6)
    with_, without = made(bound("number ~ x + (1 | site)", frame)), made(bound("number ~ x", frame))
    thetas = np.random.default_rng(1).normal(size=(4, 1))
    tiny = np.column_stack([thetas, np.full(4, -40.0)])
    np.testing.assert_allclose(np.diff(with_.values(tiny, 1)), np.diff(without.values(thetas, 1)), rtol=1e-10)


def part(own: Component, rows: np.ndarray) -> Component:
    return replace(
        own, y=own.y[rows], matrices={k: v[rows] for k, v in own.matrices.items()},
        effects={k: tuple(e[rows] for e in v) for k, v in own.effects.items()},
        index={k: v[rows] for k, v in own.index.items()},
    )  # fmt: skip


def test_sums_of_parts_give_the_density_of_the_whole() -> None:
    own = bound("score ~ year + income + (1 | site) + (1 + x | rater)", far(200))
    rows = np.array_split(np.random.default_rng(1).permutation(200), 4)
    first, *others = (gram(part(own, r)) for r in rows)
    merged = Gaussian(own.equation, own.labels, sum(others, start=first))
    whole = made(own)
    thetas = whole.start() + 0.3 * np.random.default_rng(2).normal(size=(5, whole.size))
    np.testing.assert_allclose(merged.values(thetas, 1), whole.values(thetas, 1), rtol=1e-9)


def fitted(own: Component, seed: int = 1) -> Posterior:
    found = marginal.sample(own, SETTINGS, seed)
    assert isinstance(found, Posterior), found
    return found


def agrees(posterior: Posterior, name: str, cell: tuple[int, ...], mean: float, variance: float) -> None:
    draws = posterior.variables[name][1].reshape(4000, -1)[:, cell[0] if cell else 0]
    assert posterior.ess is not None
    assert abs(draws.mean() - mean) < 4 * np.sqrt(variance / posterior.ess), name
    assert draws.std() == pytest.approx(np.sqrt(variance), rel=0.05), name


def mixed(weights: np.ndarray, means: np.ndarray, variances: np.ndarray) -> tuple[float, float]:
    """Return mean and variance of a mixture."""
    mean = float(weights @ means)
    return mean, float(weights @ (variances + means**2)) - mean**2


def test_posterior_without_groups_is_that_of_a_grid() -> None:
    priors = {"Intercept": bs.Prior("Normal", mu=1, sigma=0.5), "x": bs.Prior("Normal", mu=-1, sigma=0.3),
              "sigma": bs.Prior("Exponential", lam=2)}  # fmt: skip
    own = bound(bs.Equation("number ~ x", priors=priors), table(25, 4))
    posterior = fitted(own)
    design, centre, sd = common(own)
    grid = np.linspace(-3, 3, 4001)
    x_mean = own.equation.predictors["mu"].means[0]
    log_weights, means, covariances = np.empty(len(grid)), np.empty((len(grid), 2)), np.empty((len(grid), 2, 2))
    for i, log_sigma in enumerate(grid):
        variance = np.exp(2 * log_sigma)
        covariances[i] = np.linalg.inv(design.T @ design / variance + np.diag(sd**-2.0))
        means[i] = covariances[i] @ (design.T @ own.y / variance + centre / sd**2)
        rest = own.y - design @ centre
        square = rest @ rest / variance - (design.T @ rest / variance) @ covariances[i] @ (design.T @ rest / variance)
        half = 0.5 * np.linalg.slogdet(covariances[i])[1]
        log_weights[i] = -len(own.y) * log_sigma + half - 0.5 * square - 2 * np.exp(log_sigma) + log_sigma
    weights = special.softmax(log_weights)
    away = np.array([1.0, -x_mean])  # the intercept as reported, where x is zero
    cases = {"number_Intercept": away, "number_x": np.array([0.0, 1.0])}
    for name, a in cases.items():
        agrees(posterior, name, (), *mixed(weights, means @ a, covariances @ a @ a))
    agrees(posterior, "number_sigma", (), *mixed(weights, np.exp(grid), np.zeros(len(grid))))
    draws = posterior.variables["number_sigma"][1].ravel()
    cumulative = np.interp(np.sort(draws), np.exp(grid), np.cumsum(weights))
    gap = np.abs(cumulative - np.arange(1, 4001) / 4000).max()
    assert gap < stats.kstwobign.isf(1e-4) / np.sqrt(posterior.ess)


def test_posterior_with_few_groups_is_that_of_a_grid() -> None:
    """Four groups: the logarithm of their standard deviation has a long tail towards no difference at all."""
    own = bound("number ~ x + (1 | site)", table(40, 4, 5))
    posterior, priors = fitted(own), own.equation.priors
    sigmas, taus = np.linspace(-1.2, 1.2, 61), np.linspace(-14, 3, 171)
    thetas = np.array([(s, t) for s in sigmas for t in taus])
    prior = sum(priors[name].logp(np.exp(column)) + column
                for name, column in zip(("sigma", "1|site_sd"), thetas.T, strict=True))  # fmt: skip
    design, centre, sd = common(own)
    same = own.index["site"][:, None] == own.index["site"][None, :]
    fixed, rest, logs = (design * sd**2) @ design.T, own.y - design @ centre, []
    for sigma in np.exp(sigmas):
        roots = np.linalg.cholesky(fixed + sigma**2 * np.eye(40) + np.exp(2 * taus)[:, None, None] * same)
        z = np.linalg.solve(roots, rest[:, None])[..., 0]
        logs.append(-0.5 * (z**2).sum(axis=1) - np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1))
    weights = special.softmax(np.concatenate(logs) + prior)
    for k, name in enumerate(("number_sigma", "number_1|site_sd")):
        agrees(posterior, name, (), *mixed(weights, np.exp(thetas[:, k]), np.zeros(len(thetas))))
    draws = np.log(posterior.variables["number_1|site_sd"][1].ravel())
    for cut in (-4.0, -2.0, -1.0, 0.0):
        exact = float(weights[thetas[:, 1] < cut].sum())
        assert abs((draws < cut).mean() - exact) < 4 * np.sqrt(exact * (1 - exact) / posterior.ess) + 2e-3, cut


@pytest.mark.parametrize(
    ("equation", "reason"),
    [
        (bs.Equation("number ~ x", priors={"x": bs.Prior("Laplace", mu=0, b=1)}), "Laplace(mu=0, b=1) of 'x' is not"),
        ("number ~ (1 | site) + (1 | patient)", "the smaller grouping factors have more than"),
        (bs.Equation("number ~ x", "sigma ~ x", family="normal"), "'sigma' has a formula of its own"),
        (bs.Equation("number ~ x", family="student_t"), "family 'student_t' is not Gaussian"),
    ],
)
def test_an_equation_that_cannot_be_integrated_is_refused_with_the_reason(equation: Any, reason: str) -> None:
    frame = table(1800, 500)
    frame["site"], frame["patient"] = np.arange(1800) % 450, np.arange(1800) // 4
    assert reason in str(marginal.unserved(bound(equation, frame)))
