"""What stands in leaves: shares, intervals between midpoints, heaps, grids."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

import bayessynth as bs
from bayessynth.trees.leaves import Leaves, Records, grids, of_numbers, of_values


def records(leaf: list[int], weights: list[float] | None = None) -> Records:
    n = len(leaf)
    own = np.ones(n) if weights is None else np.array(weights)
    return Records(np.array([leaf]), own, np.zeros((n, 0)), np.zeros((n, 0)), max(leaf) + 1)


def test_a_leaf_holds_each_value_with_its_share_of_the_weight() -> None:
    found = of_values(records([0, 0, 0, 1], [1, 2, 1, 5]), np.array([2.0, 1.0, 2.0, np.nan]))
    assert found.start.tolist() == [0, 2, 3]
    assert found.low[:2].tolist() == [1.0, 2.0]
    assert np.isnan(found.low[2])
    np.testing.assert_allclose(found.upto, [0.5, 1.0, 1.0])


def numbers(leaf: list[int], values: list[float], heaps: list[float], interval: int = 2) -> Leaves:
    rng = np.random.default_rng(1)
    known, plain = np.array(heaps, dtype=float), np.zeros(len(values))
    return of_numbers(records(leaf), np.array(values), known, interval, plain, rng)


def test_intervals_end_between_neighbours_and_heaps_stand_alone() -> None:
    found = numbers([0] * 6, [1.0, 2.0, 3.0, 6.0, 6.0, 10.0], [6.0])
    np.testing.assert_allclose(found.upto, [2 / 6, 3 / 6, 5 / 6, 1.0])
    assert 2.25 <= found.high[0] <= 2.75
    assert found.low[2] == found.high[2] == 6.0
    assert 7.0 <= found.low[3] <= 9.0
    assert found.high[3] > 10.0


def test_equal_numbers_are_never_parted() -> None:
    found = numbers([0] * 5, [1.0, 2.0, 2.0, 2.0, 3.0], [])
    assert not np.isin(np.concatenate([found.low, found.high]), [1.0, 2.0, 3.0]).any()


def test_a_number_alone_in_its_leaf_is_hidden() -> None:
    found = numbers([0], [1234.5], [])
    assert found.low[0] < 1234.5 < found.high[0]
    assert (found.low[0] + found.high[0]) / 2 != 1234.5


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=40))
def test_no_record_is_an_end_of_an_interval(values: list[int]) -> None:
    found = numbers([0] * len(values), [float(v) for v in values], [])
    assert not np.isin(np.concatenate([found.low, found.high]), values).any()
    assert (found.low < found.high).all()
    assert (found.low[1:] >= found.high[:-1] - 1e-6).all()


def test_grids_are_those_on_which_numbers_are_written() -> None:
    assert grids(np.array([1200.0, 1205.0, 1207.0, 0.0]), 0).tolist() == [100.0, 5.0, 1.0, 1.0]
    np.testing.assert_allclose(grids(np.array([1.25, 1.5]), 2), [0.05, 0.5])
    assert grids(np.array([1.25]), None).tolist() == [0.0]


def test_no_number_leaves_its_kind() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({
        "bili": np.maximum(rng.gamma(0.4, 1, 600), 0.1).round(1),
        "share": rng.beta(0.3, 0.3, 600).clip(0.001, 0.999).round(3),
        "rate": rng.gamma(0.2, 1, 600) + 1e-6, "visits": rng.poisson(1, 600), "x": rng.normal(size=600),
    })  # fmt: skip
    schema = bs.Schema.detect(frame)
    assert [c.kind for c in schema.values()] == ["positive", "proportion", "positive", "count", "continuous"]
    for copy in bs.synthesize(frame, m=3, k=5000, random_seed=1):
        assert copy["bili"].min() > 0 and copy["rate"].min() > 0 and copy["visits"].min() == 0
        assert copy["share"].min() > 0 and copy["share"].max() < 1
        # Tails still end beyond the records where the kind has no end.
        assert copy["bili"].max() > 1


def test_declared_bounds_hold_in_trees() -> None:
    frame = pd.DataFrame({"x": np.random.default_rng(1).uniform(0, 10, 300).round(2)})
    schema = bs.Schema.detect(frame).override(x=bs.Continuous(bounds=(0, 10), decimals=2))
    copy = bs.synthesize(frame, m=1, k=20_000, schema=schema, random_seed=1)[0]
    assert copy["x"].between(0, 10).all()
