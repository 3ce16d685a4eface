"""How much the posterior of each parameter would move if its priors were a little stronger or weaker."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr
from arviz_base import dataset_to_dataframe
from arviz_stats import psense

from bayessynth.design import dim, shown
from bayessynth.evaluation.checks.likelihood import (
    DRAWS,
    ENTRIES,
    LEAST_DRAWS,
    bound_data,
    equations,
    in_parts,
    refused,
    thinned,
    tree_of,
)
from bayessynth.evaluation.measure import Measure, Verdict, unavailable
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables
from bayessynth.fitting.summarise import varying

TITLE = "Largest sensitivity of a parameter to its priors"
SENSITIVE = 0.05

CONFLICT = "prior and data pull apart: look at the prior"
STRONG = "the prior says more than the data: look at the prior"
NONE = "not sensitive"


@measure("prior_sensitivity", "checks")
def prior_sensitivity(tables: Tables) -> Iterator[Measure]:
    """Yield the largest sensitivity of any parameter to power-scaling its equation's priors.

    Priors (or the likelihood) are raised to a power slightly below and above 1, by importance weights; sensitivity
    is the change of the parameter's posterior (cumulative Jensen–Shannon distance) for each doubling of the power.
    Above .05 counts as sensitive. Sensitive to both, prior and data pull apart ("warn"); sensitive to the prior alone,
    the data say little of the parameter ("info": usual of standard deviations of few groups). Copies carry what the
    prior says about such parameters, so it should be a prior that somebody means.

    At most 1,000 posterior draws are used, of large tables fewer, down to 200. The detail has a row a parameter.
    Effects of observed groups are left out; priors on correlations and on shares of levels are not scaled.

    References
    ----------
    Kallioinen, Paananen, Bürkner & Vehtari (2024). Detecting and diagnosing prior and likelihood sensitivity with
    power-scaling. Statistics and Computing 34.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> frame = pd.DataFrame({"x": [1.0, 2.5]})
    >>> list(prior_sensitivity(read_tables(frame, [frame])))
    []
    """
    if tables.fitted is None:
        return
    if why := refused(tables):
        yield unavailable("prior_sensitivity", "checks", TITLE, why)
        return
    parts = [sensitivities(tables, column) for column in equations(tables.fitted)]
    found = pd.concat([p for p in parts if len(p)], ignore_index=True) if any(map(len, parts)) else pd.DataFrame()
    if found.empty:
        yield unavailable("prior_sensitivity", "checks", TITLE, "No parameter of the fit has a prior that is scaled.")
        return
    rank = found["diagnosis"].map({CONFLICT: 0, STRONG: 1, NONE: 2})
    detail = found.iloc[np.lexsort((-found["prior"], rank))].reset_index(drop=True)
    counts = {d: int((found["diagnosis"] == d).sum()) for d in (CONFLICT, STRONG)}
    value = float(found["prior"].max())
    most = found.iloc[int(found["prior"].argmax())]
    reading = (
        f"Scaling the priors moves {most['parameter']} of {most['equation']} most, by {value:.3f}; below "
        f"{SENSITIVE} the data decide. Of {len(found)} parameters, {counts[CONFLICT]} are pulled apart by prior and "
        f"data, and of {counts[STRONG]} the prior says more than the data."
    )
    verdict: Verdict = "warn" if counts[CONFLICT] else "info" if counts[STRONG] else "pass"
    yield Measure("prior_sensitivity", "checks", TITLE, value, reading, None, SENSITIVE, None, "lower", verdict, detail)


def sensitivities(tables: Tables, column: str) -> pd.DataFrame:
    """Return the sensitivity of one equation's parameters to its priors and its likelihood.

    Parameters
    ----------
    tables : Tables
        With the fit and its original.
    column : str

    Returns
    -------
    DataFrame
        Columns equation, parameter, prior, likelihood, diagnosis; empty if no prior of the equation is scaled.
    """
    n = len(bound_data(tables).rows[column])
    draws = thinned(tables.fitted, column, min(DRAWS, max(LEAST_DRAWS, ENTRIES // n)))
    total: xr.DataArray | None = None
    for rows in in_parts(n, DRAWS):
        tree = tree_of(tables, draws, column, rows, tables.rng("prior_sensitivity", column), replicate=False)
        part = next(iter(tree["log_likelihood"].data_vars.values())).sum("row")
        total = part if total is None else total + part
    if total is None or not tree["log_prior"].data_vars:
        return pd.DataFrame()
    groups = {dim(f) for f in tables.fitted.bound.plan.columns}
    posterior = tree["posterior"].to_dataset()
    posterior = varying(posterior[[n for n, v in posterior.data_vars.items() if not groups & set(map(str, v.dims))]])
    if not posterior.data_vars:
        return pd.DataFrame()
    scaled = xr.DataTree.from_dict(
        {"posterior": posterior, "log_prior": tree["log_prior"].to_dataset(),
         "log_likelihood": xr.Dataset({"total": total.expand_dims("row", axis=-1)})}
    )  # fmt: skip
    parts = [psense(scaled, group=group) for group in ("prior", "likelihood")]
    joined = xr.concat(parts, dim="component").assign_coords(component=["prior", "likelihood"])
    frame = dataset_to_dataframe(joined, sample_dims=["component"]).T
    prefix = f"{column}_"
    names = [shown(str(name)).removeprefix(prefix) for name in frame.index]
    table = pd.DataFrame(
        {"equation": column, "parameter": names, "prior": frame["prior"].to_numpy(float),
         "likelihood": frame["likelihood"].to_numpy(float)}
    )  # fmt: skip
    table["diagnosis"] = [
        NONE if not p >= SENSITIVE else CONFLICT if q >= SENSITIVE else STRONG
        for p, q in zip(table["prior"], table["likelihood"], strict=True)
    ]
    return table
