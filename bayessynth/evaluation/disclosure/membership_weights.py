"""Membership with the fitted model: how much likelier the copies' draws are if the record was in the data.

The strongest attack that needs no refit. Its intruder knows the model, all other records, and the parameters θ_1 … θ_m
that the copies were drawn from (which copies reveal only in part). If record x was in the data, these are draws given
all records; if it was not, draws given all others. The ratio of the two densities is

    Π_j p(x | θ_j) / p(x | all others),

and the denominator follows from the one fit: for a training record by Pareto-smoothed importance weights
w_s ∝ 1 / p(x | θ_s), for another record it is the posterior predictive density as it stands. An attack by someone who
sees only the copies does no better.

Copies with new groups have no effect of an observed group in them; the likelihoods are then averaged over the effects
of a new group, while the weights use those of the record's own.

References
----------
Vehtari, Gelman & Gabry (2017), Practical Bayesian model evaluation using leave-one-out cross-validation and WAIC,
Statistics and Computing 27. Sankararaman, Obozinski, Jordan & Halperin (2009), Genomic privacy and limits of
individual detection in a pool, Nature Genetics 41.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy import stats
from scipy.special import logsumexp

from bayessynth.evaluation.disclosure._attack import WORST, Scores, membership, without
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
from bayessynth.fitting.record_likelihood import Rows, encode_rows

NAME, TITLE = "membership_weights", "Membership with the fitted model"
# Records attacked on each side, and where effects of new groups are averaged over.
RECORDS, RECORDS_GROUPS = 6_500, 2_000
# Whoever knows all other records learns something from any proper copies: less than this is the price of proper ones.
MATTERS = 0.05


@measure(NAME, "disclosure")
def membership_weights(tables: Tables) -> Iterator[Measure]:
    """Yield how well the posterior's importance weights tell training records from others; nothing without a fit.

    Parameters
    ----------
    tables : Tables

    Yields
    ------
    Measure
        The AUC; 0.5 is guessing. With p parameters, n records and m copies of a well-specified model about
        Φ(√(m·p/n)/√2) is to be expected, since each record moves the posterior a little; a note says how much that
        is here. ``detail`` lists the training records with the largest log likelihood ratios.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> table = pd.DataFrame({"x": [1.0, 2.0]})
    >>> list(membership_weights(read_tables(table, [table])))
    []
    """
    if tables.fitted is None:
        return
    if tables.written_holdout is None:
        yield without(NAME, TITLE)
        return
    known = knowledge(tables)
    reason = known if isinstance(known, str) else effects_kept(known)
    if isinstance(known, str) or reason is not None:
        yield without(NAME, TITLE, str(reason))
        return
    hierarchical = any(e.factors for e in known.fitted.bound.equations)
    limit = tables.max_rows or (RECORDS_GROUPS if hierarchical else RECORDS)
    rng = tables.rng(NAME)
    rows = chosen(tables.n, limit, rng), chosen(len(tables.written_holdout), limit, rng)
    members, shape, expected = _members(known, encode_rows(known.fitted, tables.written_original.iloc[rows[0]]))
    others = _others(known, encode_rows(known.fitted, tables.written_holdout.iloc[rows[1]]))
    kept, kept_others = np.isfinite(members), np.isfinite(others)
    if not kept.any() or not kept_others.any():
        yield without(NAME, TITLE, "No record has a likelihood under the fit: values or levels that it cannot have.")
        return
    found = pd.DataFrame({"row": rows[0], "log_ratio": members, "pareto_k": shape})[kept]
    notes = [
        *sampled(len(rows[0]), tables.n, "training records"),
        *sampled(len(rows[1]), len(tables.written_holdout), "holdout records"),
        *_said(known, expected, shape[kept], int((~kept).sum()), int((~kept_others).sum())),
    ]
    yield membership(
        NAME, TITLE, "how much likelier the parameters behind the copies are with them in the data",
        Scores(members[kept], others[kept_others]), None, rng,
        found.sort_values("log_ratio", ascending=False, kind="stable")[:WORST].reset_index(drop=True), notes, MATTERS,
    )  # fmt: skip


def _said(
    known: Knowledge, expected: float, shape: np.ndarray, left_out: int, others_left_out: int
) -> list[str]:  # fmt: skip
    bad = float((shape > UNRELIABLE).mean())
    notes = [
        f"The intruder knows the model, all other records and the {len(known.made)} draws that the copies were made "
        f"of; predictive densities are averages over {len(known.draws)} draws.",
        f"Pareto k̂ is above {UNRELIABLE} for {bad:.1%} of the training records (largest {np.nanmax(shape):.2f}); "
        "weights of such records are rough.",
    ]
    if known.groups == "new" and any(e.factors for e in known.fitted.bound.equations):
        notes.append("The copies have new groups, so likelihoods are averaged over the effects of a new group.")
    else:
        notes.append(f"Of proper copies of a well-specified model an AUC of about {expected:.3f} is expected.")
    if left_out or others_left_out:
        notes.append(
            f"{left_out} training and {others_left_out} holdout records have values or levels of likelihood zero under "
            "the fit and are left out."
        )
    return notes


def _members(known: Knowledge, rows: Rows) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the log likelihood ratio of training records, Pareto k̂, and the AUC to be expected.

    A record shifts the log likelihood ratio of one draw by the variance of its log likelihood over draws.
    """
    own = known.likelihood(rows, known.draws, "observed")
    finite = np.isfinite(own).all(axis=0)
    ratio, shape = np.full(rows.n, np.nan), np.full(rows.n, np.nan)
    if not finite.any():
        return ratio, shape, 0.5
    weights, shape[finite] = leave_one_out(own[:, finite])
    seen = _seen(known, rows, own)
    ratio = _ratio(known, rows, finite, logsumexp(weights + seen[:, finite], axis=0))
    shift = len(known.made) * float(own[:, finite].var(axis=0).mean())
    return ratio, shape, float(stats.norm.cdf(np.sqrt(shift / 2)))


def _others(known: Knowledge, rows: Rows) -> np.ndarray:
    """Return the log likelihood ratio of records that no fit has seen."""
    seen = known.likelihood(rows, known.draws, known.groups)
    with np.errstate(all="ignore"):
        predictive = logsumexp(seen, axis=0) - np.log(len(seen))
    kept = np.isfinite(predictive)
    return _ratio(known, rows, kept, predictive[kept])


def _seen(known: Knowledge, rows: Rows, own: np.ndarray) -> np.ndarray:
    """Return the likelihoods of what the copies have in them: those of the records' own groups, or of new ones."""
    hierarchical = any(e.factors for e in known.fitted.bound.equations)
    return own if known.groups == "observed" or not hierarchical else known.likelihood(rows, known.draws, "new")


def _ratio(known: Knowledge, rows: Rows, kept: np.ndarray, predictive: np.ndarray) -> np.ndarray:
    """Set the likelihoods under the draws behind the copies against the predictive density of the kept records."""
    ratio = np.full(rows.n, np.nan)
    ratio[kept] = known.likelihood(rows, known.made, known.groups)[:, kept].sum(axis=0) - len(known.made) * predictive
    return ratio
