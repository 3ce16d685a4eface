"""Sequences: against correlations by hand; fresh units pass, shuffled rows, other transitions and times do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.tables import read_tables
from bayessynth.evaluation.utility.sequences import correlation, follow, lag_products, sequences

STATED = {"sequence": {"unit": "id", "time": "day", "ends": {"state": ["dead"]}}}


def panel(seed: int, units: int = 300) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(units):
        y, ill, day, sex = rng.normal(), False, 0, rng.choice(["f", "m"])
        for _ in range(8):
            ill = rng.random() < (0.8 if ill else 0.2)
            dead = rng.random() < 0.1
            rows.append((i, day, sex, y, "dead" if dead else "ill" if ill else "well"))
            if dead:
                break
            y, day = 0.7 * y + rng.normal(), day + int(rng.integers(5, 10))
    return pd.DataFrame(rows, columns=["id", "day", "sex", "y", "state"])


def found(original: pd.DataFrame, *copies: pd.DataFrame, provenance: dict | None = STATED) -> dict[str, Measure]:
    tables = read_tables(original, copies, groups=["id"], provenance=provenance)
    return {m.name: m for m in sequences(tables)}


def test_correlations_are_those_of_pairs_of_rows() -> None:
    table = panel(1).sample(frac=1, random_state=1).reset_index(drop=True)
    ordered = table.sort_values(["id", "day"])
    seen = follow(table, table["day"].to_numpy(dtype=float), "id")
    for within in (False, True):
        y = ordered["y"] - (ordered.groupby("id")["y"].transform("mean") if within else 0)
        before = y.groupby(ordered["id"]).shift()
        wanted = np.corrcoef(y[before.notna()], before.dropna())[0, 1]
        sums = lag_products(seen, table["y"].to_numpy(), within)
        assert correlation(sums.sum(axis=0)) == pytest.approx(wanted, abs=1e-12)


def test_fresh_units_pass() -> None:
    seen = found(panel(1), panel(2), panel(3))
    assert set(seen) == {"sequence_lags", "sequence_transitions", "sequence_times", "sequence_violations"}
    assert {m.verdict for m in seen.values()} == {"pass"}
    assert seen["sequence_violations"].value == 0


def test_rows_in_another_order_are_told() -> None:
    original, copy = panel(1), panel(2)
    rng = np.random.default_rng(1)
    for column in ("y", "state"):
        copy[column] = copy.groupby("id")[column].transform(lambda s: rng.permutation(s))
    seen = found(original, copy)
    assert seen["sequence_lags"].verdict == "fail" and seen["sequence_transitions"].verdict == "fail"
    assert seen["sequence_lags"].detail.iloc[0]["column"] == "y"
    assert seen["sequence_violations"].verdict == "fail" and seen["sequence_violations"].value > 20


def test_other_lengths_and_times_are_told() -> None:
    original, copy = panel(1), panel(2)
    short = copy[copy.groupby("id").cumcount() < 3]
    assert found(original, short)["sequence_times"].detail.iloc[0]["of"] == "rows of one id"
    slow = copy.assign(day=copy["day"] * 1.5)
    seen = found(original, slow)["sequence_times"]
    assert seen.verdict == "fail" and seen.detail.iloc[0]["of"] == "day between rows"


def test_constants_that_vary_and_times_that_stand_still_are_counted() -> None:
    copy = panel(2)
    copy.loc[copy["id"] < 5, "sex"] = np.where(copy.loc[copy["id"] < 5, "day"] == 0, "f", "m")
    copy.loc[copy["id"] == 9, "day"] = 3
    several = (copy.groupby("id").size() > 1).sum()
    counted = found(panel(1), copy)["sequence_violations"].detail.set_index("what")["value"]
    assert 0 < counted["sex varies"] <= 5 and several > 5
    assert counted["day does not grow"] == (copy["id"] == 9).sum() - 1


def test_other_tables_have_none() -> None:
    assert found(panel(1), panel(2), provenance=None) == {}
    assert found(panel(1), panel(2), provenance={"sequence": None}) == {}
