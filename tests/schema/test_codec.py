"""Encoding and decoding: what comes back is what went in, dtype included."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayessynth as bs
from bayessynth.errors import MissingDataError, PrecisionWarning, SchemaError
from bayessynth.schema import Column, Columns
from bayessynth.schema.decode import decode, released

INTEGERS = [f"{sign}{width}" for width in (8, 16, 32, 64) for sign in ("int", "uint", "Int", "UInt")]
STAMPS = ["2020-01-01 00:00:01.25", "1969-12-31 23:59:59", "2024-02-29 12:00", "2024-02-29 12:00"]
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6)


def round_trip(df: pd.DataFrame) -> pd.DataFrame:
    """Encode and decode a table with a schema that was itself written and read."""
    schema = bs.Schema.detect(df)
    schema.validate(df)
    assert schema.encode(df, missing="keep").n == len(df)
    again = bs.Schema.from_json(json.loads(json.dumps(schema.to_json())))
    assert again == schema
    names = [c for c in schema if schema[c].kind != "identifier"]
    encoded = again.encode(df, columns=names, missing="keep")
    for name in names:
        assert encoded.missing(name).tolist() == df[name].isna().tolist()
    return again.decode(encoded.arrays)


def assert_exact(values: Any) -> None:
    df = pd.DataFrame({"x": values})
    pd.testing.assert_frame_equal(round_trip(df), df, check_exact=True, check_freq=False)


def stamps(unit: str, zone: str | None = None, missing: bool = True) -> pd.Series:
    series = pd.Series(pd.to_datetime([*STAMPS, *([None] if missing else [])], format="mixed")).dt.as_unit(unit)
    return series if zone is None else series.dt.tz_localize(zone)


FIXED: dict[str, Any] = {
    "float32": np.array([0.1, np.nan, -7, 2.5], dtype="float32"),
    "float16": np.array([0.1, np.nan, -7, 2.5], dtype="float16"),
    "Float32": pd.array([0.1, None, -7, 2.5], dtype="Float32"),
    "Float64": pd.array([0.1, None, -7, 2.5], dtype="Float64"),
    "two floats": [1.0, 2.5, np.nan], "two of float32": np.array([1, np.nan, 2], dtype="float32"),
    "two of Int8": pd.array([1, 2, None], dtype="Int8"), "two integers": [1, 2, 1],
    "bool": [True, False, True], "boolean": pd.array([True, None, False], dtype="boolean"),
    "objects that are bool": pd.Series([True, None, False, np.nan], dtype=object),
    "objects that are text": pd.Series(["a", None, "b", "c"], dtype=object),
    "objects that are text, complete": pd.Series(["a", "b", "c"], dtype=object),
    "objects that are integers": pd.Series([1, None, 7, 3], dtype=object),
    "objects that are floats": pd.Series([1.5, np.nan, 7, 3], dtype=object),
    "objects that are whole floats": pd.Series([1.0, None, 7.0, 3.0], dtype=object),
    "one number as an object": pd.Series([1, pd.NA, 1], dtype=object),
    "string": pd.array(["a", None, "b", "c"], dtype="string"),
    "string[python]": pd.array(["a", None, "b", "c"], dtype=pd.StringDtype("python")),
    "unused categories": pd.Categorical(["b", None, "a"], categories=["b", "a", "z"]),
    "ordered categories": pd.Categorical([3, 1, None, 2], categories=[3, 2, 1, 9], ordered=True),
    "categories of floats": pd.Categorical([1.5, 2.5, 3.0]), "categories of bool": pd.Categorical([True, False, None]),
    "categories of int8": pd.Series([1, 2, 3], dtype="int8").astype("category"),
    "categories of objects": pd.Series(["a", "b", "c"], dtype=object).astype("category"),
    "one category": pd.Categorical(["a", None], categories=["a"]),
    "constant integer": [3, 3], "constant Int64": pd.array([3, None], dtype="Int64"), "constant float": [3.25, np.nan],
    "constant bool": [True, True], "constant boolean": pd.array([True, None], dtype="boolean"),
    "constant text": ["a", None], "constant object": pd.Series(["a", None], dtype=object),
    "constant time": pd.Series(pd.to_datetime(["2020-01-01 05:00", None])),
    "constant time in a zone": pd.Series(pd.to_datetime(["2020-01-01 05:00", None])).dt.tz_localize("Europe/Paris"),
    "extreme floats": [1e308, -1e308, 0.1], "tiny floats": [5e-324, 1e-320, 0.5], "minus zero": [-0.0, 1.5, -2.5],
    "days": pd.Series(pd.to_datetime(["2020-01-01", "1850-07-01", None])),
    "microseconds": pd.Series(pd.to_datetime(["2020-01-01 00:00:01.123456", "1999-12-31 23:59:59.999999"])),
    "fixed offset": pd.Series(pd.to_datetime(["2020-01-01 00:00:01+02:00", "1999-12-31 23:59:59+02:00"])),
}  # fmt: skip


@pytest.mark.parametrize("values", FIXED.values(), ids=FIXED)
def test_a_round_trip_is_exact(values: Any) -> None:
    assert_exact(values)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_come_back_at_the_ends_of_their_range(dtype: str) -> None:
    limits = np.iinfo(dtype.lower())
    cells: list[Any] = [max(limits.min, -(2**53)), min(limits.max, 2**53), 1, 5]
    assert_exact(pd.array([*cells, *([None] if dtype[0] in "UI" else [])], dtype=dtype))


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Paris", "Asia/Kolkata"])
@pytest.mark.parametrize("missing", [True, False])
def test_times_come_back(unit: str, zone: str | None, missing: bool) -> None:
    assert_exact(stamps(unit, zone, missing))


@pytest.mark.parametrize("gap", [None, np.nan, pd.NA])
@pytest.mark.parametrize("cells", [[1, 5, 7], [1.0, 5.0, 7.0], [0.5, 5.5, 7.0], ["a", "b", "c"], [True, False], ["a"]])
def test_objects_come_back_as_they_were(cells: list[Any], gap: Any) -> None:
    back = round_trip(pd.DataFrame({"x": pd.Series([*cells, gap], dtype=object)}))["x"]
    assert back.dtype == object
    assert list(back[:-1]) == cells
    assert [type(v) for v in back[:-1]] == [type(v) for v in cells]
    assert back.iloc[-1] is gap


def test_the_hour_that_clocks_repeat_comes_back() -> None:
    utc = pd.date_range("2023-10-29 00:10", periods=8, freq="30min", tz="UTC")
    for zone in ("Europe/Paris", "America/New_York", "Asia/Kolkata"):
        assert_exact(utc.tz_convert(zone))
    pyarrow = pytest.importorskip("pyarrow")
    assert_exact(pd.Series(utc).astype(pd.ArrowDtype(pyarrow.timestamp("us", "Europe/Paris"))))


def test_days_of_a_zone_begin_at_its_own_midnight() -> None:
    assert_exact(pd.date_range("2024-03-28", periods=6, tz="Europe/Paris"))
    assert_exact(pd.date_range("2023-10-27", periods=6, tz="America/Los_Angeles"))
    column = Column("x", "datetime", "datetime64[us, Asia/Tokyo]", unit="D")
    noon = pd.Timestamp("2024-05-01 11:00", tz="Asia/Tokyo")
    assert pd.Series(decode(np.array([noon.timestamp() / 86_400]), column))[0] == noon.normalize()


@pytest.mark.parametrize("dtype", ["int64", "double", "bool", "string", "timestamp[us]"])
def test_arrow_columns_come_back(dtype: str) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    cells: dict[str, list[Any]] = {
        "int64": [1, None, 5, -2], "double": [0.5, None, 5, -2], "bool": [True, None, False],
        "string": ["a", None, "b", "c"], "timestamp[us]": [*pd.to_datetime(STAMPS, format="mixed"), None],
    }  # fmt: skip
    pyarrow_type = pyarrow.timestamp("us") if dtype.startswith("timestamp") else pyarrow.type_for_alias(dtype)
    assert_exact(pd.array(cells[dtype], dtype=pd.ArrowDtype(pyarrow_type)))


def floored(unit: str, time: datetime) -> Any:
    return np.datetime64(time).astype(f"datetime64[{unit}]")


def columns() -> st.SearchStrategy[pd.Series]:
    """Return columns of every dtype, with missing cells where the dtype has any."""

    def series(cells: st.SearchStrategy[Any], dtype: Any, gaps: bool = True) -> st.SearchStrategy[pd.Series]:
        some = st.lists(st.none() | cells if gaps else cells, min_size=2, max_size=12)
        return some.map(lambda values: pd.Series(values, dtype=dtype))

    whole = [series(st.integers(np.iinfo(d.lower()).min // 2**11, np.iinfo(d.lower()).max // 2**11)
                    if d.endswith("64") else st.integers(np.iinfo(d.lower()).min, np.iinfo(d.lower()).max),
                    d, gaps=d[0] in "UI") for d in INTEGERS]  # fmt: skip
    floats = st.floats(allow_infinity=False, allow_nan=False) | st.decimals(-1000, 1000, places=2).map(float)
    real = [series(floats, d) for d in ("float64", "Float64")]
    truth = [series(st.booleans(), d) for d in ("boolean", "object")] + [series(st.booleans(), "bool", gaps=False)]
    text = [series(WORDS, d) for d in ("str", "object", "string", pd.StringDtype("python"))]
    # Days as floats hold microseconds from 1900 to 2040 and milliseconds for ever.
    times = [
        series(
            st.datetimes(datetime(first, 1, 1), datetime(last, 1, 1)).map(partial(floored, unit)), f"datetime64[{unit}]"
        )
        for unit, first, last in (("s", 1, 9999), ("ms", 1, 9999), ("us", 1900, 2040))
    ]
    levels = st.lists(WORDS, min_size=1, unique=True) | st.lists(st.integers(-9, 9), min_size=1, unique=True)
    codes = st.lists(st.integers(-1, 30), min_size=2, max_size=12)
    category = st.tuples(levels, codes, st.booleans()).map(
        lambda c: pd.Series(
            pd.Categorical.from_codes([min(k, len(c[0]) - 1) for k in c[1]], categories=c[0], ordered=c[2])
        )
    )
    return st.one_of(*whole, *real, *truth, *text, *times, category)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(columns())
def test_any_column_comes_back(series: pd.Series) -> None:
    assert_exact(series)


def test_group_labels_come_back_and_new_ones_are_written_in_their_dtype() -> None:
    df = pd.DataFrame({"ward": np.array([7, 9, 7], dtype="int8"), "site": ["b", "a", "b"], "y": [1, 2, 3]})
    schema = bs.Schema.detect(df).override(ward="group", site="group")
    encoded = schema.encode(df)
    assert encoded.levels == {"ward": (7, 9), "site": ("a", "b")}
    pd.testing.assert_frame_equal(schema.decode(encoded.arrays, labels=encoded.levels), df)
    new = schema.decode({"ward": np.array([0, 1, 0])}, labels={"ward": (1, 200)})["ward"]
    assert new.tolist() == [1, 200, 1]


def test_numbers_that_a_model_drew_are_written_within_dtype_and_kind() -> None:
    message = "Beyond what int8 can hold: column 'x', 2 of 4 rows, the first is row 0: 1000000000.0. They are set"
    with pytest.warns(PrecisionWarning, match=message):
        whole = decode(np.array([1e9, -1e9, 2.4, 2.6]), Column("x", "continuous", "int8", decimals=0))
    assert whole.tolist() == [127, -128, 2, 3]
    nullable = decode(np.array([1.2, np.nan]), Column("x", "count", "int64", decimals=0))
    assert str(nullable.dtype) == "Int64"
    share = released(np.array([0.001, 0.999, 0.26]), Column("x", "proportion", "float64", decimals=1))
    assert share.tolist() == [0.1, 0.9, 0.3]
    cost = released(np.array([0.001, 0.0]), Column("x", "positive", "float64", decimals=2, zeros=True))
    assert cost.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("dtype", "kind", "value"),
    [
        ("float32", "continuous", 1e300),
        ("Int16", "count", 1e6),
        ("int64", "count", 1e30),
        ("uint64", "count", -1.0),
        ("datetime64[ns]", "datetime", 1e6),
        ("datetime64[us]", "datetime", -1e12),
        ("datetime64[us, Europe/Paris]", "datetime", 1e12),
    ],
)
def test_values_that_a_dtype_cannot_hold_are_warned_of(dtype: str, kind: str, value: float) -> None:
    with pytest.warns(PrecisionWarning, match="column 'x', 1 of 2 rows, the first is row 0"):
        made = decode(np.array([value, 1.0]), Column("x", kind, dtype))
    assert str(made.dtype) == dtype


def test_times_that_do_not_exist_move_on() -> None:
    hours = Column("x", "datetime", "datetime64[us, Europe/Paris]", unit="h")
    drawn = pd.Timestamp("2024-03-31 01:40", tz="Europe/Paris")
    made = pd.Series(decode(np.array([drawn.timestamp() / 86_400]), hours))
    assert made[0] == pd.Timestamp("2024-03-31 03:00", tz="Europe/Paris")
    days = Column("x", "datetime", "datetime64[us, America/Sao_Paulo]", unit="D")
    drawn = pd.Timestamp("2018-11-04 03:00", tz="America/Sao_Paulo")
    made = pd.Series(decode(np.array([drawn.timestamp() / 86_400]), days))
    assert made[0] == pd.Timestamp("2018-11-04 01:00", tz="America/Sao_Paulo")


@pytest.mark.parametrize(
    ("values", "labels", "dtype"),
    [
        ([True, False], ["g_1", "g_2"], "str"),
        ([True, False], [1, 2], "int64"),
        (pd.array([True, False], dtype="boolean"), [1, 2], "Int64"),
        (np.array([1, 2], dtype="int8"), [1, 200], "int64"),
        (pd.array([1, 2], dtype="Int8"), [1, 200], "Int64"),
        ([1.5, 2.5], ["g_1", "g_2"], "str"),
    ],
)
def test_new_labels_that_the_dtype_cannot_hold_bring_their_own(values: Any, labels: list[Any], dtype: str) -> None:
    schema = bs.Schema.detect(pd.DataFrame({"g": values})).override(g="group")
    made = schema.decode({"g": np.array([0, 1, 0])}, labels={"g": labels})["g"]
    assert (made.tolist(), str(made.dtype)) == ([labels[0], labels[1], labels[0]], dtype)


def test_codes_without_a_value_are_named() -> None:
    schema = bs.Schema(x=bs.Categorical("a", "b"), g=bs.Group())
    for code in (5, -2):
        with pytest.raises(SchemaError, match=f"Codes run from 0 to 1 .* column 'x', 1 of 2 .* row 1: {code}"):
            schema.decode({"x": np.array([0, code])})
    with pytest.raises(SchemaError, match=r"Column 'g' is a group: decoding needs labels=\{'g': …\}"):
        schema.decode({"g": np.array([0])})


def test_columns_can_be_taken_by_rows() -> None:
    columns = Columns({"x": np.array([1.0, 2.0, np.nan]), "s": np.array([0, -1, 1])}, 3, {"s": ("a", "b")})
    assert columns.names == ("x", "s")
    some = columns.take(np.array([2, 0]))
    assert (some.n, some["s"].tolist(), some.missing("x").tolist(), some.levels) == (
        2, [1, 0], [True, False], {"s": ("a", "b")},
    )  # fmt: skip
    assert columns.take(np.array([True, False, True]))["s"].tolist() == [0, 1]


def test_missing_cells_are_an_error_unless_they_are_kept() -> None:
    df = pd.DataFrame({"x": [1.5, None, 2], "y": ["a", None, "b"], "z": [1, 2, 3]})
    schema = bs.Schema.detect(df)
    with pytest.raises(MissingDataError, match=r"Missing cells in 'x' \(1 of 3 rows\), 'y' \(1 of 3 rows\). Fill"):
        schema.encode(df)
    assert schema.encode(df, columns=["z"])["z"].tolist() == [1, 2, 3]
    assert schema.encode(df, missing="keep")["y"].tolist() == [0, -1, 1]


def test_decoding_keeps_the_order_of_the_schema() -> None:
    df = pd.DataFrame({"b": [1.5, 2.5, 7], "a": [1, 2, 3]})
    schema = bs.Schema.detect(df)
    assert list(schema.decode({"a": np.ones(2), "b": np.ones(2)})) == ["b", "a"]


def test_identifiers_are_not_encoded() -> None:
    df = pd.DataFrame({"key": [f"p{i}" for i in range(30)], "n": np.arange(30), "big": 2**60 + np.arange(30) * 7})
    schema = bs.Schema.detect(df)
    assert schema.encode(df).arrays == {}
    with pytest.raises(SchemaError, match=r"'key' is an identifier: .* not encoded. If they are times .*to_datetime"):
        schema.encode(df, columns=["key"])
    with pytest.raises(SchemaError, match=r"beyond 2\*\*53 are not exact: column 'big', 30 of 30 rows"):
        schema.encode(df, columns=["big"])


@pytest.mark.parametrize("name", ["pbc.csv.gz", "sd2011.csv.gz", "storms.csv.gz", "nhefs.csv.gz", "yrbss.csv.gz"])
def test_real_tables_come_back(shared_data: Path, name: str) -> None:
    df = pd.read_csv(shared_data / name, low_memory=False)
    back = round_trip(df)
    assert len(back.columns) >= 12
    pd.testing.assert_frame_equal(back, df[list(back)], check_exact=True)
