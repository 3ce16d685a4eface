"""What the dial between fidelity and disclosure costs: larger leaves and more smoothing, against what is lost.

For each setting of ``bs.TreeSettings`` one copy a split is drawn of a table and scored: AUC of a discriminator between
copy and originals (.5 is best), pairs kept (1 − total variation), membership (AUC of the nearest record's distance,
less that of independent columns on the same split; 0 betrays nobody). Means over the splits. A setting is on the
frontier if no other one is as good in both discriminator and membership and better in one.

    python tests/benchmarks/bench_dial.py
    python tests/benchmarks/bench_dial.py --table adult --splits 1
"""

from __future__ import annotations

import argparse
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

import bayessynth as bs  # noqa: E402
from tests.benchmarks.scores import Scorer  # noqa: E402

DATA = ROOT.parent / "shared" / "data"
SETTINGS: tuple[dict[str, float], ...] = (
    {"leaf": 5, "smoothing": 0.0}, {"leaf": 20}, {}, {"smoothing": 10.0}, {"leaf": 100}, {"leaf": 300}, {"leaf": 1000},
)  # fmt: skip


def scores(frame: pd.DataFrame, settings: dict[str, float], split: int) -> tuple[float, float, float]:
    """Return discriminator AUC, pairs and membership excess of one copy."""
    order, cut = np.random.default_rng(split).permutation(len(frame)), int(0.8 * len(frame))
    train, holdout = (frame.iloc[rows].reset_index(drop=True) for rows in (order[:cut], order[cut:]))
    copy = bs.synthesize(train, m=1, random_seed=split, trees=bs.TreeSettings(**settings))[0]
    scorer = Scorer(train, holdout)
    rows = scorer.matrix(copy)
    return (scorer.discriminator(rows), scorer.pairs(rows),
            scorer.membership(rows) - scorer.membership(scorer.independent()))  # fmt: skip


def on_frontier(found: np.ndarray) -> np.ndarray:
    """Tell which settings no other one beats: distance of the discriminator from .5, and membership.

    >>> on_frontier(np.array([[0.5, 0.9, 0.05], [0.6, 0.9, 0.01], [0.6, 0.9, 0.06]])).tolist()
    [True, True, False]
    """
    cost = np.column_stack([np.abs(found[:, 0] - 0.5), found[:, 2]])
    beaten = [(cost <= own).all(axis=1) & (cost < own).any(axis=1) for own in cost]
    return ~np.array([others.any() for others in beaten])


def main() -> None:
    """Print the scores of all settings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", default="sd2011")
    parser.add_argument("--splits", type=int, default=3)
    arguments = parser.parse_args()
    path = DATA / f"{arguments.table}.csv.gz"
    if not path.exists():
        print("no folder of tables beside the project: nothing to measure")
        return
    warnings.simplefilter("ignore")
    frame = pd.read_csv(path, low_memory=False)
    print(f"{arguments.table}, {arguments.splits} splits\n{'settings':36s}{'AUC':>8s}{'pairs':>8s}{'membership':>12s}")
    rows = []
    for settings in SETTINGS:
        rows.append(np.mean([scores(frame, settings, split) for split in range(arguments.splits)], axis=0))
        shown = ", ".join(f"{name}={value:g}" for name, value in settings.items()) or "default"
        print(f"{shown:36s}{rows[-1][0]:8.3f}{rows[-1][1]:8.3f}{rows[-1][2]:12.3f}", flush=True)
    names = [", ".join(f"{k}={v:g}" for k, v in own.items()) or "default" for own in SETTINGS]
    kept = on_frontier(np.array(rows))
    print("on the frontier: " + "; ".join(name for name, keep in zip(names, kept, strict=True) if keep))


if __name__ == "__main__":
    main()
