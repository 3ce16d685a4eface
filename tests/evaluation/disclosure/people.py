"""Tables of a known population, and generators that keep or lose its records."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayessynth.evaluation.tables import Tables, read_tables


def population(n: int, seed: int) -> pd.DataFrame:
    """Draw records with dependent columns, missing cells and a rare level; hardly any two are alike."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 90, n)
    site = rng.choice(["north", "south", "east", "west", "isle"], n, p=[0.4, 0.3, 0.2, 0.09, 0.01])
    income = np.exp(8 + 0.02 * age + rng.normal(0, 0.5, n)).round(1)
    return pd.DataFrame(
        {
            "age": age,
            "site": site,
            "income": np.where(rng.random(n) < 0.1, np.nan, income),
            "weight": rng.normal(70, 12, n).round(2),
            "ill": rng.random(n) < 1 / (1 + np.exp(4 - 0.06 * age)),
            "smokes": rng.choice(np.array(["no", "yes", None], dtype=object), n, p=[0.6, 0.3, 0.1]),
        }
    )


def independent(frame: pd.DataFrame, k: int, seed: int) -> pd.DataFrame:
    """Draw every column by itself."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame({c: frame[c].to_numpy()[rng.integers(0, len(frame), k)] for c in frame})


def overfitted(frame: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Repeat every record with a little noise in its numbers."""
    rng = np.random.default_rng(seed)
    made = frame.copy()
    for column in ("income", "weight"):
        made[column] = made[column] + rng.normal(0, 0.02 * frame[column].std(), len(frame))
    return made


def tables(original, copies, holdout=None, **known) -> Tables:
    return read_tables(original, copies if isinstance(copies, list) else [copies], holdout, **known)
