"""The posterior of group sizes against quadrature, that of crossed shares against enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import gammaln, logsumexp

import bayessynth as bs
from bayessynth.design import bind
from bayessynth.fitting.groups import _fit_crossed, _fit_sizes, fit_groups
from bayessynth.fitting.storage import _arrays, _declared_groups, _read_groups


def structure(frame: pd.DataFrame, formula: str, draws: int = 200):
    spec = bs.Spec(bs.Equation(formula, family="normal", level="row"), rest="drop")
    bound, data = bind(spec, frame)
    return fit_groups(bound.plan, data.grouping, draws, np.random.default_rng(1), keep_groups=False)


@pytest.mark.parametrize("counts", [[3, 9, 4, 12, 5, 7], [1, 2, 1, 1, 3], list(range(5, 45))])
def test_sizes_match_quadrature(counts: list[int]) -> None:
    """E[log mean], E[log shape] and their spread, by quadrature on a fixed fine grid."""
    y = np.array(counts) - 1
    draws = _fit_sizes(np.array(counts), 20_000, np.random.default_rng(1))
    location = np.log(max(np.mean(counts) - 1, 0.1))
    log_mean, log_shape = np.meshgrid(np.linspace(location - 4, location + 4, 700), np.linspace(-5, 12, 700))
    mean, shape = np.exp(log_mean), np.exp(log_shape)
    density = stats.norm.logpdf(log_mean, location, 2.5)
    density += stats.invgamma.logpdf(shape, 0.4, scale=0.3) + log_shape
    for value in y:
        density += stats.nbinom.logpmf(value, shape, shape / (shape + mean))
    weights = np.exp(density - logsumexp(density))
    for grid, found in ((log_mean, np.log(draws.mean)), (log_shape, np.log(draws.shape))):
        expected = (weights * grid).sum()
        spread = np.sqrt((weights * (grid - expected) ** 2).sum())
        assert found.mean() == pytest.approx(expected, abs=0.04 * spread)
        assert found.std() == pytest.approx(spread, rel=0.04)


def test_equal_sizes_stay_equal() -> None:
    draws = _fit_sizes(np.full(7, 5), 10, np.random.default_rng(1))
    assert draws.constant == 5 and draws.average(3) == 5.0
    assert draws.sample(np.random.default_rng(1), 0, 4).tolist() == [5, 5, 5, 5]


def test_sizes_are_at_least_one_and_have_their_mean() -> None:
    draws = _fit_sizes(np.array([1, 2, 6, 1, 3]), 50, np.random.default_rng(1))
    sizes = draws.sample(np.random.default_rng(2), 57, 40_000)  # draw 57 is draw 7 of 50
    assert sizes.min() == 1
    error = np.sqrt((draws.mean[7] + draws.mean[7] ** 2 / draws.shape[7]) / 40_000)
    assert sizes.mean() == pytest.approx(draws.average(7), abs=4 * error)


@pytest.mark.parametrize("table", [[[5, 1], [2, 2], [0, 4]], [[9, 0], [0, 7]], [[6, 3]]])
def test_crossed_shares_match_enumeration(table: list[list[int]]) -> None:
    """Two groups: the share of the first and the concentration on a grid, in place of the Gibbs sampler."""
    counts = np.array(table)
    draws = [_fit_crossed(counts, np.random.default_rng(seed)) for seed in range(10)]
    share = np.concatenate([d.shares[:, 0] for d in draws])
    log_concentration = np.log(np.concatenate([d.concentration for d in draws]))
    kappas = np.exp(np.linspace(np.log(0.01), np.log(100.0 * counts.sum()), 60))
    shares = (np.arange(400) + 0.5) / 400
    density = np.zeros((60, 400))
    for row, (i, k) in itertools.product(counts, enumerate(kappas)):
        alpha = np.stack([k * shares, k * (1 - shares)])
        density[i] += gammaln(k) - gammaln(k + row.sum()) + (gammaln(alpha + row[:, None]) - gammaln(alpha)).sum(axis=0)
    weights = np.exp(density - logsumexp(density))
    for values, found in ((shares[None], share), (np.log(kappas)[:, None], log_concentration)):
        expected = (weights * values).sum()
        spread = np.sqrt((weights * (values - expected) ** 2).sum())
        # Gibbs draws are dependent: 4000 of them are worth about 500.
        assert found.mean() == pytest.approx(expected, abs=4 * spread / np.sqrt(500))
        assert found.std() == pytest.approx(spread, rel=0.15)
    assert np.allclose(draws[0].shares.sum(axis=1), 1.0)


def test_nested_chain_has_sizes_at_each_step() -> None:
    rng = np.random.default_rng(1)
    children = rng.integers(1, 5, 12)
    school = np.repeat(np.arange(12), children)
    klass = np.concatenate([np.arange(c) for c in children])
    rows = np.repeat(np.arange(len(school)), rng.integers(2, 9, len(school)))
    frame = pd.DataFrame({"school": school[rows], "class": klass[rows], "y": rng.normal(size=len(rows))})
    found = structure(frame, "y ~ (1 | school / class)")
    assert found.plan.chain == ("school", "school:class")
    assert found.plan.reused == ("school:class",)
    school_sizes = np.mean([found.sizes["school"].average(draw) for draw in range(200)])
    assert school_sizes == pytest.approx(children.mean(), rel=0.25)
    class_sizes = np.mean([found.sizes["school:class"].average(draw) for draw in range(200)])
    assert class_sizes == pytest.approx(len(rows) / len(school), rel=0.25)
    assert found.labels == {} and found.observed == {}


def test_fully_crossed_design_is_found() -> None:
    frame = pd.DataFrame(list(itertools.product(range(4), range(3), range(2))), columns=["plate", "sample", "again"])
    frame["y"] = np.random.default_rng(1).normal(size=24)
    found = structure(frame, "y ~ (1 | plate) + (1 | sample)")
    assert found.plan.balanced == 2 and found.crossed == {}
    uneven = structure(frame.drop(index=[3]), "y ~ (1 | plate) + (1 | sample)")
    assert uneven.plan.balanced == 0
    assert next(iter(uneven.crossed.values())).shares.shape[1] in (3, 4)


def test_same_stream_gives_same_draws() -> None:
    counts = np.array([3, 9, 4, 12])
    first, second = (_fit_sizes(counts, 9, np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(first.mean, second.mean) and np.array_equal(first.shape, second.shape)


def test_sizes_that_groups_share_keep_their_shares() -> None:
    """A design of one, three or five visits: its sizes and no others, with the shares of a Dirichlet posterior."""
    counts = np.repeat([1, 3, 5], [30, 50, 20])
    found = _fit_sizes(counts, 4000, np.random.default_rng(1))
    assert found.values.tolist() == [1, 3, 5]
    expected = np.array([30, 50, 20, 1]) / 101
    np.testing.assert_allclose(found.shares.mean(axis=0), expected, atol=0.003)
    np.testing.assert_allclose(found.shares.std(axis=0), np.sqrt(expected * (1 - expected) / 102), rtol=0.05)
    drawn = found.sample(np.random.default_rng(2), 11, 50_000)
    assert np.isin(drawn, [1, 3, 5]).mean() > 0.94
    assert drawn.mean() == pytest.approx(found.average(11), rel=0.02)


def test_sizes_of_single_groups_have_no_probability_of_their_own() -> None:
    counts = np.r_[np.full(40, 2), [211, 307, 401]]
    found = _fit_sizes(counts, 50, np.random.default_rng(1))
    assert found.values.tolist() == [2]
    drawn = np.concatenate([found.sample(np.random.default_rng(i), i, 2000) for i in range(50)])
    assert 0.02 < (drawn > 20).mean() < 0.2
    assert np.median(drawn[drawn > 20]) == pytest.approx(300, rel=0.25)
    assert np.isin(drawn, [211, 307, 401]).sum() / (drawn > 20).sum() < 0.05


def test_stored_sizes_come_back_and_those_of_earlier_versions_are_read() -> None:
    """Earlier versions wrote the negative binomial alone."""
    site = np.repeat(np.arange(30), np.repeat([2, 5, 9], 10))
    known = structure(pd.DataFrame({"site": site, "y": np.arange(len(site)) / 7}), "y ~ (1 | site)")
    declared, arrays = _declared_groups(known), _arrays(known)
    again = _read_groups(declared, arrays).sizes["site"]
    assert again.values.tolist() == [2, 5, 9]
    assert again.average(3) == known.sizes["site"].average(3)
    earlier = _read_groups(declared, {n: a for n, a in arrays.items() if not n.startswith("common")}).sizes["site"]
    assert earlier.average(3) == 1 + known.sizes["site"].mean[3]
    assert earlier.sample(np.random.default_rng(1), 3, 9).min() >= 1
