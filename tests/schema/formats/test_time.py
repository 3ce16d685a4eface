"""Dates and times that stand as text."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayessynth as bs
from bayessynth.errors import FormatWarning, SchemaError
from bayessynth.schema.formats.clock import parse, show
from tests.schema.formats.cases import assert_exact, back, column_of, new

DAY = pd.Timestamp("2021-03-04 17:08:09.25").timestamp() / 86_400
# Texts, their pattern, and how 2021-03-04 17:08:09.25 in UTC is written.
FORMS: dict[str, tuple[list[str | None], str, str]] = {
    "ISO": (["2020-01-31", "2020-02-01", None, "1899-12-31"], "%Y-%m-%d", "2021-03-05"),
    "month first": (["1/31/2020", "2/1/2020", "12/31/1999"], "%-m/%-d/%Y", "3/5/2021"),
    "day first": (["31/01/2020", "02/01/2020", "12/03/1999"], "%d/%m/%Y", "05/03/2021"),
    "points": (["1.2.2020", "13.2.2020", "28.12.2020"], "%-d.%-m.%Y", "5.3.2021"),
    "slashes": (["2020/01/31", "2020/02/01", "1999/12/31"], "%Y/%m/%d", "2021/03/05"),
    "words": (["12 Jan 2020", "1 May 2020", "3 Feb 2021"], "%-d %b %Y", "5 Mar 2021"),
    "long words": (["May 5, 2020", "June 12, 2020", "July 1, 2020"], "%B %-d, %Y", "March 5, 2021"),
    "capitals": (["12-JAN-20", "01-MAY-99", "03-FEB-21"], "%d-%^b-%y", "05-MAR-21"),
    "small": (["12jan2020", "01may2020", "03feb2021"], "%d%_b%Y", "05mar2021"),
    "minutes": (["1/31/2020 13:05", "2/1/2020 1:05", "3/1/2020 1:06"], "%-m/%-d/%Y %-H:%M", "3/4/2021 17:08"),
    "halves of days": (["2020-01-31 5:05:06 pm", "2020-01-31 12:00:06 am", "2020-01-30 12:00:00 pm"],
                       "%Y-%m-%d %-I:%M:%S %_p", "2021-03-04 5:08:09 pm"),
    "a T": (["2020-01-31T05:30:00", "2020-02-01T00:00:00", "2020-02-01T00:00:01"], "%Y-%m-%dT%H:%M:%S",
            "2021-03-04T17:08:09"),
    "UTC": (["2020-01-31T05:30:00Z", "2020-02-01T00:00:00Z", "2020-02-01T00:00:01Z"], "%Y-%m-%dT%H:%M:%SZ",
            "2021-03-04T17:08:09Z"),
    "an offset": (["2020-01-31T05:30:00+02:00", "2020-02-01T00:00:00+02:00", "2020-02-01T00:00:01+02:00"],
                  "%Y-%m-%dT%H:%M:%S%:z", "2021-03-04T19:08:09+02:00"),
    "a zone": (["2020-01-31 05:30:00+0100", "2020-07-01 00:00:00+0200", "2020-02-01 00:00:01+0100"],
               "%Y-%m-%d %H:%M:%S%z", "2021-03-04 18:08:09+0100"),
    "fractions": (["2020-01-31 05:30:00.125", "2020-01-31 05:30:01.000", "2020-01-31 05:30:02.999"],
                  "%Y-%m-%d %H:%M:%S.%3", "2021-03-04 17:08:09.250"),
    "times of day": (["05:30", "06:45", "23:59"], "%H:%M", "17:08"),
    "months": (["2020-01", "2020-02", "2021-12"], "%Y-%m", "2021-03"),
    "months in words": (["Jan 2020", "May 2020", "Feb 2021"], "%b %Y", "Mar 2021"),
    "a code for missing cells": (["2020-01-31", "?", "2020-02-01", "1999-12-31"], "%Y-%m-%d", "2021-03-05"),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["str", "object", "string"])
@pytest.mark.parametrize("name", FORMS)
def test_text_comes_back_and_new_times_are_written_alike(name: str, dtype: Any) -> None:
    texts, pattern, expected = FORMS[name]
    series = pd.Series(texts, dtype=dtype)
    column = column_of(series)
    assert column.kind == "datetime"
    assert getattr(column.format, "pattern", None) == pattern
    assert_exact(series)
    assert new(series, [DAY]) == [expected]


@pytest.mark.parametrize(
    "texts",
    [["2020-02-30", "2020-01-01", "2020-01-02"], ["2013-11-05", "2013-11", "2013"], ["24:30", "05:30", "06:30"],
     ["2020-01-01", "soon", "2020-01-02"], ["32/01/2020", "13/13/2020", "01/01/2020"]],
)  # fmt: skip
def test_text_that_is_no_time_is_levels(texts: list[str]) -> None:
    column = column_of(texts)
    assert (column.kind, column.format) == ("categorical", None)
    assert_exact(texts)


def test_dates_in_both_orders_are_no_times() -> None:
    texts = [f"{day}/1/2020" for day in range(13, 31)] + [f"1/{day}/2021" for day in range(13, 31)]
    assert column_of(texts).format is None
    assert_exact(texts + texts)


def test_an_ambiguous_order_is_told_of() -> None:
    message = (
        "Column 'x': '01/02/2020' may be written '%m/%d/%Y' or '%d/%m/%Y', and so may all others; it is read by the "
        r"first. Where that is wrong, convert the column first: pd.to_datetime\(…, dayfirst=True\)"
    )
    df = pd.DataFrame({"x": ["01/02/2020", "02/03/2020", "03/04/2020"]})
    with pytest.warns(FormatWarning, match=message):
        schema = bs.Schema.detect(df)
    assert schema.plain(df)["x"].dt.month.tolist() == [1, 2, 3]


def test_times_in_several_ways_come_back_by_the_shortest() -> None:
    texts = [f"2020-01-{day:02d}" for day in range(1, 20)] + ["2020-01-05T10:30", "2020-01-06T00:01"]
    assert_exact(texts)
    seconds = [f"2020-01-05 10:30:{second:02d}" for second in range(40)] + ["2020-01-05 10:30:07.250000"]
    assert_exact(seconds)
    assert column_of(texts[-4:]).kind == "categorical"


def test_partial_dates_are_read_as_the_middle_of_what_they_leave_open() -> None:
    """As in tables of clinical trials (CDISC SDTM), where a patient may remember no more than the year."""
    texts = pd.date_range("2012-01-01", periods=60, freq="11D").strftime("%Y-%m-%d").tolist()
    series = pd.Series([*texts, "2013-02", "1987", None])
    with pytest.warns(FormatWarning, match=r"2 of 62 distinct ones change, as '2013-02' to '2013-02-15'"):
        column = bs.Schema.detect(pd.DataFrame({"x": series}))["x"]
    assert column.kind == "datetime" and column.unit == "D" and column.format is not None
    read = column.format.read(series)
    assert read.iloc[-3:-1].tolist() == [pd.Timestamp("2013-02-15"), pd.Timestamp("1987-07-01")]
    assert column.format.write(read).tolist()[:60] == texts


def test_years_alone_are_numbers() -> None:
    assert column_of(["2012", "2013", "1987"] * 9).kind == "count"


def test_times_that_do_not_come_back_are_told_of() -> None:
    texts = [f"2020-01-{day:02d}" for day in range(1, 25)] + ["2020-02"]
    message = "its times are not all written alike: 1 of 25 distinct ones change, as '2020-02' to '2020-02-15'. To keep"
    with pytest.warns(FormatWarning, match=message):
        bs.Schema.detect(pd.DataFrame({"x": texts}))
    odd = ["2020-01-31 05:30:00+07:00", "2020-01-31 06:30:00+01:00", "2020-05-31 05:30:01+02:00"]
    with pytest.warns(FormatWarning, match=r"offsets that no one zone has; they are written back in UTC\+07:00"):
        schema = bs.Schema.detect(pd.DataFrame({"x": odd}))
    made = schema.decode(schema.encode(pd.DataFrame({"x": odd})).arrays)["x"]
    assert [pd.Timestamp(a) for a in made] == [pd.Timestamp(b) for b in odd]


def test_cells_that_are_written_otherwise_are_named() -> None:
    schema = bs.Schema.detect(pd.DataFrame({"x": ["31.1.2020", "1.2.2020", "2.2.2020"]}))
    message = "Not a time written like '31.1.2020': column 'x', 1 of 2 rows, the first is row 1: '2020-02-01'. Mend"
    with pytest.raises(SchemaError, match=message):
        schema.encode(pd.DataFrame({"x": ["5.2.2020", "2020-02-01"]}))
    assert schema.encode(pd.DataFrame({"x": pd.to_datetime(["1970-01-02"])}))["x"].tolist() == [1.0]


PATTERNS = [
    "%Y-%m-%d %H:%M:%S",
    "%-d/%-m/%Y %-I:%M:%S %p",
    "%b %-d, %Y %H:%M:%S",
    "%Y/%m/%dT%H:%M:%S.%6",
    "%d-%^b-%Y %H:%M:%S",
]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)), min_size=1, max_size=9), st.sampled_from(PATTERNS)
)
def test_what_a_pattern_shows_it_reads(times: list[datetime], pattern: str) -> None:
    step = timedelta(microseconds=1) if "%6" in pattern else timedelta(seconds=1)
    shown = np.array([(time - datetime(1970, 1, 1)) // step * (step // timedelta(microseconds=1)) for time in times])
    texts = show(shown, np.zeros(len(shown), dtype=np.int64), pattern)
    read = parse(texts, pattern)
    assert read is not None
    assert read[0].tolist() == shown.tolist()


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    st.lists(
        st.datetimes(datetime(1900, 1, 1), datetime(2040, 1, 1)), min_size=3, max_size=30, unique_by=lambda t: t.date()
    ),
    st.sampled_from(["%Y-%m-%d", "%d %b %Y", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M:%S.%f"]),
)
def test_any_times_come_back(times: list[datetime], pattern: str) -> None:
    texts = [time.strftime(pattern) for time in times]
    assert back(texts).tolist() == texts
