"""Pool an analysis over copies: fit it on each, combine by the rule that fits how the copies were made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from scipy import stats

from bayessynth.errors import DataError, PoolingWarning, warn
from bayessynth.inference import registry
from bayessynth.inference.combining import NESTED, Rule, Variance, interval, nested, original_variance, variance
from bayessynth.inference.estimate import SCALES, Estimate
from bayessynth.inference.formula import split, terms_of
from bayessynth.inference.pooled import Pooled
from bayessynth.inference.provenance import check_copies, counted, rule_for, uncongenial
from bayessynth.synthesis import SyntheticData

Target = Literal["population", "original"]


def pool(
    copies: SyntheticData | pd.DataFrame | Iterable[pd.DataFrame],
    formula: str = "",
    model: str | registry.Ready = "ols",
    *,
    rule: str | None = None,
    n: int | None = None,
    target: Target = "population",
    level: float = 0.95,
    nests: int | None = None,
    **options: Any,
) -> Pooled:
    """Pool an analysis over synthetic copies.

    Parameters
    ----------
    copies : SyntheticData, DataFrame or iterable of DataFrame
    formula : str
        As statsmodels reads it: ``"visits ~ age + C(site)"``; ``"y"`` for a mean or a proportion, ``"a + b"`` for
        correlations and tables, ``"y ~ x + (1 | site)"`` for mixed models. It is code of the analyst's own.
    model : str or callable
        ols, logit, probit, poisson, negative_binomial, ordered, multinomial, mixed, icc, cox, quantile, mean,
        proportion, correlation, table, gee; or a function from a table to (estimates, covariance).
    rule : {"proper", "plug_in", "rrr", "partial"}, optional
        The combining rule; by default the one that the copies' provenance asks for. Copies of a fit with formal
        privacy take "rrr" only, and at least 100 of them.
    n : int, optional
        Rows of the original; known from the provenance of our own copies.
    target : {"population", "original"}
        Whether intervals are for the population's value or for the estimate that the original would give.
    level : float
        Of the intervals.
    nests : int, optional
        For partially synthetic copies of several imputations: the number of imputations. Copies stand imputation by
        imputation, equally many of each, and Reiter's (2004) rule combines them.
    **options
        Of the analysis: ``cluster="site"`` (ols, logit, probit, poisson, mean, proportion, gee), ``family=`` (gee),
        ``event=``, ``entry=``, ``strata=``, ``ties=`` (cox), ``q=`` (quantile), ``robust=``, ``exposure="years"``
        (poisson). Of a survey: ``weights="w"``, ``strata="stratum"`` and ``cluster="psu"`` (ols, logit, poisson, mean,
        proportion) for weighted estimates with linearised variances (:mod:`bayessynth.inference.survey`); these
        columns must be in the copies, so declare them in the spec as any other.

    Returns
    -------
    Pooled

    Raises
    ------
    DataError
        If the rule is unknown or needs more copies, n is not known, or the analysis fails on a copy.
    FormulaError
        If the formula cannot be read.

    Warns
    -----
    PoolingWarning
        If estimates vary between copies more or less than the rule takes for granted; if a rule has too few copies; if
        a coefficient cannot be estimated in some copies; if rows are clustered and the analysis ignores it; if copies
        were drawn given some columns, or under an intervention, and so stand for another population.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> copies = [pd.DataFrame({"x": rng.normal(size=200)}) for _ in range(5)]
    >>> pooled = pool(copies, "x", model="mean", rule="plug_in", n=200)
    >>> pooled.rule.source
    'Raab, Nowok and Dibben (2016)'
    """
    provenance = copies.provenance if isinstance(copies, SyntheticData) else None
    chosen = rule_for(provenance, rule) if nests is None else NESTED
    n = _rows_of_original(n, provenance)
    if not 0 < level < 1:
        raise DataError(f"level={level!r} must lie between 0 and 1, such as 0.95.")
    if target not in ("population", "original"):
        raise DataError(f"target={target!r} is not one of 'population', 'original'.")
    frames = [copies] if isinstance(copies, pd.DataFrame) else list(copies)
    check_copies(provenance, chosen, len(frames))
    if nests is not None and (nests < 2 or len(frames) % nests or len(frames) < 2 * nests or rule is not None):
        raise DataError(
            f"nests={nests} with {len(frames)} copies: give at least 2 imputations with as many copies of each, 2 or "
            "more, and no rule=."
        )
    found = estimates(frames, formula, model, options)
    k = round(float(np.mean([len(f) for f in frames])))
    notes = _caveats(chosen, provenance, model, options, len(frames), k / n, frames[0])
    if provenance is not None and isinstance(model, str):
        parts = split(formula)
        absent = uncongenial(provenance, parts, terms_of(parts.common, frames[0]))
        if absent:
            notes.append(
                f"The spec that made the copies leaves out {', '.join(absent)}: the copies show none of it, whatever "
                "the original does."
            )
    title = registry.get(model).title if isinstance(model, str) else "Analysis"
    pooled = combine(found, chosen, k, n, target=target, level=level, title=title, formula=formula, notes=notes,
                     nests=nests)  # fmt: skip
    pooled = replace(pooled, estimated=not counted(provenance))
    for note in pooled.notes:
        warn(note, PoolingWarning)
    return pooled


def estimates(
    frames: Sequence[pd.DataFrame], formula: str, model: str | registry.Ready, options: Mapping[str, Any],
    learn_from: Sequence[pd.DataFrame] = (),
) -> list[Estimate]:  # fmt: skip
    """Run an analysis on every table; levels are learnt from all of them and from ``learn_from``.

    Raises
    ------
    DataError
        Naming the copy on which it failed.
    """
    if not frames:
        raise DataError("There is no copy to analyse.")
    ready = registry.prepared(model, [*learn_from, *frames], formula, options)
    found = []
    for j, frame in enumerate(frames):
        try:
            found.append(ready(frame))
        except DataError as error:
            raise DataError(f"Copy {j}: {error}") from error
    names = found[0].names
    for j, estimate in enumerate(found):
        if estimate.names != names:
            raise DataError(f"Copy {j} has the coefficients {estimate.names}, copy 0 {names}; they must be the same.")
    return found


def combine(
    found: Sequence[Estimate], rule: Rule, k: int, n: int, *, target: Target = "population", level: float = 0.95,
    title: str = "Analysis", formula: str = "", notes: Sequence[str] = (), nests: int | None = None,
) -> Pooled:  # fmt: skip
    """Combine estimates of copies.

    Parameters
    ----------
    found : sequence of Estimate
        One a copy, with the same names.
    rule : Rule
    k, n : int
        Rows of a copy and of the original.
    target, level, title, formula, notes, nests
        As in :func:`pool` and :class:`Pooled`.

    Examples
    --------
    >>> from bayessynth.inference import RULES
    >>> copies = [Estimate(("mean",), np.array([q]), np.array([[0.01]])) for q in (1.0, 1.2)]
    >>> float(combine(copies, RULES["proper"], 100, 100).table["std_error"].iloc[0].round(4))
    0.1414
    """
    m, ratio = len(found), k / n
    scales, more = _scales(found)
    on = [e.on(scales) for e in found]
    q, v = np.stack([values for values, _ in on]), np.stack([covariance for _, covariance in on])
    there = np.isfinite(q) & np.isfinite(np.diagonal(v, axis1=1, axis2=2))
    more += _gaps(found[0].names, there)
    mean, between, within = _moments(q, v, there)
    counts = there.sum(axis=0)
    b, w = np.diag(between), np.diag(within)
    if target == "original":
        spread = np.asarray(original_variance(rule, w, 1, ratio)) / np.maximum(counts, 1)
        made = Variance(spread, np.full(len(w), np.inf), np.zeros(len(w), bool))
    elif nests is not None:
        if not there.all():
            raise DataError(
                "A coefficient cannot be estimated in every copy, which the rule 'nested' needs: merge levels."
            )
        shape = (nests, m // nests, q.shape[1])
        made = nested(q.reshape(shape), np.diagonal(v, axis1=1, axis2=2).reshape(shape))[1]
    else:
        parts = [variance(rule, b[i], w[i], max(int(c), 1), ratio) for i, c in enumerate(counts)]
        made = Variance(*(np.array([getattr(p, f) for p in parts]) for f in ("total", "df", "fallback")))
    more += _fallen(found[0].names, made, rule)
    expected = np.nan if rule.expected is None else rule.expected(ratio)
    spread_ratio = b / (w * expected)
    more += _spread_note(found[0].names, spread_ratio, counts, rule)
    table = _table(found[0].names, scales, mean, made, w * ratio, spread_ratio, counts, level)
    return Pooled(
        table, rule, m, k, n, title, formula, target, level, (*notes, *more), np.where(there, q, np.nan), between,
        within, scales,
    )  # fmt: skip


def _moments(q: np.ndarray, v: np.ndarray, there: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return means, covariance between and within, over the copies in which each coefficient is there."""
    values = np.ma.masked_array(q, ~there)
    mean = values.mean(axis=0).filled(np.nan)
    centred = np.where(there, q - mean, 0.0)
    pairs = there.astype(float).T @ there
    with np.errstate(divide="ignore", invalid="ignore"):
        between = np.where(pairs > 1, centred.T @ centred / (pairs - 1), np.nan)
        within = np.where(there[:, :, None] & there[:, None, :], v, 0.0).sum(axis=0) / pairs
    return mean, between, within


