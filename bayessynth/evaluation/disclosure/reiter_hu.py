"""Attribute disclosure from the draws (Reiter, Wang & Zhang; Hu, Reiter & Wang): what copies add to a guess.

The intruder knows the model, all other records, all of a person but the target, and learns from the copies the
parameters θ_1 … θ_m that they were drawn from (an upper bound: copies reveal these only in part). The posterior
probability of a value v of the target is then proportional to

    p(v | x, all others) · Π_j p(v, x | θ_j) / p(v, x | all others),

where densities given all others are averages over posterior draws with Pareto-smoothed importance weights
w_s ∝ 1 / p(y, x | θ_s). Without the copies the guess is p(v | x, all others). Only the target's equation and those
that read the target differ between values. Values of a number are the true one and some others of the column, drawn
at random: the probability is that of telling the true value from these.

References
----------
Hu, Reiter & Wang (2014), Disclosure risk evaluation for fully synthetic categorical data, PSD 2014. Reiter, Wang &
Zhang (2014), Bayesian estimation of disclosure risks for multiply imputed, synthetic data, JPC 6(1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import log_softmax, logsumexp

from bayessynth.design import BoundEquation
from bayessynth.evaluation.disclosure._attack import WORST, conclusion, judge_excess, without
from bayessynth.evaluation.disclosure._members import chosen, sampled
from bayessynth.evaluation.disclosure._posterior import (
    UNRELIABLE,
    Knowledge,
    effects_kept,
    knowledge,
    leave_one_out,
)
from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables
from bayessynth.fitting.record_likelihood import Rows, encode_rows, row_equations

NAME, TITLE = "reiter_hu", "Attribute disclosure from the draws (Reiter–Hu)"
RECORDS = 500
# Values among which the true one is to be found, where there are more.
VALUES = 10


@measure(NAME, "disclosure")
def reiter_hu(tables: Tables) -> Iterator[Measure]:
    """Yield the probability that an intruder gives to the true target value; nothing without a fit and a target.

    Parameters
    ----------
    tables : Tables

    Yields
    ------
    Measure
        The average over training records, beside the same without the copies. ``detail`` lists the records whose
        probability the copies raise most.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> table = pd.DataFrame({"x": [1.0, 2.0]})
    >>> list(reiter_hu(read_tables(table, [table])))
    []
    """
    if tables.fitted is None or tables.target is None:
        return
    known = knowledge(tables)
    reason = known if isinstance(known, str) else effects_kept(known)
    if isinstance(known, str) or reason is not None:
        yield without(NAME, TITLE, str(reason))
        return
    equations = _reading(known, tables.target)
    if not equations:
        yield without(NAME, TITLE, f"The target {tables.target!r} has no equation at the level of rows in the fit.")
        return
    rng = tables.rng(NAME)
    rows = chosen(tables.n, tables.max_rows or RECORDS, rng)
    encoded = encode_rows(known.fitted, tables.written_original.iloc[rows])
    present = _present(encoded.arrays[tables.target])
    values = _values(tables, known, encoded, rng)
    before, after, shape = _probabilities(known, encoded, tables.target, values, equations)
    kept = present & np.isfinite(before) & np.isfinite(after)
    if not kept.any():
        yield without(NAME, TITLE, "No record has a likelihood under the fit, or all cells of the target are missing.")
        return
    notes = (
        *sampled(len(rows), tables.n, "training records"),
        f"The true value is told from {values.shape[0] - 1} others.",
        f"Pareto k̂ is above {UNRELIABLE} for {(shape[kept] > UNRELIABLE).mean():.1%} of the records.",
    )
    found = pd.DataFrame({"row": rows, "before": before, "after": after, "gain": after - before})[kept]
    yield _measured(tables.target, found, notes)


def _measured(target: str, found: pd.DataFrame, notes: tuple[str, ...]) -> Measure:
    gain = found["gain"].to_numpy()
    value, reference = float(found["after"].mean()), float(found["before"].mean())
    error = float(gain.std(ddof=1) / np.sqrt(len(gain))) if len(gain) > 1 else 0.0
    verdict = judge_excess(value - reference, value - reference - 1.96 * error)
    reading = (
        f"To the true value of {target!r} an intruder who knows all other records, all else of a person and the draws "
        f"behind the copies gives a probability of {value:.3f} on average, and {reference:.3f} without the copies; the "
        f"largest gain for one record is {gain.max():.3f}. {conclusion(verdict)}"
    )
    interval = (value - 1.96 * error, value + 1.96 * error)
    detail = found.sort_values("gain", ascending=False, kind="stable")[:WORST].reset_index(drop=True)
    return Measure(
        NAME, "disclosure", f"{TITLE} (probability of the truth, 95 % interval)", value, reading, interval, reference,
        None, "lower", verdict, detail, notes,
    )  # fmt: skip


def _reading(known: Knowledge, target: str) -> tuple[BoundEquation, ...]:
    """Return the target's equation and those that read it; nothing if the target has none at the level of rows."""
    every = row_equations(known.fitted)
    if all(e.response != target for e in every):
        return ()
    spec = known.fitted.spec
    return tuple(e for e in every if e.response == target or target in spec[e.response].columns)


def _present(values: np.ndarray) -> np.ndarray:
    return ~np.isnan(values) if values.dtype.kind == "f" else values >= 0


def _values(tables: Tables, known: Knowledge, encoded: Rows, rng: np.random.Generator) -> np.ndarray:
    """Return the values among which the target is sought, the true one first, shape (values, records)."""
    assert tables.target is not None
    truth = encoded.arrays[tables.target]
    levels = known.fitted.schema[tables.target].levels
    if levels and len(levels) <= VALUES:
        codes = np.arange(len(levels))
        return np.stack([truth, *((truth + step) % len(codes) for step in codes[1:])])
    pool = np.unique(encode_rows(known.fitted, tables.written_original).arrays[tables.target])
    pool = pool[_present(pool)]
    others = np.empty((min(VALUES, len(pool)) - 1, len(truth)), dtype=truth.dtype)
    for i, value in enumerate(truth):
        others[:, i] = rng.choice(pool[pool != value], len(others), replace=len(pool) - 1 < len(others))
    return np.concatenate([truth[None], others])


def _probabilities(
    known: Knowledge, encoded: Rows, target: str, values: np.ndarray, equations: tuple[BoundEquation, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the probability of the true value without and with the copies, and Pareto k̂."""
    own = known.likelihood(encoded, known.draws, "observed", equations)
    usable = np.isfinite(own).all(axis=0)
    weights, shape = np.full(own.shape, np.nan), np.full(encoded.n, np.nan)
    if usable.any():
        weights[:, usable], shape[usable] = leave_one_out(own[:, usable])
    averaged = any(e.factors for e in equations) and known.groups == "new"
    prior, ratio = np.empty(values.shape), np.empty(values.shape)
    with np.errstate(all="ignore"):
        for v, value in enumerate(values):
            rows = replace(encoded, arrays={**encoded.arrays, target: value})
            seen = own if v == 0 else known.likelihood(rows, known.draws, "observed", equations)
            prior[v] = logsumexp(weights + seen, axis=0)
            kept: Any = known.likelihood(rows, known.draws, "new", equations) if averaged else seen
            made = known.likelihood(rows, known.made, known.groups, equations)
            ratio[v] = made.sum(axis=0) - len(made) * logsumexp(weights + kept, axis=0)
        # A value that no draw allows stays impossible.
        joint = np.where(np.isneginf(prior), -np.inf, prior + ratio)
        return np.exp(log_softmax(prior, axis=0)[0]), np.exp(log_softmax(joint, axis=0)[0]), shape
