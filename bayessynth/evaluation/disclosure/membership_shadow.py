"""Membership of the most outlying records by shadow models: whether the synthesizer betrays them.

For a few records far from all others, the synthesizer is run on the training data as they are and without the
record, several times each. A classifier learns from half of the tables to tell which were made with the record, and
is tried on the other half. The attack runs only where ``synthesizer=`` is given, and costs
``SHADOWS`` runs on all training records and ``SHADOWS`` for each of ``TARGETS`` records.

References
----------
Stadler, Oprisanu & Troncoso (2022), Synthetic data: anonymisation groundhog day, USENIX Security 2022. Meeus,
Guepin, Creţu & de Montjoye (2023), Achilles' heels: vulnerable record identification in synthetic data publishing,
ESORICS 2023.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bayessynth.evaluation.disclosure._attack import Scores, auc, conclusion, judge_excess
from bayessynth.evaluation.disclosure._members import chosen, sampled
from bayessynth.evaluation.disclosure._nearest import index, nearest
from bayessynth.evaluation.disclosure._records import Records, Space, space
from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables, read_tables

NAME, TITLE = "membership_shadow", "Membership of outlying records by shadow models"
# Outlying records, and runs of the synthesizer with and without each.
TARGETS, SHADOWS = 4, 12
# Training records among which the most outlying are looked for.
CANDIDATES = 10_000
# Synthetic records are counted as near if they are within these shares of the target's distance to the original.
RADII = (0.5, 1.0, 1.5)


@measure(NAME, "disclosure")
def membership_shadow(tables: Tables) -> Iterator[Measure]:
    """Yield how well shadow models tell whether an outlying record was in the data; nothing without a synthesizer.

    Parameters
    ----------
    tables : Tables

    Yields
    ------
    Measure
        The AUC, averaged over targets; 0.5 is guessing. ``detail`` has a row a target, the worst first.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> table = pd.DataFrame({"x": [1.0, 2.0]})
    >>> list(membership_shadow(read_tables(table, [table])))
    []
    """
    if tables.synthesizer is None:
        return
    targets, apart = _outlying(tables)
    seeds = tables.rng(NAME, "seeds").integers(0, 2**31, (len(targets) + 1, SHADOWS))
    with_record = _made(tables, tables.written_original, seeds[0])
    found = []
    for i, row in enumerate(targets):
        others = tables.written_original.iloc[np.delete(np.arange(tables.n), row)].reset_index(drop=True)
        without_record = _made(tables, others, seeds[1 + i])
        found.append(_attack(with_record, without_record, int(row), float(apart[i])))
    value = float(np.mean(found))
    spread = 1.96 * _error(len(targets))
    interval = (max(0.0, value - spread), min(1.0, value + spread))
    verdict = judge_excess(value - 0.5, value - spread - 0.5)
    detail = pd.DataFrame({"row": targets, "auc": found, "nearest_original": apart / _width(tables)})
    worst = detail.sort_values("auc", ascending=False, kind="stable").reset_index(drop=True)
    reading = (
        f"Of tables made with and without one of the {len(targets)} most outlying records, the one made with it is "
        f"told in {value:.1%} of pairs (AUC; 50 % is guessing, 95 % interval {interval[0]:.1%} to {interval[1]:.1%}); "
        f"for the worst record in {worst['auc'][0]:.1%}. {conclusion(verdict)}"
    )
    runs = SHADOWS * (1 + len(targets))
    notes = (
        f"{runs} runs of the synthesizer: {SHADOWS} on all training records, {SHADOWS} without each of {len(targets)}.",
        *sampled(min(tables.n, CANDIDATES), tables.n, "training records as candidates"),
    )
    yield Measure(
        NAME, "disclosure", f"{TITLE} (AUC, 95 % interval)", value, reading, interval, 0.5,
        (0.5 - spread, 0.5 + spread), "lower", verdict, worst, notes,
    )  # fmt: skip


def _error(targets: int) -> float:
    """Return the standard error of the average AUC where tables say nothing.

    Targets share the tables made with them, which carry half of the variance of each; those without are their own.
    """
    alone = (2 * SHADOWS + 1) / (12 * SHADOWS**2)
    return float(np.sqrt(alone * (1 + 1 / targets) / 2))


def _width(tables: Tables) -> int:
    return space(tables).width


def _outlying(tables: Tables) -> tuple[np.ndarray, np.ndarray]:
    """Return the training records farthest from all others, and how far that is."""
    records = space(tables).original
    candidates = chosen(records.n, CANDIDATES, tables.rng(NAME, "candidates"))
    apart, _ = nearest(records.take(candidates), index(records), candidates)
    first = np.argsort(-apart, kind="stable")[:TARGETS]
    return candidates[first], apart[first]


def _made(tables: Tables, frame: pd.DataFrame, seeds: np.ndarray) -> Space:
    """Run the synthesizer on a frame and return its tables in the space of the original."""
    frames = [tables.synthesizer(frame, int(seed)) for seed in seeds]
    return space(read_tables(tables.written_original, frames, groups=tables.groups))


def _attack(with_record: Space, without_record: Space, row: int, apart: float) -> float:
    """Tell tables made with a record from those made without it, each half by what the other half teaches."""
    features, made_with, half = [], [], []
    for made, answer in ((with_record, True), (without_record, False)):
        target = made.original.take(np.array([row]))
        features += [_features(target, copy, apart) for copy in made.copies]
        made_with += [answer] * len(made.copies)
        half += [i % 2 for i in range(len(made.copies))]
    x, y, side = np.array(features), np.array(made_with), np.array(half)
    areas = []
    for tested in (0, 1):
        classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
        classifier.fit(x[side != tested], y[side != tested])
        scores, truth = classifier.decision_function(x[side == tested]), y[side == tested]
        areas.append(auc(Scores(scores[truth], scores[~truth]))[0])
    return float(np.mean(areas))


def _features(target: Records, made: Records, apart: float) -> list[float]:
    """Describe a table as seen from a record: how near its rows come, and how often its own cells occur."""
    differences = np.minimum(np.abs(made.numbers - target.numbers), 1)
    distances = differences.sum(axis=1) + (made.codes != target.codes).sum(axis=1)
    near = [float(np.log1p((distances <= share * apart).sum())) for share in RADII]
    cells = [*(differences < 0.01).mean(axis=0), *(made.codes == target.codes).mean(axis=0)]
    return [float(distances.min()), float(np.quantile(distances, 0.01)), *near, *map(float, cells)]
