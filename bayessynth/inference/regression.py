"""What all regressions share: a design with common levels, rows without missing cells, columns that a copy lacks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationError, PerfectSeparationWarning

from bayessynth.errors import DataError
from bayessynth.inference.estimate import Estimate
from bayessynth.inference.formula import Design, column, learn, split
from bayessynth.inference.registry import Ready

# Makes a statsmodels result of response, matrix and keywords for the covariance.
Model = Callable[..., Any]
Response = Callable[[pd.DataFrame], np.ndarray]


def regression(
    frames: Sequence[pd.DataFrame], formula: str, model: Model, response: Response, cluster: str | None = None
) -> Ready:
    """Make a regression of statsmodels ready for tables.

    Parameters
    ----------
    frames : sequence of DataFrame
        From which levels are learnt.
    formula : str
        ``"y ~ x + z"``.
    model : callable
        ``model(y, X, **fit)`` returns a fitted result with ``params`` and ``cov_params()``.
    response : callable
        From a table to the response, NaN where missing.
    cluster : str, optional
        A column whose values name clusters; the covariance is then the cluster-robust one.

    Raises
    ------
    DataError
        If no row is complete, a coefficient's estimate is infinite (separation), or the fit fails.
    """
    parts = split(formula)
    if parts.groups:
        raise DataError(f"{formula!r} has group-specific terms; they need model='mixed'.")
    design = learn(parts.common, frames)
    if cluster is not None:
        column(frames[0], cluster, "cluster")
    return lambda frame: _fit(frame, design, model, response, cluster)


def _fit(frame: pd.DataFrame, design: Design, model: Model, response: Response, cluster: str | None) -> Estimate:
    y, x = response(frame), design.matrix(frame)
    rows = ~(np.isnan(y) | np.isnan(x).any(axis=1))
    if rows.sum() <= x.shape[1]:
        raise DataError(f"Only {int(rows.sum())} complete rows for {x.shape[1]} coefficients of {design.formula!r}.")
    y, x = y[rows], x[rows]
    there = estimable(x)
    options: dict[str, Any] = {}
    if cluster is not None:
        codes = pd.factorize(frame[cluster])[0][rows]
        options = {"cov_type": "cluster", "cov_kwds": {"groups": codes}}
    result = guarded(lambda: model(y, x[:, there], **options))
    return filled(design.names, there, np.asarray(result.params), np.asarray(result.cov_params()), len(y))


def estimable(x: np.ndarray) -> np.ndarray:
    """Return which columns of a matrix carry information: the first ones that span all of it.

    >>> estimable(np.array([[1.0, 0.0, 2.0], [1.0, 0.0, 2.0], [1.0, 0.0, 3.0]])).tolist()
    [True, False, True]
    """
    size = np.sqrt((x**2).sum(axis=0))
    scaled = x / np.where(size > 0, size, 1.0)
    triangle = np.linalg.qr(scaled, mode="r")
    diagonal = np.abs(np.diag(triangle))
    return diagonal > 1e-9


def filled(names: Sequence[str], there: np.ndarray, values: np.ndarray, covariance: np.ndarray, rows: int) -> Estimate:
    """Return an estimate of all coefficients, NaN for those that the table could not tell.

    >>> filled(["a", "b"], np.array([True, False]), np.array([1.0]), np.array([[2.0]]), 9).values.tolist()
    [1.0, nan]
    """
    q = np.full(len(names), np.nan)
    v = np.full((len(names), len(names)), np.nan)
    q[there] = values
    v[np.ix_(there, there)] = covariance
    return Estimate(tuple(names), q, v, rows=rows)


def guarded(fit: Callable[[], Any]) -> Any:
    """Run a fit; its failures are errors that say what to do.

    Raises
    ------
    DataError
        If the response is separated, the fit does not converge, or its covariance is not finite.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", PerfectSeparationWarning)
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            with np.errstate(all="ignore"):
                result = fit()
                finite = np.isfinite(np.asarray(result.cov_params())).all()
        except (PerfectSeparationError, PerfectSeparationWarning):
            raise DataError(
                "Some combination of predictors separates the response, so that a coefficient is infinite. Leave out a "
                "rare level, or draw larger copies."
            ) from None
        except (ConvergenceWarning, np.linalg.LinAlgError, ValueError) as error:
            raise DataError(f"The analysis failed: {error}. Scale the columns, or leave some out.") from error
    if not finite:
        raise DataError("The analysis gave no finite standard errors. Scale the columns, or leave some out.")
    return result
