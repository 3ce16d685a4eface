"""Train on synthetic, test on holdout: whether a model learnt from copies predicts real records as well."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score

from bayessynth.evaluation.measure import Measure, judged, over_copies, unavailable
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Encoded, Tables
from bayessynth.evaluation.utility.thinning import thinned
from bayessynth.evaluation.utility.threads import one_thread
from bayessynth.evaluation.utility.trees import tree_features

MAX_ROWS = 50_000
# Classes beyond the most frequent ones share one: every class costs a tree a round.
MAX_CLASSES = 10
# A class with fewer records in the holdout has no AUC worth the name.
FEWEST = 20
MARGIN = {"AUC": 0.02, "R²": 0.05}
BOOTSTRAPS = 100


@dataclass(frozen=True)
class Task:
    """What is predicted from what.

    Attributes
    ----------
    target : str
    features : tuple of str
    classes : ndarray of int or None
        Codes of the classes; None where the target is a number.
    """

    target: str
    features: tuple[str, ...]
    classes: np.ndarray | None

    @property
    def score_name(self) -> str:
        """AUC of classes, R² of numbers."""
        return "R²" if self.classes is None else "AUC"

    def outcome(self, table: Encoded) -> np.ndarray:
        """Return what is to be predicted: numbers, or positions in ``classes`` (the last one for any other code)."""
        if self.classes is None:
            return table.values[self.target]
        codes = table.codes[self.target]
        position = np.searchsorted(self.classes, codes).clip(max=len(self.classes) - 1)
        return np.where(self.classes[position] == codes, position, len(self.classes))


def named_alike(target: str, column: str) -> bool:
    """Return whether a column's name contains the target's, word by word: 'income_band' tells 'income'.

    >>> named_alike("income", "income_band"), named_alike("sex", "sexuality")
    (True, False)
    """
    words, own = ([w for w in re.split(r"[\W_]+", s.lower()) if w] for s in (column, target))
    return bool(own) and any(words[i : i + len(own)] == own for i in range(len(words) - len(own) + 1))


def task_of(tables: Tables, target: str) -> tuple[Task, tuple[str, ...]]:
    """Return what is to be predicted from what, and notes about columns and classes left out.

    >>> from bayessynth.evaluation.tables import read_tables
    >>> df = pd.DataFrame({"y": ["a", "b"] * 5, "y_text": ["c", "d"] * 5, "x": range(10)})
    >>> task, notes = task_of(read_tables(df, [df]), "y")
    >>> task.features, task.classes.tolist(), notes
    (('x',), [0, 1], ("Named like the target and left out: 'y_text'.",))
    """
    alike = [c for c in tables.columns if c != target and named_alike(target, c)]
    features = tuple(c for c in tables.columns if c != target and c not in alike)
    notes = [f"Named like the target and left out: {', '.join(map(repr, alike))}."] if alike else []
    codes = tables.original.codes[target]
    classes: np.ndarray | None
    if target in tables.numbers and len(np.unique(codes)) > 2:
        classes = None
        if (gone := int(np.isnan(tables.original.values[target]).sum())) > 0:
            notes.append(f"{gone:,} records of the original lack the target and train nothing.")
    else:
        counts = np.bincount(codes)
        classes = np.sort(np.argsort(-counts, kind="stable")[: min(MAX_CLASSES, int((counts > 0).sum()))])
        if (more := int((counts > 0).sum()) - len(classes)) > 0:
            notes.append(f"{more} rarer classes count as one.")
    return Task(target, features, classes), tuple(notes)


def predicted(task: Task, tables: Tables, training: Encoded, test: Encoded) -> np.ndarray | None:
    """Return predictions for the test rows: numbers, or probabilities of shape (rows, classes + 1).

    None if the training table has no record that tells the target.
    """
    y = task.outcome(training)
    stacked, levels = tree_features(tables, [training, test], task.features)
    x, unseen = stacked[: training.n], stacked[training.n :]
    if task.classes is None:
        there = np.isfinite(y)
        if not there.any():
            return None
        model = HistGradientBoostingRegressor(categorical_features=levels, early_stopping=False, random_state=0)
        return model.fit(x[there], y[there]).predict(unseen)
    found = np.zeros((test.n, len(task.classes) + 1))
    present = np.unique(y)
    if len(present) == 1:
        found[:, present] = 1.0
        return found
    model = HistGradientBoostingClassifier(categorical_features=levels, early_stopping=False, random_state=0)
    found[:, present] = model.fit(x, y).predict_proba(unseen)
    return found


def score(task: Task, outcome: np.ndarray, prediction: np.ndarray | None) -> float:
    """Return the AUC (one class against the rest, averaged over classes) or R² of predictions; NaN if undefined.

    >>> task = Task("y", ("x",), np.array([0, 1]))
    >>> score(task, np.repeat([0, 1], 20), np.column_stack([np.zeros(40), np.arange(40), np.zeros(40)]))
    1.0
    """
    if task.classes is None:
        there = np.isfinite(outcome)
        if there.sum() < 2 or np.ptp(outcome[there]) == 0:
            return float("nan")
        # A table without the target predicts nothing, as well as the mean does.
        return 0.0 if prediction is None else float(r2_score(outcome[there], prediction[there]))
    counts = np.bincount(outcome, minlength=len(task.classes) + 1)
    scored = np.flatnonzero((counts >= FEWEST) & (len(outcome) - counts >= FEWEST))
    if not len(scored) or prediction is None:
        return float("nan")
    # Of two classes, one tells the other.
    scored = scored[-1:] if len(scored) == 2 and (counts > 0).sum() == 2 else scored
    return float(np.mean([roc_auc_score(outcome == c, prediction[:, c]) for c in scored]))


@measure("tstr", "utility")
def tstr(tables: Tables) -> Iterator[Measure]:
    """Yield the score on the holdout of boosted trees trained on copies, beside the same trained on the original.

    AUC (averaged over classes against the rest) for levels, "missing" being a class; R² for numbers. Perfect copies
    train as well as the original. What chance does to the difference is told by a bootstrap of the holdout.
    """
    title = "Train on copies, test on the holdout"
    target = tables.target
    if target is None or tables.holdout is None:
        lacking = "target=" if target is None else "holdout="
        yield unavailable("tstr", "utility", title, f"It needs {lacking}, which was not given.")
        return
    if target not in tables.columns:
        why = f"The target {target!r} names records or groups, or a copy lacks it: nothing to predict."
        yield unavailable("tstr", "utility", title, why)
        return
    tables, thin = thinned(tables, MAX_ROWS, "tstr")
    task, left_out = task_of(tables, target)
    test = tables.holdout
    if not task.features or test is None:
        yield unavailable("tstr", "utility", title, "No column is left to predict from.")
        return
    outcome = task.outcome(test)
    with one_thread():
        real, *synthetic = (predicted(task, tables, t, test) for t in (tables.original, *tables.copies))
    reference, *scores = (score(task, outcome, p) for p in (real, *synthetic))
    if not np.isfinite([reference, *scores]).all():
        why = f"The holdout has too few records of more than one value of {target!r}."
        yield unavailable("tstr", "utility", title, why)
        return
    yield _measured(tables, task, outcome, [real, *synthetic], np.array([reference, *scores]), (*thin, *left_out))


def _measured(
    tables: Tables, task: Task, outcome: np.ndarray, predictions: list[np.ndarray | None], scores: np.ndarray,
    notes: tuple[str, ...],
) -> Measure:  # fmt: skip
    name = task.score_name
    value, interval = over_copies(scores[1:])
    reference = float(scores[0])
    rng = tables.rng("tstr", "bootstrap")
    differences = []
    for _ in range(BOOTSTRAPS):
        rows = rng.integers(0, len(outcome), len(outcome))
        again = [score(task, outcome[rows], None if p is None else p[rows]) for p in predictions]
        differences.append(np.mean(again[1:]) - again[0])
    error = float(np.nanstd(differences))
    guess = {"AUC": "0.5 is guessing", "R²": "0 is predicting the mean"}[name]
    detail = pd.DataFrame({"copy": np.arange(tables.m), "value": scores[1:], "reference": reference})
    return Measure(
        "tstr", "utility", f"Train on copies, test on the holdout ({name} of {task.target})", value,
        f"Boosted trees trained on a copy predict {task.target} of records that no fit has seen with {name} "
        f"{value:.3f}; trained on the original, with {reference:.3f} ({guess}).",
        interval, reference, (reference - 1.96 * error, min(1.0, reference + 1.96 * error)), "higher",
        judged(value, reference - 1.96 * error, MARGIN[name], "higher"),
        detail.sort_values("value", kind="stable").reset_index(drop=True), notes,
    )  # fmt: skip
