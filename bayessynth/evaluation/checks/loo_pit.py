"""Whether each equation predicts the cells that it has not seen: leave-one-out probability integral transforms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from arviz_stats.base import array_stats
from scipy import stats

from bayessynth.design import safe
from bayessynth.evaluation.checks.likelihood import DRAWS, ENTRIES, bound_data, equations, refused, thinned, tree_of
from bayessynth.evaluation.measure import Measure, Verdict, unavailable, worst
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables

TITLE = "Calibration of the fit's predictions (LOO-PIT)"
# Rows of an equation that are used where max_rows is not given.
ROWS = 1000
# A distance to uniform that matters: of the cells, five in a hundred lie on the wrong side of a predicted quantile.
SIZE = 0.05
FAIL, WARN = 0.001, 0.01
# Above this, importance weights do not stand for leaving the row out (Vehtari et al. 2024).
KHAT = 0.7
# Mean of Kolmogorov's distribution, √(π/2) log 2.
KOLMOGOROV = float(np.sqrt(np.pi / 2) * np.log(2))
_ORDER: tuple[Verdict, ...] = ("fail", "warn", "pass", "info")


@measure("loo_pit", "checks")
def loo_pit(tables: Tables) -> Iterator[Measure]:
    """Yield how far the leave-one-out PIT of the worst equation is from uniform (Kolmogorov–Smirnov distance).

    The probability integral transform of a cell is the probability that the model, fitted without the cell's row, gives
    to values up to it. If the model is right the transforms are uniform on 0 to 1. A hump in the middle says that
    predictions are too wide, a trough that they are too narrow, a slope that they are shifted. Leaving a row out is
    done by Pareto-smoothed importance sampling; transforms of discrete columns are randomised between the
    probabilities below and up to the cell (levels in their given order).

    An equation fails where the distance exceeds .05 and the p-value of uniformity, adjusted over equations, is below
    .001; it is warned of below .01. The detail has a row an equation: the distance, its p-values, and the share of
    rows whose k-hat exceeds .7, for which importance sampling does not replace the refit; such rows make the
    transform optimistic.

    References
    ----------
    Gelfand, Dey & Chang (1992). Model determination using predictive distributions. Bayesian Statistics 4.
    Vehtari, Simpson, Gelman, Yao & Gabry (2024). Pareto smoothed importance sampling. JMLR 25.
    Czado, Gneiting & Held (2009). Predictive model assessment for count data. Biometrics 65 (randomised PIT).

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> frame = pd.DataFrame({"x": [1.0, 2.5]})
    >>> list(loo_pit(read_tables(frame, [frame])))
    []
    """
    if tables.fitted is None:
        return
    if why := refused(tables):
        yield unavailable("loo_pit", "checks", TITLE, why)
        return
    rows = []
    largest = 0
    # A censored time has no transform: only that of its end is known to lie above.
    latent = {e.response for e in tables.fitted.bound.equations if e.cause is not None}
    for column in (c for c in equations(tables.fitted) if c not in latent):
        pit, khat, n = pit_of(tables, column)
        largest = max(largest, n)
        found = stats.kstest(pit, "uniform")
        rows.append(
            {"equation": column, "distance": float(found.statistic), "p": float(found.pvalue), "rows": len(pit),
             "middle_half": float(((pit > 0.25) & (pit < 0.75)).mean()), "high_khat": float((khat > KHAT).mean())}
        )  # fmt: skip
    if rows:
        yield _summarised(pd.DataFrame(rows), largest)


def pit_of(tables: Tables, column: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the transforms and the k-hats of (some) rows of an equation, and how many rows it has.

    Parameters
    ----------
    tables : Tables
        With the fit and its original.
    column : str

    Returns
    -------
    ndarray, shape (rows,)
        Transforms.
    ndarray, shape (rows,)
        Pareto k-hat.
    int
        Rows of the equation, of which at most ``max_rows`` (by default 1,000,
        never more than about 4,000) are used.
    """
    n = len(bound_data(tables).rows[column])
    rng = tables.rng("loo_pit", column)
    most = min(tables.max_rows or ROWS, ENTRIES // DRAWS)
    rows = np.sort(rng.choice(n, most, replace=False)) if n > most else np.arange(n)
    tree = tree_of(tables, thinned(tables.fitted, column), column, rows, rng)
    name = safe(column)
    order = ("row", "chain", "draw")
    log_likelihood = tree["log_likelihood"][name].transpose(*order).values
    replicated = tree["posterior_predictive"][name].transpose(*order).values
    axes: dict[str, Any] = {"chain_axis": 1, "draw_axis": 2}
    ratios = -log_likelihood.reshape(len(rows), -1)
    efficiency = _efficiency(tree)
    weights, khat = array_stats.psislw(ratios, r_eff=efficiency, axis=-1)
    observed = tree["observed_data"][name].values
    pit = array_stats.loo_pit(
        replicated, observed, np.asarray(weights).reshape(replicated.shape), **axes, random_state=rng
    )
    return np.clip(np.asarray(pit), 0.0, 1.0), np.asarray(khat), n


def _efficiency(tree: xr.DataTree) -> float:
    """Return effective draws a draw, averaged over parameters, as ArviZ's ``loo`` takes it."""
    posterior = tree["posterior"].to_dataset()
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    ess = [array_stats.ess(v.values, chain_axis=0, draw_axis=1, method="mean") for v in posterior.data_vars.values()]
    average = float(np.nanmean(np.concatenate([np.ravel(e) for e in ess])))
    return min(1.0, max(average / draws, 1 / draws)) if np.isfinite(average) else 1.0


def _summarised(table: pd.DataFrame, largest: int) -> Measure:
    table.insert(3, "adjusted_p", stats.false_discovery_control(table["p"]))
    table["verdict"] = [
        "fail" if d > SIZE and p < FAIL else "warn" if d > SIZE and p < WARN else "pass"
        for d, p in zip(table["distance"], table["adjusted_p"], strict=True)
    ]
    rank = table["verdict"].map({v: i for i, v in enumerate(_ORDER)})
    detail = table.iloc[np.lexsort((-table["distance"], rank))].reset_index(drop=True)
    first = detail.iloc[0]
    chance = KOLMOGOROV / np.sqrt(first["rows"])
    notes = []
    if largest > detail["rows"].max():
        notes.append(f"At most {detail['rows'].max():,} rows of each equation are used, of up to {largest:,}.")
    weak = detail[detail["high_khat"] > 0]
    if len(weak):
        worst_khat = weak.iloc[int(weak["high_khat"].argmax())]
        notes.append(
            f"Importance sampling does not replace leaving the row out (k-hat above {KHAT}) for up to "
            f"{worst_khat['high_khat']:.1%} of rows ({worst_khat['equation']})."
        )
    reading = (
        f"In the worst equation ({first['equation']}), the share of cells below a predicted quantile is off by up to "
        f"{first['distance']:.1%}; with a right model chance alone makes it {chance:.1%} on average."
    )
    if first["verdict"] in ("warn", "fail"):
        middle = first["middle_half"]
        reading += " Predictions are " + (
            "too wide." if middle > 0.5 + SIZE else "too narrow." if middle < 0.5 - SIZE else "shifted or misshapen."
        )
    return Measure(
        "loo_pit", "checks", TITLE, float(first["distance"]), reading, None, float(chance), None, "lower",
        worst(list(detail["verdict"])), detail, tuple(notes),
    )  # fmt: skip
