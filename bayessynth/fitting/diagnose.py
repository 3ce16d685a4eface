"""Whether a fit can be trusted: a verdict with the numbers behind it and a remedy."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
import xarray as xr

from bayessynth.design import shown
from bayessynth.fitting.summarise import moves

Verdict = Literal["pass", "warn", "fail"]
# Thresholds: Vehtari et al. (2021) for R-hat and ESS, Betancourt (2016) for BFMI.
RHAT_PASS, RHAT_FAIL = 1.01, 1.05
ESS_PASS, ESS_FAIL = 400, 100
DIVERGENT_FAIL = 0.01
BFMI_PASS = 0.3
# Vehtari, Simpson, Gelman, Yao & Gabry (2024): importance weights beyond this say nothing reliable.
PARETO_K_FAIL = 0.7
# Of the moments of drawn cells there is one value a sweep. Of the eight parts of seventeen sweeps that four chains of
# seventy have, R-hat of chains at rest is above the first one time in a hundred if sweeps are as good as a third of as
# many independent ones.
CELLS_PASS, CELLS_FAIL = 1.2, 1.5


@dataclass(frozen=True)
class Diagnosis:
    """The verdict on a fit.

    Attributes
    ----------
    verdict : {"pass", "warn", "fail"}
        pass: all R-hat ≤ 1.01, effective sample sizes ≥ 400, no divergence, BFMI > 0.3. fail: any R-hat > 1.05,
        effective sample size < 100, divergences in more than 1 % of draws, a draw that is not finite, or a Pareto k̂
        of 0.7 or more. warn: between.
    reasons : tuple of str
        What stands in the way of "pass", and what to do about it; empty after "pass".
    table : DataFrame
        One row an equation: ``engine``, ``rhat`` (largest), ``ess_bulk`` and ``ess_tail`` (smallest),
        ``divergences``, ``bfmi`` (smallest over chains), ``parameter`` (the one that mixes worst), ``pareto_k`` (of
        importance weights), ``verdict``. What an engine does not have is NaN: energy without Hamiltonian dynamics, k̂
        without an approximating density.
    notes : tuple of str
        Which missing cells were drawn with the parameters, and which rows an equation was not fitted to.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    table: pd.DataFrame
    notes: tuple[str, ...] = ()

    def _shown(self) -> pd.DataFrame:
        return self.table.round({"rhat": 3, "ess_bulk": 0, "ess_tail": 0, "bfmi": 2, "pareto_k": 2})

    def __repr__(self) -> str:
        rows = self._shown().to_string(index=False)
        lines = [f"- {line}" for line in (*self.reasons, *self.notes)]
        return "\n".join([f"Diagnostics: {self.verdict}", rows, *lines])

    def _repr_html_(self) -> str:
        reasons = "".join(f"<li>{html.escape(line)}</li>" for line in (*self.reasons, *self.notes))
        table = self._shown().to_html(index=False)
        return f"<p><b>Diagnostics: {self.verdict}</b></p>{table}" + (f"<ul>{reasons}</ul>" if reasons else "")


