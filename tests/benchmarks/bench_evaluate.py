"""How long an evaluation takes, and whether its report tells synthesizers apart on one glance.

First: five copies of Adult (26,049 rows, 15 columns; the table of synthpop's CART five times), all measures: seconds
by measure, peak memory, size of the report. Then the verdicts of every room for what other synthesizers made of Adult,
and, on the five columns that a small spec of ours declares, for ours beside theirs. Needs the data and the peers'
tables beside the repository; ``--out DIR`` keeps the reports. Run by ``make bench``.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import bayessynth as bs
from bayessynth.evaluation import judge
from bayessynth.evaluation.registry import Entry
from bayessynth.evaluation.tables import Tables

SHARED = Path(__file__).parents[2].parent / "shared"
PEERS = ("synthpop_cart", "mostlyai", "sdv_gaussiancopula", "indep", "bootstrap")
KEYS = ["age", "sex", "race", "education", "marital-status"]
FEW = ["age", "education-num", "sex", "hours-per-week", "income"]


def adult() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return training and holdout rows, split as the peers' tables were made."""
    table = pd.read_csv(SHARED / "data" / "adult.csv.gz", keep_default_na=False)
    table = table.apply(lambda c: c if pd.api.types.is_numeric_dtype(c) else c.str.strip())
    rows = np.random.default_rng(0).permutation(len(table))
    cut = int(0.8 * len(table))
    return table.iloc[rows[:cut]].reset_index(drop=True), table.iloc[rows[cut:]].reset_index(drop=True)


def peer(name: str) -> pd.DataFrame:
    return pd.read_csv(SHARED / "peers" / f"adult__{name}.csv.gz", keep_default_na=False)


def ours(train: pd.DataFrame) -> bs.SyntheticData:
    """Return one copy from a small spec of five columns."""
    spec = bs.Spec(
        bs.Equation("age ~ 1", family="gamma"), "sex ~ age", bs.Equation("`education-num` ~ sex", family="normal"),
        bs.Equation("`hours-per-week` ~ sex + age + I(age**2)", family="normal"),
        "income ~ age + I(age**2) + `education-num` + sex + `hours-per-week`",
    )  # fmt: skip
    fitted = spec.fit(train[FEW], draws=500, tune=500, chains=2, random_seed=1, progress=False)
    return fitted.synthesize(m=1, random_seed=2, force=True)


def verdicts(who: str, result: bs.Evaluation) -> dict[str, object]:
    """Return how many measures of each room pass, warn and fail."""
    row: dict[str, object] = {"table": who}
    for room in judge.ROOMS:
        found = [m.verdict for m in result.of(room)]
        row[room] = " ".join(f"{found.count(v)} {v}" for v in ("fail", "warn", "pass") if v in found)
    return row


def timed(seconds: dict[str, float]) -> None:
    """Let every measure note how long it takes."""
    compute = judge._computed

    def noted(entry: Entry, tables: Tables) -> list[bs.Measure]:
        start = time.perf_counter()
        found = compute(entry, tables)
        seconds[entry.name] = seconds.get(entry.name, 0.0) + time.perf_counter() - start
        return found

    judge._computed = noted


def main() -> int:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path(tempfile.mkdtemp()))
    out = parser.parse_args().out
    if not (SHARED / "peers").is_dir():
        print(f"skipped: there is no {SHARED / 'peers'}")
        return 0
    warnings.simplefilter("ignore")
    out.mkdir(parents=True, exist_ok=True)
    train, holdout = adult()
    seconds: dict[str, float] = {}
    timed(seconds)
    copies = [peer("synthpop_cart")] * 5
    start = time.perf_counter()
    result = bs.evaluate(train, copies, holdout, keys=KEYS, target="income")
    total = time.perf_counter() - start
    size = result.to_html(out / "five_copies.html").stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"5 copies of Adult, {len(result)} measures: {total:.1f} s, peak {peak / 1e6:.2f} GB, "
        f"report {size / 1e6:.2f} MB"
    )
    print(", ".join(f"{name} {s:.1f}" for name, s in sorted(seconds.items(), key=lambda x: -x[1])[:8]))
    rows = []
    for name in PEERS:
        result = bs.evaluate(train, peer(name), holdout, keys=KEYS, target="income")
        result.to_html(out / f"{name}.html")
        rows.append(verdicts(name, result))
    print("\nAll 15 columns\n" + pd.DataFrame(rows).to_string(index=False), flush=True)
    few_keys = ["age", "sex"]
    rows = []
    for name in ("ours", *PEERS):
        made = ours(train) if name == "ours" else peer(name)[FEW]
        result = bs.evaluate(train[FEW], made, holdout[FEW], keys=few_keys, target="income")
        result.to_html(out / f"five_columns_{name}.html")
        rows.append(verdicts(name, result))
    print("\nFive columns\n" + pd.DataFrame(rows).to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
