"""Checks of a table against its schema: every message names column, rows and remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import BayesSynthError, DataError, SchemaError

SCHEMA = bs.Schema(
    age=bs.Count(bounds=(0, 110)), income=bs.Positive(scale=1000), share=bs.Proportion(),
    sex=bs.Categorical("f", "m"), seen=bs.Datetime(bounds=(18262, 18627), unit="D"), z=bs.Continuous(bounds=(-1, 1)),
)  # fmt: skip
GOOD = pd.DataFrame({
    "age": [1, 2, 3], "income": [1.5, 2, 3], "share": [0.1, 0.2, 0.3], "sex": ["f", "m", None],
    "seen": pd.to_datetime(["2020-01-01", "2020-12-31", None]), "z": [0.0, np.nan, 1.0],
})  # fmt: skip


def test_a_table_that_fits_passes() -> None:
    SCHEMA.validate(GOOD)
    SCHEMA.validate(GOOD.iloc[:, ::-1])
    SCHEMA.validate(GOOD[["z"]], columns=["z"])


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("age", [1, -2, -3], "Kind 'count', but values are not a whole number from zero up: column 'age', 2 of 3 rows, "
                             "the first is row 1: -2.0. Mend these cells, or declare it continuous"),
        ("age", [1, 2.5, 3], "not a whole number from zero up: column 'age', 1 of 3 rows, the first is row 1: 2.5"),
        ("age", [1, 2, 200], r"Outside the declared bounds \(0, 110\): column 'age', 1 of 3 rows, the first is row 2: "
                             "200.0. Mend these cells or the bounds"),
        ("age", ["1", "2", "3"], "Declared count, but numbers stand as text: column 'age', 3 of 3 rows, the first is "
                                 r"row 0: '1'. Convert them first: df\['age'\] = pd.to_numeric\(df\['age'\]\)"),
        ("age", ["1", "x", "3"], "Not a number: column 'age', 1 of 3 rows, the first is row 1: 'x'. Mend these cells"),
        ("age", pd.to_datetime(["2020-01-01"] * 3), "Not a number: column 'age', 3 of 3"),
        ("income", [1, 0, 3], "not above zero: column 'income', 1 of 3 rows, the first is row 1: 0.0. Mend these "
                              r"cells, or declare it continuous, or bs.Positive\(zeros=True\)"),
        ("share", [0.1, 1.0, 0.0], "not strictly between 0 and 1: column 'share', 2 of 3 rows, the first is row 1"),
        ("z", [0.0, -3, np.nan], r"Outside the declared bounds \(-1, 1\): column 'z', 1 of 3 rows"),
        ("sex", ["f", "x", "y"], "Not one of the declared levels 'f', 'm': column 'sex', 2 of 3 rows, the first is "
                                 "row 1: 'x'. Mend these cells, or declare the level too"),
        ("sex", pd.Categorical(["f", "x", None]), "Not one of the declared levels 'f', 'm': column 'sex', 1 of 3"),
        ("sex", [1, 2, 3], "Not one of the declared levels"),
        ("seen", ["2020-01-01"] * 3, "'seen' is declared datetime but holds str; use pd.to_datetime"),
        ("seen", pd.to_datetime(["2020-01-01", "2022-01-01", None]), "Outside the declared bounds .*'seen', 1 of 3"),
        ("income", [1, np.inf, 3], "Infinite values: column 'income', 1 of 3 rows, the first is row 1: inf. Replace"),
        ("age", [None] * 3, "Column 'age': all 3 cells are missing; drop it"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(column: str, values: Any, message: str) -> None:
    with pytest.raises(BayesSynthError, match=message):
        SCHEMA.validate(GOOD.assign(**{column: values}))


def test_missing_and_unusable_columns_are_named() -> None:
    with pytest.raises(DataError, match=r"The data have no column 'age'. Did you mean 'aeg'\?"):
        SCHEMA.validate(GOOD.rename(columns={"age": "aeg"}))
    with pytest.raises(DataError, match="must be a pandas DataFrame, not dict"):
        SCHEMA.validate({"age": [1]})
    with pytest.raises(DataError, match="empty: 0 rows, 6 columns"):
        SCHEMA.validate(GOOD[:0])
    with pytest.raises(DataError, match="Column 'z' occurs more than once"):
        SCHEMA.validate(pd.concat([GOOD, GOOD[["z"]]], axis=1))


def test_encoding_names_what_it_cannot_take() -> None:
    with pytest.raises(DataError, match=r"The data have no column 'age'. Did you mean 'aeg'\?"):
        SCHEMA.encode(GOOD.rename(columns={"age": "aeg"}), missing="keep")
    with pytest.raises(SchemaError, match=r"no column 'aeg'. Did you mean 'age'\?"):
        SCHEMA.encode(GOOD, columns=["aeg"])
    with pytest.raises(DataError, match=r"missing='kep' is not one of 'error', 'keep'. Did you mean 'keep'\?"):
        SCHEMA.encode(GOOD, missing="kep")
    with pytest.raises(SchemaError, match=r"'seen' is declared datetime but holds str; use pd.to_datetime"):
        SCHEMA.encode(GOOD.assign(seen=["2020-01-01"] * 3), columns=["seen"])
    with pytest.raises(DataError, match="Infinite values: column 'x', 1 of 3 rows"):
        bs.Schema.detect(pd.DataFrame({"x": pd.Series([1, np.inf, 2.5], dtype=object)}))


def test_values_of_a_constant_are_checked() -> None:
    schema = bs.Schema(year=bs.Constant(2024), y=bs.Count(scale=1))
    schema.validate(pd.DataFrame({"year": [2024, 2024], "y": [1, 2]}))
    with pytest.raises(
        SchemaError, match="Not the constant value 2024: column 'year', 1 of 2 rows, the first is row 1"
    ):
        schema.validate(pd.DataFrame({"year": [2024, 2023], "y": [1, 2]}))


def test_the_row_in_a_message_is_its_position() -> None:
    odd = GOOD.assign(age=[1, 2, -3]).set_axis([7, 7, 9])
    with pytest.raises(SchemaError, match=r"the first is row 2: -3\.0"):
        SCHEMA.validate(odd)
