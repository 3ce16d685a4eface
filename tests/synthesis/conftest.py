"""Fits made by hand of tables with every group structure."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayessynth as bs
from bayessynth.synthesis import generate, part_file
from tests import clinics
from tests.handmade import handmade


@pytest.fixture(scope="session")
def clinic_table() -> pd.DataFrame:
    return clinics.clinics()


@pytest.fixture(scope="session")
def clinic_fit(clinic_table: pd.DataFrame) -> bs.Fitted:
    return handmade(clinics.spec(), clinic_table)


@pytest.fixture(scope="session")
def school_table() -> pd.DataFrame:
    """Pupils in classes, numbered anew in every school, with a column at each level."""
    rng = np.random.default_rng(5)
    classes = rng.integers(2, 5, 15)
    school = np.repeat(np.arange(15), classes)
    number = np.concatenate([np.arange(c) for c in classes])
    rows = np.repeat(np.arange(len(school)), rng.integers(3, 9, len(school)))
    return pd.DataFrame(
        {
            "school": 500 + 3 * school[rows],
            "class": pd.array(number[rows] + 1, dtype="Int64"),
            "public": (rng.random(15) < 0.5)[school[rows]],
            "area": rng.normal(60, 5, len(school))[rows],
            "score": rng.normal(size=len(rows)).round(2),
        }
    )


@pytest.fixture(scope="session")
def school_fit(school_table: pd.DataFrame) -> bs.Fitted:
    spec = bs.Spec(
        "public ~ 1",
        bs.Equation("area ~ public + (1 | school)", family="normal"),
        "score ~ area + public + (1 | school / class)",
    )
    return handmade(spec, school_table)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 50 rows, files of two parts."""
    monkeypatch.setattr(generate, "PART", 50)
    monkeypatch.setattr(part_file, "PARTS", 2)
