"""Coverage and width of noise-aware 95 % intervals: two covariates, all moments released, delta = 1e-5, add/remove.

    python tests/benchmarks/bench_dp_coverage.py [repetitions] [seed] [fixed|drawn]

Prints a line a cell and parameter, then the recovery of a hierarchical regression. What ``fixed`` and ``drawn`` mean
stands in tests/fitting/noise_aware/coverage.py.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))

from bayessynth.fitting.engines.settings import Settings
from tests.fitting.noise_aware import sites
from tests.fitting.noise_aware.coverage import EPSILONS, SIZES, simulate

REPETITIONS = 2000


def main(repetitions: int = REPETITIONS, seed: int = 1, kinds: tuple[str, ...] = ("fixed", "drawn")) -> None:
    """Print the tables."""
    for kind in kinds:
        found = pd.concat(simulate(kind, e, n, repetitions, seed) for e in EPSILONS for n in SIZES)
        print(f"\n{kind}, {repetitions} repetitions: coverage, and median width against no privacy")
        wide = found.pivot(index=["epsilon", "n"], columns="parameter", values=["coverage", "width"])
        cost = found.groupby(["epsilon", "n"])[["seconds", "nuts"]].first()
        cost.columns = pd.MultiIndex.from_product([["fit"], cost.columns])
        with pd.option_context("display.width", 200, "display.max_columns", 20):
            print(wide.join(cost).round(3))
    print("\n12 sites of 15 to 250 rows, epsilon = 1")
    for own in range(seed, seed + 3):
        begun = time.perf_counter()
        fit = sites.fit(np.random.default_rng(own), Settings(draws=1000, tune=1000, chains=4, cores=2))
        draws = {name: fit.variables[name][1] for name in sites.TRUTH}
        shown = [f"{name} {d.mean():.3f} ± {d.std():.3f} ({sites.TRUTH[name]})" for name, d in draws.items()]
        print(", ".join(shown), f"{time.perf_counter() - begun:.1f} s")


if __name__ == "__main__":
    main(*(int(a) for a in sys.argv[1:3]), *([(sys.argv[3],)] if len(sys.argv) > 3 else []))
