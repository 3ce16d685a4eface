"""Do the engines that ``engine="auto"`` chooses give the posterior of the PyMC models? All specs of the gallery.

For every equation: the engine chosen, the largest difference of posterior means in Monte Carlo standard errors of both
(over all parameters, group effects included, so the largest of many: about 3 is expected), the range of the ratios of
posterior spreads of the parameters that are no group effects (from the 10 % to the 90 % quantile: a shape of counts
that vary no more than Poisson's has no finite variance), and the seconds of both. Prints a table, and writes it with
``--json FILE``. Takes some minutes: every PyMC model is compiled. Run by ``make bench``.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from arviz_stats.base import array_stats

import bayessynth as bs
from bayessynth.cli.inputs import read_model
from bayessynth.design import dim

GALLERY = ("rand_hie", "hsb82", "radon", "penicillin", "cbpp", "pima", "gbsg2")
AXES = {"chain_axis": 0, "draw_axis": 1}


def fitted(name: str, engine: str, draws: int) -> bs.Fitted:
    """Fit a spec of the gallery."""
    model = read_model(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.spec.fit(model.table(None), missing="drop", engine=engine, draws=draws, tune=1000, chains=4,
                              random_seed=1, progress=False)  # fmt: skip


def errors(values: np.ndarray, ess: float) -> np.ndarray:
    """Return Monte Carlo standard errors of the means, of draws (chains, draws, entries)."""
    effective = np.minimum(array_stats.ess(values, **AXES), ess)
    return values.std(axis=(0, 1)) / np.sqrt(effective)


def spread(values: np.ndarray) -> np.ndarray:
    """Return the range of the central 80 % of draws (chains, draws, entries)."""
    return np.subtract(*np.quantile(values, [0.9, 0.1], axis=(0, 1)))


def compared(ours: xr.DataTree, theirs: xr.DataTree, factors: set[str]) -> tuple[float, list[float]]:
    """Return the largest difference of means in standard errors, and the ratios of spreads."""
    ess = float(ours["sample_stats"].to_dataset().get("importance_ess", np.nan))
    worst, ratios = 0.0, []
    for name, variable in ours["posterior"].to_dataset().data_vars.items():
        a = variable.values.reshape(*variable.shape[:2], -1)
        b = theirs["posterior"].to_dataset()[name].values.reshape(a.shape[0], -1, a.shape[-1])
        moving = b.std(axis=(0, 1)) > 1e-10
        if not moving.any():
            continue
        a, b = a[:, :, moving], b[:, :, moving]
        allowed = np.hypot(errors(a, ess if np.isfinite(ess) else np.inf), errors(b, np.inf))
        worst = max(worst, float((np.abs(a.mean(axis=(0, 1)) - b.mean(axis=(0, 1))) / allowed).max()))
        if not factors & set(map(str, variable.dims)):
            ratios += (spread(a) / spread(b)).tolist()
    return worst, ratios


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--draws", type=int, default=1000, help="draws of each of four chains")
    parser.add_argument("--only", choices=GALLERY, help="one spec alone")
    given = parser.parse_args()
    lines: list[dict[str, Any]] = []
    print(f"{'spec':12}{'equation':14}{'engine':12}{'means':>7}{'spreads':>14}{'seconds':>9}{'pymc':>8}")
    for name in [given.only] if given.only else GALLERY:
        ours, theirs = fitted(name, "auto", given.draws), fitted(name, "pymc", given.draws)
        factors = {dim(f) for f in ours.bound.plan.columns}
        for column, engine in ours.provenance["engine"].items():
            worst, ratios = compared(ours.component(column), theirs.component(column), factors)
            seconds = [f.provenance["seconds"][column] for f in (ours, theirs)]
            lines.append({"spec": name, "equation": column, "engine": engine, "means": worst, "spreads": ratios,
                          "seconds": seconds})  # fmt: skip
            shown = f"{min(ratios):.2f} – {max(ratios):.2f}"
            print(
                f"{name:12}{column:14}{engine:12}{worst:7.1f}{shown:>14}{seconds[0]:9.2f}{seconds[1]:8.1f}", flush=True
            )
    if given.json:
        given.json.write_text(json.dumps(lines, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
