import numpy as np
import pytest
from scipy.stats import norm

from bayessynth.errors import DiagnosticsWarning, FitError, SynthesisError
from bayessynth.fitting.noise_aware.tables import TablePosterior, fit_tables
from bayessynth.fitting.noise_aware.tables import mode as module
from bayessynth.fitting.noise_aware.tables import posterior as posterior_module
from bayessynth.privacy import NoisyMarginals
from tests.fitting.noise_aware.tables import truth


def one_column(counts, variance=9.0, n=None, test=False):
    return NoisyMarginals((("a",),), {"a": ("0", "1")}, (np.asarray(counts, dtype=float),), variance, n, test)


def test_draws_of_two_cells_have_the_posterior_that_a_grid_gives():
    found = fit_tables([one_column([160.0, 40.0], n=200)], 400, random_seed=1)
    x = np.linspace(-2, 4, 4001)  # effect, in the contrast (1, -1) / sqrt 2
    p = 1 / (1 + np.exp(-np.sqrt(2) * x))
    mean, sd = 200 * (2 * p - 1) / np.sqrt(2), np.sqrt(200 * 2 * p * (1 - p) + 9)
    density = norm.pdf(120 / np.sqrt(2), mean, sd) * norm.pdf(x, 0, 3)
    density /= density.sum()
    expected = density @ x
    spread = np.sqrt(density @ (x - expected) ** 2)
    draws = found.draws[:, 0]
    assert abs(draws.mean() - expected) < 4 * spread / np.sqrt(200)
    assert 0.87 < draws.std() / spread < 1.13
    assert found.method == "nuts" and (found.totals == 200).all()


def test_a_private_number_of_rows_has_the_spread_of_its_noise():
    found = fit_tables([one_column([8000.0, 2000.0], variance=400.0)], 400, random_seed=1)
    assert abs(found.totals.mean() - 10000) < 4 * np.sqrt(800 / 200)
    assert 0.87 < found.totals.std() / np.sqrt(800) < 1.13


@pytest.mark.filterwarnings("ignore::bayessynth.errors.DiagnosticsWarning")
def test_perturbed_modes_agree_with_nuts(monkeypatch):
    rng = np.random.default_rng(1)
    counts = rng.multinomial(5000, truth.probabilities().ravel()).reshape(3, 2, 2, 2).astype(float)
    noisy = truth.release(counts, truth.CLIQUES["pairs"], 0.03, rng)
    exact = fit_tables([noisy], 200, random_seed=1)
    monkeypatch.setattr(module, "_WHOLE", 0)
    monkeypatch.setattr(module, "_MANY", 20_000)
    near = fit_tables([noisy], 100, random_seed=1)
    assert (exact.method, near.method) == ("nuts", "perturbed modes")
    one, two = (fit_tables([noisy], 4, random_seed=1, cores=cores) for cores in (1, 2))
    np.testing.assert_array_equal(one.draws, two.draws)

    def spreads(found):
        return found.draws.mean(axis=0), found.draws.std(axis=0)

    (mean, sd), (near_mean, near_sd) = spreads(exact), spreads(near)
    assert np.abs((near_mean - mean) / sd).max() < 0.6
    assert 0.8 < np.median(near_sd / sd) < 1.2


def test_the_same_seed_gives_the_same_draws_and_records():
    one, two = (fit_tables([one_column([60.0, 40.0])], 6, random_seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.draws, two.draws)
    codes = [p.sample(3, 50, np.random.default_rng(1))["a"] for p in (one, two)]
    np.testing.assert_array_equal(*codes)


def test_a_copy_has_as_many_records_as_its_draw_has_rows_unless_told():
    found = fit_tables([one_column([60.0, 40.0])], 3, random_seed=5)
    assert len(found.sample(1, None, np.random.default_rng(1))["a"]) == round(found.totals[1])
    assert len(found.sample(1, 7, np.random.default_rng(1))["a"]) == 7


def test_a_posterior_comes_back_from_json_and_arrays():
    found = fit_tables([one_column([60.0, 40.0], test=True)], 3, random_seed=5)
    again = TablePosterior.from_arrays(*found.to_arrays())
    assert again.test and again.method == "nuts" and again.tree == found.tree
    np.testing.assert_array_equal(again.totals, found.totals)


def test_a_draw_that_is_not_there_is_refused():
    found = fit_tables([one_column([60.0, 40.0])], 3, random_seed=5)
    with pytest.raises(SynthesisError, match="Draw 3 is none of the 3 posterior draws of the tables"):
        found.sample(3, 10, np.random.default_rng(1))


@pytest.mark.parametrize(("noisy", "draws"), [([], 5), ([one_column([60.0, 40.0])], 0)])
def test_nothing_to_fit_or_to_draw_is_refused(noisy, draws):
    with pytest.raises(FitError, match="State at least one release of noisy tables and one draw or more"):
        fit_tables(noisy, draws)


def test_chains_that_disagree_are_told(monkeypatch):
    monkeypatch.setattr(posterior_module, "_R_HAT", 0.5)
    with pytest.warns(DiagnosticsWarning, match="tables of a: R-hat is up to .* and 0 draws diverged"):
        fit_tables([one_column([60.0, 40.0])], 3, random_seed=5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", truth.CLIQUES)
def test_intervals_from_pooled_copies_cover_nominally(kind):
    found = truth.simulate(kind, 3000, 1.0, 200, 1)
    # Of 5 coefficients with 200 repetitions each: 3 standard errors of one, and of their mean.
    assert (np.abs(found["coverage"] - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 200)).all()
    assert abs(found["coverage"].mean() - 0.95) < 0.025
