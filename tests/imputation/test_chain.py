"""Chains of parameters and missing cells, against posteriors from which the cells are integrated exactly."""

import numpy as np
import pandas as pd
import pytest
from arviz_stats.base import array_stats
from scipy import special, stats

import bayessynth as bs
from bayessynth.design import Component
from bayessynth.errors import FitError
from bayessynth.imputation import Chain, Gaps, chain, r_hat
from tests.imputation.tables import KEPT, blank, by_engine, found

NORMAL = bs.Spec("x ~ 1", "y ~ x")
BURNT = 20


def chains(gaps: Gaps, number: int, sweeps: int, seed: int = 1) -> list[Chain]:
    return [chain(gaps, by_engine, sweeps, s) for s in np.random.SeedSequence(seed).spawn(number)]


def normal_table(n: int = 80, seed: int = 1) -> pd.DataFrame:
    """Return x and y of which large y lack their x: the complete rows alone mislead."""
    rng = np.random.default_rng(seed)
    x = rng.normal(1.0, 1.0, n).round(3)
    y = (0.8 * x + rng.normal(size=n)).round(3)
    return blank(pd.DataFrame({"x": x, "y": y}), "x", 0.9 * special.expit(3.0 * y - 2.0), rng)


def assert_same(draws: np.ndarray, exact: np.ndarray) -> None:
    """Compare mean and standard deviation of draws, shape (chains, draws), with exact ones.

    Draws of one sweep share their completed data, which the effective number of draws knows.
    """
    error = array_stats.mcse(draws, method="mean") + exact.std() / np.sqrt(2000)
    assert abs(draws.mean() - exact.mean()) < 4 * error
    # The relative error of a standard deviation is that of the mean, in its units, times the root of a half.
    assert abs(np.log(draws.std() / exact.std())) < 4 * 0.71 * error / exact.std()


@pytest.fixture(scope="module")
def normal() -> tuple[Gaps, list[Chain]]:
    gaps = found(NORMAL, normal_table())
    return gaps, chains(gaps, 2, 170)


def exact_normal(gaps: Gaps) -> dict[str, np.ndarray]:
    """Draw from the posterior of a bivariate normal by random walks on the likelihood of what is observed."""
    x, y = gaps.frame.arrays["x"], gaps.frame.arrays["y"]
    seen = ~np.isnan(x)
    of_x, of_y, centre = gaps.bound["x"].priors, gaps.bound["y"].priors, gaps.bound["y"].predictors["mu"].means[0]

    def logp(theta: np.ndarray) -> np.ndarray:
        level, log_s, intercept, slope, log_t = theta.T[:, :, None]
        s, t = np.exp(log_s), np.exp(log_t)
        both = stats.norm.logpdf(x[seen], level, s) + stats.norm.logpdf(y[seen], intercept + slope * x[seen], t)
        alone = stats.norm.logpdf(y[~seen], intercept + slope * level, np.sqrt(slope**2 * s**2 + t**2))
        total = both.sum(axis=1) + alone.sum(axis=1) + (log_s + log_t)[:, 0]
        total += of_x["Intercept"].logp(level[:, 0]) + of_x["sigma"].logp(s[:, 0]) + of_y["sigma"].logp(t[:, 0])
        return total + of_y["x"].logp(slope[:, 0]) + of_y["Intercept"].logp((intercept + slope * centre)[:, 0])

    rng, walkers = np.random.default_rng(1), 200
    at = np.array([1.0, 0.0, 0.0, 0.8, 0.0]) + 0.1 * rng.normal(size=(walkers, 5))
    value, kept = logp(at), []
    for step in range(1000):
        # Differential evolution: the other walkers tell the shape of the posterior (ter Braak 2006).
        shift = rng.permutation(walkers), rng.permutation(walkers)
        proposal = at + 0.7 * (at[shift[0]] - at[shift[1]]) + 1e-3 * rng.normal(size=at.shape)
        new = logp(proposal)
        accepted = np.log(rng.random(walkers)) < new - value
        at, value = np.where(accepted[:, None], proposal, at), np.where(accepted, new, value)
        if step >= 400:
            kept.append(at)
    level, log_s, intercept, slope, log_t = np.concatenate(kept).T
    return {"x_Intercept": level, "x_sigma": np.exp(log_s), "y_Intercept": intercept, "y_x": slope,
            "y_sigma": np.exp(log_t)}  # fmt: skip


def test_a_bivariate_normal_has_its_exact_posterior(normal):
    gaps, made = normal
    assert gaps.counts["x"] > 30
    exact = exact_normal(gaps)
    for name, expected in exact.items():
        assert_same(np.stack([c.draws(name[0], BURNT)[name] for c in made]), expected)
    # What the complete rows say is another thing: were it not, this test would show nothing.
    assert exact["x_Intercept"].mean() - np.nanmean(gaps.frame.arrays["x"]) > exact["x_Intercept"].std()


