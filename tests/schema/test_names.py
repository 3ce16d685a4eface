"""Names of columns that are no text."""

from __future__ import annotations

import datetime
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import DataError
from bayessynth.schema import named

ROWS = [[1, "a", 0.5], [2, "b", 1.5], [7, "c", 2.5]]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ([0, 1, 2], ["0", "1", "2"]), ([2019, "y", 1.5], ["2019", "y", "1.5"]), (np.array([3, 1, 2]), ["3", "1", "2"]),
        ([("h", "mean"), ("h", ""), ("w", 1)], ["h_mean", "h", "w_1"]), ([True, False, "x"], ["True", "False", "x"]),
        (["a b", "1x", "`q`"], ["a b", "1x", "`q`"]), ([("a", 1), "b", 3], ["a_1", "b", "3"]),
    ],
)  # fmt: skip
def test_odd_names_are_text_inside_and_restored_outside(labels: Any, names: list[str]) -> None:
    df = pd.DataFrame(ROWS)
    tiered = all(isinstance(label, tuple) for label in labels)
    df.columns = pd.MultiIndex.from_tuples(labels) if tiered else pd.Index(labels, tupleize_cols=False)
    schema = bs.Schema.detect(df)
    schema.validate(df)
    assert list(schema) == names
    again = bs.Schema.from_json(json.loads(json.dumps(schema.to_json())))
    assert again == schema
    pd.testing.assert_frame_equal(again.decode(again.encode(df).arrays), df)
    inner = schema.plain_names()
    made = inner.decode(inner.encode(named(df)).arrays)
    assert made.columns.tolist() == names
    pd.testing.assert_frame_equal(schema.restored(made), df)


def test_an_override_keeps_the_name() -> None:
    df = pd.DataFrame(ROWS, columns=[0, 1, 2])
    schema = bs.Schema.detect(df).override(**{"0": "categorical"})
    pd.testing.assert_frame_equal(schema.decode(schema.encode(df).arrays), df)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1, "1"], "Columns 1 and '1' read alike as text, '1'; rename one"),
        ([1, 1], "Column 1 occurs more than once; rename or drop one of them"),
        (
            [datetime.date(2020, 1, 1), "x"],
            r"must be text, numbers, or tuples of them; datetime.date\(2020, 1, 1\) is not",
        ),
        (
            [None, "x"],
            "must be text, numbers, or tuples of them; .* is not. Rename them: df.columns = df.columns.astype",
        ),
        ([float("nan"), "x"], "must be text, numbers, or tuples of them; nan is not"),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(labels: list[Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        bs.Schema.detect(pd.DataFrame([[1, 2], [3, 5]], columns=pd.Index(labels, dtype=object)))
