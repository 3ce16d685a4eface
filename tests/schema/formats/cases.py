"""What tests of formats share: a round trip through a schema that was written and read."""

from __future__ import annotations

import json
import warnings
from typing import Any

import numpy as np
import pandas as pd

import bayessynth as bs
from bayessynth.errors import FormatWarning
from bayessynth.schema import Column, Schema


def column_of(values: Any) -> Column:
    """Detect one column, whatever there is to say of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormatWarning)
        return bs.Schema.detect(pd.DataFrame({"x": values}))["x"]


def back(values: Any) -> pd.Series:
    """Encode and decode one column."""
    df = pd.DataFrame({"x": values})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FormatWarning)
        schema = bs.Schema.detect(df)
    schema.validate(df)
    again = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    assert again == schema
    assert hash(again) == hash(schema)
    return again.decode(again.encode(df, columns=["x"], missing="keep").arrays)["x"]


def assert_exact(values: Any) -> None:
    """Assert that one column comes back as it was, types of cells included."""
    series = pd.Series(values, name="x")
    made = back(series)
    pd.testing.assert_series_equal(made, series, check_exact=True, check_freq=False)
    assert list(map(type, made)) == list(map(type, series))


def new(values: Any, drawn: list[float]) -> list[Any]:
    """Write numbers that a model drew as a column's cells are written."""
    schema = Schema._of([column_of(values)])
    return schema.decode({"x": np.array(drawn)})["x"].tolist()
