"""Attribute inference: whether the nearest synthetic record tells a value that an intruder wants to know.

The intruder knows some columns of a person, looks for the nearest synthetic record in them, and takes its value of
the wanted column. A number counts as found within 5 %, a level if it is equal, a missing cell if it is missing.

References
----------
Giomi, Boenisch, Wehmeyer & Tasnádi (2023), A unified framework for quantifying privacy risk in synthetic data,
PoPETs 2023(2), 312-328.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayessynth.evaluation.disclosure._attack import Rate, listed, risk, without
from bayessynth.evaluation.disclosure._members import chosen, sampled
from bayessynth.evaluation.disclosure._nearest import index, nearest
from bayessynth.evaluation.disclosure._records import Space, distinct, space
from bayessynth.evaluation.disclosure._risk import judge_risk, risk_measure
from bayessynth.evaluation.measure import Measure, Verdict, worst
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables

NAME, TITLE = "attribute_inference", "Attribute inference"
# Records attacked on each side.
ATTEMPTS = 2_000
# A number within this share of the true one counts as found.
TOLERANCE = 0.05


@measure(NAME, "disclosure")
def attribute_inference(tables: Tables) -> Iterator[Measure]:
    """Yield how often the nearest synthetic record has the wanted value, averaged over copies.

    Without ``target=`` every column in turn is the one that is wanted; without ``keys=`` all others are known.

    Parameters
    ----------
    tables : Tables

    Yields
    ------
    Measure
        The risk beyond the control, 0 none, 1 certain; over several columns, of their average success, while the
        verdict is that of the worst column (each judged at a level of 5 % divided by their number). ``detail`` has a
        row a column, the highest risk first.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> rng = np.random.default_rng(1)
    >>> original, holdout = (pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc")) for _ in range(2))
    >>> next(attribute_inference(read_tables(original, [original], holdout, target="c"))).verdict
    'fail'
    """
    if tables.holdout is None:
        yield without(NAME, TITLE)
        return
    wanted = [tables.target] if tables.target in tables.columns else list(tables.columns)
    keys = [c for c in tables.keys if c in tables.columns]
    wanted = [c for c in wanted if c not in keys and len(tables.columns) > 1]
    if not wanted:
        yield without(NAME, TITLE, "No column is left to be inferred beside those that are known.")
        return
    limit = tables.max_rows or ATTEMPTS
    rng, held = tables.rng(NAME), tables.holdout.n
    members, others = chosen(tables.n, limit, rng), chosen(held, limit, rng)
    columns = _by_column(tables, wanted, keys, members, others)
    alpha = 0.05 / len(wanted)
    verdicts = [judge_risk(a, c, b, alpha) for a, c, b in columns]
    # Attempts on one record are alike, so they count as one.
    attack = Rate(float(np.mean([a.successes for a, _, _ in columns])), len(members))
    control = Rate(float(np.mean([c.successes for _, c, _ in columns])), len(others))
    baseline = float(np.mean([b for _, _, b in columns]))
    detail = _detail(wanted, columns, verdicts, alpha)
    notes = [] if keys else ["No keys= were given: an intruder is taken to know all other columns."]
    if len(wanted) > 1:
        notes.append(f"No target= was given: {len(wanted)} columns in turn are what an intruder wants.")
    notes += sampled(len(members), tables.n, "training records") + sampled(len(others), held, "holdout records")
    more = f" Highest: {listed(detail['column'][:1])} ({detail['risk'][0]:.3f})." if len(wanted) > 1 else ""
    yield risk_measure(
        NAME, TITLE, "Taking the value of the nearest synthetic record", attack, control, baseline, detail, notes,
        worst(verdicts), more,
    )  # fmt: skip


def _detail(
    wanted: list[str], columns: list[tuple[Rate, Rate, float]], verdicts: list[Verdict], alpha: float
) -> pd.DataFrame:
    risks = [risk(a, c, alpha) for a, c, _ in columns]
    found = pd.DataFrame(
        {"column": wanted, "risk": [r for r, _ in risks], "low": [i[0] for _, i in risks],
         "high": [i[1] for _, i in risks], "attack": [a.value for a, _, _ in columns],
         "control": [c.value for _, c, _ in columns], "guessing": [b for _, _, b in columns], "verdict": verdicts}
    )  # fmt: skip
    return found.sort_values("risk", ascending=False, kind="stable").reset_index(drop=True)


def _by_column(
    tables: Tables, wanted: list[str], keys: list[str], members: np.ndarray, others: np.ndarray
) -> list[tuple[Rate, Rate, float]]:
    """Attack every wanted column: successes on members, on others, and of guessing."""
    records = space(tables)
    rows = _rows(records.only(keys), members, others) if keys else None
    found = []
    for column in wanted:
        own = rows or _rows(records.only([c for c in tables.columns if c != column]), members, others)
        found.append(_attack(tables, column, own, members, others))
    return found


def _rows(known: Space, members: np.ndarray, others: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return for each copy the rows nearest to members and to others in the known columns."""
    assert known.holdout is not None
    ours, theirs = known.original.take(members), known.holdout.take(others)
    found = []
    for copy in known.copies:
        base = index(copy)
        found.append((nearest(ours, base)[1], nearest(theirs, base)[1]))
    return found


def _attack(
    tables: Tables, column: str, rows: list[tuple[np.ndarray, np.ndarray]], members: np.ndarray, others: np.ndarray
) -> tuple[Rate, Rate, float]:
    original, copies, holdout = _values(tables, column)
    number = column in tables.numbers
    truth, truth_others = original[members], holdout[others]
    hits, hits_others, guesses = [], [], []
    for copy, (ours, theirs) in zip(copies, rows, strict=True):
        hits.append(_right(copy[ours], truth, number).sum())
        hits_others.append(_right(copy[theirs], truth_others, number).sum())
        drawn = tables.rng(NAME, "guess", column).integers(0, len(copy), len(truth))
        guesses.append(_right(copy[drawn], truth, number).mean())
    attack, control = Rate(float(np.mean(hits)), len(members)), Rate(float(np.mean(hits_others)), len(others))
    return attack, control, float(np.mean(guesses))


def _values(tables: Tables, column: str) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
    """Return the values of original, copies and holdout: numbers as they are, levels as codes."""
    assert tables.holdout is not None
    if column in tables.numbers:
        return tables.original.values[column], [c.values[column] for c in tables.copies], tables.holdout.values[column]
    cuts = np.cumsum([tables.n, *(c.n for c in tables.copies)])
    original, *copies, holdout = np.split(distinct(tables, column), cuts)
    return original, copies, holdout


def _right(guess: np.ndarray, truth: np.ndarray, number: bool) -> np.ndarray:
    if not number:
        return guess == truth
    return (np.abs(guess - truth) <= TOLERANCE * np.abs(truth)) | (np.isnan(guess) & np.isnan(truth))
