"""Given columns in tables with groups, missing cells and times, which trees draw."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.errors import SynthesisError
from bayessynth.fitting import Fitted

N, WARDS = 800, 80
RNG = np.random.default_rng(12)
WARD = np.repeat(np.arange(WARDS), N // WARDS)


def table() -> pd.DataFrame:
    frame = pd.DataFrame({"ward": [f"w{w}" for w in WARD], "rural": np.where(WARD % 4 == 0, "yes", "no")})
    effect = RNG.normal(0, 1.5, WARDS)[WARD]
    frame["age"] = np.round(50 + 5 * effect + RNG.normal(0, 5, N))
    frame["seen"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(RNG.integers(0, 60, N), unit="D")
    frame["ill"] = np.where(RNG.random(N) < 1 / (1 + np.exp(1.5 - effect)), "yes", "no")
    frame["cost"] = np.where(
        RNG.random(N) < 0.2, np.nan, np.round(20 + 10 * (frame["ill"] == "yes") + RNG.normal(0, 2, N))
    )
    return frame


DATA = table()


@pytest.fixture(scope="module")
def fitted() -> Fitted:
    own = [bs.Equation("rural ~ 1", family="tree"), bs.Equation("age ~ rural + (1 | ward)", family="tree"),
           bs.Equation("seen ~ age", family="tree"), bs.Equation("ill ~ age + rural + (1 | ward)", family="tree"),
           bs.Equation("cost ~ ill", family="tree")]  # fmt: skip
    return bs.Spec(*own).fit(DATA, missing="model", copies=1, random_seed=1)


@pytest.fixture(scope="module")
def many(fitted: Fitted) -> pd.DataFrame:
    return fitted.synthesize(1, k=60_000, random_seed=2)[0]


def close(found: pd.Series, wanted: pd.Series, clustered: float = 1.0) -> None:
    error = np.sqrt(found.var() / len(found) + clustered * wanted.var() / len(wanted))
    assert found.mean() == pytest.approx(wanted.mean(), abs=5 * error)


def test_a_record_is_drawn_with_a_group_of_its_own(fitted: Fitted, many: pd.DataFrame) -> None:
    syn = fitted.synthesize(1, where={"ill": "yes"}, k=700, random_seed=1)
    copy, wanted = syn[0], many[many["ill"] == "yes"]
    assert syn.provenance["groups"] == "new, one a row" and not syn.provenance["last_group_cut"]
    assert copy["ward"].nunique() == 700
    close(copy["age"], wanted["age"], clustered=8.0)
    close((copy["rural"] == "yes").astype(float), (wanted["rural"] == "yes").astype(float), clustered=8.0)
    close(copy["cost"], wanted["cost"])


def test_what_stands_upstream_tells_of_the_effects_of_groups(fitted: Fitted, many: pd.DataFrame) -> None:
    # Effects of one ward on age and on illness are correlated, so a high age makes illness likelier by both.
    wanted = many[many["age"].between(60, 62)]
    copy = fitted.synthesize(1, where={"age": (60, 62)}, k=700, random_seed=1)[0]
    close((copy["ill"] == "yes").astype(float), (wanted["ill"] == "yes").astype(float), clustered=8.0)
    given = pd.DataFrame({"rural": ["no"] * 700, "age": RNG.choice([60.0, 61.0, 62.0], 700)})
    with pytest.raises(SynthesisError, match="group-level column 'rural' beside row-level ones"):
        fitted.synthesize(1, given=given)
    labelled = given.assign(ward=[f"a{i}" for i in range(700)])
    wanted = wanted[wanted["rural"] == "no"]
    found = fitted.synthesize(1, given=labelled, random_seed=1)[0]
    assert found["ward"].tolist() == labelled["ward"].tolist()
    close((found["ill"] == "yes").astype(float), (wanted["ill"] == "yes").astype(float), clustered=8.0)


def test_times_and_missing_cells(fitted: Fitted, many: pd.DataFrame) -> None:
    day = pd.Timestamp("2020-01-20")
    copy = fitted.synthesize(1, where={"seen": day, "cost": (25, None)}, k=100, random_seed=1)[0]
    assert (copy["seen"] == day).all() and (copy["cost"] >= 25).all()
    copy = fitted.synthesize(1, where={"seen": ("2020-01-10", "2020-01-20")}, k=100, random_seed=1)[0]
    assert copy["seen"].between("2020-01-10", "2020-01-20").all()
    given = pd.DataFrame({"cost": np.tile([30.0, np.nan], 500)})
    found = fitted.synthesize(1, given=given, random_seed=1)[0]
    assert (found["cost"][::2] == 30).all() and found["cost"][1::2].isna().mean() == pytest.approx(0.2, abs=0.08)
    close((found["ill"][1::2] == "yes").astype(float), (many["ill"] == "yes").astype(float), clustered=8.0)
    assert (found["ill"][::2] == "yes").mean() > 0.9


def test_which_cells_are_missing_is_weighed_too() -> None:
    frame = DATA[["age", "ill", "cost"]].copy()
    frame.loc[RNG.random(N) < np.where(frame["age"] > 50, 0.5, 0.1), "cost"] = np.nan
    spec = bs.Spec(bs.Equation("age ~ 1", family="normal"), bs.Equation("cost ~ age", family="normal"),
                   bs.Equation("ill ~ age + cost", family="tree"))  # fmt: skip
    fitted = spec.fit(frame, missing="model", copies=1, random_seed=1)
    many = fitted.synthesize(1, k=60_000, random_seed=2)[0]
    copy = fitted.synthesize(1, where={"ill": "yes"}, k=1500, random_seed=1)[0]
    wanted = many[many["ill"] == "yes"]
    close(copy["age"], wanted["age"])
    close(copy["cost"].isna().astype(float), wanted["cost"].isna().astype(float))
    # A cost that is there makes a young age likelier: old people's are missing more often.
    copy = fitted.synthesize(1, where={"cost": 22}, k=1500, random_seed=1)[0]
    close(copy["age"], many.loc[many["cost"] == 22, "age"])