def test_a_missing_binary_predictor_has_the_posterior_of_its_sum():
    rng = np.random.default_rng(2)
    x = rng.integers(0, 2, 120)
    y = (rng.random(120) < np.where(x, 0.75, 0.3)).astype(int)
    table = blank(pd.DataFrame({"x": x, "y": y}), "x", np.where(y, 0.6, 0.1), rng)
    gaps = found(NORMAL, table)
    made = chains(gaps, 2, 120)
    share, base, slope = np.meshgrid(np.linspace(-2, 3, 91), np.linspace(-3.5, 2, 91), np.linspace(-2, 6, 91))
    x, y = gaps.frame.arrays["x"], gaps.frame.arrays["y"]
    total = np.zeros_like(share)
    for outcome in (0, 1):
        likelihood = [special.expit((2 * outcome - 1) * (base + slope * level)) for level in (0, 1)]
        parts = [special.expit(-share) * likelihood[0], special.expit(share) * likelihood[1]]
        for level in (0, 1):
            total += ((x == level) & (y == outcome)).sum() * np.log(parts[level])
        total += ((x < 0) & (y == outcome)).sum() * np.log(parts[0] + parts[1])
    priors, centre = gaps.bound["y"].priors, gaps.bound["y"].predictors["p"].means[0]
    total += gaps.bound["x"].priors["Intercept"].logp(share)
    total += priors["x"].logp(slope) + priors["Intercept"].logp(base + centre * slope)
    weights = np.exp(total - total.max()).ravel()
    places = np.random.default_rng(3).choice(len(weights), 40_000, p=weights / weights.sum())
    for name, grid in {"x_Intercept": share, "y_Intercept": base, "y_x": slope}.items():
        assert_same(np.stack([c.draws(name[0], BURNT)[name].ravel() for c in made]), grid.ravel()[places])


def test_a_chain_gone_on_with_is_the_one_made_at_once(normal):
    gaps, _ = normal
    seed = np.random.SeedSequence(5)
    whole = chain(gaps, by_engine, 6, seed)
    parts = chain(gaps, by_engine, 2, seed, chain(gaps, by_engine, 4, seed))
    assert (whole.arrays["x"] == parts.arrays["x"]).all()
    assert (whole.draws("y")["y_x"] == parts.draws("y")["y_x"]).all()
    assert (whole.moments["x mean"] == parts.moments["x mean"]).all()


def test_draws_stand_one_sweep_after_the_other(normal):
    _, made = normal
    assert made[0].draws("y", BURNT)["y_x"].shape == (150 * KEPT,)
    assert made[0].draws("y", 169)["y_x"].tolist() == made[0].values[-1]["y"]["y_x"].tolist()


def test_r_hat_is_near_one_for_chains_at_rest_and_large_for_others(normal):
    gaps, made = normal
    at_rest = r_hat(gaps, made)
    assert set(at_rest) == {"x mean", "x sd", "x_Intercept", "x_sigma", "y_Intercept", "y_x", "y_sigma"}
    assert max(at_rest.values()) < 1.1
    other = found(NORMAL, normal_table().assign(y=lambda t: t["y"] + 5.0))
    apart = [made[0], chain(other, by_engine, 170, np.random.SeedSequence(1))]
    assert r_hat(gaps, apart)["y_Intercept"] > 2.0


def test_r_hat_of_few_sweeps_is_an_error(normal):
    gaps, _ = normal
    with pytest.raises(FitError, match="shows from 8 sweeps on; there are 3"):
        r_hat(gaps, chains(gaps, 2, 3))


def test_shares_of_levels_are_watched():
    table = pd.DataFrame({"x": ["a", "b", "c", None] * 20, "y": np.random.default_rng(1).normal(size=80).round(3)})
    gaps = found(bs.Spec("x ~ 1", "y ~ x"), table)
    made = chains(gaps, 2, 8)
    assert set(made[0].moments) == {"x[a]", "x[b]", "x[c]"}
    assert sum(made[0].moments.values()) == pytest.approx(np.ones(8))
    assert "y_x[1]" in r_hat(gaps, made)


def conjugate(component: Component, previous: object, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw a regression's parameters under the prior 1 / sigma², in microseconds."""
    column, y = component.equation.response, component.y
    terms = component.equation.predictors["mu"].terms
    design = np.column_stack([np.ones(len(y)), component.matrices["mu"]])
    fit, residual, rank, _ = np.linalg.lstsq(design, y)
    sigma = np.sqrt(residual / rng.chisquare(len(y) - rank, KEPT))
    root = np.linalg.cholesky(np.linalg.inv(design.T @ design))
    draws = fit + sigma[:, None] * rng.standard_normal((KEPT, rank)) @ root.T
    # Reported where the columns are zero, fitted where they are centred.
    centre = np.asarray(component.equation.predictors["mu"].means) if terms else np.zeros(0)
    slopes = {f"{column}_{t.name}": draws[:, 1 + i] for i, t in enumerate(terms)}
    return slopes | {f"{column}_Intercept": draws[:, 0] - draws[:, 1:] @ centre, f"{column}_sigma": sigma}


@pytest.mark.slow
def test_intervals_cover_where_those_of_complete_rows_do_not():
    repetitions, covered = 400, {"model": 0, "complete": 0}
    for seed in range(repetitions):
        gaps = found(NORMAL, normal_table(150, seed))
        made = chain(gaps, conjugate, 250, np.random.SeedSequence(seed))
        complete = gaps.component("y", gaps.frame.arrays, gaps.complete["y"])
        rng = np.random.default_rng(seed)
        alone = np.concatenate([conjugate(complete, None, rng)["y_x"] for _ in range(200)])
        for name, draws in {"model": made.draws("y", BURNT)["y_x"], "complete": alone}.items():
            low, high = np.quantile(draws, [0.05, 0.95])
            covered[name] += bool(low < 0.8 < high)
    shares = {name: count / repetitions for name, count in covered.items()}
    assert abs(shares["model"] - 0.9) < 3 * np.sqrt(0.09 / repetitions), shares
    assert shares["complete"] < 0.6, shares
