"""Singling out: whether the copies suggest a description that fits exactly one person of the training data.

Descriptions are made of synthetic records that they fit alone: in one column (the extreme numbers and values that
occur once), or in several columns at once (equal levels, numbers at least or at most as large). They succeed if they
fit exactly one training record; by chance they fit exactly one record of any sample, which the holdout tells.

Where the holdout is smaller than the training data, its rate is scaled by how much more often the descriptions fit
exactly one row of all training data than of parts of the holdout's size.

References
----------
Giomi, Boenisch, Wehmeyer & Tasnádi (2023), A unified framework for quantifying privacy risk in synthetic data,
PoPETs 2023(2), 312-328. Cohen & Nissim (2020), Towards formalizing the GDPR's notion of singling out, PNAS 117.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayessynth.evaluation.disclosure._attack import WORST, Rate, without
from bayessynth.evaluation.disclosure._predicates import (
    EQUAL,
    LEAST,
    MISSING,
    MOST,
    Predicates,
    cells,
    described,
    matches,
)
from bayessynth.evaluation.disclosure._risk import risk_measure
from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables

NAME, TITLE = "singling_out", "Singling out"
# Descriptions tried, and random ones among which those are looked for that fit one synthetic record alone.
ATTEMPTS, TRIES = 1_000, 50_000
CONDITIONS = 5
# Parts of the training data in which descriptions are counted to scale the control.
PARTS = 10


@dataclass(frozen=True)
class Made:
    """Descriptions with the synthetic record behind each."""

    predicates: Predicates
    copies: np.ndarray
    rows: np.ndarray


@measure(NAME, "disclosure")
def singling_out(tables: Tables) -> Iterator[Measure]:
    """Yield how often descriptions made of synthetic records fit exactly one training record.

    Parameters
    ----------
    tables : Tables

    Yields
    ------
    Measure
        ``singling_out_univariate`` and ``singling_out_multivariate``: the risk beyond the control, 0 none, 1
        certain. ``detail`` lists descriptions that succeeded and the training records they fit.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> rng = np.random.default_rng(1)
    >>> original, holdout = (pd.DataFrame(rng.normal(size=(200, 4)), columns=list("abcd")) for _ in range(2))
    >>> [m.verdict for m in singling_out(read_tables(original, [original], holdout))]
    ['fail', 'fail']
    """
    modes = {"univariate": ("one column", _univariate), "multivariate": ("several columns", _multivariate)}
    for mode, (where, make) in modes.items():
        name, title = f"{NAME}_{mode}", f"{TITLE} by {where}"
        if tables.holdout is None:
            yield without(name, title)
            continue
        if mode == "multivariate" and len(tables.columns) < 2:
            continue
        original, copies, holdout = cells(tables)
        made = make(tables, copies)
        if not len(made.predicates):
            yield without(name, title, "No description was found that fits one synthetic record alone.")
            continue
        assert holdout is not None
        yield _measured(tables, name, title, where, made, original, holdout)


def _measured(
    tables: Tables, name: str, title: str, where: str, made: Made, original: np.ndarray, holdout: np.ndarray
) -> Measure:
    counts, rows = matches(made.predicates, original)
    alone = counts == 1
    controls = matches(made.predicates, holdout[: tables.n])[0] == 1
    scale = _scale(made.predicates, original, len(holdout), alone.mean(), tables.rng(name, "parts"))
    guessed = _random(made.predicates, tables, tables.rng(name, "guess"))
    baseline = float((matches(guessed, original)[0] == 1).mean())
    attack, control = Rate(int(alone.sum()), len(alone)), Rate(int(controls.sum()), len(controls), scale)
    best = np.flatnonzero(alone)[:WORST]
    texts = described(made.predicates.take(best), tables, made.copies[best], made.rows[best])
    detail = pd.DataFrame({"row": rows[best], "description": texts, "copy": made.copies[best]})
    notes = [
        f"{len(alone):,} descriptions in {where} that fit one record of their copy; guessing draws them at random."
    ]
    if scale > 1:
        notes.append(
            f"The holdout has {len(holdout):,} of {tables.n:,} rows; its rate of {control.value / scale:.1%} is scaled "
            f"by {scale:.2f}, as the same descriptions fit single training records in all of them and in such parts."
        )
    return risk_measure(
        name, title, f"Describing a person in {where}", attack, control, baseline, detail, notes
    )  # fmt: skip


def _scale(predicates: Predicates, original: np.ndarray, size: int, rate: float, rng: np.random.Generator) -> float:
    """Return by how much more often predicates fit exactly one of all training records than of ``size`` of them."""
    n = len(original)
    if size >= n:
        return 1.0
    parts = [matches(predicates, original[rng.permutation(n)[:size]])[0] == 1 for _ in range(PARTS)]
    smaller = float(np.mean(parts))
    return min(n / size, max(1.0, rate / smaller)) if smaller else n / size


def _limit(tables: Tables) -> int:
    """Return how many descriptions are tried: more than the holdout has rows would rest on the same rows again."""
    assert tables.holdout is not None
    return min(tables.max_rows or ATTEMPTS, tables.holdout.n)


def _univariate(tables: Tables, copies: tuple[np.ndarray, ...]) -> Made:
    """Describe synthetic records by extreme numbers, and by values that occur once."""
    columns, operators, values, numbers, rows = [], [], [], [], []
    for number, copy in enumerate(copies):
        for j, column in enumerate(tables.columns):
            distinct_values, first, times = np.unique(copy[:, j], return_index=True, return_counts=True)
            found = [(EQUAL, i) for i in np.flatnonzero(times == 1)]
            present = np.flatnonzero(distinct_values != MISSING)
            if column in tables.numbers and len(present):
                found += [(o, i) for o, i in ((MOST, present[0]), (LEAST, present[-1])) if times[i] == 1]
            for operator, i in found:
                columns.append(j)
                operators.append(operator)
                values.append(distinct_values[i])
                numbers.append(number)
                rows.append(first[i])
    every = Predicates(
        np.array(columns, dtype=np.int64)[:, None], np.array(operators, dtype=np.int64)[:, None],
        np.array(values, dtype=float)[:, None],
    )  # fmt: skip
    kept = tables.rng(NAME, "one").permutation(len(every))[: _limit(tables)]
    return Made(every.take(kept), np.array(numbers, dtype=np.int64)[kept], np.array(rows, dtype=np.int64)[kept])


def _multivariate(tables: Tables, copies: tuple[np.ndarray, ...]) -> Made:
    """Describe synthetic records in several columns at once, and keep what fits one record of its copy alone."""
    rng, limit = tables.rng(NAME, "several"), _limit(tables)
    number = np.array([c in tables.numbers for c in tables.columns])
    parts: list[Made] = []
    for j, copy in enumerate(copies):
        medians = np.array([np.median(v[v != MISSING]) if (v != MISSING).any() else 0.0 for v in copy.T])
        rows = rng.integers(0, len(copy), TRIES // len(copies))
        width = min(CONDITIONS, copy.shape[1])
        columns = rng.permuted(np.tile(np.arange(copy.shape[1]), (len(rows), 1)), axis=1)[:, :width]
        values = copy[rows[:, None], columns]
        toward = np.where(values >= medians[columns], LEAST, MOST)
        operators = np.where(number[columns] & (values != MISSING), toward, EQUAL)
        tried = Predicates(columns, operators, values)
        kept = np.flatnonzero(matches(tried, copy)[0] == 1)[: -(-limit // len(copies))]
        parts.append(Made(tried.take(kept), np.full(len(kept), j), rows[kept]))
    joined = [np.concatenate([getattr(p.predicates, a) for p in parts]) for a in ("columns", "operators", "values")]
    return Made(Predicates(*joined), np.concatenate([p.copies for p in parts]), np.concatenate([p.rows for p in parts]))


def _random(like: Predicates, tables: Tables, rng: np.random.Generator) -> Predicates:
    """Draw as many predicates of as many conditions from the ranges and levels of the copies, without their records."""
    _, copies, _ = cells(tables)
    copy, shape = copies[0], like.columns.shape
    number = np.array([c in tables.numbers for c in tables.columns])
    columns = rng.permuted(np.tile(np.arange(copy.shape[1]), (shape[0], 1)), axis=1)[:, : shape[1]]
    values, domains = np.empty(shape), [np.unique(v) for v in copy.T]
    for j, domain in enumerate(domains):
        here = columns == j
        present = domain[domain != MISSING]
        if number[j] and len(present):
            values[here] = rng.uniform(present[0], present[-1], here.sum())
        else:
            values[here] = rng.choice(domain, here.sum())
    either = rng.choice([LEAST, MOST], shape)
    return Predicates(columns, np.where(number[columns] & (values != MISSING), either, EQUAL), values)
