"""Columns of sequences that are set from outside: rows after see what was set."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import SynthesisError

SEQUENCE = {"unit": "id", "time": "day"}


def panel(units: int = 150, rows: int = 6, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    arm, age = rng.integers(0, 2, units), rng.integers(20, 60, units)
    found = []
    for i in range(units):
        dose, weight = 0, 70 + 8 * rng.normal()
        for day in range(rows):
            y = 1.5 * dose + arm[i] + rng.normal()
            weight += rng.normal()
            found.append((i, day, "ab"[arm[i]], dose, round(y, 3), round(weight, 2), age[i] + day))
            dose = int(rng.random() < 0.5)
    return pd.DataFrame(found, columns=["id", "day", "arm", "dose", "y", "weight", "age"])


@pytest.fixture(scope="module")
def fitted() -> bs.Fitted:
    spec = bs.Spec("arm ~ 1", "dose ~ lag(dose)", bs.Equation("y ~ arm + lag(dose) + dose", family="normal"),
                   rest="tree", **SEQUENCE)  # fmt: skip
    return spec.fit(panel(), draws=200, tune=200, chains=2, copies=4, random_seed=1, progress=False)


def test_rows_after_see_what_was_set(fitted: bs.Fitted) -> None:
    high, low = (fitted.synthesize(m=1, k=6000, do={"dose": dose}, random_seed=1).copies[0] for dose in (1, 0))
    assert (high["dose"] == 1).all() and (low["dose"] == 0).all()
    own = fitted.idata["posterior"].to_dataset()
    effect = float((own["y_dose"] + own["y_lag(dose)"]).mean())
    spread = float((own["y_dose"] + own["y_lag(dose)"]).std())
    late = (high["day"] >= 1, low["day"] >= 1)
    found = high["y"][late[0]].mean() - low["y"][late[1]].mean()
    assert found == pytest.approx(effect, abs=4 * spread + 0.1)


def test_columns_of_units_can_be_set(fitted: bs.Fitted) -> None:
    copies = {arm: fitted.synthesize(m=1, k=6000, do={"arm": arm}, random_seed=1).copies[0] for arm in "ab"}
    assert all((copy["arm"] == arm).all() for arm, copy in copies.items())
    effect = float(fitted.idata["posterior"]["y_arm"].mean())
    assert copies["b"]["y"].mean() - copies["a"]["y"].mean() == pytest.approx(effect, abs=0.35)


def test_numbers_that_are_drawn_by_what_they_grow_by_can_be_set(fitted: bs.Fitted) -> None:
    assert "weight" in fitted.bound.sequence.differences.values()
    copy = fitted.synthesize(m=1, k=600, do={"weight": 75.5}, random_seed=1).copies[0]
    assert (copy["weight"] == 75.5).all() and copy["age"].nunique() > 5


def test_numbers_that_grow_by_the_same_do_so_in_copies(fitted: bs.Fitted) -> None:
    for copy in fitted.synthesize(m=2, random_seed=3).copies:
        assert (copy.groupby("id")["age"].diff().dropna() == 1).all()


@pytest.mark.parametrize(
    ("do", "message"),
    [
        ({"dose": [0, 1]}, "do= sets 'dose' to 2 values, but in sequences how many rows a unit has is drawn"),
        ({"day": 3}, "do= sets 'day', the time that orders the rows of each 'id': give units and times by given="),
        ({"id": 1}, "do= sets 'id', which has no equation"),
    ],
)
def test_what_cannot_be_set(fitted: bs.Fitted, do: dict, message: str) -> None:
    with pytest.raises(SynthesisError, match=message):
        fitted.synthesize(m=1, do=do, random_seed=1)
