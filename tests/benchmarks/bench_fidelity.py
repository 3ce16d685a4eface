"""How faithful are automatic copies of Adult and SD2011, and what do they betray? Against the figures of other tools.

Each table is cut into training rows (four fifths) and rows held out, at several splits; one copy of the training rows
is drawn with default settings and scored by the script beside the peers' tables, as theirs were. Printed are means over
the splits with their standard errors: discriminator AUC (.5 is best), pairs (1 − total variation), TSTR (train on the
copy, test on rows held out), membership AUC less that of independent columns on the same split, exact copies of
training rows, and CPU-seconds of a fit and a copy in a process of its own, imports included.

With ``--copies`` more copies are drawn of the first split: intervals of a logistic regression in single copies, and
pooled over all of them, against those of the training rows (overlap and mean absolute z).

    python tests/benchmarks/bench_fidelity.py
    python tests/benchmarks/bench_fidelity.py --splits 1 --copies 20 --seed 7
    python tests/benchmarks/bench_fidelity.py --settings '{"leaf": 50}'
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
SCORE = SHARED / "peers" / "score.py"


@dataclass(frozen=True)
class Table:
    """A table with the regression that its copies are judged by."""

    target: str
    drop: str
    covariates: tuple[str, ...]


TABLES = {
    "adult": Table("income", "", ("age", "education-num", "hours-per-week", "sex", "race", "marital-status")),
    "sd2011": Table("smoke", "nociga", ("age", "sex", "edu", "marital", "sport", "depress")),
}
# Standard error from which on a logistic coefficient is not determined.
DETERMINED = 50
SHOWN = ("c2st_hgb", "pair", "tstr", "excess", "exact_copies", "ci_overlap", "mean_abs_z", "cpu")


def draw(name: str, split: int, m: int, folder: Path, settings: dict[str, object], seed: int = 0) -> None:
    """Write the two parts of a table, copies of the first, and independent columns of it."""
    import numpy as np
    import pandas as pd

    import bayessynth as bs

    warnings.simplefilter("ignore")
    frame = pd.read_csv(SHARED / "data" / f"{name}.csv.gz", low_memory=False)
    text = [c for c in frame if not pd.api.types.is_numeric_dtype(frame[c].dtype)]
    frame = frame.assign(**{c: frame[c].str.strip() for c in text})
    order, cut = np.random.default_rng(split).permutation(len(frame)), int(0.8 * len(frame))
    train = frame.iloc[order[:cut]].reset_index(drop=True)
    train.to_csv(folder / "train.csv", index=False)
    frame.iloc[order[cut:]].to_csv(folder / "holdout.csv", index=False)
    before = resource.getrusage(resource.RUSAGE_SELF)
    copies = bs.synthesize(train, m=m, random_seed=split + seed, trees=bs.TreeSettings(**settings))
    for j in range(m):
        copies[j].to_csv(folder / f"copy{j}.csv", index=False)
    spent = resource.getrusage(resource.RUSAGE_SELF)
    own = spent.ru_utime + spent.ru_stime - (before.ru_utime + before.ru_stime if m > 1 else 0)
    (folder / "cpu").write_text(str(own))
    rng = np.random.default_rng(split)
    train.apply(lambda column: rng.permutation(column)).to_csv(folder / "independent.csv", index=False)


def scored(name: str, copy: str, folder: Path) -> dict[str, float]:
    """Return the scores of a copy by the peers' script."""
    table = TABLES[name]
    command = [sys.executable, SCORE, "train.csv", "holdout.csv", copy, "--target", table.target, "--drop", table.drop,
               "--covariates", ",".join(table.covariates)]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def one_split(name: str, split: int, settings: dict[str, object]) -> dict[str, float]:
    """Return the scores of one copy, drawn in a process of its own."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        command = [sys.executable, __file__, "--draw", name, str(split), place, json.dumps(settings)]
        subprocess.run(command, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
        found = scored(name, "copy0.csv", folder)
        found["excess"] = found["mia_auc"] - scored(name, "independent.csv", folder)["mia_auc"]
        found["cpu"] = float((folder / "cpu").read_text())
        return found


def regressions(name: str, m: int, settings: dict[str, object], seed: int) -> None:
    """Compare a logistic regression in single copies and pooled over all with that of the training rows."""
    import numpy as np
    import pandas as pd

    from bayessynth.inference import RULES, Estimate
    from bayessynth.inference.pooling import combine

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        draw(name, 0, m, folder, settings, seed)
        train = pd.read_csv(folder / "train.csv", low_memory=False)
        copies = [pd.read_csv(folder / f"copy{j}.csv", low_memory=False) for j in range(m)]
    fits = [_logistic(frame, train, TABLES[name]) for frame in (train, *copies)]
    # A coefficient that some copy does not determine (no record of a rare level, or all of one outcome) is left out.
    names = [name for name in fits[0][0] if name != "const"]
    kept = [name for name in names if all(name in e and s[name] < DETERMINED for e, s in fits)]
    print(f"  {len(kept)} of {len(names)} coefficients are determined in all copies")
    (b, se), *own = [(np.array([e[k] for k in kept]), np.array([s[k] for k in kept])) for e, s in fits]
    singles = [(_overlap(b, se, e, s), np.abs((b - e) / se).mean()) for e, s in own]
    print(f"  {m} single copies: overlap {np.mean([o for o, _ in singles]):.3f}, mean |z| "
          f"{np.mean([z for _, z in singles]):.2f}")  # fmt: skip
    pooled = combine([Estimate(tuple(kept), e, np.diag(s**2)) for e, s in own], RULES["proper"], len(train), len(train))
    e, s = (pooled.table[column].to_numpy() for column in ("estimate", "std_error"))
    print(f"  pooled: overlap {_overlap(b, se, e, s):.3f}, mean |z| {np.abs((b - e) / se).mean():.2f}")
    for k in np.argsort(-np.abs((b - e) / se))[:4]:
        print(f"    {kept[k]}: {b[k]:.3f} ({se[k]:.3f}) in the original, {e[k]:.3f} ({s[k]:.3f}) pooled")


def _logistic(frame: object, train: object, table: Table) -> tuple[dict[str, float], dict[str, float]]:
    """Fit the regression with the training rows' reference levels and scales."""
    import numpy as np
    import pandas as pd
    import statsmodels.api as sm

    positive = sorted(train[table.target].dropna().unique())[-1]
    rows = frame[[*table.covariates, table.target]].dropna()
    design = {"const": np.ones(len(rows))}
    for name in table.covariates:
        if pd.api.types.is_numeric_dtype(train[name].dtype):
            design[name] = (rows[name] - train[name].mean()) / train[name].std()
            continue
        reference = train[name].value_counts().index[0]
        levels = [level for level in sorted(train[name].dropna().unique()) if level != reference]
        design |= {f"{name}={level}": (rows[name] == level).astype(float) for level in levels}
    x = pd.DataFrame(design)
    x = x.loc[:, (x != 0).any()]
    y = (rows[table.target] == positive).astype(float)
    found = sm.GLM(y, x, family=sm.families.Binomial()).fit(maxiter=60)
    return dict(found.params), dict(found.bse)


