"""Specific utility: does an analyst find the same coefficients again? Overlap of confidence intervals.

The analyses are those that were named (``analyses=``), or, with a target alone, the regression of the target on all
other columns: least squares for numbers, logistic for two levels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm

from bayessynth.errors import BayesSynthError
from bayessynth.evaluation.measure import Measure, judged, unavailable
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Encoded, Tables
from bayessynth.inference import Comparison, Estimate
from bayessynth.inference.combining import RULES
from bayessynth.inference.comparison import compared
from bayessynth.inference.logistic import fit_logistic
from bayessynth.inference.provenance import check_copies, formal, rule_for
from bayessynth.inference.regression import clustered, estimable, filled, finite, guarded

# An overlap so far below that of perfect copies matters in practice.
MARGIN = 0.1
# A level with fewer of the original's rows joins the reference level.
LEAST = 0.01
TITLE = "Overlap of confidence intervals"


@measure("specific", "inference")
def specific(tables: Tables) -> Iterator[Measure]:
    """Yield the overlap of confidence intervals for each analysis, beside that of perfect copies."""
    for i, (formula, model, options) in enumerate(tables.analyses):
        name = "overlap" if i == 0 else f"overlap_{i + 1}"

        run = partial(_compared, tables, tables.original_frame, tables.copy_frames, formula, model, options)
        yield _measured(name, f"{TITLE}: {formula} ({model})", run)
    if not tables.analyses and tables.target in tables.columns:
        yield _measured("overlap", f"{TITLE}: {tables.target} on all other columns", lambda: _on_all_others(tables))


def _compared(
    tables: Tables, original: pd.DataFrame, copies: Sequence[pd.DataFrame], formula: str, model: Any,
    options: Mapping[str, Any],
) -> Comparison:  # fmt: skip
    rule = RULES["proper"] if tables.provenance is None else rule_for(tables.provenance)
    check_copies(None, rule, tables.m)
    return compared(original, copies, formula, model, rule, formal(tables.provenance), options)


def _measured(name: str, title: str, run: Callable[[], Comparison]) -> Measure:
    try:
        found = run()
    except BayesSynthError as error:
        return unavailable(name, "inference", title, f"The analysis could not be made: {error}")
    table = found.table
    signs, significances = found.signs, found.significances
    worst = str(table["overlap_unclipped"].idxmin())
    perfect = "perfect copies" if found.noise is None else "perfect copies with this noise of formal privacy"
    reading = (
        f"The original's and the copies' intervals for {len(table)} coefficients overlap by {found.overlap:.0%} on "
        f"average; {perfect} reach {found.reference:.0%}. Estimates lie {found.distance:.2f} of the original's "
        f"standard errors apart (perfect copies: {found.reference_distance:.2f}). Signs agree in {signs[0]} of "
        f"{signs[1]} that the original can tell, significance in {significances[0]} of {significances[1]}. "
        f"Worst: {worst}."
    )
    detail = table.reset_index().sort_values("overlap_unclipped", kind="stable").reset_index(drop=True)
    return Measure(
        name, "inference", title, found.overlap, reading, None, found.reference, None, "higher",
        judged(found.overlap, found.reference, MARGIN, "higher"), detail, found.pooled.notes,
    )  # fmt: skip


def _on_all_others(tables: Tables) -> Comparison:
    """Regress the target on standardised numbers and on levels, missing cells an indicator of their own."""
    target = tables.target
    assert target is not None
    names, design = _design(tables, [c for c in tables.columns if c != target])
    response = _response(tables, target)
    number = target in tables.numbers
    group = None
    if tables.clusters is not None:
        group = min(tables.groups, key=lambda g: tables.original_frame[g].nunique())
    every = [
        (tables.original, tables.original_frame),
        *zip(tables.copies, tables.copy_frames, strict=True),
    ]

    def analyse(table: Encoded, frame: pd.DataFrame) -> Estimate:
        y, x = response(table), design(table)
        rows = ~np.isnan(y)
        y, x = y[rows], x[rows]
        there = estimable(x)
        # Rows of a group are alike: standard errors are then the cluster-robust ones.
        clusters = None if group is None else pd.factorize(frame[group], use_na_sentinel=False)[0][rows]
        result = guarded(
            lambda: (
                sm.OLS(y, x[:, there]).fit(**clustered(clusters)) if number else fit_logistic(y, x[:, there], clusters)
            )
        )
        found = filled(names, there, np.asarray(result.params), np.asarray(result.cov_params()), len(y))
        return found if number else finite(found, x)

    # What compares hands frames on; each stands for one encoded table.
    tokens = [pd.DataFrame({"table": np.full(table.n, i)}) for i, (table, _) in enumerate(every)]
    return _compared(tables, tokens[0], tokens[1:], "", lambda f: analyse(*every[int(f["table"].iloc[0])]), {})


def _response(tables: Tables, target: str) -> Callable[[Encoded], np.ndarray]:
    if target in tables.numbers:
        return lambda table: table.values[target]
    used = np.flatnonzero(np.bincount(tables.original.codes[target], minlength=tables.sizes[target])[:-2])
    if len(used) != 2:
        raise BayesSynthError(
            f"{target!r} has {len(used)} levels; name an analysis for it: analyses=[(formula, model)]."
        )
    return lambda table: np.where(
        np.isin(table.codes[target], used), (table.codes[target] == used[1]).astype(float), np.nan
    )


def _design(tables: Tables, columns: list[str]) -> tuple[list[str], Callable[[Encoded], np.ndarray]]:
    """Return names and a function from a table to its matrix: intercept, numbers in standard deviations, levels."""
    parts: dict[str, Callable[[Encoded], np.ndarray]] = {"Intercept": lambda table: np.ones(table.n)}
    for c in columns:
        if c in tables.numbers:
            own = tables.original.values[c]
            parts[c] = partial(_standardised, c, float(np.nanmean(own)), float(np.nanstd(own)) or 1.0)
            if np.isnan(own).mean() > LEAST:
                parts[f"{c} missing"] = partial(_missing, c)
            continue
        shares = np.bincount(tables.original.codes[c], minlength=tables.sizes[c]) / tables.n
        for code in np.flatnonzero(shares >= LEAST):
            if code != shares.argmax():
                parts[f"{c}[{tables.labels[c][code]}]"] = partial(_level, c, int(code))
    return list(parts), lambda table: np.column_stack([part(table) for part in parts.values()])


def _standardised(column: str, mean: float, sd: float, table: Encoded) -> np.ndarray:
    return np.nan_to_num((table.values[column] - mean) / sd)


def _missing(column: str, table: Encoded) -> np.ndarray:
    return np.isnan(table.values[column]).astype(float)


def _level(column: str, code: int, table: Encoded) -> np.ndarray:
    return (table.codes[column] == code).astype(float)
