from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayessynth.fitting.noise_aware.tables.junction import junction_tree
from bayessynth.fitting.noise_aware.tables.sums import calibrated, gathered, records, spread

SIZES = (2, 3, 2, 4, 3)
GRAPHS = {
    "none": [],
    "chain": [(0, 1), (1, 2), (2, 3), (3, 4)],
    "loop": [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4)],
    "threes": [(0, 1, 2), (2, 3), (2, 4)],
    "apart": [(0, 3), (1, 4)],
    "all": list(combinations(range(5), 2)),
}


def factors(cliques, seed=1):
    rng = np.random.default_rng(seed)
    return {c: rng.standard_normal([SIZES[i] for i in c]) for c in [*cliques, *((i,) for i in range(5))]}


def whole(found):
    total = np.zeros(SIZES)
    for axes, table in found.items():
        total = total + np.expand_dims(table, tuple(i for i in range(5) if i not in axes))
    p = np.exp(total)
    return p / p.sum()


def other_axes(clique):
    return tuple(i for i in range(5) if i not in clique)


@pytest.mark.parametrize("cliques", GRAPHS.values(), ids=GRAPHS)
def test_tables_of_a_tree_are_those_of_all_cells(cliques):
    tree, found = junction_tree(cliques, SIZES), factors(cliques)
    joint = whole(found)
    for clique, table in zip(tree.cliques, calibrated(tree, found), strict=True):
        np.testing.assert_allclose(table, joint.sum(axis=other_axes(clique)), rtol=1e-12)


@pytest.mark.parametrize("cliques", GRAPHS.values(), ids=GRAPHS)
def test_a_step_into_the_imaginary_gives_the_derivative(cliques):
    tree, found, along = junction_tree(cliques, SIZES), factors(cliques), factors(cliques, 2)
    imaginary = calibrated(tree, {axes: found[axes] + 1e-100j * along[axes] for axes in found})
    up, down = (calibrated(tree, {axes: found[axes] + h * along[axes] for axes in found}) for h in (1e-5, -1e-5))
    for exact, one, two in zip(imaginary, up, down, strict=True):
        np.testing.assert_allclose(exact.imag / 1e-100, (one - two) / 2e-5, atol=1e-9)


@pytest.mark.parametrize("cliques", GRAPHS.values(), ids=GRAPHS)
def test_columns_that_sets_share_lie_on_the_whole_path_between_them(cliques):
    tree = junction_tree(cliques, SIZES)
    assert all(any(set(c) <= set(one) for one in tree.cliques) for c in cliques)
    for column in range(5):
        holding = [place for place, one in enumerate(tree.cliques) if column in one]
        roots = [p for p in holding if tree.parents[p] < 0 or column not in tree.cliques[tree.parents[p]]]
        assert len(roots) == 1


@given(st.lists(st.sets(st.integers(0, 4), min_size=1), min_size=1, max_size=6), st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_spread_and_gathered_are_plain_sums(sets, seed):
    rng = np.random.default_rng(seed)
    given_ = {tuple(sorted(s)): rng.standard_normal([SIZES[i] for i in sorted(s)]) for s in sets}
    total = sum(np.expand_dims(table, other_axes(axes)) for axes, table in given_.items()) + np.zeros(SIZES)
    np.testing.assert_allclose(spread((0, 1, 2, 3, 4), SIZES, given_) + np.zeros(SIZES), total, atol=1e-12)
    found = gathered(total, (0, 1, 2, 3, 4), list(given_))
    assert found.keys() == given_.keys()
    for axes, table in found.items():
        np.testing.assert_allclose(table, total.sum(axis=other_axes(axes)), atol=1e-10)


@pytest.mark.parametrize("name", ["loop", "threes", "apart"])
def test_records_have_the_probabilities_of_all_cells(name):
    tree, found = junction_tree(GRAPHS[name], SIZES), factors(GRAPHS[name])
    drawn = records(tree, calibrated(tree, found), 200_000, np.random.default_rng(3))
    counts = np.bincount(np.ravel_multi_index(drawn.T, SIZES), minlength=144).reshape(SIZES)
    expected = 200_000 * whole(found)
    square = ((counts - expected) ** 2 / expected).sum()
    assert abs(square - 143) < 4 * np.sqrt(2 * 143)


def test_no_record_lies_in_a_cell_without_probability():
    tree = junction_tree([(0, 1)], (2, 3))
    table = np.array([[0.0, 0.5, 0.0], [0.0, 0.5, 0.0]])
    assert set(map(tuple, records(tree, [table], 1000, np.random.default_rng(1)))) == {(0, 1), (1, 1)}
