"""Probabilities of values under trees: the shares of many draws, with groups of rows, rules and rounding."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bayessynth.rules import Narrowed
from bayessynth.trees import TreeSettings
from bayessynth.trees.conditional import Grown, Target, grown
from bayessynth.trees.design import block
from bayessynth.trees.draw import Grove
from bayessynth.trees.features import Seen

N, DRAWS, EACH = 500, 100_000, 500
RNG = np.random.default_rng(8)
SEX, AGE = RNG.integers(0, 2, N), np.round(RNG.uniform(20, 80, N))
PAY = np.round(RNG.normal(30, 4, N) + 5 * SEX)
PAY[RNG.random(N) < 0.1 + 0.2 * SEX] = np.nan
PAY[RNG.random(N) < 0.15] = 20
PAY[RNG.random(N) < 0.2] = 0


def grove(
    values: np.ndarray, levels: int | None, decimals: int | None = None, smoothing: float = 0.5, n: int = N
) -> Grove:
    sex, age, values = SEX[:n], AGE[:n], values[:n]
    seen = Seen([sex, age], [block(sex, 2), block(age, None)], [2, None], [])
    weights = RNG.exponential(size=n)
    made: Grown = grown(Target(values, levels, decimals), seen, weights / weights.mean(), TreeSettings(), 10, RNG)
    return Grove({"y": made.ensembles}, smoothing)


def shares(made: Grove, at: list[float], narrowed: Narrowed, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct values of many draws at one record, and their shares."""
    known = [np.full(DRAWS, at[0]), np.full(DRAWS, at[1])]
    drawn = made.draw("y", known, {}, DRAWS, narrowed, levels, np.random.default_rng(3))
    found, count = np.unique(np.round(drawn, 6), return_counts=True)
    return found, count / DRAWS


def probability(
    made: Grove, at: list[float], limits: Callable[[int], Narrowed], levels: int, values: np.ndarray, each: int = EACH
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean probability over the leaves to which draws are moved, and its standard error."""
    n = len(values) * each
    known, rng = [np.full(n, at[0]), np.full(n, at[1])], np.random.default_rng(4)
    found = made.probability("y", known, {}, n, limits(n), levels, values, 0.5, rng).reshape(-1, each)
    return found.mean(axis=1), found.std(axis=1) / np.sqrt(each)


def narrow(n: int) -> Narrowed:
    return Narrowed(lower=np.full(n, 26.0), upper=np.full(n, 33.0))


def check(made: Grove, limits: Callable[[int], Narrowed], levels: int = 0, least: int = 5) -> None:
    for at in ([0.0, 33.0], [1.0, 71.0]):
        values, share = shares(made, at, limits(DRAWS), levels)
        wanted, error = probability(made, at, limits, levels, values)
        assert len(values) >= least
        # What smoothing alone reaches, and seldom, has no standard error to go by.
        common = share >= 0.005
        gap, spread = np.abs(wanted - share), np.sqrt(error**2 + share * (1 - share) / DRAWS)
        assert (gap[common] <= 5 * spread[common]).all()
        assert wanted[~common].sum() < 2 * share[~common].sum() + 0.005
        # All that can be drawn is all there is.
        assert wanted.sum() == pytest.approx(1, abs=1e-3 + 5 * np.linalg.norm(error))


def test_numbers_gaps_zeros_and_heaps_have_the_shares_of_many_draws() -> None:
    check(grove(PAY, None, 0), lambda n: Narrowed())


def test_the_coarse_grids_of_written_numbers_count() -> None:
    check(grove(np.where(RNG.random(N) < 0.5, 10 * np.round(PAY / 10), PAY + 1), None, 0), lambda n: Narrowed())


def test_levels_have_the_shares_of_many_draws() -> None:
    codes = np.clip((AGE // 12 + RNG.integers(0, 2, N) - SEX).astype(int), -1, 7)
    check(grove(codes, 8), lambda n: Narrowed(), 8, least=2)
    # Smoothing that reaches far up the tree.
    check(grove(codes, 8, smoothing=30.0), lambda n: Narrowed(), 8, least=2)


def test_what_rules_leave_has_the_shares_of_many_draws() -> None:
    check(grove(PAY, None, 0), narrow)
    check(grove(10 * np.round(PAY / 10) + RNG.integers(0, 2, N), None, 0), narrow, least=2)
    codes = RNG.integers(-1, 4, N)

    def odd(n: int) -> Narrowed:
        allowed = np.zeros((n, 4), dtype=bool)
        allowed[:, 1::2] = True
        return Narrowed(allowed=allowed, present=np.ones(n, dtype=bool))

    check(grove(codes, 4), odd, 4, least=2)


def test_where_nothing_is_left_draws_are_even() -> None:
    def beyond(n: int) -> Narrowed:
        return Narrowed(lower=np.full(n, 1000.0), upper=np.full(n, 1010.0), present=np.ones(n, dtype=bool))

    made = grove(np.where(PAY > 0, PAY, 25), None, 0)
    found, error = probability(made, [0.0, 33.0], beyond, 0, np.arange(1001.0, 1010), each=40)
    assert (np.abs(found - 0.1) <= 5 * error).all()


def test_numbers_with_all_decimals_have_a_density() -> None:
    check_density(grove(RNG.normal(size=N), None, None))


def check_density(made: Grove) -> None:
    rng = np.random.default_rng(1)
    grid = np.linspace(-4, 4, 8001)
    found = made.probability("y", [np.ones(8001), np.full(8001, 40.0)], {}, 8001, Narrowed(), 0, grid, 0.0, rng)
    drawn = made.draw("y", [np.ones(DRAWS), np.full(DRAWS, 40.0)], {}, DRAWS, Narrowed(), 0, rng)
    share = np.histogram(drawn, np.linspace(-4, 4, 17))[0] / DRAWS
    np.testing.assert_allclose(found[:-1].reshape(16, 500).sum(axis=1) / found.sum(), share, atol=0.005)


def test_a_value_that_no_leaf_holds_is_impossible() -> None:
    def free(n: int) -> Narrowed:
        return Narrowed()

    assert probability(grove(SEX, 2), [0.0, 33.0], free, 2, np.array([-1.0]))[0].sum() == 0
    assert probability(grove(PAY, None, 0), [0.0, 33.0], free, 0, np.array([5000.0]))[0].sum() == 0


def test_numbers_of_few_rows_drawn_by_their_place_have_the_shares_of_many_draws() -> None:
    check(grove(PAY, None, 0, n=150), lambda n: Narrowed())
    check(grove(np.round(3 * np.where(PAY > 0, PAY, 25)), None, 0, n=60), lambda n: Narrowed())


def test_what_rules_leave_of_few_rows_has_the_shares_of_many_draws() -> None:
    check(grove(PAY, None, 0, n=150), narrow)
    # Of a leaf whose numbers are all allowed, as much is drawn as without a rule.
    wide = grove(np.round(3 * np.where(PAY > 0, PAY, 25)), None, 0, n=60)
    check(wide, lambda n: Narrowed(lower=np.full(n, 0.0), upper=np.full(n, 300.0)))
    check(wide, lambda n: Narrowed(lower=np.full(n, 60.0), upper=np.full(n, 300.0)))


def test_numbers_of_few_rows_with_all_decimals_have_a_density() -> None:
    check_density(grove(RNG.normal(size=N), None, None, n=150))
