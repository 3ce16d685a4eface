"""The search of nearest records and the encoding under it, against plain definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from bayessynth.evaluation.disclosure._nearest import index, nearest
from bayessynth.evaluation.disclosure._predicates import Predicates, matches
from bayessynth.evaluation.disclosure._records import FAR, MISSING, Records, distinct, space
from tests.evaluation.disclosure.people import population, tables


def gower(a: Records, b: Records) -> np.ndarray:
    """All distances, by the definition."""
    numbers = np.minimum(np.abs(a.numbers[:, None, :] - b.numbers[None]), 1).sum(axis=2)
    return numbers + (a.codes[:, None, :] != b.codes[None]).sum(axis=2)


def records(rng: np.random.Generator, n: int, numbers: int, codes: int, levels: int = 3) -> Records:
    values = (rng.normal(size=(n, numbers)) * 8).round().astype(np.float32) / 8  # sums are exact
    values[rng.random(values.shape) < 0.1] = MISSING
    return Records(values, rng.integers(0, levels, (n, codes)).astype(np.int32))


@pytest.mark.parametrize(
    ("numbers", "codes", "levels"), [(3, 4, 3), (0, 3, 2), (4, 0, 1), (1, 1, 2), (0, 6, 4), (2, 8, 20)]
)
def test_the_nearest_record_is_that_of_all_pairs_and_the_first_of_several(numbers, codes, levels):
    rng = np.random.default_rng(numbers + 10 * codes)
    base, queries = records(rng, 400, numbers, codes, levels), records(rng, 700, numbers, codes, levels)
    every = gower(queries, base)
    distance, row = nearest(queries, index(base))
    np.testing.assert_array_equal(distance, every.min(axis=1))
    np.testing.assert_array_equal(row, every.argmin(axis=1))


def test_numbers_alone_agree_with_scipys_city_block_distance():
    rng = np.random.default_rng(3)
    a, b = (rng.uniform(0, 0.9, (50, 3)).astype(np.float32) for _ in range(2))
    none = np.empty((50, 0), dtype=np.int32)
    np.testing.assert_allclose(
        nearest(Records(a, none), index(Records(b, none)))[0], cdist(a, b, "cityblock").min(axis=1), rtol=1e-5
    )


def test_a_record_can_leave_itself_out():
    rng = np.random.default_rng(4)
    own = records(rng, 300, 2, 2)
    every = gower(own, own)
    np.fill_diagonal(every, np.inf)
    distance, row = nearest(own, index(own), np.arange(300))
    np.testing.assert_array_equal(distance, every.min(axis=1))
    assert (row != np.arange(300)).all()


def test_a_single_record_has_no_other():
    own = Records(np.zeros((1, 1), np.float32), np.zeros((1, 1), np.int32))
    distance, row = nearest(own, index(own), np.array([0]))
    assert (distance[0], row[0]) == (np.inf, -1)


def test_missing_is_equal_to_missing_and_one_apart_from_all_else():
    frame = pd.DataFrame({"x": [None, 0.0, 10.0, None], "s": ["a", "a", None, None]})
    made = space(tables(frame, frame)).original
    every = gower(made, made)
    assert np.diag(every).tolist() == [0] * 4
    assert every[0].tolist() == [0, 1, 2, 1]
    assert every[1, 2] == 2  # the whole range, and another level


def test_infinite_and_huge_numbers_stay_finite_and_present():
    frame = pd.DataFrame({"x": [*np.linspace(0, 1, 500), 1e300, np.inf, -np.inf, np.nan]})
    made = space(tables(frame, frame)).original.numbers[:, 0]
    assert np.abs(made[:-1]).max() <= FAR
    assert made[-1] == np.float32(MISSING)


def test_one_extreme_number_does_not_make_all_others_equal():
    frame = pd.DataFrame({"x": np.append(np.linspace(0, 1, 999), 1e9)})
    made = space(tables(frame, frame)).original.numbers[:, 0]
    assert made[998] - made[0] == pytest.approx(1.0, abs=0.05)


def test_every_distinct_level_is_told_apart_beyond_the_levels_of_tables_of_counts():
    frame = pd.DataFrame({"s": [f"level {i % 70}" for i in range(700)]})
    other = pd.DataFrame({"s": ["level 69", "never seen", "never seen either", None]})
    read = tables(frame, other)
    codes = distinct(read, "s")
    assert len(np.unique(codes)) == 73
    assert codes[700] == codes[69]


def test_dates_booleans_and_categories_have_a_distance():
    frame = pd.DataFrame(
        {
            "when": pd.to_datetime(["2020-01-01", "2020-07-01", None, "2021-01-01"]),
            "flag": [True, False, True, False],
            "level": pd.Categorical(["u", "v", None, "u"], categories=["v", "u", "w"]),
        }
    )
    again = frame.assign(level=frame["level"].astype(object), flag=frame["flag"].astype(str))
    made = space(tables(frame, again))
    np.testing.assert_array_equal(made.original.codes, made.copies[0].codes)
    np.testing.assert_array_equal(made.original.numbers, made.copies[0].numbers)


def test_predicates_are_counted_as_pandas_counts_them():
    frame = population(300, 1)[["age", "weight"]]
    rng = np.random.default_rng(2)
    values = frame.to_numpy(dtype=float)
    rows = rng.integers(0, 300, 200)
    chosen = Predicates(
        np.tile([0, 1], (200, 1)), np.stack([rng.integers(0, 3, 200), rng.integers(0, 3, 200)], axis=1), values[rows]
    )
    found, first = matches(chosen, values, most=10_000)
    signs = {0: "==", 1: ">=", 2: "<="}
    for p in range(200):
        (a, b), (x, y) = chosen.operators[p], chosen.values[p]
        hits = frame.query(f"age {signs[int(a)]} {x} and weight {signs[int(b)]} {y}")
        assert found[p] == len(hits)
        assert first[p] == hits.index[0]
