"""Trees are those of scikit-learn, where one cut is best; and what holds where several are."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from bayessynth.trees.cuts import BINS
from bayessynth.trees.design import block
from bayessynth.trees.grow import Nodes, grow
from bayessynth.trees.ranks import Ranked, ranked, ranks_of, ranks_on_grid

N = 1500
KINDS = ("two levels", "many levels", "numbers", "axes")


def table(seed: int, n: int = N) -> np.ndarray:
    """Return features of many and few values, one of them constant."""
    rng = np.random.default_rng(seed)
    few = [rng.integers(0, 40, n), np.round(rng.normal(size=n), 1), rng.integers(0, 2, n)]
    return np.column_stack([rng.normal(size=n), *few, np.full(n, 7), rng.exponential(size=n)]).astype(np.float32)


def target(kind: str, matrix: np.ndarray, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    signal = matrix[:, 0] + matrix[:, 1] / 10 + matrix[:, 2] * matrix[:, 3] + rng.normal(size=len(matrix))
    if kind == "two levels":
        return (signal > np.median(signal)).astype(np.int64)
    if kind == "many levels":
        return np.searchsorted(np.quantile(signal, np.linspace(0.05, 0.95, 19)), signal)
    if kind == "numbers":
        return signal.astype(float)
    return np.column_stack([signal, matrix[:, 5] + rng.normal(size=len(matrix)), rng.normal(size=len(matrix))])


def weights_of(seed: int, n: int = N, scale: float = 1.0) -> np.ndarray:
    """Return weights whose sums are exact, so that what is pure is so whatever the order of the sum."""
    return np.random.default_rng(seed).integers(1, 64, n) / 8 * scale


def features(matrix: np.ndarray) -> Ranked:
    return ranked([ranks_of(column) for column in matrix.T], len(matrix))


def assert_same(matrix: np.ndarray, y: np.ndarray, weights: np.ndarray, leaf: int) -> Nodes:
    kind = DecisionTreeClassifier if y.dtype.kind == "i" else DecisionTreeRegressor
    tree = kind(min_samples_leaf=leaf, random_state=1).fit(matrix, y, sample_weight=weights).tree_
    nodes, at = grow(features(matrix), y, weights, leaf, 1, 1)
    np.testing.assert_array_equal(nodes.feature, np.maximum(tree.feature, -1))
    np.testing.assert_allclose(nodes.threshold, np.where(tree.feature < 0, 0, tree.threshold), rtol=1e-7)
    np.testing.assert_array_equal(nodes.left, tree.children_left)
    np.testing.assert_array_equal(nodes.right, tree.children_right)
    np.testing.assert_array_equal(nodes.size, tree.n_node_samples)
    np.testing.assert_array_equal(at[0], np.unique(tree.apply(matrix), return_inverse=True)[1])
    np.testing.assert_allclose(np.diff(nodes.upto), np.bincount(at[0], weights), rtol=1e-12)
    return nodes


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("leaf", [10, 40])
@pytest.mark.parametrize("scale", [1.0, 2.0**-30])
def test_a_tree_is_that_of_scikit_learn(kind: str, leaf: int, scale: float) -> None:
    matrix = table(2)
    nodes = assert_same(matrix, target(kind, matrix, 3), weights_of(4, scale=scale), leaf)
    assert len(nodes.feature) > N / leaf / 2
    assert 4 not in nodes.feature


@pytest.mark.parametrize("kind", KINDS)
def test_more_ranks_than_are_counted_or_than_16_bits_hold(kind: str) -> None:
    n = 70_000
    rng = np.random.default_rng(1)
    matrix = np.column_stack([rng.permutation(n), rng.integers(0, 2 * BINS, n)]).astype(np.float32)
    assert features(matrix).codes.dtype == np.uint32
    y = target(kind, np.column_stack([matrix / n, table(5, n)]), 6)
    assert_same(matrix, y, weights_of(7, n), 3000)


def test_one_feature_with_numbers_and_levels_that_many_records_share() -> None:
    rng = np.random.default_rng(8)
    matrix = np.sort(rng.integers(0, 12, 300))[:, None].astype(np.float32)
    assert_same(matrix, matrix[:, 0] ** 2 + rng.normal(size=300), weights_of(9, 300), 20)
    assert_same(matrix, np.minimum(matrix[:, 0].astype(np.int64) // 2 + rng.integers(0, 2, 300), 5),
                weights_of(9, 300), 20)  # fmt: skip


def test_nothing_is_parted_without_need() -> None:
    matrix, weights = table(1, 200), np.random.default_rng(2).exponential(size=200)
    for y in (np.zeros(200), np.full(200, 0.1), np.full((200, 3), 1 / 3), np.zeros(200, int), np.full(200, 5)):
        nodes, at = grow(features(matrix), y, weights, 5, 3, 1)
        assert nodes.feature.tolist() == [-1, -1, -1]
        assert nodes.roots.tolist() == [0, 1, 2]
        assert at.tolist() == [[number] * 200 for number in range(3)]
    y = (matrix[:, 3] > 0).astype(np.int64)
    nodes, _ = grow(features(matrix), y, weights, 5, 1, 1)
    assert nodes.feature.tolist() == [3, -1, -1]
    few, at = grow(features(matrix[:9]), matrix[:9, 0], weights[:9], 5, 3, 1)
    assert few.feature.tolist() == [-1]
    assert at.tolist() == [[0] * 9]
    assert few.upto[1] == pytest.approx(weights[:9].sum())
    none, _ = grow(ranked([], 200), matrix[:, 0], weights, 5, 3, 1)
    assert none.feature.tolist() == [-1]


@pytest.mark.parametrize("kind", KINDS)
def test_several_trees(kind: str) -> None:
    matrix, leaf = table(1), 15
    y, weights = target(kind, matrix, 2), np.random.default_rng(3).exponential(size=N)
    nodes, at = grow(features(matrix), y, weights, leaf, 4, 5)
    again = grow(features(matrix), y, weights, leaf, 4, 5)
    assert all(a.tobytes() == b.tobytes() for a, b in zip((*nodes, at), (*again[0], again[1]), strict=True))
    leaves, inner = np.flatnonzero(nodes.feature < 0), np.flatnonzero(nodes.feature >= 0)
    np.testing.assert_array_equal(np.sum([np.bincount(own, minlength=len(leaves)) for own in at], axis=0),
                                  nodes.size[leaves])  # fmt: skip
    assert nodes.size[leaves].min() >= leaf
    np.testing.assert_array_equal(nodes.size[inner], nodes.size[nodes.left[inner]] + nodes.size[nodes.right[inner]])
    np.testing.assert_array_equal(nodes.parent[nodes.left[inner]], inner)
    np.testing.assert_array_equal(nodes.parent[nodes.right[inner]], inner)
    np.testing.assert_array_equal(nodes.first[leaves], np.arange(len(leaves)))
    np.testing.assert_array_equal(nodes.last[inner], nodes.last[nodes.right[inner]])
    np.testing.assert_array_equal(nodes.first[inner], nodes.first[nodes.left[inner]])
    np.testing.assert_allclose(np.diff(nodes.upto), np.sum([np.bincount(own, weights, len(leaves)) for own in at], 0))
    # Each is that of its own number, and they differ.
    single = [grow(features(matrix), y, weights, leaf, 2, 5 + number)[1][0] for number in range(4)]
    for own, alone in zip(at, single, strict=True):
        np.testing.assert_array_equal(own - own.min(), alone)
    assert len({tuple(alone) for alone in single}) == 4
    assert len(set(nodes.feature[nodes.roots])) > 1


def test_half_of_the_features_are_chosen_from_and_more_where_these_are_constant() -> None:
    rng = np.random.default_rng(1)
    y, matrix = rng.normal(size=400), np.zeros((400, 12))
    # The first cut is by the best feature, which half of all trees see.
    matrix[:, 0], matrix[:, 1:3] = y, rng.normal(size=(400, 2))
    nodes, _ = grow(features(matrix), y, np.ones(400), 100, 600, 1)
    chosen = np.bincount(nodes.feature[nodes.roots], minlength=12) / 600
    assert chosen[0] == pytest.approx(0.5, abs=0.07)
    # Three of twelve vary: none of them is among six that are drawn in 1 of 11 trees, in which more are drawn.
    assert chosen[:3].sum() == 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_cut_is_as_good_where_others_are_too(kind: str) -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(0, 6, 400)
    matrix = np.column_stack([x, -x, x**2, rng.integers(0, 3, 400)]).astype(np.float32)
    y = target(kind, np.column_stack([x, np.zeros((400, 4)), x]).astype(np.float32), 3)
    weights = rng.exponential(size=400)
    kept = DecisionTreeClassifier if y.dtype.kind == "i" else DecisionTreeRegressor
    tree = kept(min_samples_leaf=20, random_state=1).fit(matrix, y, sample_weight=weights).tree_
    found = set()
    for seed in range(20):
        nodes, _ = grow(features(matrix), y, weights, 20, 1, seed)
        found.add(int(nodes.feature[0]))
        assert _decrease(matrix, y, weights, nodes.feature[0], nodes.threshold[0]) == pytest.approx(
            _decrease(matrix, y, weights, tree.feature[0], tree.threshold[0])
        )
    assert found == {0, 1, 2}


def _decrease(matrix: np.ndarray, y: np.ndarray, weights: np.ndarray, feature: int, threshold: float) -> float:
    values = np.eye(int(y.max()) + 1)[y] if y.dtype.kind == "i" else y.reshape(len(y), -1)
    left = matrix[:, feature] <= threshold

    def squares(rows: np.ndarray) -> float:
        away = values[rows] - np.average(values[rows], axis=0, weights=weights[rows])
        return float(weights[rows] @ (away**2).sum(axis=1))

    return squares(np.ones(len(y), dtype=bool)) - squares(left) - squares(~left)


def test_records_on_the_grid_go_where_a_cut_of_their_numbers_sends_them() -> None:
    rng = np.random.default_rng(1)
    score = np.append(rng.normal(size=500), rng.integers(-8, 9, 500) / 32).astype(np.float32)
    # A step of exactly 1/16, so that numbers in 32nds lie on cuts.
    score *= np.float32(1 / score.std())
    score = np.round(score * 32).astype(np.float32) / np.float32(32)
    found = ranks_on_grid(score)
    nodes, at = grow(ranked([found], 1000), score + rng.normal(0, 0.1, 1000), np.ones(1000), 10, 1, 1)
    reached = np.zeros(1000, dtype=int)
    while (nodes.feature[reached] >= 0).any():
        inner = nodes.feature[reached] >= 0
        down = np.where(score <= nodes.threshold[reached], nodes.left[reached], nodes.right[reached])
        reached = np.where(inner, down, reached)
    np.testing.assert_array_equal(nodes.first[reached], at[0])
    assert np.abs(found.values[found.codes] - score).max() <= score.std() / 32 + 1e-6


@pytest.mark.parametrize("shift", [0.0, 1e9, -1e12])
def test_one_cut_parts_missing_numbers_from_all_others(shift: float) -> None:
    values = np.append(np.full(50, np.nan), shift + np.arange(50.0))
    found = block(values, None).ranks
    assert found is not None
    nodes, at = grow(ranked([found], 100), np.isnan(values).astype(int), np.ones(100), 20, 1, 1)
    assert nodes.feature.tolist() == [0, -1, -1]
    assert at[0].tolist() == [0] * 50 + [1] * 50
    assert np.float32(found.values[0]) <= nodes.threshold[0] < np.float32(values[50:]).min()


def test_infinite_numbers_are_parted_beside_the_last_finite_one() -> None:
    x = np.append(np.arange(50.0), np.full(50, np.inf))
    nodes, at = grow(features(x[:, None]), (x > 49).astype(int), np.ones(100), 20, 1, 1)
    assert nodes.threshold[0] == 49
    assert at[0].tolist() == [0] * 50 + [1] * 50
