"""Classifier two-sample tests: how well boosted trees and a logistic regression tell copies from the original."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from bayessynth.evaluation.measure import Measure, Verdict, judged, over_copies, unavailable, worst
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Encoded, Tables
from bayessynth.evaluation.utility.design_matrix import main_effects
from bayessynth.evaluation.utility.threads import one_thread
from bayessynth.evaluation.utility.trees import tree_features
from bayessynth.evaluation.utility.variance_components import group_sums, variance_components

MAX_ROWS = 12_000
FOLDS = 5
# Half the rounds of scikit-learn's default at twice the rate: the AUC moves by less than .006 on adult and sd2011.
ROUNDS, RATE = 50, 0.2
# Fewer records of a class than this leave a fold too few to score.
FEWEST = 25
MARGIN = 0.05
# An AUC so many standard errors below .5 is reported as copying.
COPYING = 3.0
HOLDOUT_REPETITIONS = 3
# Pairs of copies with formal privacy, which are told from each other for the reference.
PAIRS = 5


@dataclass(frozen=True)
class Sample:
    """Rows of one table for a classifier, and the group of each row (its own number without groups)."""

    table: Encoded
    groups: np.ndarray


def auc_error(auc: float, n: int, k: int) -> float:
    """Return the standard error of an AUC of n negatives and k positives.

    References
    ----------
    Hanley and McNeil (1982). The meaning and use of the area under a receiver operating characteristic curve.
    Radiology 143, 29–36.

    Examples
    --------
    >>> round(auc_error(0.5, 12_000, 12_000), 4)
    0.0037
    """
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (k - 1) * (q1 - auc**2) + (n - 1) * (q2 - auc**2)
    return float(np.sqrt(max(variance, 0.0) / (n * k)))


def folds_of(groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the fold of every row, whole groups together, folds of about equal size.

    >>> folds_of(np.array([0, 0, 1, 1, 2, 2, 3, 3, 4, 4]), np.random.default_rng(0)).tolist()
    [3, 3, 4, 4, 0, 0, 2, 2, 1, 1]
    """
    distinct, code = np.unique(groups, return_inverse=True)
    sizes = np.bincount(code)
    shuffled = rng.permutation(len(distinct))
    # Dealt from the largest on, back and forth, so that groups of unequal size fill folds evenly.
    dealt = shuffled[np.argsort(-sizes[shuffled], kind="stable")]
    turn = np.arange(len(distinct)) % (2 * FOLDS)
    fold = np.empty(len(distinct), dtype=int)
    fold[dealt] = np.where(turn < FOLDS, turn, 2 * FOLDS - 1 - turn)
    return fold[code]


def boosted(tables: Tables, a: Encoded, b: Encoded) -> tuple[Any, np.ndarray]:
    """Return histogram gradient boosting and the features it reads; a missing cell is a value of its own."""
    features, levels = tree_features(tables, [a, b], tables.columns)
    model = HistGradientBoostingClassifier(
        max_iter=ROUNDS, learning_rate=RATE, categorical_features=levels, early_stopping=False, random_state=0
    )
    return model, features


def logistic(tables: Tables, a: Encoded, b: Encoded) -> tuple[Any, np.ndarray]:
    """Return a logistic regression with a weak penalty and the main effects it reads."""
    return LogisticRegression(solver="newton-cholesky", C=1.0), main_effects(tables, [a, b])


Classifier = Callable[[Tables, Encoded, Encoded], tuple[Any, np.ndarray]]


def cross_validated_auc(
    tables: Tables, a: Sample, b: Sample, classifier: Classifier, rng: np.random.Generator
) -> float:
    """Return the AUC of telling b from a, averaged over five folds; .5 is chance.

    Averaged within folds, as scores of different fits do not compare. Where rows come in groups, folds are made of
    whole groups, so that none is learnt by heart and recognised; a label that both samples have is one group.
    """
    model, features = classifier(tables, a.table, b.table)
    if not features.shape[1]:
        return 0.5
    label = np.repeat([0, 1], [a.table.n, b.table.n])
    if tables.clusters is not None and np.isin(a.groups, b.groups).any():
        fold = folds_of(np.concatenate([a.groups, b.groups]), rng)
    else:
        fold = np.concatenate([folds_of(a.groups, rng), folds_of(b.groups, rng)])
    found = []
    for i in range(FOLDS):
        test = fold == i
        if len(np.unique(label[test])) < 2 or len(np.unique(label[~test])) < 2:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            given = model.fit(features[~test], label[~test]).predict_proba(features[test])[:, 1]
        found.append(roc_auc_score(label[test], given))
    return float(np.mean(found)) if found else 0.5