def _table(
    names: Sequence[str], scales: Sequence[str], mean: np.ndarray, made: Variance, original: np.ndarray,
    spread: np.ndarray, counts: np.ndarray, level: float,
) -> pd.DataFrame:  # fmt: skip
    used = [SCALES[s] for s in scales]
    low, high = interval(mean, made, level)
    own = np.array([float(s.back(x)) for s, x in zip(used, mean, strict=True)])
    ends = np.array([[float(s.back(a)), float(s.back(b))] for s, a, b in zip(used, low, high, strict=True)])
    slopes = np.array([abs(float(s.slope(x))) for s, x in zip(used, own, strict=True)])
    tested = np.array([s.null is not None for s in used])
    statistic = np.where(tested, mean / np.sqrt(made.total), np.nan)
    return pd.DataFrame(
        {
            "estimate": own, "std_error": np.sqrt(made.total) / slopes, "statistic": statistic,
            "p_value": 2 * stats.t.sf(np.abs(statistic), made.df), "low": ends.min(axis=1), "high": ends.max(axis=1),
            "df": made.df, "information_lost": 1 - original / made.total, "spread": spread, "copies": counts,
        },
        index=pd.Index(names, name="term"),
    )  # fmt: skip


def _scales(found: Sequence[Estimate]) -> tuple[tuple[str, ...], list[str]]:
    """Return the scale on which each coefficient is pooled: its own where some copy stands at the scale's edge."""
    scales, notes = [], []
    for i, scale in enumerate(found[0].scales):
        with np.errstate(divide="ignore", invalid="ignore"):
            at = np.array([float(SCALES[scale].forward(e.values[i])) for e in found if np.isfinite(e.values[i])])
        edge = int((np.abs(at) > _EDGE).sum()) if scale != "identity" else 0
        scales.append("identity" if edge else scale)
        if edge:
            notes.append(
                f"{found[0].names[i]} is at the edge of its range in {edge} of {len(found)} copies, so it is pooled on "
                f"its own scale, not the {scale} scale; its interval is rough."
            )
    return tuple(scales), notes


