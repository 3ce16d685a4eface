"""Tables of pairs under formal privacy, epsilon = 1, delta = 1e-5, records added or removed.

First Adult in 10 columns, cut to the cells printed: mean total variation of all tables of 2 and of 3 columns, between
the original and one copy of as many rows, drawn from one posterior draw; beside it what sampling alone costs, what is
left where all columns are independent, and apart from each other the errors of structure (the same pairs without noise)
and of noise (one posterior draw against that), both of a million records. Needs shared/data/adult.csv.gz.

Then coverage and width of 95 % intervals of a logistic regression from 100 pooled copies, where the truth is known.

Noise is drawn with seeds, so that the figures can be repeated; a real release takes none.

    python tests/benchmarks/bench_dp_tables.py [seeds] [repetitions] [pairs]
"""

from __future__ import annotations

import sys
import time
import warnings
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[2]))

import bayessynth as bs
from bayessynth.errors import PrivacyWarning
from bayessynth.fitting.noise_aware.tables import TablePosterior, fit_tables, measure
from bayessynth.fitting.noise_aware.tables.layout import sums_of
from bayessynth.fitting.noise_aware.tables.mode import find, model_of
from bayessynth.fitting.noise_aware.tables.sums import records
from bayessynth.privacy import NoisyMarginals
from bayessynth.privacy.marginals import cell_labels, marginal_counts
from tests.fitting.noise_aware.tables import truth

ADULT = Path(__file__).parents[3] / "shared" / "data" / "adult.csv.gz"
RECORDS = 1_000_000

# Levels as the data's documentation lists them (UCI Machine Learning Repository, data set 2).
DOMAIN = bs.Domain(
    {
        "age": bs.Bounds(17, 90, kind="count", grid=(25, 35, 45, 60), missing=17),
        "workclass": bs.Levels(
            "Private", "Self-emp-not-inc", "Self-emp-inc", "Federal-gov", "Local-gov", "State-gov", "Without-pay",
            "Never-worked", "?", missing="?",
        ),
        "education-num": bs.Bounds(1, 16, kind="count", grid=(9, 10, 13), missing=9),
        "marital-status": bs.Levels(
            "Married-civ-spouse", "Divorced", "Never-married", "Separated", "Widowed", "Married-spouse-absent",
            "Married-AF-spouse", missing="Never-married",
        ),
        "relationship": bs.Levels(
            "Wife", "Own-child", "Husband", "Not-in-family", "Other-relative", "Unmarried", missing="Not-in-family"
        ),
        "race": bs.Levels(
            "White", "Asian-Pac-Islander", "Amer-Indian-Eskimo", "Other", "Black", missing="Other"
        ),
        "sex": bs.Levels("Female", "Male", missing="Male"),
        "capital-gain": bs.Bounds(0, 99999, kind="count", grid=(1,), missing=0),
        "hours-per-week": bs.Bounds(1, 99, kind="count", grid=(35, 41, 50), missing=40),
        "income": bs.Levels("<=50K", ">50K", missing="<=50K"),
    },
    source="documentation of the data set",
)  # fmt: skip
NAMES = tuple(DOMAIN)

Codes = dict[str, np.ndarray]


def adult() -> tuple[pd.DataFrame, Codes]:
    """Return the table, and the cells of its records."""
    frame = pd.read_csv(ADULT, skipinitialspace=True)[list(NAMES)]
    codes = {}
    for name in NAMES:
        declared = DOMAIN[name]
        if isinstance(declared, bs.Bounds):
            codes[name] = np.searchsorted(declared.cuts, frame[name], side="right")
        else:
            codes[name] = frame[name].map({v: i for i, v in enumerate(declared.values)}).to_numpy(dtype=int)
    return frame, codes


def distances(one: Codes, two: Codes) -> np.ndarray:
    """Return the mean total variation of all tables of 2 and of 3 columns."""

    def table(codes: Codes, names: tuple[str, ...]) -> np.ndarray:
        shape = [len(cell_labels(DOMAIN, name)) for name in names]
        place = np.ravel_multi_index([codes[name] for name in names], shape)
        return np.bincount(place, minlength=int(np.prod(shape))) / len(place)

    return np.array([
        np.mean([0.5 * np.abs(table(one, s) - table(two, s)).sum() for s in combinations(NAMES, k)]) for k in (2, 3)
    ])  # fmt: skip


