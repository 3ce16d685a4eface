"""One number for each cell of a table: means and proportions by the levels of other columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from bayessynth.errors import DataError
from bayessynth.inference.estimate import Estimate
from bayessynth.inference.formula import column
from bayessynth.inference.registry import Ready
from bayessynth.inference.regression import NO_SAMPLING, Response
from bayessynth.inference.survey import Sampling, weighted_means

# From a cell's values, and their clusters if there are any, to an estimate and its variance.
Statistic = Callable[[np.ndarray, np.ndarray | None], tuple[float, float]]


def over_cells(
    frames: Sequence[pd.DataFrame], name: str, by: str, response: Response, statistic: Statistic, scale: str,
    cluster: str | None, sampling: Sampling = NO_SAMPLING,
) -> Ready:  # fmt: skip
    """Make a statistic of each cell ready for tables.

    Parameters
    ----------
    frames : sequence of DataFrame
        From which the cells are learnt.
    name : str
        What the estimate is called: ``name`` or ``name[a, b]``.
    by : str
        ``"1"``, or columns joined by ``+`` or ``:``, whose combinations are the cells.
    response : callable
    statistic : callable
    scale : str
        Of the estimates, a key of ``SCALES``.
    cluster : str, optional
    sampling : Sampling
        Columns of a survey's design: with weights or strata the statistic is the weighted mean.

    Raises
    ------
    DataError
        If a column does not exist.
    """
    factors = [] if by == "1" else [f.strip() for f in by.replace(":", "+").replace("*", "+").split("+")]
    for factor in [*factors, *([cluster] if cluster else [])]:
        column(frames[0], factor, "column")
    cells = sorted({cell for f in frames for cell in _cells(f, factors).dropna().unique()}) if factors else [""]

    sampling.check(frames)
    names = tuple(f"{name}[{cell}]" if factors else name for cell in cells)

    def surveyed(frame: pd.DataFrame) -> Estimate:
        y = response(frame)
        own = _cells(frame, factors) if factors else pd.Series("", index=frame.index)
        there = ~np.isnan(y)
        rows = [(own == cell).to_numpy(dtype=bool) & there for cell in cells]
        values, covariance = weighted_means(y, rows, sampling.of(frame))
        if np.isnan(values).all():
            raise DataError(f"{name!r} has no cell with enough rows for an estimate.")
        return Estimate(names, values, covariance, (scale,) * len(cells), int(there.sum()))

    def fit(frame: pd.DataFrame) -> Estimate:
        y = response(frame)
        clusters = None if cluster is None else pd.factorize(frame[cluster])[0]
        own = _cells(frame, factors) if factors else pd.Series("", index=frame.index)
        found = []
        for cell in cells:
            rows = (own == cell).to_numpy(dtype=bool) & ~np.isnan(y)
            chosen = None if clusters is None else clusters[rows]
            found.append(statistic(y[rows], chosen) if rows.any() else (np.nan, np.nan))
        if not np.isfinite(found).any():
            raise DataError(f"{name!r} has no cell with enough rows for an estimate.")
        values, variances = np.array(found).T
        covariance = np.diag(variances)
        return Estimate(names, values, covariance, (scale,) * len(cells), int((~np.isnan(y)).sum()))

    return surveyed if sampling else fit


def _cells(frame: pd.DataFrame, factors: Sequence[str]) -> pd.Series:
    """Return the cell of every row as text, missing where one of its columns is."""
    text = frame[factors[0]].astype(object).map(str)
    for factor in factors[1:]:
        text = text + ", " + frame[factor].astype(object).map(str)
    return text.where(frame[list(factors)].notna().all(axis=1))