# Beyond this on the log, logit or Fisher scale an estimate stands at the edge: a variance of zero, a correlation of 1.
_EDGE = 12.0


def _gaps(names: Sequence[str], there: np.ndarray) -> list[str]:
    counts = dict(zip(names, there.sum(axis=0), strict=True))
    never = [repr(name) for name, c in counts.items() if not c]
    short = [f"{name!r} ({int(c)} of {len(there)})" for name, c in counts.items() if 0 < c < len(there)]
    notes = []
    if never:
        notes.append(
            f"Not estimated in any copy: {', '.join(never)}. A combination of other terms, or a level in which the "
            "response does not vary."
        )
    if short:
        notes.append(
            f"Estimated in some copies only: {', '.join(short)}. A level is rare or absent there: merge levels."
        )
    return notes


def _fallen(names: Sequence[str], made: Variance, rule: Rule) -> list[str]:
    fallen = [name for name, f in zip(names, made.fallback, strict=True) if f]
    if not fallen:
        return []
    note = f"The rule gave no positive variance for {', '.join(fallen)}; {rule.instead} stands in. More copies help."
    return [note]


def _spread_note(names: Sequence[str], spread: np.ndarray, counts: np.ndarray, rule: Rule) -> list[str]:
    """Compare b with what the rule takes for granted: outside the 99 % limits, over all coefficients, it fails."""
    known = np.isfinite(spread)
    if not known.any():
        return []
    tail = 0.005 / known.sum()
    df = np.maximum(counts - 1, 1)
    off = known & ((spread < stats.chi2.ppf(tail, df) / df) | (spread > stats.chi2.isf(tail, df) / df))
    if not off.any():
        return []
    listed = ", ".join(f"{name} ({r:.2f})" for name, r, o in zip(names, spread, off, strict=True) if o)
    note = (
        f"Estimates vary between copies otherwise than the rule {rule.name!r} takes for granted (ratio 1): {listed}. "
        "The analysis' standard errors do not fit these data (clusters? weights?), or the copies were made in another "
        "way. rule='rrr' takes the variation as it is, with m ≥ 100."
    )
    return [note]


