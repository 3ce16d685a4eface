"""Rows as compact arrays: nothing of them is lost, and the density given them is that given the table."""

from __future__ import annotations

import numpy as np
import pytest

import bayessynth as bs
from bayessynth.design import bind, component
from bayessynth.fitting.density import Density
from bayessynth.suffstats import Counts, Rows, bind_statistics, counts
from bayessynth.suffstats.rows import compact, joined
from tests.suffstats.tables import read_in, spec, table


def rows(n: int = 5) -> Rows:
    return Rows({"y": np.arange(n) / 2.0, "sex": np.arange(n) % 2}, {"site": np.arange(n) % 3}, n)


def test_parts_of_rows_join_to_the_whole() -> None:
    whole = rows()
    parts = joined([whole.take(np.array([0, 1])), whole.take(np.array([2])), whole.take(np.array([3, 4]))])
    for name, values in whole.arrays.items():
        np.testing.assert_array_equal(parts.arrays[name], values)
    assert (whole.take(np.arange(2)) + whole.take(np.arange(2, 5))).n == 5
    assert whole.exact and whole.weights is None and whole.rows() is whole


def test_labels_are_recoded() -> None:
    again = rows().recoded({"site": np.array([2, 0, 1])})
    assert again.groups["site"].tolist() == [2, 0, 1, 2, 0]
    assert again.columns is not None and again.columns["y"].tolist() == rows().columns["y"].tolist()


@pytest.mark.parametrize(
    ("largest", "dtype"), [(127, "int8"), (128, "int16"), (40_000, "int32"), (2**31, "int64"), (-129, "int16")]
)
def test_whole_numbers_take_the_least_room(largest: int, dtype: str) -> None:
    values = np.array([0, largest, -1])
    assert compact(values).dtype == dtype
    np.testing.assert_array_equal(compact(values), values)


def test_the_size_is_that_of_the_arrays() -> None:
    assert rows().size == 3 * 5 * 8
    assert Rows({}, {}, 0).size == 0


@pytest.mark.parametrize("size", [50, 333, 600])
@pytest.mark.parametrize("column", ["visits", "stage", "share", "x"])
def test_the_density_given_the_statistics_is_that_given_the_rows(
    column: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counts, "FEW", 30)
    frame = table()
    with read_in(size):
        found = spec().sufficient_statistics(frame, schema=bs.Schema.detect(frame))
    kinds = {c: type(part.statistic) for c, part in found.parts.items()}
    assert kinds["x"] is Rows and kinds["stage"] is Counts
    own, reference = Density(bind_statistics(found).inputs[column].expanded()), Density(rows_of(frame, column))
    rng = np.random.default_rng(1)
    for _ in range(3):
        theta = 0.3 * rng.standard_normal(reference.parameters.size)
        (value, slope), (expected, gradient) = own(theta), reference(theta)
        assert value == pytest.approx(expected, rel=1e-8)
        np.testing.assert_allclose(slope, gradient, rtol=1e-8, atol=1e-8)


def rows_of(frame, column):
    return component(*bind(spec(), frame), column)
