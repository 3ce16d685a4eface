"""Cells: each is read by itself, whatever dtype the others give the column."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayessynth.privacy.cells import codes, names, numbers, spelled


class Rude:
    """A cell that neither prints nor compares."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __hash__(self) -> int:
        return hash(0)

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")


ODD = st.one_of(
    st.none(), st.integers(), st.floats(), st.booleans(), st.text(max_size=4), st.dates(), st.datetimes(),
    st.binary(max_size=2), st.sampled_from([
        pd.NA, pd.NaT, [1], {}, 10**400, 10**5000, Rude(), Decimal("sNaN"), 1j, np.float32(0.1), np.float32("nan"),
        np.bool_(True), pd.Timedelta(1),
    ]),
)  # fmt: skip


@pytest.mark.parametrize(
    "series",
    [
        pd.Series([1, 2, 3]), pd.Series([1.5, np.nan, -np.inf]), pd.Series([True, False]),
        pd.Series([2**63 - 1, -(2**63)]), pd.Series([2**64 - 1], dtype="uint64"), pd.Series([1, None], dtype="Int64"),
        pd.Series([1.5, None], dtype="Float32"), pd.Series([True, None], dtype="boolean"),
        pd.Series([1, None], dtype="int64[pyarrow]"), pd.Series([0.1, 2], dtype="float32"),
        pd.Series([1, 2, None], dtype="category"), pd.Series(pd.to_datetime(["2020-01-01", None])),
        pd.Series(pd.to_timedelta([1, 2], unit="D")), pd.Series(["1", "x", None]), pd.Series([1j]),
        pd.Series(["1", "2"], dtype="category"), pd.Series([], dtype="float64"), pd.Series([], dtype="object"),
    ],
    ids=lambda s: str(s.dtype),
)  # fmt: skip
def test_a_column_reads_as_the_same_cells_one_by_one(series: pd.Series) -> None:
    alone = series.astype(object)
    np.testing.assert_array_equal(numbers(series), numbers(alone))
    levels = (1, 2, True, "x")[:3:2] if series.dtype == bool else (1, 2, "x")
    np.testing.assert_array_equal(codes(series, levels), codes(alone, levels))
    np.testing.assert_array_equal(names(series), names(alone))


@given(st.lists(ODD, max_size=5), ODD)
@settings(max_examples=50)
def test_an_odd_cell_changes_no_other_and_raises_and_warns_for_none(cells: list[Any], odd: Any) -> None:
    def column(content: list[Any]) -> pd.Series:
        series = pd.Series([None] * len(content), dtype=object)
        for i, cell in enumerate(content):
            series.iat[i] = cell
        return series

    levels = (0, "a", True, 1.5)
    with_odd, without = column([*cells, odd]), column(cells)
    np.testing.assert_array_equal(numbers(with_odd)[:-1], numbers(without))
    np.testing.assert_array_equal(codes(with_odd, levels)[:-1], codes(without, levels))
    np.testing.assert_array_equal(names(with_odd)[:-1], names(without))


def test_levels_are_found_by_value_and_by_spelling() -> None:
    cells = pd.Series(["1", 1, 1.0, True, " 1 ", "01", "1.0", 2, None, np.nan, pd.NA, [1], "f"], dtype=object)
    assert codes(cells, (1, "f")).tolist() == [0, 0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, 1]
    # Two levels that are spelled alike are told apart by value only.
    assert codes(cells, ("1", "01")).tolist() == [0, -1, -1, -1, -1, 1, -1, -1, -1, -1, -1, -1, -1]


def test_spelling_of_large_and_broken_numbers() -> None:
    assert [spelled(v) for v in (1e300, np.inf, 0.1, np.float32(0.5), 10**400)][1:4] == ["inf", "0.1", "0.5"]
    assert spelled(float("nan")) is None and spelled("nan") == "nan" and spelled("") is None
