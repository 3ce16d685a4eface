"""Short tables of sequences: numbers that follow a line of every unit have hierarchical equations."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.spec.auto.lines import FEW

SEQUENCE = {"unit": "rat", "time": "day"}


def table(units: int = 14, rows: int = 8, seed: int = 1) -> pd.DataFrame:
    """Return rats of two diets, each with a line of its own."""
    rng = np.random.default_rng(seed)
    rat, day = np.repeat(np.arange(units), rows), np.tile(np.arange(rows), units)
    diet = np.array(["a", "b"])[rat % 2]
    line = 50 + 4 * rng.normal(size=units)[rat] + (2 + 0.5 * rng.normal(size=units)[rat] + (diet == "b")) * day
    return pd.DataFrame({"rat": rat, "day": day, "diet": diet, "y": (line + rng.normal(size=len(rat))).round(2)})


def equation(frame: pd.DataFrame, column: str = "y", **options: object) -> bs.Equation:
    return bs.Spec.auto(frame, **SEQUENCE, **options)[column]


def test_a_number_has_a_line_of_every_unit() -> None:
    spec = bs.Spec.auto(table(), **SEQUENCE)
    own = spec["y"]
    assert (str(own.formula), own.family, own.ar) == ("y ~ day + diet + day:diet + (1 + day | rat)", "normal", 1)
    assert spec["diet"].family == "tree"
    why = spec.explain().set_index("column")["why"]["y"]
    assert why.endswith("112 rows are few: each rat has a line in day; residuals follow each other.")


def test_its_logarithm_where_that_is_likelier() -> None:
    frame = table().assign(y=lambda d: np.exp(d["y"] / 10).round(3))
    assert equation(frame).family == "lognormal"


def test_a_bend_that_all_share() -> None:
    frame = table().assign(y=lambda d: d["y"] + d["day"] ** 2)
    assert "I(day ** 2)" in str(equation(frame).formula)


def test_groups_of_units_have_effects_too() -> None:
    frame = table(24).assign(cage=lambda d: d["rat"] // 4)
    assert str(equation(frame, groups=["cage"]).formula).endswith("(1 + day | rat) + (1 | cage)")


def test_columns_that_few_units_cannot_tell_are_left_out() -> None:
    frame = table(6)
    assert str(equation(frame).formula) == "y ~ day + (1 + day | rat)"


def test_columns_of_the_row_tell_too() -> None:
    frame = table().assign(z=lambda d: d["y"] + np.random.default_rng(3).normal(size=len(d)).round(2))
    assert str(equation(frame, "z").formula) == "z ~ day + diet + day:diet + y + (1 + day | rat)"


def missing(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(y=frame["y"].mask(frame.index == 5))


TREES = {
    "many rows": lambda d: table(60),
    "few rows of a unit": lambda d: table(40, 2),
    "missing cells": missing,
    "a heap of zeros": lambda d: d.assign(y=d["y"].where(d.index % 4 > 0, 0.0)),
    "few values": lambda d: d.assign(y=(d["y"] / 10).round()),
    "skewed residuals": lambda d: d.assign(y=d["y"] - 5 * np.random.default_rng(1).exponential(size=len(d)) ** 2),
    "a share": lambda d: d.assign(y=(d["y"] / 200).round(4)),
    "dates as times": lambda d: d.assign(day=pd.to_datetime("2020-01-01") + pd.to_timedelta(d["day"], "D")),
}


@pytest.mark.parametrize("case", TREES)
def test_all_else_stays_with_trees(case: str) -> None:
    frame = TREES[case](table())
    assert equation(frame).family == "tree", case


def test_few_is_said_in_rows() -> None:
    assert len(table(50, 8)) == FEW and equation(table(50, 8)).family == "normal"


def test_copies_have_the_variances_between_units() -> None:
    frame = table(20)
    copies = bs.synthesize(frame, m=10, random_seed=1, **SEQUENCE)

    def slopes(d: pd.DataFrame) -> float:
        return float(d.groupby("rat").apply(lambda g: np.polyfit(g["day"], g["y"], 1)[0]).std())

    found = [slopes(copy) for copy in copies]
    assert min(found) < slopes(frame) < max(found)
    assert np.mean(found) == pytest.approx(slopes(frame), rel=0.3)
    assert all(copy.groupby("rat")["diet"].nunique().eq(1).all() for copy in copies)