@measure("c2st", "utility")
def c2st(tables: Tables) -> Iterator[Measure]:
    """Yield the AUC of two classifiers that tell copies from the original, and of one that tells them from the holdout.

    .5 says that the classifier cannot tell them apart, 1 that it always can. Below .5 by three standard errors, rows
    of the original stand in the copy: a classifier has seen a row's twin with the other label. The AUC against the
    holdout is not lowered by that. Classes are of equal size.

    References
    ----------
    Lopez-Paz and Oquab (2017). Revisiting classifier two-sample tests. ICLR.
    """
    with one_thread():
        found = list(_told(tables))
    yield from found


def _told(tables: Tables) -> Iterator[Measure]:
    title = "Told from the original by {} (AUC)"
    size = min(tables.n, tables.max_rows or MAX_ROWS, *(c.n for c in tables.copies))
    for name, how, classifier in (
        ("c2st_boosting", "boosted trees name", boosted), ("c2st_logistic", "a logistic regression names", logistic)
    ):  # fmt: skip
        if size < FEWEST:
            yield unavailable(
                name, "utility", title.format(how.rsplit(" ", 1)[0]), f"Fewer than {FEWEST} records of a table."
            )
            continue
        values = []
        for j in range(tables.m):
            rng = tables.rng(name, j)
            a, b = _sample(tables, "original", size, rng), _sample(tables, j, size, rng)
            values.append(cross_validated_auc(tables, a, b, classifier, rng))
        chance = _between_copies(tables, name, size, classifier)
        yield _against_original(tables, name, title.format(how.rsplit(" ", 1)[0]), how, np.array(values), size, chance)
    if tables.holdout is not None:
        yield _against_holdout(tables)


def _between_copies(tables: Tables, name: str, size: int, classifier: Classifier) -> np.ndarray:
    """Return the AUCs of telling copies with formal privacy from each other; none for other copies."""
    found = []
    for i, j in tables.pairs_of_copies(PAIRS, name) if tables.noisy else ():
        rng = tables.rng(name, "copies", i, j)
        a, b = _sample(tables, i, size, rng), _sample(tables, j, size, rng)
        found.append(cross_validated_auc(tables, a, b, classifier, rng))
    return np.array(found)


def _against_original(
    tables: Tables, name: str, title: str, how: str, values: np.ndarray, size: int, chance: np.ndarray
) -> Measure:
    value, interval = over_copies(values)
    error = _error(tables, size)
    reference, limits = 0.5, (0.5 - 1.96 * error, 0.5 + 1.96 * error)
    if len(chance):
        reference, limits = float(chance.mean()), (float(chance.min()), max(limits[1], float(chance.max())))
    copying = name == "c2st_boosting" and value < 0.5 - COPYING * error
    reading = (
        f"Given one record of a copy and one of the original, {how} the synthetic one in {value:.1%} of cases "
        "(50% is guessing)."
    )
    if len(chance):
        reading += f" Of {tables.pair()} one is named in {reference:.1%}."
    if copying:
        reading += f" That is {(0.5 - value) / error:.0f} standard errors below: copying, rows of the original recur."
    elif name == "c2st_logistic" and value < 0.5 - COPYING * error:
        reading += (
            " Columns by themselves agree more closely than those of two samples; it sees no relation between them."
        )
    elif name == "c2st_logistic":
        reading += " It sees no relation between columns."
    detail = pd.DataFrame({"copy": np.arange(tables.m), "value": values, "standard error": error})
    detail = detail.iloc[np.argsort(-np.abs(values - 0.5), kind="stable")].reset_index(drop=True)
    close = judged(max(value, 0.5), limits[1], MARGIN, "lower")
    verdict: Verdict = worst(["warn", close]) if copying else close
    return Measure(
        name, "utility", title, value, reading, interval, reference, limits, "closer", verdict, detail,
        _notes(tables, size),
    )  # fmt: skip


