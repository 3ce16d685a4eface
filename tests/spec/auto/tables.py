"""Made-up tables whose structure is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.schema import Columns, Schema
from bayessynth.spec.auto import Dependence, GroupFinding, associations, find_groups


def encoded(frame: pd.DataFrame) -> tuple[Schema, Columns]:
    """Return a table's schema and its encoded columns."""
    schema = Schema.detect(frame)
    return schema, schema.encode(frame, missing="keep")


def dependence_of(frame: pd.DataFrame) -> Dependence:
    """Return how the columns of a table depend on each other."""
    schema, columns = encoded(frame)
    return associations(columns, schema, np.random.default_rng(1))


def found_in(frame: pd.DataFrame) -> dict[str, GroupFinding]:
    """Return the grouping factors that are found in a table, by column."""
    schema, columns = encoded(frame)
    return {finding.factor: finding for finding in find_groups(frame, columns, schema)}


def chosen_dependence(strength: Mapping[tuple[str, str], float], names: str) -> Dependence:
    """Return a dependence of given strengths between columns of entropy one."""
    matrix = np.eye(len(names), dtype=np.float32)
    for (one, other), value in strength.items():
        i, j = names.index(one), names.index(other)
        matrix[i, j] = matrix[j, i] = value
    return Dependence(tuple(names), matrix, matrix)


def pupils(schools: int = 60, seed: int = 1) -> pd.DataFrame:
    """Return pupils in schools in districts: a sector and a size a school, a budget a district."""
    rng = np.random.default_rng(seed)
    size = rng.integers(8, 25, schools)
    school = np.repeat(np.arange(schools), size)
    district = rng.permutation(np.arange(schools) % 12)
    label = rng.permutation(np.arange(1000, 1000 + schools))
    ses = rng.normal(size=schools)[school] * 0.6 + rng.normal(size=len(school))
    table = {
        "pupil": [f"p{i:05d}" for i in rng.permutation(len(school))],
        "school": label[school],
        "district": (rng.permutation(12) + 1)[district][school],
        "sector": np.array(["public", "private"])[rng.integers(0, 2, schools)][school],
        "enrolment": size[school],
        "budget": rng.normal(50, 9, 12).round(2)[district][school],
        "female": rng.integers(0, 2, len(school)),
        "ses": ses.round(3),
        "score": (ses * 0.5 + rng.normal(size=len(school))).round(2),
    }
    return pd.DataFrame(table).iloc[rng.permutation(len(school))].reset_index(drop=True)


def persons(n: int = 3000, seed: int = 2) -> pd.DataFrame:
    """Return unrelated persons: columns that repeat and go together, none of which tells units apart."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 80, n)
    years = np.clip(rng.normal(12, 3, n) - (age > 60), 0, 20).round().astype(int)
    region = rng.integers(1, 9, n)
    table: dict[str, Any] = {
        "age": age,
        "age_group": np.array(["young", "middle", "old"])[np.digitize(age, [35, 60])],
        "school": years,
        "graduate": np.where(years >= 16, "yes", "no"),
        "year": rng.integers(1990, 2015, n),
        "region": region,
        "north": np.isin(region, [2, 5, 7]).astype(int),
        "occupation": np.array([f"trade of {word}" for word in ("wood", "iron", "corn", "wool", "salt", "wine")])[
            rng.integers(0, 6, n)
        ],
        "visits": rng.negative_binomial(2, 0.3, n),
        "rating": rng.integers(1, 11, n),
        "income": np.exp(rng.normal(9 + 0.08 * years + 0.01 * (age - 18), 0.5)).round(-1),
    }
    return pd.DataFrame(table)
