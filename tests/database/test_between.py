"""Orders of columns and those of rows above: what copies can hold is kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.database.between import between
from bayessynth.database.covariates import FromAbove
from bayessynth.rules import Inequality, Ordered
from bayessynth.schema import Column, Schema


def above(source: str, table: str = "stay", unit: str = "D") -> FromAbove:
    name = f"{table}.{source}"
    return FromAbove(name, Column(name, "datetime", "datetime64[us]", unit=unit), (table,), table, source)


def schema(*given: FromAbove) -> Schema:
    own = [Column(name, "datetime", "datetime64[us]", unit="D") for name in ("first", "last")]
    return Schema._of([*own, *(one.column for one in given)])


STAYS = (above("begin"), above("end"))
CHAIN = [Ordered("stay.begin", "first", "last"), Inequality("last", "stay.end")]


def test_ends_that_the_table_above_keeps_apart_stay() -> None:
    assert between(CHAIN, STAYS, schema(*STAYS), {"stay": [("begin", "end", False)]}) == CHAIN


@pytest.mark.parametrize(
    ("given", "stated"),
    [
        (STAYS, {}),
        (STAYS, {"stay": [("end", "begin", False)]}),
        ((above("begin"), above("end", "ward")), {"stay": [("begin", "end", False)]}),
        ((above("begin"), above("end", unit="min")), {"stay": [("begin", "end", False)]}),
    ],
    ids=["nothing stated", "the other way", "of two tables", "of two resolutions"],
)
def test_lower_ends_that_may_lie_above_upper_ones_are_left_out(given: tuple[FromAbove, ...], stated: dict) -> None:
    chain = [CHAIN[0], Inequality("last", given[1].name)]
    assert between(chain, given, schema(*given), stated) == [Inequality("first", "last"), chain[1]]


def test_differences_need_as_many_above() -> None:
    strict = [Inequality("stay.begin", "first", strict=True), Inequality("first", "stay.end")]
    assert between(strict, STAYS, schema(*STAYS), {"stay": [("begin", "end", False)]}) == strict[1:]
    assert between(strict, STAYS, schema(*STAYS), {"stay": [("begin", "end", True)]}) == strict


def test_owners_whose_end_is_their_beginning_can_have_rows_in_copies() -> None:
    """Patients that left on the first day have no visits in the original; in copies some may, on no day between."""
    rng = np.random.default_rng(4)
    n = 400
    begin = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 300, n), "D")
    length = np.where(rng.random(n) < 0.97, rng.integers(3, 60, n), 0)
    visits = np.where(length > 0, rng.integers(1, 4, n), 0)
    patients = pd.DataFrame({"id": np.arange(n), "begin": begin, "end": begin + pd.to_timedelta(length, "D")})
    owner = np.repeat(np.arange(n), visits)
    day = begin[owner] + pd.to_timedelta(rng.integers(1, length[owner]), "D")
    labs = pd.DataFrame({"id": owner, "day": day, "x": rng.normal(size=len(owner))})
    fitted = bs.Database({"patients": patients, "labs": labs}, keys=[bs.Key("labs", "id", "patients")]).fit(
        copies=4, random_seed=1
    )
    model = fitted.models["labs"].fitted
    assert model is not None and model.spec.rules == (Inequality("day", "patients.end", strict=True),)
    for copy in fitted.synthesize(m=4, random_seed=2):
        both = copy["labs"].merge(copy["patients"], on="id")
        assert (both["day"] < both["end"]).all()