def one_seed(frame: pd.DataFrame, seed: int, pairs: int | None) -> tuple[TablePosterior, tuple[NoisyMarginals, ...]]:
    """Release, and draw one copy's parameters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PrivacyWarning)
        release = bs.DP(1, 1e-5, domain=DOMAIN, test_seed=seed).start()
    noisy = measure(release, frame, NAMES, rho=release.ledger.left * (1 - 1e-9), pairs=pairs)
    assert release.ledger.spent <= release.ledger.total
    return fit_tables(noisy, 1, random_seed=seed), noisy


def of_adult(seeds: int, pairs: int | None) -> None:
    """Print the distances of Adult."""
    frame, codes = adult()
    rng = np.random.default_rng(1)
    print(f"Adult, {len(frame)} rows; cells of each column:")
    for name in NAMES:
        print(f"  {name}: {', '.join(cell_labels(DOMAIN, name))}")
    again = rng.integers(0, len(frame), len(frame))
    floor = distances(codes, {c: v[again] for c, v in codes.items()})
    print("sampling alone", floor.round(4))
    # A posterior draw is as far from the original as a sample is from its population, and its copy once more.
    print("a posterior draw's copy without noise, about", (np.sqrt(2) * floor).round(4))
    print("independent   ", distances(codes, {c: rng.permutation(v) for c, v in codes.items()}).round(4))
    found, large, noisy = [], [], ()
    for seed in range(1, seeds + 1):
        begun = time.perf_counter()
        posterior, noisy = one_seed(frame, seed, pairs)
        copy = posterior.sample(0, len(frame), np.random.default_rng(seed))
        took = time.perf_counter() - begun
        found.append(distances(codes, copy))
        large.append(posterior.sample(0, RECORDS, rng))
        print(
            f"seed {seed}: {found[-1].round(4)}, {took:.1f} s, {len(noisy[-1].cliques)} pairs, "
            f"{posterior.layout.size} effects, {posterior.tree.cells:,} cells, {posterior.method}",
            flush=True,
        )
    print(f"copies of k = n, mean of {seeds}: {np.mean(found, axis=0).round(4)} (to reach .012, .03)")
    structure = without_noise(frame, noisy[-1], rng)
    print(f"structure alone, pairs of the last seed: {distances(codes, structure).round(4)}")
    print(f"noise alone, last seed against that: {distances(structure, large[-1]).round(4)}")
    print(f"both, without sampling: {np.mean([distances(codes, one) for one in large], axis=0).round(4)}")


def without_noise(frame: pd.DataFrame, noisy: NoisyMarginals, rng: np.random.Generator) -> Codes:
    """Return records of the model that fits the exact tables of the same pairs best."""
    exact = tuple(table.astype(float) for table in marginal_counts(DOMAIN, bs.Unit(), noisy.cliques, frame))
    model = model_of(sums_of([NoisyMarginals(noisy.cliques, noisy.cells, exact, 1.0, len(frame), True)]))
    drawn = records(model.tree, model.tables(find(model).effects), RECORDS, rng)
    return {name: drawn[:, i] for i, name in enumerate(model.sums.layout.columns)}


def main(seeds: int = 5, repetitions: int = 200, pairs: int | None = None) -> None:
    """Print both parts."""
    if ADULT.exists():
        of_adult(seeds, pairs)
    else:
        print(f"{ADULT} is absent: Adult is skipped")
    for kind in truth.CLIQUES if repetitions else ():
        found = truth.simulate(kind, 3000, 1.0, repetitions, 1)
        print(f"\n{repetitions} repetitions, 3,000 rows, {truth.COPIES} copies: income on age, race, sex")
        print(found.round(3).to_string(index=False), flush=True)


if __name__ == "__main__":
    main(*(int(a) for a in sys.argv[1:4]))
