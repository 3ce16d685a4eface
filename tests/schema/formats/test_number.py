"""Numbers that stand as text."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayessynth as bs
from bayessynth.errors import FormatWarning, SchemaError
from bayessynth.schema.formats.notation import Digits, Notation, written
from tests.schema.formats.cases import assert_exact, back, column_of, new

MANY = [str(number) for number in range(100, 140)]
# Texts, the kind of the column, numbers drawn by a model, and how they are written.
FORMS: dict[str, tuple[list[str | None], str, list[float], list[str]]] = {
    "thousands": (["1,234.50", "7.00", "-3.25"], "continuous", [1234567.5, -0.001], ["1,234,567.50", "0.00"]),
    "blanks": (["1 234", "5", "17"], "count", [1234567, 2.4], ["1 234 567", "2"]),
    "narrow blanks": (["1\u202f234,5", "5,0", "17,2"], "positive", [9999.94], ["9\u202f999,9"]),
    "apostrophes": (["1'234.5", "5.0", "17.2"], "positive", [9999.94], ["9'999.9"]),
    "a sign inside": (["$5.00", "$-7.00", "$1.50"], "continuous", [-1234], ["$-1234.00"]),
    "percent": (["12%", "5%", "7%", None], "count", [55.4], ["55%"]),
    "percent after a blank": (["12.5 %", "5.0 %", "-7.0 %"], "continuous", [-3.14], ["-3.1 %"]),
    "dollars": (["$5", "-$7", "$1,000"], "continuous", [-1234], ["-$1,234"]),
    "euros": (["5 €", "1.200 €", "30 €"], "count", [1234567], ["1.234.567 €"]),
    "a currency's name": (["EUR 5.00", "EUR 6.00", "EUR 7.50"], "positive", [8], ["EUR 8.00"]),
    "a unit": (["1.5 kg", "2.0 kg", "13.1 kg"], "positive", [2.04], ["2.0 kg"]),
    "decimal comma": (["3,14", "2,5", "1"], "positive", [7.125], ["7,12"]),
    "points and comma": (["1.234,5", "12,0", "7,1"], "positive", [4321.04], ["4.321,0"]),
    "integers": (["-3", "5", "0"], "continuous", [7.2], ["7"]),
    "plus signs": (["+5", "-3", "0"], "continuous", [7, -7, 0], ["+7", "-7", "0"]),
    "true minus": (["−5", "3", "0"], "continuous", [-7], ["−7"]),
    "parentheses": (["(1.50)", "2.00", "13.00"], "continuous", [-7, 7], ["(7.00)", "7.00"]),
    "no zero before the point": ([".5", "-.25", "1.75"], "continuous", [0.125, -2], [".12", "-2.0"]),
    "minus zero": (["-0.0", "0.5", "-1.5"], "continuous", [-0.01], ["-0.0"]),
    "exponents": (["1e5", "2.5e6", "3e4"], "count", [4_400_000, 70_000], ["4.4e6", "7e4"]),
    "padded exponents": (["1.0E+05", "2.5E+06", "3.0E-04"], "positive", [4_400_000, 0.007], ["4.4E+06", "7.0E-03"]),
    "as Python writes": (["1e-05", "0.5", "3.0", "12.25"], "positive", [2e-5, 7.0], ["2e-05", "7.0"]),
    "as R writes": (["1e+05", "123456", "1e-04", "0.5"], "positive", [2e5, 234567, 0.25], ["2e+05", "234567", "0.25"]),
    "many decimals": ([str(1 / k) for k in range(3, 9)], "proportion", [1 / 7], ["0.14285714285714285"]),
    "one decimal at least": (["3.0", "2.25", "1.5"], "positive", [7, 7.126], ["7.0", "7.13"]),
    "a question mark": (["1", "2", "?", "3"], "count", [5, np.nan], ["5", "?"]),
    "a blank cell": (["1.5", "", "2.5", "3.5"], "positive", [5, np.nan], ["5.0", ""]),
    "a dash": (["1.5", "-", "2.5", "3.5"], "positive", [5, np.nan], ["5.0", "-"]),
    "consecutive": ([str(k) for k in range(1, 31)], "identifier", [31], ["31"]),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["str", "object", "string", "string[python]"])
@pytest.mark.parametrize("name", FORMS)
def test_text_comes_back_and_new_numbers_are_written_alike(name: str, dtype: Any) -> None:
    texts, kind, drawn, expected = FORMS[name]
    series = pd.Series(texts, dtype=dtype)
    assert column_of(series).kind == kind
    assert_exact(series)
    assert new(series, drawn) == expected


@pytest.mark.parametrize(
    "texts",
    [
        ["007", "008", "010"], ["p1", "p2", "p3"], ["1_000", "2", "3"], ["inf", "2", "3"], ["1", "1.0", "1.00", "2"],
        ["12345678901234567", "12345678901234568", "3"], ["１", "2", "3"], ["0", "-0", "5"], ["$5", "€6", "7"],
        ["1.2.3", "2.3.4", "3.4.5"], ["5kg", "5 kg", "6"], ["1,23", "1.23", "5"], ["", "?", "-"],
    ],
)  # fmt: skip
def test_text_that_is_no_number_is_levels(texts: list[str]) -> None:
    column = column_of(texts)
    assert (column.kind, column.format) == ("categorical", None)
    assert_exact(texts)


@pytest.mark.parametrize("texts", [["0", "1", "0"], ["yes", "no", "yes"], ["Y", "N", None], ["t", "f", "t"]])
def test_two_words_are_binary_with_their_words(texts: list[str | None]) -> None:
    assert column_of(texts).levels == tuple(sorted({text for text in texts if text is not None}))
    assert_exact(texts)


def test_a_code_for_missing_cells_is_missing_and_told() -> None:
    df = pd.DataFrame({"x": ["1.5", "?", "2.5", "3.5", "?"]})
    message = (
        r"Column 'x': among numbers that stand as text, '\?' \(2 of 5 cells\) are taken for missing cells. They are "
        "written back as they were. Where it means something, declare the column categorical."
    )
    with pytest.warns(FormatWarning, match=message):
        schema = bs.Schema.detect(df)
    assert schema["x"].missing
    assert schema.encode(df, missing="keep").missing("x").tolist() == [False, True, False, False, True]
    assert schema.override(x="categorical")["x"].levels == ("1.5", "2.5", "3.5", "?")


def test_the_commonest_of_several_codes_is_written_back() -> None:
    df = pd.DataFrame({"x": ["1.5", "?", "2.5", "3.5", "?", "NA", None]})
    with pytest.warns(FormatWarning, match=r"'\?' \(2 of 7 cells\), 'NA' \(1 of 7 cells\) .* written back as '\?'"):
        schema = bs.Schema.detect(df)
    assert schema.decode(schema.encode(df, missing="keep").arrays)["x"].tolist()[-2:] == ["?", "?"]
    df = pd.DataFrame({"x": ["1.5", "?", "2.5", "3.5", None, None]})
    with pytest.warns(FormatWarning, match="All missing cells are written back as empty cells"):
        schema = bs.Schema.detect(df)
    assert schema.decode(schema.encode(df, missing="keep").arrays)["x"].isna().sum() == 3


def test_numbers_that_are_written_unlike_are_told_of() -> None:
    message = r"its numbers are not all written alike: 1 of 41 distinct ones change, as ' 5' to '5'. To keep them"
    with pytest.warns(FormatWarning, match=message):
        schema = bs.Schema.detect(pd.DataFrame({"x": [*MANY, " 5"]}))
    assert schema["x"].kind == "count"
    assert column_of([" 5", "10", "15"]).kind == "categorical"


def test_a_mark_that_may_be_either_is_told_of() -> None:
    message = "the comma of '1,234' may mark thousands or decimals; it is read as 1234. Where that is wrong, convert"
    with pytest.warns(FormatWarning, match=message):
        bs.Schema.detect(pd.DataFrame({"x": ["1,234", "5,678", "9,123"]}))
    assert column_of(["1,234", "5,678", "0,123"]).kind == "positive"
    assert column_of(["1,234", "5,678", "12"]).format is not None


def test_cells_that_are_written_otherwise_are_named() -> None:
    schema = bs.Schema.detect(pd.DataFrame({"x": ["$1,000.50", "$2.00", "$3.00"]}))
    message = r"Not a number written like '\$1,234.50': column 'x', 1 of 3 rows, the first is row 1: 'abc'. Mend these"
    with pytest.raises(SchemaError, match=message):
        schema.encode(pd.DataFrame({"x": ["$5.00", "abc", None]}))
    assert schema.encode(pd.DataFrame({"x": [7.5, 2]}))["x"].tolist() == [7.5, 2.0]


def test_numbers_beside_a_few_words_are_told_of() -> None:
    message = (
        r"Column 'x' holds numbers and text: 61 distinct values, such as '0', and 1 that are no numbers, '<5'. Make "
        r"missing cells of these, df\['x'\] = pd.to_numeric\(df\['x'\], errors='coerce'\), .* each of them is a level"
    )
    texts = [*map(str, range(60)), "<5"] * 3
    with pytest.warns(FormatWarning, match=message):
        column = bs.Schema.detect(pd.DataFrame({"x": texts}))["x"]
    assert column.kind == "categorical"


def test_overrides_of_text_that_is_numbers() -> None:
    df = pd.DataFrame({"x": ["1", "2", "3", "10"] * 6, "y": ["1.50", "-2.50", "3.50", "10.00"] * 6})
    schema = bs.Schema.detect(df)
    for kind in ("continuous", "positive", "count", "categorical", "group"):
        other = schema.override(x=kind)
        encoded = other.encode(df)
        made = other.decode(encoded.arrays, labels={k: v for k, v in encoded.levels.items() if k == "x"})
        pd.testing.assert_frame_equal(made, df)
    assert schema.override(x="group")["x"].labels == "str"
    assert schema.override(x="identifier").decode({"x": np.arange(2.0)})["x"].tolist() == ["x_0", "x_1"]
    with pytest.raises(SchemaError, match="'y' holds negative numbers, so it cannot be positive"):
        schema.override(y="positive")


FINITE = st.floats(-1e12, 1e12, allow_nan=False)
NOTATIONS = st.builds(
    Notation, st.just("."), st.sampled_from(["", ",", " ", "'"]), st.sampled_from(["", "$", "EUR "]),
    st.sampled_from(["", "%", " kg"]), st.sampled_from(["-", "−", "()"]), st.booleans(), st.booleans(),
)  # fmt: skip


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(FINITE, min_size=1, max_size=8), NOTATIONS, st.integers(0, 4))
def test_what_a_notation_writes_it_reads(values: list[float], notation: Notation, decimals: int) -> None:
    rounded = np.round(np.array(values), decimals)
    texts = written(rounded, notation, Digits(decimals, decimals))
    assert all(map(notation.pattern.fullmatch, texts))
    np.testing.assert_allclose(notation.read(texts), rounded, rtol=1e-15)
    assert written(notation.read(texts), notation, Digits(decimals, decimals)) == texts


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(FINITE | st.floats(1e-9, 1e-3), min_size=3, max_size=12, unique=True))
def test_any_floats_as_python_writes_them_come_back(values: list[float]) -> None:
    texts = list(map(repr, values))
    assert back(texts).tolist() == texts


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.decimals(-10_000, 10_000, places=2), min_size=21, max_size=40, unique=True),
    st.sampled_from(["{:.2f}", "{:,.2f}", "${:,.2f}", "{:.2f}%", "{:+.2f}"]),
)
def test_any_amounts_come_back(values: list[Any], template: str) -> None:
    texts = [template.format(float(value)) for value in values]
    assert back(texts).tolist() == texts
