"""Copies of records: synthetic rows that equal a training row, or come nearer to training rows than to others.

A smoke test for copying and no measure of privacy: distances say little of what can be learnt of a person (Yao et al.
2025), and where rows repeat in the original, equal synthetic rows are to be expected.

References
----------
Yao, Krčo, Ganev & de Montjoye (2025), The DCR delusion: measuring the privacy risk of synthetic data,
arXiv:2505.01524.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayessynth.evaluation.disclosure._attack import WORST, Rate
from bayessynth.evaluation.disclosure._keys import counts, keyed
from bayessynth.evaluation.disclosure._members import chosen, sampled
from bayessynth.evaluation.disclosure._nearest import index, nearest
from bayessynth.evaluation.disclosure._records import space
from bayessynth.evaluation.encoders import as_text
from bayessynth.evaluation.measure import Measure, Verdict, over_copies
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables

NAME = "copies_of_records"
NO_MEASURE = "A smoke test for copying, not a measure of privacy."
# Synthetic rows whose nearest training and holdout rows are compared.
ROWS = 5_000
# Shares of equal rows beyond the holdout's that matter, and that only copying explains.
MATTERS, COPIED = 0.002, 0.05
# The same of shares of nearer rows beyond one half.
NEARER, LIES_ON = 0.02, 0.10


@measure(NAME, "disclosure")
def copies_of_records(tables: Tables) -> Iterator[Measure]:
    """Yield exact copies, repeated identifiers, and the share of synthetic rows nearer to training data.

    Parameters
    ----------
    tables : Tables

    Yields
    ------
    Measure
        ``exact_copies``: share of synthetic rows that equal a training row in all columns, beside the share of
        holdout rows that do. ``copied_identifiers``, where columns name records: share of synthetic names that stand
        in the original. ``nearest_share``, with a holdout: share of synthetic rows nearer to a training row than to a
        holdout row, one half where nothing is copied; a table of nothing but copies may score only 0.6.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> table = pd.DataFrame({"x": [1, 2, 2, 3], "s": ["a", "b", "b", None]})
    >>> other = pd.DataFrame({"x": [1, 2, 3, 4], "s": ["a", "b", "b", None]})
    >>> next(copies_of_records(read_tables(table, [other]))).value
    0.5
    """
    yield _exact(tables)
    yield from _identifiers(tables)
    if tables.holdout is not None:
        yield _nearer(tables)


def _exact(tables: Tables) -> Measure:
    original, copies, holdout = keyed(tables, tables.columns, None)
    size = 1 + max(int(t.key.max()) for t in (original, *copies, *([holdout] if holdout else [])))
    here = counts(original.key, size)
    by_copy = [float((here[c.key] > 0).mean()) for c in copies]
    value, interval = over_copies(by_copy)
    once = float(np.mean([(here[c.key] == 1).mean() for c in copies]))
    base = None if holdout is None else Rate(int((here[holdout.key] > 0).sum()), len(holdout.key))
    base_once = None if holdout is None else Rate(int((here[holdout.key] == 1).sum()), len(holdout.key))
    repeated = float((here[original.key] > 1).mean())
    times = np.sum([counts(c.key, size) > 0 for c in copies], axis=0)[original.key]
    detail = pd.DataFrame({"row": np.arange(tables.n), "copies": times, "alike_in_original": here[original.key]})
    detail = detail[detail["copies"] > 0].sort_values(["alike_in_original", "copies"], ascending=[True, False])
    reading = (
        f"{value:.2%} of the synthetic rows equal a training row in all {len(tables.columns)} columns, {once:.2%} one "
        f"that is alone of its kind ({repeated:.1%} of the training rows are not)."
    )
    verdict: Verdict = "info"
    if base is not None and base_once is not None:
        beyond = max(value - base.interval()[1], once - base_once.interval()[1])
        verdict = "fail" if beyond > COPIED else "warn" if beyond > MATTERS else "pass"
        reading += f" Of the holdout's rows {base.value:.2%} and {base_once.value:.2%} do. {_SAID[verdict]}"
    else:
        reading += " Without a holdout one cannot say how many such rows chance makes."
    notes = [NO_MEASURE]
    if tables.identifiers or tables.groups:
        notes.append("Columns that name records or groups are left out of the comparison.")
    return Measure(
        "exact_copies", "disclosure", "Exact copies of training rows (smoke test)", value, reading, interval,
        None if base is None else base.value, None if base is None else base.interval(), "lower", verdict,
        detail[:WORST].reset_index(drop=True), tuple(notes),
    )  # fmt: skip


_SAID: dict[Verdict, str] = {
    "info": "",
    "pass": "That is no more than chance makes, by an amount that matters.",
    "warn": "That is more than chance makes: some rows seem to be repeated.",
    "fail": "That is far more than chance makes: training rows are repeated.",
}


def _identifiers(tables: Tables) -> Iterator[Measure]:
    """Yield the share of synthetic names that stand in the original."""
    if not tables.identifiers:
        return
    shares = {}
    for column in tables.identifiers:
        names = set(as_text(tables.original_frame[column]).dropna())
        shares[column] = [float(as_text(f[column]).dropna().isin(names).mean() or 0.0) for f in tables.copy_frames]
    detail = pd.DataFrame({"column": list(shares), "value": [float(np.nanmean(v)) for v in shares.values()]})
    detail = detail.sort_values("value", ascending=False, kind="stable").reset_index(drop=True)
    value, column = float(detail["value"][0]), detail["column"][0]
    reading = f"Column {column!r} names records; {value:.1%} of its synthetic cells are names of the original. " + (
        "None is repeated." if value == 0 else "A name of the original in a copy points at a person."
    )
    yield Measure(
        "copied_identifiers", "disclosure", "Names of records repeated in copies", value, reading,
        over_copies(shares[column])[1], 0.0, None, "lower", "pass" if value == 0 else "warn", detail, (NO_MEASURE,),
    )  # fmt: skip


def _nearer(tables: Tables) -> Measure:
    """Compare distances to training rows and to as many holdout rows."""
    records, rng = space(tables), tables.rng(NAME)
    assert records.holdout is not None
    size = min(records.original.n, records.holdout.n)
    train = index(records.original.take(chosen(records.original.n, size, rng)))
    held = index(records.holdout.take(chosen(records.holdout.n, size, rng)))
    limit, by_copy, rows = tables.max_rows or ROWS, [], 0
    for copy in records.copies:
        some = copy.take(chosen(copy.n, limit, rng))
        ours, theirs = nearest(some, train)[0], nearest(some, held)[0]
        by_copy.append(float((ours < theirs).mean() + (ours == theirs).mean() / 2))
        rows = some.n
    value, interval = over_copies(by_copy)
    error = 0.5 / float(np.sqrt(min(rows, size)))
    low = value - 1.96 * error - 0.5
    verdict: Verdict = "fail" if low > LIES_ON else "warn" if low > 0 and value - 0.5 > NEARER else "pass"
    reading = (
        f"{value:.1%} of the synthetic rows are nearer to a training row than to a holdout row, of as many; 50 % is "
        f"expected where nothing is copied, and a table of copies may reach only 60 %. {_NEARER[verdict]}"
    )
    notes = (NO_MEASURE, f"{size:,} rows of each side.", *sampled(rows, tables.k, "rows of each copy"))
    return Measure(
        "nearest_share", "disclosure", "Synthetic rows nearer to training data (smoke test)", value, reading, interval,
        0.5, (0.5 - 1.96 * error, 0.5 + 1.96 * error), "lower", verdict, None, notes,
    )  # fmt: skip


_NEARER: dict[Verdict, str] = {
    "info": "",
    "pass": "No sign of copying.",
    "warn": "A sign of copying.",
    "fail": "The copies lie on the training rows.",
}
