"""What automatic copies are worth for fraud detection, how fast they are drawn, whether rules hold, what intervals
cover.

``fraud``: a detector (histogram gradient boosting) trained on a copy, against one trained on the original, by AUC on
rows held out; mean over splits. ``rows``: rows a second from a fit of Adult. ``rules``: rules that are declared and
detected, on every row of a million. ``coverage``: pooled intervals of regression coefficients whose population is
nonlinear; each repetition draws a table, fits trees, pools a logistic and a linear regression, and asks whether the
population's coefficients (those of a million rows) are covered, and whether the table's own intervals cover them:
where the analyst's model is wrong, its standard errors are, and no copy mends them.

    python tests/benchmarks/bench_trees.py [fraud] [rows] [rules] [coverage [repetitions]]
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

import bayessynth as bs

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"

FRAUD = {"creditcard_fraud_sample": "Class", "taiwan_default": "target"}
SPLITS = 5


def detector_auc(train: pd.DataFrame, test: pd.DataFrame, target: str) -> float:
    """Return the AUC on a table of a detector that is trained on another."""
    model = HistGradientBoostingClassifier(random_state=0)
    model.fit(train.drop(columns=target), train[target].astype(int))
    return float(roc_auc_score(test[target].astype(int), model.predict_proba(test.drop(columns=target))[:, 1]))


def fraud() -> None:
    """Print how well detectors do that never saw an original row."""
    for name, target in FRAUD.items():
        frame = pd.read_csv(DATA / f"{name}.csv.gz").drop(columns="id", errors="ignore")
        scores = []
        for split in range(SPLITS):
            order, cut = np.random.default_rng(split).permutation(len(frame)), int(0.8 * len(frame))
            train, test = frame.iloc[order[:cut]].reset_index(drop=True), frame.iloc[order[cut:]]
            copy = bs.synthesize(train, m=1, random_seed=split)[0]
            scores.append([detector_auc(copy, test, target), detector_auc(train, test, target)])
        ours, theirs = np.mean(scores, axis=0)
        print(f"{name}: detector AUC {ours:.4f} on copies, {theirs:.4f} on the original: {ours / theirs:.4f} "
              f"(to reach .98), {SPLITS} splits", flush=True)  # fmt: skip


def rows() -> None:
    """Print rows a second."""
    frame = pd.read_csv(DATA / "adult.csv.gz", skipinitialspace=True)
    fitted = bs.Spec.auto(frame).fit(frame, missing="model", copies=3, random_seed=1)
    fitted.synthesize(m=1, k=1000, random_seed=1)[0]
    for k in (100_000, 1_000_000):
        begun = time.perf_counter()
        fitted.synthesize(m=1, k=k, random_seed=1)[0]
        took = time.perf_counter() - begun
        print(f"{k:,} rows of Adult's {frame.shape[1]} columns from the fit: {k / took:,.0f} rows/s", flush=True)


def ruled(n: int, seed: int) -> pd.DataFrame:
    """Return a table with columns that rules tie together."""
    rng = np.random.default_rng(seed)
    weight, height = rng.normal(75, 15, n).clip(40, 160).round(1), rng.normal(1.7, 0.1, n).clip(1.4, 2.1).round(2)
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, n), unit="D")
    stay = pd.to_timedelta(rng.geometric(0.2, n), unit="D")
    age = rng.integers(0, 100, n)
    return pd.DataFrame({
        "weight": weight, "height": height, "bmi": (weight / height**2).round(1), "age": age,
        "band": pd.cut(age, [-1, 17, 64, 120], labels=["child", "adult", "old"]).astype(str),
        "admitted": start, "discharged": start + stay, "job": np.where(age < 18, "none", rng.choice(["a", "b"], n)),
    })  # fmt: skip


def rules() -> None:
    """Print how many rows of a million break a rule."""
    frame = ruled(5000, 1)
    spec = bs.Spec.auto(frame)
    declared = [bs.Inequality("admitted", "discharged", strict=True), bs.Range("age", 0, 110)]
    kept = [r for r in spec.rules if repr(r) not in set(map(repr, declared))]
    spec = bs.Spec(*spec, rest="drop", rules=[*kept, *declared])
    copy = spec.fit(frame, missing="model", copies=1, random_seed=1).synthesize(m=1, k=1_000_000, random_seed=1)[0]
    for rule in spec.rules:
        broken = int(np.asarray(rule.learn(frame, bs.Schema.detect(frame)).violations(copy)).sum())
        print(f"{rule!r}: broken in {broken} of {len(copy):,} rows", flush=True)


def population(n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw rows of a population without any linear equation."""
    x, group = rng.gamma(4.0, 10.0, n), rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    z = np.sin(x / 12) + 0.4 * (group == "b") * (x > 40) + rng.normal(0, 0.6, n)
    y = 2 + np.maximum(z, 0) ** 2 + 0.02 * x + rng.gamma(2.0, 0.5, n)
    sick = rng.random(n) < 1 / (1 + np.exp(1.5 - z - 0.8 * (group == "c") * (y > 4)))
    return pd.DataFrame({"x": x.round(1), "group": group, "z": z.round(2), "y": y.round(2), "sick": sick.astype(int)})


ANALYSES = {"y ~ x + z + group": "ols", "sick ~ x + y + group": "logit"}


def coverage(repetitions: int, n: int = 1000, m: int = 20) -> None:
    """Print the share of intervals that cover the population's coefficients."""
    whole = population(1_000_000, np.random.default_rng(0))
    truth = {f: bs.pool([whole], f, model=model, rule="plug_in", n=len(whole)).table["estimate"]
             for f, model in ANALYSES.items()}  # fmt: skip
    hits: dict[str, list[pd.DataFrame]] = {f: [] for f in ANALYSES}
    for repetition in range(repetitions):
        frame = population(n, np.random.default_rng(repetition + 1))
        copies = bs.synthesize(frame, m=m, random_seed=repetition)
        for formula, model in ANALYSES.items():
            table, own = copies.pool(formula, model=model).table, getattr(smf, model)(formula, frame).fit(disp=0)
            ends = {"pooled": table[["low", "high"]], "original": own.conf_int().loc[table.index]}
            hits[formula].append(pd.DataFrame({
                of: (low <= truth[formula]) & (truth[formula] <= high)
                for of, (low, high) in {of: (two.iloc[:, 0], two.iloc[:, 1]) for of, two in ends.items()}.items()
            }))  # fmt: skip
    for formula, found in hits.items():
        share = pd.concat(found).groupby(level=0).mean()
        print(f"{formula}, n={n}, m={m}, {repetitions} repetitions (to reach .90):\n{share.round(3).to_string()}")
        print(f"all: {share['pooled'].mean():.3f} pooled, {share['original'].mean():.3f} original", flush=True)


def main(asked: list[str]) -> None:
    """Print the parts that are asked for, by default all."""
    warnings.simplefilter("ignore")
    repetitions = next((int(word) for word in asked if word.isdigit()), 100)
    parts = {"fraud": fraud, "rows": rows, "rules": rules, "coverage": lambda: coverage(repetitions)}
    for name, part in parts.items():
        if name in asked or not set(asked) & set(parts):
            if name in ("fraud", "rows") and not DATA.exists():
                print(f"{name}: {DATA} is absent, skipped")
            else:
                part()


if __name__ == "__main__":
    main(sys.argv[1:])
