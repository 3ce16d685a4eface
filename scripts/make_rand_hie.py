"""Make ``bayessynth/datasets/rand_hie.csv`` from the file that statsmodels ships (0.15 or later).

Run ``python scripts/make_rand_hie.py [TARGET]``; the same bytes come out every time. The columns, and what is
done to the source's values, are described in ``bayessynth/datasets/rand_hie.py``.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 1974
PERSONS = 1000
TARGET = Path(__file__).parents[1] / "bayessynth" / "datasets" / "rand_hie.csv"

# The source numbers the sites; bayessynth/datasets/rand_hie.py says how the names were found.
SITES = {
    1: "Dayton",
    2: "Seattle",
    3: "Fitchburg",
    4: "Franklin County",
    5: "Charleston",
    6: "Georgetown County",
}


def source_file() -> Path:
    """Find the person-year file inside the installed statsmodels, without importing statsmodels."""
    spec = find_spec("statsmodels")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("statsmodels is not installed: pip install 'statsmodels>=0.15'")
    path = Path(spec.submodule_search_locations[0]) / "datasets" / "randhie" / "src" / "randhie.csv"
    if not path.is_file():
        raise SystemExit("statsmodels lacks datasets/randhie/src/randhie.csv: install 0.15 or later")
    return path


def plan(source: pd.DataFrame) -> pd.Series:
    """Name the five kinds of plan that the experiment's reports compare."""
    by_coinsurance = source["coins"].map({0: "free", 25: "25%", 50: "50%", 95: "95%", 100: "95%"})
    deductible = source["plan"].isin([1, 13])
    return by_coinsurance.mask(deductible, "individual deductible")


def yes_no(values: pd.Series) -> pd.Series:
    """Turn 0 and 1 into booleans; a fraction is a mean that the source filled in, so it becomes missing."""
    return values.where(values.isin([0, 1])).astype("boolean")


def build(source: pd.DataFrame) -> pd.DataFrame:
    """Choose the persons and rename, round and clean the columns."""
    ids = np.unique(source["zper"])
    # RandomState's stream is frozen by NumPy's compatibility policy, default_rng's is not.
    chosen = np.sort(np.random.RandomState(SEED).permutation(len(ids))[:PERSONS])
    number = pd.Series(np.arange(1, PERSONS + 1), index=ids[chosen])
    rows = source[source["zper"].isin(number.index)].sort_values(["zper", "year"], kind="stable")

    whole_tenth = np.isclose(rows["disea"] * 10, (rows["disea"] * 10).round(), atol=1e-6)
    half_year = np.isclose(rows["educdec"] * 2, (rows["educdec"] * 2).round(), atol=1e-6)
    return pd.DataFrame(
        {
            "person": rows["zper"].map(number),
            "site": rows["site"].map(SITES),
            "plan": plan(rows),
            "coinsurance": rows["coins"],
            "year": rows["year"],
            "female": rows["female"].astype(bool),
            "black": yes_no(rows["black"]),
            "age": rows["xage"].round(1),
            "education": rows["educdec"].where(half_year),
            "family_size": rows["num"],
            "income": rows["income"].round().astype("int64"),
            "health": rows["ghindx"].round(1),
            "diseases": rows["disea"].where(whole_tenth).round(1),
            "limited": yes_no(rows["physlm"]),
            "visits": rows["mdvis"],
            "admissions": rows["totadm"],
            "expenditure": rows["meddol"].round(2),
        }
    )


def main() -> None:
    """Write the file."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    table = build(pd.read_csv(source_file()))
    target.write_bytes(table.to_csv(index=False, lineterminator="\n").encode())


if __name__ == "__main__":
    main()
