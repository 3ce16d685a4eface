"""Linkability: whether the copies help to join two parts of a person's record.

An intruder holds some columns of a person from one source and other columns from another, and joins them if the same
synthetic record is the nearest to both. Guessing joins them with a chance of one over the copy's rows.

References
----------
Giomi, Boenisch, Wehmeyer & Tasnádi (2023), A unified framework for quantifying privacy risk in synthetic data,
PoPETs 2023(2), 312-328.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayessynth.evaluation.disclosure._attack import WORST, Rate, listed, without
from bayessynth.evaluation.disclosure._members import chosen, sampled
from bayessynth.evaluation.disclosure._nearest import index, nearest
from bayessynth.evaluation.disclosure._records import Space, space
from bayessynth.evaluation.disclosure._risk import risk_measure
from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables

NAME, TITLE = "linkability", "Linkability"
ATTEMPTS = 2_000


@measure(NAME, "disclosure")
def linkability(tables: Tables) -> Iterator[Measure]:
    """Yield how often the same synthetic record is nearest to both parts of a record, averaged over copies.

    Parameters
    ----------
    tables : Tables

    Yields
    ------
    Measure
        The risk beyond the control: 0 none, 1 certain. ``detail`` lists the training records that most copies join.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> rng = np.random.default_rng(1)
    >>> original, holdout = (pd.DataFrame(rng.normal(size=(200, 4)), columns=list("abcd")) for _ in range(2))
    >>> next(linkability(read_tables(original, [original], holdout))).verdict
    'fail'
    """
    if tables.holdout is None:
        yield without(NAME, TITLE)
        return
    records = space(tables)
    if records.width < 2:
        yield without(NAME, TITLE, "Needs two columns at least.")
        return
    first, second, note = _parts(tables)
    limit, rng = tables.max_rows or ATTEMPTS, tables.rng(NAME)
    assert records.holdout is not None
    members, others = chosen(tables.n, limit, rng), chosen(records.holdout.n, limit, rng)
    ours, theirs = _joined(records, (first, second), members, others)
    attack, control = (Rate(float(j.mean(axis=0).sum()), j.shape[1]) for j in (ours, theirs))
    times = ours.sum(axis=0)
    worst = np.argsort(-times, kind="stable")[:WORST]
    detail = pd.DataFrame({"row": members[worst], "copies": times[worst]})
    notes = sampled(len(members), tables.n, "training records") + sampled(
        len(others), records.holdout.n, "holdout records"
    )
    yield risk_measure(
        NAME, TITLE, "Joining two parts of a record by the synthetic record nearest to both", attack, control,
        1 / tables.k, detail[detail["copies"] > 0], (note, *notes),
    )  # fmt: skip


def _parts(tables: Tables) -> tuple[list[str], list[str], str]:
    """Return the columns of both sources: keys and all others, or the columns dealt out in turn."""
    columns = list(tables.columns)
    keys = [c for c in tables.keys if c in columns]
    others = [c for c in columns if c not in keys]
    if keys and others:
        return keys, others, f"One source holds the keys {listed(keys)}, the other all other columns."
    first, second = columns[::2], columns[1::2]
    return first, second, f"No keys= were given: one source holds {listed(first)}, the other {listed(second)}."


def _joined(
    records: Space, parts: tuple[list[str], list[str]], members: np.ndarray, others: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return which records each copy joins, shapes (copies, members) and (copies, others)."""
    halves = [records.only(part) for part in parts]
    found: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for j in range(len(records.copies)):
        rows: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        for half in halves:
            assert half.holdout is not None
            base = index(half.copies[j])
            rows[0].append(nearest(half.original.take(members), base)[1])
            rows[1].append(nearest(half.holdout.take(others), base)[1])
        for side in (0, 1):
            found[side].append(rows[side][0] == rows[side][1])
    return np.stack(found[0]), np.stack(found[1])
