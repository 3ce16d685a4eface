"""What stands in leaves: shares, intervals between midpoints, heaps, grids."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bayessynth.trees.leaves import Records, grids, of_numbers, of_values


def records(leaf: list[int], weights: list[float] | None = None) -> Records:
    n = len(leaf)
    own = np.ones(n) if weights is None else np.array(weights)
    return Records(np.array(leaf), own, np.zeros((n, 0)), np.zeros((n, 0)), max(leaf) + 1)


def test_a_leaf_holds_each_value_with_its_share_of_the_weight() -> None:
    found = of_values(records([0, 0, 0, 1], [1, 2, 1, 5]), np.array([2.0, 1.0, 2.0, np.nan]))
    assert found.start.tolist() == [0, 2, 3]
    assert found.low[:2].tolist() == [1.0, 2.0]
    assert np.isnan(found.low[2])
    np.testing.assert_allclose(found.upto, [0.5, 1.0, 1.0])


def test_intervals_end_at_midpoints_and_heaps_stand_alone() -> None:
    found = of_numbers(records([0] * 5), np.array([1.0, 2.0, 5.0, 5.0, 9.0]), np.array([5.0]), 1, None)
    assert found.low.tolist() == [0.5, 1.5, 5.0, 7.0]
    assert found.high.tolist() == [1.5, 3.5, 5.0, 11.0]
    np.testing.assert_allclose(found.upto, [0.2, 0.4, 0.8, 1.0])


def test_records_that_share_an_interval_do_not_share_it_across_a_heap() -> None:
    found = of_numbers(records([0] * 5), np.array([1.0, 2.0, 5.0, 8.0, 9.0]), np.array([5.0]), 2, None)
    assert found.low.tolist() == [0.5, 5.0, 6.5]
    assert found.high.tolist() == [3.5, 5.0, 9.5]


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=40, unique=True))
def test_no_record_is_an_end_of_an_interval(values: list[float]) -> None:
    numbers = np.array(values)
    found = of_numbers(records([0] * len(values)), numbers, np.zeros(0), 1, None)
    apart = np.diff(np.sort(numbers)).min() > 1e-6
    assert not apart or not np.isin(np.concatenate([found.low, found.high])[1:-1], numbers).any()
    assert (found.low <= found.high).all()


def test_grids_are_those_on_which_numbers_are_written() -> None:
    assert grids(np.array([1200.0, 1205.0, 1207.0, 0.0]), 0).tolist() == [100.0, 5.0, 1.0, 1.0]
    np.testing.assert_allclose(grids(np.array([1.25, 1.5]), 2), [0.05, 0.5])
    assert grids(np.array([1.25]), None).tolist() == [0.0]
