"""Units: neighbours, and caps on the rows of a person that depend on that person's rows alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bayessynth as bs
from bayessynth.errors import PrivacyError
from tests.privacy.tables import DOMAIN, FILLED

PERSONS = st.lists(st.sampled_from(["a", "b", 3, 3.0, "3", None]), max_size=30)


@given(PERSONS, st.integers(1, 4))
@settings(max_examples=50)
def test_a_person_has_at_most_cap_rows_and_moves_no_other_rows(persons: list[Any], cap: int) -> None:
    frame = pd.DataFrame({"p": pd.Series(persons, dtype=object), "row": np.arange(len(persons))})
    unit = bs.Unit("p", cap=cap)
    kept = frame[unit.keep(frame)]
    rows = frame["p"].dropna().map(str).replace("3.0", "3").value_counts()
    used = kept["p"].map(str).replace("3.0", "3").value_counts()
    assert used.to_dict() == rows.clip(upper=cap).to_dict()
    without = frame[frame["p"] != "a"]
    np.testing.assert_array_equal(without["row"][unit.keep(without)], kept["row"][kept["p"] != "a"])


def test_the_rows_that_are_kept_are_not_the_first() -> None:
    frame = pd.DataFrame({"p": ["a"] * 50})
    places = np.flatnonzero(bs.Unit("p", cap=10).keep(frame))
    assert len(places) == 10 and 15 < places.mean() < 35
    assert bs.Unit().keep(frame).all()


def test_all_rows_of_a_named_person_are_weighted() -> None:
    frame = pd.DataFrame({"p": ["a", "b", "a", None]})
    unit = bs.Unit("p", weighted=True)
    assert unit.keep(frame).tolist() == [True, True, True, False]
    assert unit.persons(frame).tolist() == [0, 1, 0, -1] and unit.parts == 2**20 and bs.Unit().parts == 1
    assert "all rows, together one" in unit.rows and "at most 2 rows" in bs.Unit("p", cap=2).rows
    assert bs.Unit().rows == ""


def test_when_the_number_of_rows_is_public() -> None:
    replace = bs.Unit(relation="replace_one")
    assert replace.counts(FILLED, ["x", "sex"]) and not replace.counts(DOMAIN, ["x"])
    assert not bs.Unit().counts(FILLED, ["x"])
    assert not bs.Unit("p", cap=2, relation="replace_one").counts(FILLED, ["x"])


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: bs.Unit(relation=cast(Any, "swap")), "'swap'.* is not one of 'add_remove', 'replace_one'"),
        (lambda: bs.Unit("p", cap=0), "cap=0.*: state how many rows of a person are used"),
        (lambda: bs.Unit("p", cap=cast(Any, 1.5)), "cap=1.5"),
        (lambda: bs.Unit(cap=3), "name the column"),
        (lambda: bs.Unit(weighted=True), "weighs the rows of a person.*: name the column and no cap"),
        (lambda: bs.Unit("p", cap=3, weighted=True), "name the column and no cap"),
    ],
)
def test_what_makes_no_sense_is_refused(declare: Callable[[], Any], message: str) -> None:
    with pytest.raises(PrivacyError, match=message):
        declare()
