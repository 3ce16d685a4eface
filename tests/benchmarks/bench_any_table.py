"""Does the automatic spec take any table? Every table of the data folder, with default settings.

Of every table four fifths are the original; one copy is drawn and compared: seconds, peak memory, whether a
discriminator tells the copy apart (AUC, .5 is best), how much more than independent columns it betrays of membership
(AUC less theirs, on the same split), pairs kept, missing cells (rates within sampling error, of groups where rows have
groups: largest and root mean square z), dtypes that changed and rows that break a rule. Columns without an equation,
and keys and labels of groups, which are made anew, are left out of the scores. Each table has a process of its own; one
that fails is named last.

    python tests/benchmarks/bench_any_table.py
    python tests/benchmarks/bench_any_table.py --only adult nhefs --seconds 600
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import bayessynth as bs  # noqa: E402
from tests.benchmarks.scores import Scorer  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
# Synthetic rows among which nearest neighbours are looked for: more would take hours on the longest tables.
AMONG = 100_000


def tables() -> list[Path]:
    """Return the files of all tables."""
    return sorted([*DATA.rglob("*.csv.gz"), *DATA.rglob("*.parquet")])


def numbers(frame: pd.DataFrame, schema: bs.Schema) -> pd.DataFrame:
    """Return a table with numbers and times that stand as text, and times at all, as numbers."""
    plain, day = schema.plain(frame), pd.Timedelta(days=1)
    times = {name: (cells.dt.tz_localize(None) - pd.Timestamp(0)) / day
             for name, cells in plain.select_dtypes(["datetime", "datetimetz"]).items()}  # fmt: skip
    spans = {name: cells / day for name, cells in plain.select_dtypes("timedelta").items()}
    return plain.assign(**times, **spans)


def measure(path: Path) -> dict[str, object]:
    """Return the figures of one table."""
    warnings.simplefilter("ignore")
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, low_memory=False)
    frame.columns = [str(name) for name in frame.columns]
    order = np.random.default_rng(0).permutation(len(frame))
    cut = int(0.8 * len(frame))
    train, holdout = (frame.iloc[rows].reset_index(drop=True) for rows in (order[:cut], order[cut:]))
    start = time.perf_counter()
    spec = bs.Spec.auto(train)
    fitted = spec.fit(train, missing="model", copies=1, random_seed=1)
    copy = fitted.synthesize(1, random_seed=1)[0]
    seconds = time.perf_counter() - start
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    plain = fitted.schema.plain(copy)
    broken = sum(int(rule.violations(plain).sum()) for rule in fitted.spec.rules)
    keys = {rule.columns[0] for rule in fitted.spec.rules if isinstance(rule, bs.Unique)}
    labels = {name for columns in fitted.bound.plan.columns.values() for name in columns}
    scored = [name for name in copy if name not in keys | labels]
    scorer = Scorer(numbers(train[scored], fitted.schema), numbers(holdout[scored], fitted.schema))
    rows = scorer.matrix(numbers(copy[scored], fitted.schema))
    some = np.random.default_rng(3).permutation(len(rows))[:AMONG]
    excess = scorer.membership(rows[some]) - scorer.membership(scorer.independent()[some])
    top = fitted.bound.plan.columns[fitted.bound.plan.chain[0]] if fitted.bound.plan.chain else ()
    (gone, own), (made, other) = (missing(table, list(copy), top) for table in (train, copy))
    noise = np.sqrt(np.where(gone > 0, own + np.where(made > 0, other, own), 0.0))
    z = (made - gone)[noise > 0] / noise[noise > 0]
    return {
        "rows": len(train), "columns": len(copy.columns), "left out": len(train.columns) - len(copy.columns),
        "seconds": seconds, "GiB": memory, "AUC": scorer.discriminator(rows), "membership": excess,
        "pairs": scorer.pairs(rows), "missing z": float(np.abs(z).max(initial=0)),
        "missing rms": float(np.sqrt((z**2).mean())) if len(z) else 0.0,
        "dtypes": int((copy.dtypes != train[list(copy)].dtypes).sum()), "broken": broken,
    }  # fmt: skip


def missing(frame: pd.DataFrame, columns: list[str], top: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of missing cells of every column, and its sampling variance: of rows, or of groups if any.

    Rows of a group are not sampled one by one (Cochran 1977, 9A.2, for clusters of unequal sizes).
    """
    gone = frame[columns].isna()
    shares = gone.mean()
    groups = frame.groupby(list(top), dropna=False).ngroup() if top else np.arange(len(frame))
    left = (gone - shares).groupby(groups).sum()
    return shares.to_numpy(), ((left**2).sum() / len(frame) ** 2).to_numpy()


def isolated(path: Path, seconds: int) -> dict[str, object]:
    """Measure a table in a process of its own."""
    command = [sys.executable, __file__, "--table", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return {"failed": f"took more than {seconds} s"}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or ["?"])[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure all tables and print theirs, the one that is told apart best last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="tables, by the beginning of their name")
    parser.add_argument("--seconds", type=int, default=1200, help="most for one table, scores included")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--table", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.table:
        print(json.dumps(measure(arguments.table)))
        return
    if not DATA.exists():
        print("no folder of tables beside the project: nothing to measure")
        return
    wanted = [p for p in tables() if not arguments.only or p.name.startswith(tuple(arguments.only))]
    found: dict[str, dict[str, object]] = {}
    for path in wanted:
        name = str(path.relative_to(DATA)).removesuffix(".csv.gz").removesuffix(".parquet")
        found[name] = isolated(path, arguments.seconds)
        print(f"  {name}: {found[name].get('failed', 'done')}", file=sys.stderr, flush=True)
        if arguments.json:
            arguments.json.write_text(json.dumps(found, indent=1))
    show(found)


def show(found: dict[str, dict[str, object]]) -> None:
    """Print the figures as a table."""
    failed = {name: row for name, row in found.items() if "failed" in row}
    done = sorted(((name, row) for name, row in found.items() if name not in failed), key=lambda pair: pair[1]["AUC"])
    heads = list(done[0][1]) if done else []
    print(f"{'table':32s}" + "".join(f"{head:>12s}" for head in heads))
    for name, row in done:
        cells = (f"{row[h]:12.3f}" if isinstance(row[h], float) else f"{row[h]:12,}" for h in heads)
        print(f"{name:32s}" + "".join(cells))
    for name, row in failed.items():
        print(f"{name}: {row['failed']}")


if __name__ == "__main__":
    main()
