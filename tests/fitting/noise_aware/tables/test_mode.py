from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import minimize

from bayessynth.errors import FitError
from bayessynth.fitting.noise_aware.tables import mode as module
from bayessynth.fitting.noise_aware.tables.layout import sums_of
from bayessynth.fitting.noise_aware.tables.mode import curvature, find, model_of
from bayessynth.privacy import NoisyMarginals

CHAIN = [("a", "b"), ("b", "c"), ("c", "d")]
LOOP = list(combinations("abc", 2))


def noisy(cliques, seed=1, n=2000.0, variance=50.0, levels=3):
    rng = np.random.default_rng(seed)
    names = sorted({c for clique in cliques for c in clique})
    joint = n * rng.dirichlet(np.full(levels ** len(names), 0.7)).reshape([levels] * len(names))
    counts = []
    for clique in cliques:
        table = joint.sum(axis=tuple(i for i, name in enumerate(names) if name not in clique))
        counts.append(table + np.sqrt(variance) * rng.standard_normal(table.shape))
    return NoisyMarginals(tuple(cliques), dict.fromkeys(names, tuple("xyz"[:levels])), tuple(counts), variance, None)


@pytest.mark.parametrize("cliques", [CHAIN, LOOP], ids=["chain", "loop"])
def test_slopes_of_the_mean_are_the_covariance(cliques):
    model = model_of(sums_of([noisy(cliques)]))
    rng = np.random.default_rng(1)
    effects, direction = rng.standard_normal(model.size), rng.standard_normal(model.size)
    found = model.mean(model.slopes(effects, model.tables(effects), direction))
    np.testing.assert_allclose(found, model.covariance(effects) @ direction, atol=1e-7)


def test_covariance_from_records_is_near_that_of_all_cells(monkeypatch):
    model = model_of(sums_of([noisy(CHAIN)]))
    effects = 0.5 * np.random.default_rng(1).standard_normal(model.size)
    exact = model.covariance(effects)
    monkeypatch.setattr(module, "_WHOLE", 0)
    drawn = model_of(model.sums).covariance(effects)
    sd = np.sqrt(np.diag(exact))
    assert np.abs((drawn - exact) / np.outer(sd, sd)).max() < 5 * np.sqrt(2 / 100_000)


@pytest.mark.parametrize("cliques", [CHAIN, LOOP], ids=["chain", "loop"])
def test_the_mode_is_where_the_posterior_with_its_covariance_is_highest(cliques):
    model = model_of(sums_of([noisy(cliques)]))
    found = find(model)
    weight = curvature(model, found.effects).weight

    def height(effects):
        residual = model.sums.values - found.total * model.mean(model.tables(effects))
        return 0.5 * residual @ weight @ residual + 0.5 * np.sum((effects / model.prior_sd) ** 2)

    best = minimize(height, found.effects, method="BFGS", options={"gtol": 1e-4})
    moved = best.x - found.effects
    assert moved @ found.precision @ moved < 0.1**2 * model.size


def test_without_noise_or_prior_the_mode_gives_the_tables_back():
    exact = noisy(LOOP, variance=1e-6)
    found = find(model := model_of(sums_of([exact])))
    (table,) = model.tables(found.effects)
    for clique, counts in zip(LOOP, exact.counts, strict=True):
        axes = tuple(i for i, name in enumerate("abc") if name not in clique)
        np.testing.assert_allclose(found.total * table.sum(axis=axes), counts, atol=6)


def test_models_beyond_exact_sums_are_refused_before_anything_is_computed():
    names = [f"x{i}" for i in range(22)]
    cliques = list(combinations(names, 2))
    wide = NoisyMarginals(
        tuple(cliques), dict.fromkeys(names, ("0", "1")), (np.ones((2, 2)),) * len(cliques), 1.0, None
    )
    with pytest.raises(FitError, match=r"4,194,304 cells, more than 2,000,000; .* Measure fewer tables"):
        model_of(sums_of([wide]))


def test_models_with_too_many_effects_are_refused():
    long = NoisyMarginals((("a", "b"),), {"a": tuple(map(str, range(60))), "b": tuple(map(str, range(60)))},
                          (np.ones((60, 60)),), 1.0, None)  # fmt: skip
    with pytest.raises(FitError, match=r"3,599 effects, more than 3,000"):
        model_of(sums_of([long]))


def test_a_mode_that_moves_on_is_an_error(monkeypatch):
    monkeypatch.setattr(module, "_ROUNDS", 1)
    monkeypatch.setattr(module, "_STILL", 0.0)
    with pytest.raises(FitError, match="No mode was found of the tables of a, b, c: rounds still move it by"):
        find(model_of(sums_of([noisy(LOOP)])))
