"""Columns of dtypes and objects that stand for numbers, times or levels."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayessynth as bs
from bayessynth.errors import FormatWarning, SchemaError
from bayessynth.schema.formats import format as registry
from bayessynth.schema.formats import from_json, registered
from tests.schema.formats.cases import assert_exact, back, column_of, new

ROME = "Europe/Rome"


def objects(*cells: Any) -> pd.Series:
    return pd.Series(list(cells), dtype=object)


def times(*texts: str) -> pd.Series:
    return pd.Series(pd.to_datetime(list(texts)))


EXACT: dict[str, tuple[Any, str]] = {
    "days": (pd.to_timedelta(["1 day", "3 days", None, "7 days"]), "count"),
    "nanoseconds": (pd.Series(pd.to_timedelta([1, 2, 3], unit="ns")), "count"),
    "half hours": (pd.to_timedelta(["90 min", "-30 min", "3 h"]), "continuous"),
    "timedelta objects": (objects(dt.timedelta(1), dt.timedelta(2), None, dt.timedelta(5)), "count"),
    "Timedelta objects": (objects(pd.Timedelta(1, "D"), pd.Timedelta(2, "D"), pd.Timedelta(5, "D")), "count"),
    "one span": (pd.to_timedelta(["1 day", "1 day"]), "constant"),
    "two": (pd.to_timedelta(["1 day", "2 days"]), "binary"),
    "months": (pd.Series(pd.period_range("2020-01", periods=4, freq="M")), "datetime"),
    "quarters": (pd.Series(pd.PeriodIndex(["2020Q1", None, "2021Q3", "2021Q4"], freq="Q")), "datetime"),
    "years": (pd.Series(pd.PeriodIndex(["2020", "2021", "2025"], freq="Y")), "datetime"),
    "one year": (pd.Series(pd.PeriodIndex(["2020", "2020"], freq="Y")), "constant"),
    "Decimal": (objects(Decimal("1.50"), None, Decimal("2.25"), Decimal("-7.00")), "continuous"),
    "whole Decimal": (objects(Decimal(1), Decimal(2), Decimal(30)), "count"),
    "one Decimal": (objects(Decimal("1.5"), Decimal("1.5")), "constant"),
    "date": (objects(dt.date(2020, 1, 1), None, dt.date(1900, 5, 5), dt.date(2020, 1, 3)), "datetime"),
    "datetime": (objects(dt.datetime(2020, 1, 1, 5), None, dt.datetime(1900, 5, 5)), "datetime"),
    "time": (objects(dt.time(5, 30), dt.time(6), dt.time(23, 59, 59)), "datetime"),
    "Timestamp": (objects(pd.Timestamp("2020-01-01 05:00"), pd.NaT, pd.Timestamp("2020-01-02")), "datetime"),
    "Timestamp in a zone": (objects(*(pd.Timestamp(f"2020-0{m}-01", tz=ROME) for m in (1, 7))), "datetime"),
    "sparse": (pd.Series([0, 0, 3, 0, 5], dtype="Sparse[int64, 0]"), "count"),
    "sparse floats": (pd.Series([np.nan, np.nan, 3.5, 1, 5], dtype="Sparse[float64]"), "positive"),
    "sparse truth": (pd.Series([False, True, False], dtype="Sparse[bool]"), "binary"),
    "sparse ones": (pd.Series(pd.arrays.SparseArray([1, 1, 0], fill_value=1)), "binary"),
    "bins": (pd.cut([1, 2, 3, 4, 9, np.nan], 3), "ordinal"),
    "two bins": (pd.Series(pd.qcut([1, 2, 3, 4], 2)), "binary"),
    "intervals": (pd.Series(pd.arrays.IntervalArray.from_breaks([0, 1, 2, 3])), "categorical"),
    "categories of times": (times("2020-01-01", "2021-01-01", "2022-05-05").astype("category"), "categorical"),
    "categories of zoned times": (
        times("2020-01-01", "2021-01-01", "2022-05-05").dt.tz_localize(ROME).astype("category"), "categorical"),
    "categories of periods": (
        pd.Series(pd.period_range("2020", periods=4, freq="M")).astype("category"), "categorical"),
    "integers and a dash": (objects(1, 2, "-", 7), "count"),
    "floats and n/a": (objects(0.5, 2.5, "n/a", 7.25), "positive"),
    "1 and '1'": (objects(1, "1", "a", 2.5, None, True), "categorical"),
    "1, 1.0 and True": (objects(1, True, 1.0, "1", False, 0), "categorical"),
    "1 or a": (objects(1, "a", 1, "a"), "binary"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::bayessynth.errors.FormatWarning")
@pytest.mark.parametrize("name", EXACT)
def test_odd_columns_come_back(name: str) -> None:
    values, kind = EXACT[name]
    assert column_of(values).kind == kind
    assert_exact(values)


def test_arrow_columns_come_back() -> None:
    pa = pytest.importorskip("pyarrow")
    text = pd.ArrowDtype(pa.string())
    columns = {
        "decimal": (["1.50", None, "2.25", "-7.00"], pa.decimal128(8, 2), Decimal, "continuous"),
        "date": (["2020-01-01", None, "1900-05-05"], pa.date32(), dt.date.fromisoformat, "datetime"),
        "time": (["05:30", "06:00", None, "23:59"], pa.time64("us"), dt.time.fromisoformat, "datetime"),
        "span": ([1, None, 3, 4], pa.duration("s"), dt.timedelta, "count"),
        "text": (["1,234.5", "2.0", "7.5", None], pa.string(), str, "positive"),
        "large text": (["a", "b", None, "c"], pa.large_string(), str, "categorical"),
    }
    for cells, own, make, kind in columns.values():
        values = pd.array([None if cell is None else make(cell) for cell in cells], dtype=pd.ArrowDtype(own))
        assert column_of(values).kind == kind
        assert_exact(values)
    assert_exact(pd.Series(["a", "b", "c"], dtype=text).astype(pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))))


@pytest.mark.parametrize(
    ("values", "drawn", "expected"),
    [
        (pd.to_timedelta(["1 day", "3 days", "7 days"]), [2.4], [pd.Timedelta(2, "D")]),
        (EXACT["months"][0], [18262 + 40.5], [pd.Period("2020-02", "M")]),
        (EXACT["Decimal"][0], [2.126, np.nan], [Decimal("2.13"), None]),
        (EXACT["date"][0], [18262.7], [dt.date(2020, 1, 2)]),
        (EXACT["time"][0], [0.5], [dt.time(12)]),
        (EXACT["sparse"][0], [2.2], [2]),
        (objects(1, 2, "-", 7), [3, np.nan], [3, "-"]),
    ],
)
@pytest.mark.filterwarnings("ignore::bayessynth.errors.FormatWarning")
def test_new_values_are_written_alike(values: Any, drawn: list[float], expected: list[Any]) -> None:
    assert new(values, drawn) == expected


ALL_MISSING: dict[str, Any] = {
    "float": [np.nan] * 3, "object": objects(None, None), "NA": objects(pd.NA, pd.NA),
    "str": pd.Series([None] * 2, dtype="str"),
    "string": pd.array([None] * 2, dtype="string"), "Int64": pd.array([None] * 2, dtype="Int64"),
    "boolean": pd.array([None] * 2, dtype="boolean"), "category": pd.Categorical([None] * 2, categories=["a", "b"]),
    "no category": pd.Categorical([None] * 2), "time": pd.to_datetime([None] * 2),
    "float32": np.full(2, np.nan, "float32"),
    "zone": pd.Series(pd.to_datetime([None] * 2)).dt.tz_localize("UTC"),
    "span": pd.Series([pd.NaT] * 2, dtype="m8[us]"),
    "month": pd.Series([pd.NaT] * 2, dtype="period[M]"), "sparse": pd.Series([np.nan] * 2, dtype="Sparse[float64]"),
    "bins": pd.cut([np.nan, np.nan], [0, 1, 2]),
}  # fmt: skip


@pytest.mark.parametrize("values", ALL_MISSING.values(), ids=ALL_MISSING)
def test_a_column_without_values_is_constant(values: Any) -> None:
    column = column_of(values)
    assert (column.kind, column.value, column.missing) == ("constant", None, True)
    pd.testing.assert_series_equal(back(values), pd.Series(values, name="x"))
    made = bs.Schema.detect(pd.DataFrame({"x": values})).decode({"x": np.zeros(3)})["x"]
    assert made.isna().all()


def test_what_a_column_without_values_holds_later_is_named() -> None:
    schema = bs.Schema.detect(pd.DataFrame({"x": [None, None], "y": [1, 2]}))
    schema.validate(pd.DataFrame({"x": [None, None], "y": [1, 2]}))
    with pytest.raises(SchemaError, match="All cells were missing, but some hold values: column 'x', 1 of 2 rows"):
        schema.validate(pd.DataFrame({"x": [None, "a"], "y": [1, 2]}))


def test_constants_with_missing_cells_come_back() -> None:
    for values in (["a", None], [3.25, np.nan], objects(1, pd.NA, 1), pd.to_timedelta(["1 day", None]), ["5%", None]):
        assert column_of(values).kind == "constant"
        assert_exact(values)


def test_what_is_not_kept_is_told_of() -> None:
    zones = objects(*(pd.Timestamp("2020-01-01", tz=zone) for zone in (ROME, "UTC", "Asia/Tokyo")))
    with pytest.warns(FormatWarning, match=r"times are of several zones; they are written back in UTC\+01:00, at the"):
        schema = bs.Schema.detect(pd.DataFrame({"x": zones}))
    assert (schema.decode(schema.encode(pd.DataFrame({"x": zones})).arrays)["x"] == zones).all()
    kinds = objects(dt.date(2020, 1, 1), dt.date(2020, 1, 2), dt.datetime(2020, 1, 3))
    with pytest.warns(FormatWarning, match="it holds date and datetime objects; all are written back as date"):
        bs.Schema.detect(pd.DataFrame({"x": kinds}))
    long = objects(Decimal("0.12345678901234567890"), Decimal("0.5"), Decimal("0.25"))
    with pytest.warns(FormatWarning, match="1 of 3 numbers have more digits than are kept, as 0.12345678901234567890"):
        bs.Schema.detect(pd.DataFrame({"x": long}))
    with pytest.warns(FormatWarning, match=r"among numbers, '-' \(1 of 4 cells\) are taken for missing cells"):
        bs.Schema.detect(pd.DataFrame({"x": objects(1, 2, "-", 7)}))


def test_many_numbers_and_words_as_objects_are_refused() -> None:
    message = (
        r"Column 'x' holds numbers and text: 62 distinct values, such as 0, and 2 that are no numbers, '<5', 'unknown'"
        r". Make missing cells of these, df\['x'\] = pd.to_numeric\(df\['x'\], errors='coerce'\), .* by pd.cut"
    )
    with pytest.raises(SchemaError, match=message):
        column_of(objects(*range(60), "<5", "unknown"))


def test_overrides_of_columns_with_a_format() -> None:
    df = pd.DataFrame(
        {"x": pd.to_timedelta([1, 3, 3, 9], unit="D"), "t": objects(*(dt.date(2020, 1, d) for d in (1, 2, 2, 9)))}
    )
    schema = bs.Schema.detect(df)
    for kind in ("continuous", "categorical", "ordinal"):
        other = schema.override(x=kind)
        pd.testing.assert_frame_equal(other.decode(other.encode(df).arrays), df)
    assert schema.override(x="categorical")["x"].levels == (1, 3, 9)
    assert schema.override(t="datetime")["t"] == schema["t"]


SPANS = st.integers(-(10**9), 10**9).map(lambda s: pd.Timedelta(s, "s"))
AMOUNTS = st.integers(-(10**9), 10**9).map(lambda cents: Decimal(cents) / 100)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.one_of(
        st.lists(st.none() | st.dates(), min_size=2, max_size=9).map(lambda v: objects(*v)),
        st.lists(st.none() | AMOUNTS, min_size=2, max_size=9).map(lambda v: objects(*v)),
        st.lists(st.none() | SPANS, min_size=2, max_size=9).map(lambda v: pd.Series(v, dtype="timedelta64[us]")),
        st.lists(
            st.none() | st.integers(-9, 9) | st.text("ab1", max_size=2) | st.booleans(), min_size=2, max_size=9
        ).map(lambda v: objects(*v)),
    )
)
@pytest.mark.filterwarnings("ignore::bayessynth.errors.FormatWarning")
def test_any_objects_come_back(series: pd.Series) -> None:
    assert back(series).tolist() == series.tolist() or series.isna().any()
    pd.testing.assert_series_equal(back(series), series, check_names=False)


@pytest.mark.parametrize("name", sorted(registered()))
def test_every_format_is_written_as_json(name: str) -> None:
    form = registered()[name]()
    assert from_json(form.to_json()) == form
    assert form.find(pd.Series([0.5, 1.5])) is None
    with pytest.raises(SchemaError, match=f"A format '{name}' has no 'odd'"):
        from_json({"name": name, "odd": 1})


def test_unknown_and_doubled_formats_are_refused() -> None:
    with pytest.raises(SchemaError, match=r"There is no format 'numbr'\. Did you mean 'number'"):
        from_json({"name": "numbr"})
    with pytest.raises(ValueError, match="A format 'number' is already registered: Number"):
        registry.register(registered()["number"])
