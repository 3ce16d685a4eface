"""Do our measures of columns and pairs agree with SDMetrics'? Both on the same tables.

SDMetrics needs an older pandas than this project, so it runs in an environment of its own, named by ``--python``::

    python -m venv peers && peers/bin/python -m pip install sdmetrics anonymeter
    python tests/benchmarks/bench_measures_against_peers.py --python peers/bin/python

Without it the script says so and ends. Compared are: KSComplement with 1 − Kolmogorov–Smirnov; TVComplement with 1 −
total variation; ContingencySimilarity with the overlap of two-way tables. Missing cells are dropped by SDMetrics and a
level here; therefore each table is compared without missing cells, and once with them. Run by ``make bench``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from bayessynth.evaluation.tables import read_tables
from bayessynth.evaluation.utility.tabulation import overlaps
from bayessynth.evaluation.utility.univariate import kolmogorov_smirnov, total_variation

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"

# Runs in the other environment: reads two tables and the names of the columns, prints scores as JSON.
PEER = """
import itertools, json, sys, warnings
import pandas as pd
warnings.filterwarnings("ignore")
from sdmetrics.column_pairs import ContingencySimilarity
from sdmetrics.single_column import KSComplement, TVComplement
real, copy = (pd.read_csv(path, dtype=json.loads(sys.argv[4]), keep_default_na=True) for path in sys.argv[1:3])
numbers, levels = json.loads(sys.argv[3])
scores = {c: KSComplement.compute(real[c], copy[c]) for c in numbers}
scores |= {c: TVComplement.compute(real[c], copy[c]) for c in levels}
pairs = {" x ".join(p): ContingencySimilarity.compute(real[list(p)], copy[list(p)], num_rows_subsample=None)
         for p in itertools.combinations(levels, 2)}
print(json.dumps({"columns": scores, "pairs": pairs}))
"""


def tables(name: str, gaps: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a table of the data folder cut in two at random, and shuffled column by column where a pair is cut."""
    frame = pd.read_csv(DATA / f"{name}.csv.gz", low_memory=False)
    if not gaps:
        frame = frame.loc[:, frame.notna().all()]
    order = np.random.default_rng(0).permutation(len(frame))[:4000]
    first, second = frame.iloc[order[::2]].reset_index(drop=True), frame.iloc[order[1::2]].reset_index(drop=True)
    last = second.columns[-1]
    return first, second.assign(**{last: second[last].sample(frac=1, random_state=1).to_numpy()})


def ours(real: pd.DataFrame, copy: pd.DataFrame) -> tuple[dict[str, dict[str, float]], list[str], list[str]]:
    """Return our scores of columns and pairs of levels, and which columns are numbers and levels."""
    seen = read_tables(real, [copy])
    # Beyond 50 levels ours are pooled: those columns would not compare.
    levels = [c for c in seen.levels if real[c].nunique() <= 50]
    numbers, a, b = list(seen.numbers), seen.original, seen.copies[0]
    columns = {c: 1 - kolmogorov_smirnov(a.values[c], b.values[c]) for c in numbers}
    columns |= {c: 1 - total_variation(a.codes[c], b.codes[c], seen.sizes[c]) for c in levels}
    sets = list(combinations(levels, 2))
    scores = overlaps(a, [b], sets, seen)[0] if sets else []
    pairs = {" x ".join(p): float(s) for p, s in zip(sets, scores, strict=True)}
    return {"columns": columns, "pairs": pairs}, numbers, levels


def theirs(
    python: str, real: pd.DataFrame, copy: pd.DataFrame, numbers: list[str], levels: list[str]
) -> dict[str, dict[str, float]]:
    """Return SDMetrics' scores, computed by another interpreter."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, f"{i}.csv")) for i in range(2)]
        for path, frame in zip(paths, (real, copy), strict=True):
            frame[[*numbers, *levels]].to_csv(path, index=False)
        types = json.dumps(dict.fromkeys(levels, "object"))
        command = [python, "-c", PEER, *paths, json.dumps([numbers, levels]), types]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> int:
    """Print the largest and the average difference, by table and kind of score."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", help="interpreter of an environment that has sdmetrics")
    asked = parser.parse_args()
    if asked.python is None or not DATA.is_dir():
        print("skipped: name an environment that has SDMetrics with --python, and keep the data folder beside the "
              "repository. Such an environment: python -m venv peers && peers/bin/python -m pip install sdmetrics "
              "anonymeter")  # fmt: skip
        return 0
    rows = []
    for name in ("adult", "sd2011"):
        for gaps in (False, True):
            real, copy = tables(name, gaps)
            if gaps and not real.isna().any().any():
                continue
            own, numbers, levels = ours(real, copy)
            peer = theirs(asked.python, real, copy, numbers, levels)
            for kind in ("columns", "pairs"):
                apart = pd.Series({c: own[kind][c] - peer[kind][c] for c in own[kind]})
                rows.append({"table": name, "missing cells": gaps, "score": kind, "compared": len(apart),
                             "ours": np.mean(list(own[kind].values())), "SDMetrics": np.mean(list(peer[kind].values())),
                             "largest difference": apart.abs().max(), "where": apart.abs().idxmax()})  # fmt: skip
    print(pd.DataFrame(rows).to_string(index=False, float_format=lambda v: f"{v:.6f}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
