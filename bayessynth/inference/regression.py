"""What all regressions share: a design with common levels, rows without missing cells, columns that a copy lacks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from statsmodels.tools.sm_exceptions import ConvergenceWarning, PerfectSeparationError, PerfectSeparationWarning

from bayessynth.errors import DataError, where
from bayessynth.inference.estimate import Estimate
from bayessynth.inference.formula import Design, column, learn, split
from bayessynth.inference.registry import Ready
from bayessynth.inference.survey import Sampling, fit_weighted

# Makes a result such as statsmodels' of response and matrix.
Model = Callable[..., Any]
Response = Callable[[pd.DataFrame], np.ndarray]
NO_SAMPLING = Sampling()


def regression(
    frames: Sequence[pd.DataFrame],
    formula: str,
    model: Model,
    response: Response,
    cluster: str | None = None,
    log_scale: bool = False,
    *,
    family: Any = None,
    sampling: Sampling = NO_SAMPLING,
    exposure: str | None = None,
) -> Ready:
    """Make a regression of statsmodels ready for tables.

    Parameters
    ----------
    frames : sequence of DataFrame
        From which levels are learnt.
    formula : str
        ``"y ~ x + z"``.
    model : callable
        ``model(y, X)`` returns a fitted result with ``params`` and ``cov_params()``; it takes ``clusters=`` if the
        analysis takes ``cluster=``.
    response : callable
        From a table to the response, NaN where missing.
    cluster : str, optional
        A column whose values name clusters; the covariance is then the cluster-robust one.
    log_scale : bool
        Whether coefficients are log odds, log rates and the like, of which one may be infinite.
    family : statsmodels family, optional
        With its canonical link, for weights.
    sampling : Sampling
        Columns of a survey's design. With weights or strata the estimate is weighted and its covariance linearised.
    exposure : str, optional
        A column of times or numbers at risk, whose logarithm is added to the linear predictor.

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
    sampling = replace(sampling, cluster=cluster)
    sampling.check(frames)
    if exposure is not None:
        column(frames[0], exposure, "exposure")
    return lambda frame: _fit(frame, design, model, response, sampling, log_scale, family, exposure)


def _fit(
    frame: pd.DataFrame, design: Design, model: Model, response: Response, sampling: Sampling, log_scale: bool,
    family: Any, exposure: str | None,
) -> Estimate:  # fmt: skip
    y, x = response(frame), design.matrix(frame)
    rows = ~(np.isnan(y) | np.isnan(x).any(axis=1))
    if rows.sum() <= x.shape[1]:
        raise DataError(f"Only {int(rows.sum())} complete rows for {x.shape[1]} coefficients of {design.formula!r}.")
    y, x = y[rows], x[rows]
    there = estimable(x)
    options: dict[str, Any] = {} if exposure is None else {"offset": log_exposure(frame, exposure)[rows]}
    if sampling:
        sample = sampling.of(frame)
        result = guarded(lambda: fit_weighted(y, x[:, there], family, sample, rows, **options))
    else:
        if sampling.cluster is not None:
            options["clusters"] = pd.factorize(frame[sampling.cluster])[0][rows]
        result = guarded(lambda: model(y, x[:, there], **options))
    found = filled(design.names, there, np.asarray(result.params), np.asarray(result.cov_params()), len(y))
    return finite(found, x) if log_scale else found


def log_exposure(frame: pd.DataFrame, name: str) -> np.ndarray:
    """Return the logarithm of a column of exposures.

    Raises
    ------
    DataError
        If one is missing, or not above zero.

    Examples
    --------
    >>> log_exposure(pd.DataFrame({"years": [1.0, 2.0]}), "years").round(3).tolist()
    [0.0, 0.693]
    """
    values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = ~(np.isfinite(values) & (values > 0))
    if wrong.any():
        raise DataError(f"An exposure must be above zero: {where(name, wrong, frame[name].to_numpy())}.")
    return np.log(values)


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


# A standard error of this size, in standard deviations of the column, is that of an infinite estimate: without
# separation it is about 1/√(events).
_INFINITE = 5.0
_SEPARATED = (
    "Some combination of predictors separates the response, so that a coefficient is infinite. Leave out a rare level, "
    "or draw larger copies."
)


def finite(found: Estimate, x: np.ndarray) -> Estimate:
    """Return an estimate with NaN for coefficients that run to infinity: a level in which nothing varies.

    Iteration stops somewhere on the way; the others have their limits by then (quasi-complete separation).

    Raises
    ------
    DataError
        If all do: the response is separated.

    Examples
    --------
    >>> found = Estimate(("a", "b"), np.array([0.3, 25.0]), np.diag([0.1, 1e6]))
    >>> finite(found, np.array([[0.0, 1.0], [1.0, 0.0]])).values.tolist()
    [0.3, nan]
    """
    sizes = np.sqrt(np.diag(found.covariance)) * np.where(x.std(axis=0) > 0, x.std(axis=0), 1.0)
    values = np.where(sizes > _INFINITE, np.nan, found.values)
    if np.isnan(values).all():
        raise DataError(_SEPARATED)
    return replace(found, values=values)


def clustered(clusters: np.ndarray | None) -> dict[str, Any]:
    """Return statsmodels' keywords for a cluster-robust covariance; none without clusters.

    >>> clustered(None)
    {}
    """
    return {} if clusters is None else {"cov_type": "cluster", "cov_kwds": {"groups": clusters}}


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
            raise DataError(_SEPARATED) from None
        except (ConvergenceWarning, np.linalg.LinAlgError, ValueError) as error:
            raise DataError(f"The analysis failed: {error}. Scale the columns, or leave some out.") from error
    if not finite:
        raise DataError("The analysis gave no finite standard errors. Scale the columns, or leave some out.")
    return result