def _rows_of_original(n: int | None, provenance: Mapping[str, Any] | None) -> int:
    n = n if n is not None else (provenance or {}).get("n")
    if n is None:
        raise DataError("Say how many rows the original has: n=….")
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
        raise DataError(f"n={n!r} must be a whole number above zero: the rows of the original.")
    return int(n)


def _caveats(
    rule: Rule, provenance: Mapping[str, Any] | None, model: Any, options: Mapping[str, Any], m: int, ratio: float,
    frame: pd.DataFrame,
) -> list[str]:  # fmt: skip
    """Return what provenance and request say against reading the result without care."""
    notes = []
    if m < rule.advised and ratio < 5:
        notes.append(
            f"The rule {rule.name!r} with m={m} and k={ratio:.3g}n gives wide intervals and often no positive "
            "variance; draw m ≥ 100 copies, or k ≥ 5n rows."
        )
    if provenance is not None and rule.expected is not None and provenance.get("fit", {}).get("missing") == "drop":
        notes.append(
            "Rows with missing cells were left out of equations, so the posterior is wider than n rows would make it; "
            "rule='rrr' (m ≥ 100) takes that in."
        )
    if (provenance or {}).get("population") == "given":
        notes.append(
            f"These copies were drawn given {', '.join((provenance or {}).get('given', ()))}: they stand for a "
            "population in which these are as given, not for the original's."
        )
    if (provenance or {}).get("population") == "intervened":
        stated = ", ".join(f"{c} = {value}" for c, value in (provenance or {}).get("do", {}).items())
        notes.append(
            f"These copies were drawn under do({stated}): they stand for a population in which this is set from "
            "outside, not for the original's, and only as far as the spec's arrows are causes."
        )
    # Rows of a unit from start to stop are one history, which a regression with entry takes as such.
    histories = {own.get("unit") for own in (provenance or {}).get("survivals", ())} if "entry" in options else set()
    clustered = [c for c in (provenance or {}).get("group_columns", ()) if c in frame and c not in histories]
    aware = isinstance(model, str) and (registry.get(model).groups or "cluster" in options)
    if clustered and isinstance(model, str) and not aware:
        notes.append(
            f"Rows are grouped by {', '.join(clustered)}, which this analysis ignores: its standard errors may be too "
            f"small. Use model='mixed', model='gee' or cluster={clustered[0]!r}."
        )
    return notes