def diagnose(
    idata: xr.DataTree, owner: Mapping[str, str], engines: Mapping[str, str] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Diagnosis:  # fmt: skip
    """Judge a posterior.

    Parameters
    ----------
    idata : DataTree
        With groups posterior and sample_stats, the latter with a ``component`` dim.
    owner : mapping of str to str
        The equation (component) that each variable of the posterior belongs to.
    engines : mapping of str to str, optional
        The engine that fitted each equation.
    provenance : mapping, optional
        Of the fit: which missing cells were drawn, and whether their chains have come to rest.
    """
    posterior, stats = idata["posterior"].to_dataset(), idata["sample_stats"].to_dataset()
    rows: list[dict[str, Any]] = []
    reasons: list[str] = []
    for component in stats["component"].values if "component" in stats else []:
        names = [name for name, column in owner.items() if column == component]
        own = stats.sel(component=component)
        equation = shown(str(component))
        row = {"equation": equation, "engine": (engines or {}).get(equation, "pymc"), **mixing(posterior[names])}
        row |= {"divergences": int(own["diverging"].sum()), "bfmi": _bfmi(own["energy"].values)}
        row["pareto_k"] = float(own["pareto_k"]) if "pareto_k" in own else np.nan  # fits saved before it was kept
        if "importance_ess" in own and np.isfinite(own["importance_ess"]):
            # Repeated draws stand in random order, so the chains do not show them.
            row |= {name: min(row[name], float(own["importance_ess"])) for name in ("ess_bulk", "ess_tail")}
        row["verdict"], found = _judge(row, own["diverging"].size)
        rows.append(row)
        reasons += found
    cells, found = _cells((provenance or {}).get("imputation", {}).get("r_hat", {}))
    order: list[Verdict] = ["pass", "warn", "fail"]
    verdict: Verdict = max((*(row["verdict"] for row in rows), cells), key=order.index)
    return Diagnosis(verdict, (*reasons, *found), pd.DataFrame(rows), tuple(_notes(provenance or {})))


def _cells(r_hat: Mapping[str, float]) -> tuple[Verdict, list[str]]:
    """Judge whether the chains of missing cells have come to rest, by the worst of their moments."""
    name, worst = max(r_hat.items(), key=lambda item: item[1], default=("", 1.0))
    if worst <= CELLS_PASS:
        return "pass", []
    return ("fail" if worst > CELLS_FAIL else "warn"), [
        f"chains of missing cells disagree (R-hat {worst:.2f}, worst in {name}). Sample longer (draws=); if it stays, "
        "the columns that read these cells say too little of them: fewer terms, or tighter priors."
    ]


def _notes(provenance: Mapping[str, Any]) -> list[str]:
    notes = []
    if provenance.get("imputed"):
        how, listed = provenance["imputation"], ", ".join(f"{c!r} ({k})" for c, k in provenance["imputed"].items())
        notes.append(
            f"missing cells of {listed} were drawn with the parameters, in {how['sweeps']} sweeps of each chain after "
            f"{how['burn_in']} that are not kept"
        )
    if provenance.get("left_out"):
        listed = ", ".join(f"{c!r} ({k})" for c, k in provenance["left_out"].items())
        notes.append(f"rows without a response, which no equation reads, were left out of the equations of {listed}")
    return notes


def mixing(posterior: xr.Dataset) -> dict[str, Any]:
    """Return the worst R-hat and effective sample sizes over all entries of all variables."""
    # Imported here: its import takes longer than the fit of a small table.
    from arviz_stats.base import array_stats

    worst: dict[str, Any] = {"rhat": 1.0, "ess_bulk": np.inf, "ess_tail": np.inf, "parameter": ""}
    for name, variable in posterior.data_vars.items():
        draws = variable.values.reshape(*variable.shape[:2], -1)
        if not np.isfinite(draws).all():
            return worst | {"rhat": np.nan, "parameter": shown(str(name))}
        draws = draws[:, :, moves(draws)]  # the diagonal of a correlation matrix stands still
        if not draws.shape[-1]:
            continue
        # Of too few draws to tell ArviZ returns NaN, which must not pass.
        axes = {"chain_axis": 0, "draw_axis": 1}
        rhat = float(np.nan_to_num(array_stats.rhat(draws, **axes), nan=np.inf).max())
        bulk = float(np.nan_to_num(array_stats.ess(draws, **axes, method="bulk")).min())
        tail = float(np.nan_to_num(array_stats.ess(draws, **axes, method="tail", prob=(0.05, 0.95))).min())
        if min(bulk, tail) < min(worst["ess_bulk"], worst["ess_tail"]) or rhat > max(worst["rhat"], RHAT_PASS):
            worst["parameter"] = shown(str(name))
        worst["rhat"] = max(worst["rhat"], rhat)
        worst["ess_bulk"], worst["ess_tail"] = min(worst["ess_bulk"], bulk), min(worst["ess_tail"], tail)
    return worst


def _bfmi(energy: np.ndarray) -> float:
    """Return the smallest Bayesian fraction of missing information over chains (Betancourt 2016)."""
    if np.isnan(energy).all():
        return np.nan
    variance = np.var(energy, axis=1)
    if not (variance > 0).all():
        return 0.0  # a single draw, or a chain that stands still
    return float(np.min(np.mean(np.diff(energy, axis=1) ** 2, axis=1) / variance))


def _judge(row: Mapping[str, Any], n_draws: int) -> tuple[Verdict, list[str]]:
    """Apply the thresholds to one equation."""
    equation, parameter = row["equation"], row["parameter"]
    ess = min(row["ess_bulk"], row["ess_tail"])
    if np.isnan(row["rhat"]):
        return "fail", [f"{equation}: draws of {parameter} are not finite. Rescale the column, or give tighter priors."]
    checks: list[tuple[bool, bool, str]] = [
        (row["rhat"] > RHAT_PASS, row["rhat"] > RHAT_FAIL,
         f"chains disagree (R-hat {row['rhat']:.3f}, worst in {parameter}). Sample longer (tune=, draws=); if it "
         "stays, the model asks more than the data tell: fewer group-specific terms, or tighter priors."),
        (ess < ESS_PASS, ess < ESS_FAIL,
         f"few effective draws ({ess:.0f}, least in {parameter}). Sample longer (draws=)."),
        (row["divergences"] > 0, row["divergences"] > DIVERGENT_FAIL * n_draws,
         f"{row['divergences']} of {n_draws} draws diverged, so parts of the posterior may be missed. Often a group "
         "standard deviation near zero or very few groups: a tighter prior on it, or remove the term."),
        (row["bfmi"] <= BFMI_PASS, False,
         f"the energy mixes slowly (BFMI {row['bfmi']:.2f}): heavy tails. Tighter priors on standard deviations."),
        (row["pareto_k"] >= PARETO_K_FAIL, True,
         f"the approximation does not fit the posterior (Pareto k {row['pareto_k']:.2f}). Use engine='kernel'."),
    ]  # fmt: skip
    found = [f"{equation}: {reason}" for warned, _, reason in checks if warned]
    if any(warned and failed for warned, failed, _ in checks):
        return "fail", found
    return ("warn" if found else "pass"), found
