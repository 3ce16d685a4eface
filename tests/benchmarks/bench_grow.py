"""How fast do trees grow? Ten trees of one column, against scikit-learn's of the same settings, by kind of target.

Records have exponential weights, leaves forty records, and each cut chooses from half of twelve features: codes of few
levels, whole numbers, a number that nearly every record has another of, and linear scores on their grid. Printed are
CPU-seconds on one core, the best of three.

    python tests/benchmarks/bench_grow.py
    python tests/benchmarks/bench_grow.py --rows 4000
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from bayessynth.trees.grow import grow
from bayessynth.trees.ranks import ranked, ranks_of, ranks_on_grid

LEAF, TREES = 40, 10


def table(n: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Return features, of which the last two are linear scores, and targets by kind."""
    rng = np.random.default_rng(1)
    few = [rng.integers(0, levels, n) for levels in (2, 2, 5, 7, 9, 16, 42)]
    numbers = [rng.integers(17, 90, n), np.round(rng.exponential(40, n)), rng.normal(size=n)]
    columns = np.column_stack([*few, *numbers]).astype(np.float32)
    standard = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    scores = standard @ rng.normal(size=(10, 2)).astype(np.float32)
    signal = scores[:, 0] + standard[:, 3] * standard[:, 7] + rng.normal(size=n)
    targets = {
        "a number": signal.astype(float),
        "three axes": np.column_stack([signal, scores + rng.normal(size=(n, 2))]),
    }
    for levels in (2, 5, 15, 42):
        targets[f"{levels} levels"] = np.searchsorted(np.quantile(signal, np.arange(1, levels) / levels), signal)
    return np.hstack([columns, scores]), targets


def best_of(run: Callable[[], object]) -> float:
    """Return the CPU-seconds of the fastest of three runs."""
    spent = []
    for _ in range(3):
        before = time.process_time()
        run()
        spent.append(time.process_time() - before)
    return min(spent)


def theirs(matrix: np.ndarray, y: np.ndarray, weights: np.ndarray) -> None:
    """Grow scikit-learn's trees."""
    kind = DecisionTreeClassifier if y.dtype.kind == "i" else DecisionTreeRegressor
    for seed in range(TREES):
        fitted = kind(min_samples_leaf=LEAF, max_features=0.5, random_state=seed)
        fitted.fit(matrix, y, sample_weight=weights).apply(matrix)


def main() -> None:
    """Grow trees of every kind of target."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=26_000)
    n = parser.parse_args().rows
    matrix, targets = table(n)
    weights = np.random.default_rng(2).exponential(size=n)
    features = ranked([*map(ranks_of, matrix.T[:-2]), *map(ranks_on_grid, matrix.T[-2:])], n)
    values = np.split(features.values, features.first[1:-1])
    coarse = np.column_stack([own[codes] for own, codes in zip(values, features.codes, strict=True)])
    grow(features, targets["a number"], weights, LEAF, 1, 1)
    print(f"{'target':12s}{'these':>10s}{'scikit-learn':>14s}   (CPU-seconds of {TREES} trees, {n:,} rows)")
    for name, y in targets.items():
        own = best_of(lambda y=y: grow(features, y, weights, LEAF, TREES, 1))
        print(f"{name:12s}{own:10.3f}{best_of(lambda y=y: theirs(coarse, y, weights)):14.3f}", flush=True)


if __name__ == "__main__":
    main()
