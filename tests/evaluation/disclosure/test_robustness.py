"""Every measure of the room on tables that are odd in every way."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from bayessynth.evaluation.registry import entries
from tests.evaluation.disclosure.people import tables

WORDS = ("anonym", "safe", "complian")


def odd(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "a b (x)": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "constant": 1,
            "never": np.full(n, np.nan),
            "only text": "q",
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 400, n), "D"),
            "flag": rng.random(n) < 0.5,
            "category": pd.Categorical(rng.choice(["u", "v", "w"], n), categories=["w", "v", "u", "unused"]),
            "text": rng.choice(np.array(["x", "y", None], dtype=object), n),
            "Int": pd.array(np.where(rng.random(n) < 0.1, None, rng.integers(0, 5, n)), dtype="Int64"),
            "none": np.array([None] * n, dtype=object),
            "id": [f"p{i}-{rng.integers(1e9)}" for i in range(n)],
        }
    )


def check(read) -> int:
    """Compute every measure; what they yield must be readable and consistent."""
    found = [m for entry in entries("disclosure") for m in entry.compute(read)]
    for m in found:
        assert m.room == "disclosure"
        assert m.reading.endswith(".")
        assert not any(word in text.lower() for word in WORDS for text in (m.reading, m.title, *m.notes))
        if m.interval is not None:
            low, high = m.interval
            assert low <= m.value + 1e-12
            assert m.value <= high + 1e-12
        assert m.verdict == "info" or np.isfinite(m.value)
        if m.detail is not None and "row" in m.detail:
            assert m.detail["row"].between(0, read.n - 1).all()
    assert len({m.name for m in found}) == len(found)
    return len(found)


@pytest.mark.parametrize(
    ("n", "h", "k", "m"),
    [(10, 10, 10, 1), (10, 2, 7, 2), (200, 100, 150, 3), (50, 400, 50, 1), (1, 1, 1, 1)],
)
@pytest.mark.parametrize(
    "known",
    [{}, {"keys": ["flag", "category"], "target": "Int"}, {"keys": ["id"], "target": "id"}, {"max_rows": 5}],
    ids=["defaults", "keys", "identifiers", "few rows"],
)
def test_odd_tables_are_judged(n, h, k, m, known):
    original, holdout, copies = odd(n, 1), odd(h, 2), [odd(k, 3 + j) for j in range(m)]
    copies[0].loc[0, "text"] = "a level that the original does not have"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert check(tables(original, copies, holdout, **known)) >= 10
        check(tables(original, copies, **known))


@pytest.mark.parametrize(
    "columns", [["a b (x)"], ["flag"], ["category", "flag"], ["constant"], ["never"], ["when", "Int"]]
)
def test_tables_of_one_kind_of_column_are_judged(columns):
    check(tables(odd(50, 1)[columns], [odd(60, 2)[columns]], odd(20, 3)[columns]))


def test_a_column_that_copies_lack_is_left_out():
    with pytest.warns(match="not judged: 'flag'"):
        read = tables(odd(50, 1), [odd(60, 2).drop(columns="flag")], odd(20, 3), keys=["flag"], target="text")
    check(read)


def test_the_index_of_a_frame_says_nothing():
    original, holdout, copy = odd(60, 1), odd(30, 2), odd(60, 3)
    shifted = original.set_axis(np.arange(60)[::-1] + 1000)
    for entry in entries("disclosure"):
        pairs = zip(
            entry.compute(tables(original, copy, holdout)), entry.compute(tables(shifted, copy, holdout)), strict=True
        )
        for a, b in pairs:
            assert (a.value == b.value) or (np.isnan(a.value) and np.isnan(b.value))
            if a.detail is not None:
                pd.testing.assert_frame_equal(a.detail, b.detail)


def test_the_same_seed_gives_the_same_measures_in_any_order():
    original, holdout, copy = odd(60, 1), odd(30, 2), odd(60, 3)
    forward, backward = tables(original, copy, holdout), tables(original, copy, holdout)
    first = {m.name: m.value for e in entries("disclosure") for m in e.compute(forward)}
    second = {m.name: m.value for e in reversed(entries("disclosure")) for m in e.compute(backward)}
    assert first.keys() == second.keys()
    np.testing.assert_array_equal([first[name] for name in first], [second[name] for name in first])