def _against_holdout(tables: Tables) -> Measure:
    """Tell copies from records that no fit has seen, beside the same for records of the original."""
    name, title = "c2st_holdout", "Told from the holdout by boosted trees (AUC)"
    held = tables.holdout.n if tables.holdout is not None else 0
    size = min(held, tables.n, tables.max_rows or MAX_ROWS, *(c.n for c in tables.copies))
    if size < FEWEST:
        return unavailable(name, "utility", title, f"Fewer than {FEWEST} records of the holdout or of a table.")

    def told(source: str | int, *key: str | int) -> float:
        rng = tables.rng(name, *key)
        a, b = _sample(tables, "holdout", size, rng), _sample(tables, source, size, rng)
        return cross_validated_auc(tables, a, b, boosted, rng)

    values = np.array([told(j, j) for j in range(tables.m)])
    chance = np.array([told("original", "original", i) for i in range(HOLDOUT_REPETITIONS)])
    value, interval = over_copies(values)
    reference, error = float(chance.mean()), _error(tables, size)
    reading = (
        f"Given one record of a copy and one that no fit has seen, boosted trees name the synthetic one in {value:.1%} "
        f"of cases; given one of the original instead of the copy, {reference:.1%}."
    )
    detail = pd.DataFrame({"copy": np.arange(tables.m), "value": values, "reference": reference})
    detail = detail.iloc[np.argsort(-values, kind="stable")].reset_index(drop=True)
    return Measure(
        name, "utility", title, value, reading, interval, reference,
        (reference - 1.96 * error, reference + 1.96 * error), "closer",
        judged(max(value, reference), reference + 1.96 * error, MARGIN, "lower"), detail,
        _notes(tables, size, held),
    )  # fmt: skip


def _error(tables: Tables, size: int) -> float:
    """Return the standard error of a cross-validated AUC at chance.

    It is √2 that of a single test: of two rows in different folds each trains once and tests the other once, and says
    the same both times, so that the pairs count twice. Where rows come in groups they count for fewer: n rows for
    n/(1 + (n/g − 1) ρ), with g groups and the largest intraclass correlation ρ of any column (Kish 1965).
    """
    clusters = tables.clusters
    if clusters is not None:
        columns = [tables.original.values.get(c, tables.original.codes[c].astype(float)) for c in tables.columns]
        between, within = zip(*(variance_components(group_sums(c, clusters)) for c in columns), strict=True)
        total = np.maximum(np.add(between, within), 1e-300)
        rho = float(np.max(np.divide(between, total)))
        size = max(2, round(size / (1 + (tables.n / (clusters.max() + 1) - 1) * rho)))
    return float(np.sqrt(2)) * auc_error(0.5, size, size)


def _sample(tables: Tables, source: str | int, size: int, rng: np.random.Generator) -> Sample:
    """Draw so many rows, without replacement, of the original, the holdout or a copy."""
    if isinstance(source, int):
        table, frame = tables.copies[source], tables.copy_frames[source]
    elif source == "original":
        table, frame = tables.original, tables.original_frame
    else:
        held, held_frame = tables.holdout, tables.holdout_frame
        if held is None or held_frame is None:
            raise ValueError("There is no holdout to sample.")
        table, frame = held, held_frame
    rows = rng.permutation(table.n)[:size]
    if tables.clusters is None:
        return Sample(table.take(rows), np.arange(size))
    group = _coarsest(tables)
    return Sample(table.take(rows), frame[group].iloc[rows].astype(object).map(str).to_numpy())


def _coarsest(tables: Tables) -> str:
    present = [g for g in tables.groups if g in tables.original_frame]
    return min(present, key=lambda g: tables.original_frame[g].nunique(dropna=False))


def _notes(tables: Tables, size: int, held: int | None = None) -> tuple[str, ...]:
    notes = []
    most = max(tables.n, *(c.n for c in tables.copies)) if held is None else held
    if size < most:
        notes.append(f"Each class has {size:,} records, drawn at random.")
    if tables.clusters is not None:
        notes.append("Folds are made of whole groups.")
    return tuple(notes)
