"""Numbers of few rows: drawn by a place that a score and a residual tell, so that what is far out stays so."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from bayessynth.rules import Narrowed
from bayessynth.trees import TreeSettings
from bayessynth.trees.conditional import Ensemble, Grown, Target, grown
from bayessynth.trees.design import block
from bayessynth.trees.draw import Grove, Stand
from bayessynth.trees.features import Seen
from bayessynth.trees.forest import Forest
from bayessynth.trees.line import better, chance_of_place

N = 70
RNG = np.random.default_rng(4)
# One town of seventy is ten times as large as any other.
SIZE = np.append(np.round(RNG.gamma(9, 10, N - 1), 1), 2500.3)
OTHER = RNG.normal(size=N)


def seen(*columns: np.ndarray) -> Seen:
    return Seen([*columns], [block(x, None) for x in columns], [None] * len(columns), [])


def made(values: np.ndarray, *columns: np.ndarray, seed: int = 1, decimals: int | None = None) -> Grown:
    rng = np.random.default_rng(seed)
    weights = rng.exponential(size=len(values))
    return grown(Target(values, None, decimals), seen(*columns), weights / weights.mean(), TreeSettings(), 10, rng)


def drawn(own: Grown, *columns: np.ndarray, seed: int = 2) -> np.ndarray:
    n = len(columns[0])
    return Grove({"y": own.ensembles}, 2.0).draw("y", columns, {}, n, Narrowed(), 0, np.random.default_rng(seed))


def test_a_row_that_is_far_out_in_one_column_is_far_out_in_the_next() -> None:
    values = 3 * SIZE + RNG.normal(0, 20, N)
    correlations, tops = [], []
    for seed in range(10):
        copy = drawn(made(values, OTHER, SIZE, seed=seed), OTHER, SIZE, seed=seed)
        correlations.append(np.corrcoef(copy, SIZE)[0, 1])
        tops.append(copy[-1])
    assert np.mean(correlations) == pytest.approx(np.corrcoef(values, SIZE)[0, 1], abs=0.02)
    # An outlier of its own: never the number itself, which varies as much as the relation does, but of its size.
    assert (np.array(tops) > 5 * np.sort(values)[-2]).all()
    assert np.ptp(tops) > 2 * 20 and not np.isin(tops, values).any()


def test_a_bent_relation_keeps_the_distribution_of_the_number() -> None:
    # Flat for most, and steep for the largest: no line, but a monotone one.
    x = RNG.normal(size=N)
    values = np.exp(np.maximum(x, 0) * 2) + RNG.normal(0, 0.1, N)
    copies = np.concatenate([drawn(made(values, x, seed=s), x, seed=s) for s in range(20)])
    quantiles = np.linspace(0.05, 0.95, 19)
    at = np.searchsorted(np.sort(values), np.quantile(copies, quantiles)) / N
    assert np.abs(at - quantiles).max() < 0.05
    assert np.corrcoef(copies, np.tile(x, 20))[0, 1] == pytest.approx(np.corrcoef(values, x)[0, 1], abs=0.05)


def test_a_number_that_nothing_tells_is_drawn_from_its_distribution_alone() -> None:
    values = RNG.normal(size=N)
    copies = np.stack([drawn(made(values, OTHER, seed=s), OTHER, seed=s) for s in range(40)])
    # On average over weights; of one draw of them a record's share is its weight.
    assert copies.mean() == pytest.approx(values.mean(), abs=0.06)
    assert copies.std() == pytest.approx(values.std(), rel=0.08)
    correlation = np.mean([np.corrcoef(own, OTHER)[0, 1] for own in copies])
    assert correlation == pytest.approx(np.corrcoef(values, OTHER)[0, 1], abs=0.08)


def test_records_expect_as_many_of_each_entry_as_there_are() -> None:
    values = 3 * SIZE + RNG.normal(0, 60, N)
    (tree,) = made(values, SIZE, seed=3).ensembles
    rng = np.random.default_rng(3)
    weights = rng.exponential(size=N)
    leaves, features = tree.leaves, tree.features
    scores = features.slopes[0, 0] * np.clip((SIZE - features.center[0]) / features.scale[0], -5, 5)
    node = np.full(N, tree.nodes.roots[0])
    for _ in range(10):
        inner = tree.nodes.feature[node] >= 0
        seen_by = np.where(tree.nodes.feature[node] == 0, SIZE, scores)
        left = seen_by.astype(np.float32) <= tree.nodes.threshold[node]
        node = np.where(inner, np.where(left, tree.nodes.left[node], tree.nodes.right[node]), node)
    leaf = tree.nodes.first[node]
    for own in np.unique(leaf):
        rows, entries = np.flatnonzero(leaf == own), slice(leaves.start[own], leaves.start[own + 1])
        expected = np.zeros(entries.stop - entries.start)
        for row in rows:
            ends = (np.append(leaves.middle[own], leaves.pull[entries, 0]) - scores[row]) / leaves.spread[own, 0]
            ends[0], ends[-1] = -np.inf, np.inf
            chance = [chance_of_place(leaves.noise, a, b) for a, b in pairwise(ends)]
            expected += weights[row] * np.array(chance) / weights[rows].sum()
        np.testing.assert_allclose(np.cumsum(expected), leaves.upto[entries], atol=0.02)


def test_the_scale_is_the_one_that_left_out_records_are_told_on() -> None:
    ones, rng = np.ones(N), np.random.default_rng(1)
    design = np.clip((SIZE - SIZE.mean()) / SIZE.std(), -5, 5)[:, None]
    ranks = np.argsort(np.argsort(3 * SIZE)).astype(float)
    assert better(design, (ranks, 3 * SIZE), ones)[-1] == 3 * SIZE[-1]
    # Noise with tails of its own tells nothing of the line: ranks do.
    x = rng.normal(size=N)
    noisy = x + rng.standard_t(1, N)
    ranks = np.argsort(np.argsort(noisy)).astype(float)
    assert better(x[:, None], (ranks, noisy), ones) is ranks


def test_no_value_can_be_read_out_of_trees_of_few_rows() -> None:
    rng = np.random.default_rng(7)
    unique, other = np.round(rng.normal(size=(2, N)), 9)
    (tree,) = made(unique, other, decimals=9).ensembles
    assert len(tree.leaves.noise)
    held = np.concatenate([a.ravel().astype(float) for part in (tree.features, tree.nodes, tree.leaves) for a in part])
    assert not np.isin(unique, held).any() and not np.isin(other, held).any()
    # Nor the places of the outermost records, less the residual that is added to them.
    (slope,), center, scale = tree.features.slopes[0], tree.features.center[0], tree.features.scale[0]
    scores, leaves = slope * (other - center) / scale, tree.leaves
    at = np.linspace(0, 1, len(leaves.noise))
    outermost = np.interp([0.5 / 31, 1 - 0.5 / 31], at, leaves.noise)
    ends = np.stack([leaves.middle[:, 0], leaves.pull[leaves.start[1:] - 1, 0]], axis=1)
    told = ends - leaves.spread * outermost
    assert np.abs(told.ravel()[:, None] - scores).min() > 1e-4 * scores.std()


def test_a_saved_forest_draws_the_same_and_one_of_before_still_loads() -> None:
    few = made(3 * SIZE, SIZE).ensembles
    forest = Forest({"y": [few]}, 1)
    again = Forest.of_arrays(forest.declared(), forest.arrays()).trees["y"][0]
    assert drawn(Grown(again, []), SIZE).tolist() == drawn(Grown(few, []), SIZE).tolist()
    many = np.random.default_rng(1).normal(size=(2, 500))
    plain: tuple[Ensemble, ...] = made(many[0], many[1]).ensembles
    arrays = Forest({"y": [plain]}, 1).arrays()
    assert not any(key.endswith("|noise") for key in arrays)
    loaded = Forest.of_arrays(Forest({"y": [plain]}, 1).declared(), arrays).trees["y"][0]
    assert not len(loaded[0].leaves.noise)


def test_draws_of_copies_side_by_side_are_those_of_each_alone() -> None:
    groves = [Grove({"y": made(3 * SIZE, SIZE, seed=seed).ensembles}, 2.0) for seed in (1, 2, 3)]
    ends, x = [0, N, 2 * N, 3 * N], np.tile(SIZE, 3)
    together = Stand(groves).draw(ends, [np.random.default_rng(s) for s in range(3)], "y", [x], {}, Narrowed(), 0)
    alone = [own.draw("y", [SIZE], {}, N, Narrowed(), 0, np.random.default_rng(s)) for s, own in enumerate(groves)]
    np.testing.assert_array_equal(together, np.concatenate(alone))
