"""The membership attacks find a generator that memorises, and nothing in a well-specified hierarchical fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs

ATTACKS = ("membership_nearest", "membership_density")


@pytest.fixture(scope="module")
def schools(shared_data: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """hsb82, four fifths of the pupils to fit and a fifth held out."""
    table = pd.read_csv(shared_data / "hsb82.csv.gz")[["school", "meanses", "cses", "mAch"]]
    rows = np.random.default_rng(0).permutation(len(table))
    cut = int(0.8 * len(table))
    return table.iloc[rows[:cut]].reset_index(drop=True), table.iloc[rows[cut:]].reset_index(drop=True)


def memorised(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return an over-fitted generator's table: records redrawn, each number moved by a fiftieth of its spread."""
    drawn = table.sample(len(table), replace=True, random_state=int(rng.integers(2**31))).reset_index(drop=True)
    numbers = ["cses", "mAch"]
    drawn[numbers] += rng.normal(size=(len(drawn), 2)) * table[numbers].std().to_numpy() / 50
    return drawn


@pytest.mark.slow
def test_an_overfitted_generator_is_found(schools: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    train, holdout = schools
    rng = np.random.default_rng(1)
    copies = [memorised(train, rng) for _ in range(5)]
    found = bs.evaluate(train, copies, holdout, measures=ATTACKS, groups=["school"])
    assert found["membership_nearest"].value > 0.8, found
    assert found["membership_nearest"].verdict == "fail"


@pytest.mark.slow
def test_a_hierarchical_fit_of_hsb82_gives_no_member_away(schools: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    train, holdout = schools
    spec = bs.Spec("mAch ~ meanses + cses + (1 | school)", "meanses ~ 1", "cses ~ 1")
    fitted = spec.fit(train, random_seed=1, progress=False)
    copies = fitted.synthesize(m=5, random_seed=2)
    found = bs.evaluate(train, copies, holdout, fitted=fitted, measures=[*ATTACKS, "membership_weights"])
    for attack in (*ATTACKS, "membership_weights"):
        interval = found[attack].interval
        assert interval is not None
        assert interval[1] <= 0.54, found[attack]
