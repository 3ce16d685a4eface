"""Analyses of a sample with unequal probabilities: weighted estimates with linearised variances.

Weights count each row for 1/π of the population; primary sampling units (clusters) are drawn with replacement, or
nearly so, within strata. An estimate is written as a sum of one influence a row, u_k, and its covariance is

    V = Σ_h n_h / (n_h - 1) Σ_i (u_hi - ū_h)(u_hi - ū_h)ᵀ,

u_hi being the sum of the influences in unit i of stratum h, which has n_h of them. Without clusters each row is a unit,
without strata there is one stratum; there is no finite population correction.

References
----------
Binder DA (1983). On the variances of asymptotically normal estimators from complex surveys. International Statistical
Review 51, 279-292.
Lumley T (2010). Complex Surveys: A Guide to Analysis Using R. Wiley. (Its package survey computes the same.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm

from bayessynth.errors import DataError, where
from bayessynth.inference.formula import column


@dataclass(frozen=True)
class Sampling:
    """The columns that say how rows were sampled.

    Attributes
    ----------
    weights, cluster, strata : str or None

    Examples
    --------
    >>> bool(Sampling()), bool(Sampling(weights="w"))
    (False, True)
    """

    weights: str | None = None
    cluster: str | None = None
    strata: str | None = None

    def __bool__(self) -> bool:
        """Tell whether variances have to be those of a survey; a cluster alone asks for the usual sandwich."""
        return self.weights is not None or self.strata is not None

    def check(self, frames: Sequence[pd.DataFrame]) -> None:
        """Raise a DataError unless all columns are there."""
        for role, name in (("weights", self.weights), ("cluster", self.cluster), ("strata", self.strata)):
            if name is not None:
                column(frames[0], name, f"{role} column" if role == "weights" else role)

    def of(self, frame: pd.DataFrame) -> Sample:
        """Read the sample of one table.

        Raises
        ------
        DataError
            If a weight is missing, negative or not finite, or all are zero; if a cluster or stratum is missing; or if
            a stratum has a single cluster, so that nothing tells its variance.
        """
        n = len(frame)
        weights = np.ones(n)
        if self.weights is not None:
            weights = pd.to_numeric(frame[self.weights], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
            wrong = ~(np.isfinite(weights) & (weights >= 0))
            if wrong.any() or not weights.any():
                place = where(self.weights, wrong, frame[self.weights].to_numpy()) if wrong.any() else "all are zero"
                raise DataError(f"Weights must be numbers from zero up, not all of them zero: {place}.")
        strata = _codes(frame, self.strata, "stratum") if self.strata else np.zeros(n, dtype=np.int64)
        units = _codes(frame, self.cluster, "cluster") if self.cluster else np.arange(n)
        # Clusters that are numbered anew in every stratum are different ones.
        units = pd.factorize(strata.astype(np.int64) * (int(units.max(initial=0)) + 1) + units)[0]
        made = Sample(weights, units, strata)
        counts = made.units_of_strata
        if (counts < 2).any():
            names = pd.unique(frame[self.strata])[np.flatnonzero(counts < 2)[:3]] if self.strata else ["the sample"]
            raise DataError(
                f"{int((counts < 2).sum())} of {len(counts)} strata have a single sampling unit, such as "
                f"{', '.join(map(str, names))}, which tells nothing of their variance. Merge them with others."
            )
        return made


@dataclass(frozen=True)
class Sample:
    """How the rows of a table were sampled.

    Attributes
    ----------
    weights : ndarray of shape (n,)
    units, strata : ndarray of int, shape (n,)
        Primary sampling unit and stratum of each row, numbered from zero.
    """

    weights: np.ndarray
    units: np.ndarray
    strata: np.ndarray

    @property
    def stratum_of_unit(self) -> np.ndarray:
        """The stratum of each unit."""
        found = np.zeros(int(self.units.max()) + 1, dtype=np.int64)
        found[self.units] = self.strata
        return found

    @property
    def units_of_strata(self) -> np.ndarray:
        """Number of units of each stratum."""
        return np.bincount(self.stratum_of_unit, minlength=int(self.strata.max()) + 1)

    def covariance(self, influence: np.ndarray) -> np.ndarray:
        """Return the linearised covariance of an estimate, shape (p, p).

        Parameters
        ----------
        influence : ndarray of shape (n, p)
            Of every row, weight included; zero for rows that an analysis does not use, which still count as sampled.

        Examples
        --------
        >>> sample = Sample(np.ones(4), np.arange(4), np.zeros(4, dtype=int))
        >>> y = np.array([1.0, 2.0, 3.0, 6.0])
        >>> sample.covariance((y - y.mean())[:, None] / 4).round(4).tolist(), float((y.var(ddof=1) / 4).round(4))
        ([[1.1667]], 1.1667)
        """
        strata, counts = self.stratum_of_unit, self.units_of_strata
        totals = np.zeros((len(strata), influence.shape[1]))
        np.add.at(totals, self.units, influence)
        means = np.zeros((len(counts), influence.shape[1]))
        np.add.at(means, strata, totals)
        away = totals - (means / counts[:, None])[strata]
        return away.T @ (away * (counts / (counts - 1))[strata][:, None])


def _codes(frame: pd.DataFrame, name: str, what: str) -> np.ndarray:
    codes = pd.factorize(frame[name])[0]
    if (codes < 0).any():
        raise DataError(f"Rows without a {what}: {where(name, codes < 0, frame[name].to_numpy())}.")
    return np.asarray(codes, dtype=np.int64)


@dataclass(frozen=True)
class Weighted:
    """A weighted regression with a linearised covariance: the part of a statsmodels result that an analysis reads.

    Attributes
    ----------
    params : ndarray of shape (p,)
    covariance : ndarray of shape (p, p)
    """

    params: np.ndarray
    covariance: np.ndarray

    def cov_params(self) -> np.ndarray:
        """Return the covariance."""
        return self.covariance


def fit_weighted(
    y: np.ndarray, x: np.ndarray, family: Any, sample: Sample, used: np.ndarray, offset: np.ndarray | None = None
) -> Weighted:
    """Fit a generalised linear model with its canonical link by weighted estimating equations, Σ w x (y - μ) = 0.

    Parameters
    ----------
    y : ndarray of shape (n,)
    x : ndarray of shape (n, p)
    family : statsmodels family
        With its canonical link: Gaussian, Binomial or Poisson.
    sample : Sample
        Of all rows of the table, N.
    used : ndarray of bool, shape (N,)
        The n rows that the analysis uses.
    offset : ndarray of shape (n,), optional

    Examples
    --------
    >>> x, y = np.ones((4, 1)), np.array([1.0, 2.0, 3.0, 6.0])
    >>> sample = Sample(np.array([1.0, 1.0, 1.0, 3.0]), np.arange(4), np.zeros(4, dtype=int))
    >>> fit_weighted(y, x, sm.families.Gaussian(), sample, np.ones(4, dtype=bool)).params.round(6).tolist()
    [4.0]
    """
    weights = sample.weights[used]
    # Only the weights' ratios matter; of mean one they keep the iterations' scale.
    scaled = weights / weights[weights > 0].mean()
    fitted = sm.GLM(y, x, family=family, freq_weights=scaled, offset=offset).fit(tol=1e-12)
    mu = np.asarray(fitted.mu)
    curvature = (x * (scaled * family.variance(mu))[:, None]).T @ x
    influence = np.zeros((len(used), x.shape[1]))
    influence[used] = (x * (scaled * (y - mu))[:, None]) @ np.linalg.inv(curvature)
    return Weighted(np.asarray(fitted.params), sample.covariance(influence))


def weighted_means(y: np.ndarray, cells: Sequence[np.ndarray], sample: Sample) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted mean of each cell, Σ w y / Σ w (Hájek 1971), and their covariance.

    Cells are domains: rows outside count as sampled, with influence zero.

    Parameters
    ----------
    y : ndarray of shape (n,)
    cells : sequence of ndarray of bool, shape (n,)
    sample : Sample

    Examples
    --------
    >>> sample = Sample(np.array([1.0, 3.0]), np.arange(2), np.zeros(2, dtype=int))
    >>> weighted_means(np.array([0.0, 1.0]), [np.ones(2, dtype=bool)], sample)[0].tolist()
    [0.75]
    """
    means, influence = np.full(len(cells), np.nan), np.zeros((len(y), len(cells)))
    for j, rows in enumerate(cells):
        total = sample.weights[rows].sum()
        if total > 0:
            means[j] = (sample.weights[rows] @ y[rows]) / total
            influence[rows, j] = sample.weights[rows] * (y[rows] - means[j]) / total
    covariance = sample.covariance(influence)
    empty = np.isnan(means)
    covariance[empty] = np.nan
    covariance[:, empty] = np.nan
    return means, covariance
