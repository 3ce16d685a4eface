"""Domains: what may be stated, JSON, the schema they make, and that a check never looks at cells."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import DataError, PrivacyError
from bayessynth.privacy.domain import bounded, level_codes
from tests.privacy.tables import DOMAIN, FILLED, table


def test_a_domain_survives_json() -> None:
    for domain in (DOMAIN, FILLED, bs.Domain({"z": bs.Bounds(0, 9, kind="count", grid=(1, 5), source="law")})):
        again = bs.Domain.from_json(json.loads(json.dumps(domain.to_json())))
        assert again == domain and hash(again) == hash(domain) and again.schema() == domain.schema()


def test_a_schema_follows_from_the_domain_alone() -> None:
    domain = bs.Domain(
        {"n": bs.Bounds(0, 9, kind="count"), "p": bs.Bounds(0, 1, kind="proportion"), "c": bs.Bounds(1, 5, "positive"),
         "z": bs.Bounds(0, 5, "positive", decimals=2), "x": bs.Bounds(-1, 1), "b": bs.Levels("n", "y"),
         "k": bs.Levels(1, 2, 3), "o": bs.Levels("lo", "mid", "hi", ordered=True)},
        source="codebook",
    )  # fmt: skip
    schema = domain.schema()
    kinds = ["count", "proportion", "positive", "positive", "continuous", "binary", "categorical", "ordinal"]
    assert [schema[c].kind for c in schema] == kinds
    assert schema["n"].bounds == (0, 9) and schema["b"].levels == ("n", "y") and schema["z"].zeros
    assert not schema["c"].zeros and schema["z"].decimals == 2


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: bs.Bounds(3, 1), r"Bounds\(3, 1\): state two finite numbers, the smaller first"),
        (lambda: bs.Bounds(0, np.inf), "two finite numbers"),
        (lambda: bs.Bounds(-1e308, 1e308), "two finite numbers"),
        (lambda: bs.Bounds(cast(Any, "0"), 1), "two finite numbers"),
        (lambda: bs.Bounds(0, 1, kind="counts"), "'counts'.*is not one of 'continuous'.*Did you mean 'count'"),
        (lambda: bs.Bounds(0, 1, grid=1), "state at least 2 cells"),
        (lambda: bs.Bounds(0, 1, grid=(0.5, 0.5)), "points between 0 and 1 in rising order"),
        (lambda: bs.Bounds(0, 1, missing=2), "missing=2.* lies outside 0 to 1"),
        (lambda: bs.Levels("a"), "state two or more different"),
        (lambda: bs.Levels("a", "a"), "state two or more different"),
        (lambda: bs.Levels("a", None), "a missing cell is no level"),
        (lambda: bs.Levels("a", float("nan")), "a missing cell is no level"),
        (lambda: bs.Levels("a", "b", missing="c"), "missing='c'.* is not one of 'a', 'b'"),
        (lambda: bs.Domain({}), "needs at least one column"),
        (lambda: bs.Domain({"x": cast(Any, (0, 1))}, source="s"), "'x': declare it as bs.Bounds"),
        (lambda: bs.Domain({"x": bs.Bounds(0, 1)}), "'x': say where its bounds or levels were taken from.*no source"),
        (lambda: DOMAIN["sx"], "'sx' is not in the domain. Did you mean 'sex'"),
        (lambda: DOMAIN.groups("x"), "'x': list its groups"),
        (lambda: DOMAIN.check(cast(Any, [1])), "must be a pandas DataFrame, not list"),
        (lambda: DOMAIN.check(table(3).drop(columns="arm")), "no column 'arm'"),
    ],
)
def test_what_makes_no_sense_is_refused(declare: Callable[[], Any], message: str) -> None:
    with pytest.raises((PrivacyError, DataError), match=message):
        declare()


@pytest.mark.parametrize(
    "frame",
    [
        table(0), table(3), table(3).assign(x=[np.inf, None, 1e9]), table(3).assign(sex=["?", None, 3]),
        table(3).assign(x="one"), table(3).assign(x=[[1], {}, None], arm=pd.Timestamp("2020")),
    ],
)  # fmt: skip
def test_a_check_never_looks_at_cells(frame: pd.DataFrame) -> None:
    assert DOMAIN.check(frame) is frame


def test_cells_outside_the_domain_count_as_it_says() -> None:
    numbers = pd.Series([-5, 1e9, np.inf, -np.inf, None, "a", 50], dtype=object)
    values, known = bounded(numbers, bs.Bounds(0, 100))
    assert values[known].tolist() == [0, 100, 100, 0, 50] and known.tolist() == [True] * 4 + [False] * 2 + [True]
    values, known = bounded(numbers, bs.Bounds(0, 100, missing=7))
    assert values.tolist() == [0, 100, 100, 0, 7, 7, 50] and known.all()
    found, known = level_codes(pd.Series(["b", "?", None]), bs.Levels("a", "b"))
    assert known.tolist() == [True, False, False]
    found, known = level_codes(pd.Series(["b", "?", None]), bs.Levels("a", "b", missing="b"))
    assert found.tolist() == [1, 1, 1] and known.all()
    assert bs.Bounds(0, 100, grid=4).cuts == (25.0, 50.0, 75.0)
