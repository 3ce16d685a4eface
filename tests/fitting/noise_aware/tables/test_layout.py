from itertools import combinations

import numpy as np
import pytest

from bayessynth.errors import FitError
from bayessynth.fitting.noise_aware.tables.layout import contrasts, layout_of, sums_of
from bayessynth.privacy import NoisyMarginals

CELLS = {"a": ("0", "1"), "b": ("x", "y", "z"), "c": ("0", "1", "2", "3")}


def noisy(cliques, variance, seed, n=None):
    rng = np.random.default_rng(seed)
    counts = tuple(rng.normal(50, 10, [len(CELLS[c]) for c in clique]) for clique in cliques)
    return NoisyMarginals(tuple(cliques), CELLS, counts, variance, n)


def least_squares(tables):
    """Return the weighted least-squares estimate of total and contrasts from all cells, and its variances."""
    layout = sums_of(tables).layout
    rows, values, weights = [], [], []
    for one in tables:
        for clique, counts in zip(one.cliques, one.counts, strict=True):
            axes = [layout.columns.index(c) for c in clique]
            for cell in np.ndindex(counts.shape):
                row = np.zeros(1 + layout.size)
                row[0] = 1 / counts.size
                for effect, own in layout.effects.items():
                    if set(effect) <= set(axes):
                        product = np.ones(1)
                        for i in effect:
                            product = np.kron(product, contrasts(layout.sizes[i])[cell[axes.index(i)]])
                        left = [layout.sizes[i] for i in axes if i not in effect]
                        row[1:][own] = product / np.prod(left)
                rows.append(row)
                values.append(counts[cell])
                weights.append(1 / one.variance)
    x, w = np.array(rows), np.array(weights)
    covariance = np.linalg.inv((x.T * w) @ x)
    return covariance @ (x.T * w) @ np.array(values), covariance


def test_sums_are_the_least_squares_estimate_from_all_cells():
    tables = [noisy([("a",), ("c",)], 4.0, 1), noisy([("b", "a"), ("b", "c"), ("a", "c")], 25.0, 2)]
    found = sums_of(tables)
    estimate, covariance = least_squares(tables)
    np.testing.assert_allclose([found.total, *found.values], estimate, rtol=1e-10)
    np.testing.assert_allclose([found.total_variance, *found.variances], np.diag(covariance), rtol=1e-10)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 1e-10


def test_a_public_number_of_rows_carries_no_noise():
    found = sums_of([noisy([("a", "b")], 4.0, 1, n=300)])
    assert (found.total, found.total_variance) == (300.0, 0.0)


def test_moments_and_features_are_the_same_contrasts():
    layout = layout_of(tuple(CELLS), tuple(CELLS.values()), [(0, 1), (1, 2)])
    rng = np.random.default_rng(1)
    codes = np.column_stack([rng.integers(0, size, 500) for size in layout.sizes])
    tables = {}
    for clique in layout.cliques:
        shape = [layout.sizes[i] for i in clique]
        place = np.ravel_multi_index(codes[:, clique].T, shape)
        tables[clique] = np.bincount(place, minlength=np.prod(shape)).reshape(shape).astype(float)
    np.testing.assert_allclose(layout.moments(tables), layout.features(codes).sum(axis=0), atol=1e-3)


def test_factors_give_the_log_probability_that_features_give():
    layout = layout_of(tuple(CELLS), tuple(CELLS.values()), [(0, 1, 2)])
    effects = np.random.default_rng(1).standard_normal(layout.size)
    codes = np.column_stack(np.unravel_index(np.arange(24), layout.sizes))
    total = sum(table[tuple(codes[:, axes].T)] for axes, table in layout.factors(effects).items())
    np.testing.assert_allclose(total, layout.features(codes) @ effects, atol=1e-5)
    assert list(layout.effects) == [axes for k in (1, 2, 3) for axes in combinations(range(3), k)]


def test_tables_of_different_domains_are_refused():
    other = NoisyMarginals((("a",),), {"a": ("0", "1", "2")}, (np.ones(3),), 1.0, None)
    with pytest.raises(FitError, match=r"Column 'a' has 2 cells in one release .* and 3 or others"):
        sums_of([noisy([("a",)], 1.0, 1), other])