def _overlap(b: object, se: object, e: object, s: object) -> float:
    """Return the mean overlap of two sets of 95 % intervals (Karr et al. 2006)."""
    import numpy as np

    both = np.minimum(b + 1.96 * se, e + 1.96 * s) - np.maximum(b - 1.96 * se, e - 1.96 * s)
    return float(np.maximum(0, 0.5 * (both / (3.92 * se) + both / (3.92 * s))).mean())


def main() -> None:
    """Score copies of both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=sorted(TABLES))
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--copies", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0, help="of the copies whose regressions are compared")
    parser.add_argument("--settings", type=json.loads, default={}, help="of bs.TreeSettings, as JSON")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--draw", nargs=4, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.draw:
        name, split, place, settings = arguments.draw
        draw(name, int(split), 1, Path(place), json.loads(settings))
        return
    if not SCORE.exists():
        print("no tables of peers beside the project: nothing to score")
        return
    report: dict[str, list[dict[str, float]]] = {}
    print(f"{'':16s}" + "".join(f"{key:>16s}" for key in SHOWN))
    for name in [arguments.only] if arguments.only else TABLES:
        rows = report[name] = [one_split(name, split, arguments.settings) for split in range(arguments.splits)]
        cells = []
        for key in SHOWN:
            values = [row[key] for row in rows]
            mean = sum(values) / len(values)
            spread = (sum((v - mean) ** 2 for v in values) / max(len(values) - 1, 1) / len(values)) ** 0.5
            cells.append(f"{f'{mean:.4f} ±{spread:.4f}':>16s}")
        print(f"{name:16s}" + "".join(cells), flush=True)
        if arguments.copies:
            regressions(name, arguments.copies, arguments.settings, arguments.seed)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
