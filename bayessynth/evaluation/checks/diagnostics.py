"""The convergence of the fit that made the copies, so that the gate sees it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables

TITLE = "Convergence of the fit (largest R-hat)"
_ORDER = {"fail": 0, "warn": 1, "pass": 2}


@measure("diagnostics", "checks")
def diagnostics(tables: Tables) -> Iterator[Measure]:
    """Yield the largest R-hat of any parameter, with the verdict of the fit's diagnostics.

    R-hat compares chains with each other; 1 is perfect. The verdict also counts effective sample sizes, divergences
    and the energy (``bs.Fitted.diagnose`` lists the thresholds). Without the fit, the verdict that the copies carry in
    their provenance is given; foreign copies have none. Nothing in it comes from a record, so it may be published.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021). Rank-normalization, folding, and localization: an improved
    R-hat for assessing convergence of MCMC. Bayesian Analysis 16.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayessynth.evaluation.tables import read_tables
    >>> frame = pd.DataFrame({"x": [1.0, 2.5]})
    >>> next(diagnostics(read_tables(frame, [frame], provenance={"verdict": "warn"}))).verdict
    'warn'
    """
    if tables.fitted is None:
        recorded = (tables.provenance or {}).get("verdict")
        if recorded in _ORDER:
            said = f"The diagnostics of the fit said {recorded!r} when the copies were drawn; hand in fitted= for the "
            yield Measure("diagnostics", "checks", TITLE, float("nan"), said + "numbers.", better="lower",
                          verdict=recorded, restricted=False)  # fmt: skip
        return
    diagnosis = tables.fitted.diagnose()
    table = diagnosis.table
    if table.empty:
        said = f"No equation of the fit has parameters to judge: {diagnosis.verdict}."
        yield Measure("diagnostics", "checks", TITLE, float("nan"), said, better="lower", verdict=diagnosis.verdict,
                      restricted=False)  # fmt: skip
        return
    rank = table["verdict"].map(_ORDER)
    detail = table.iloc[np.lexsort((-table["rhat"].fillna(np.inf), rank))].reset_index(drop=True)
    rhat = float("nan") if table["rhat"].isna().any() else float(table["rhat"].max())
    least = float(np.minimum(table["ess_bulk"], table["ess_tail"]).min())
    reading = (
        f"Chains agree up to a largest R-hat of {rhat:.3f} (1 is perfect, above 1.01 is looked at, above 1.05 fails); "
        f"the least effective sample size is {least:.0f} (400 or more), and {int(table['divergences'].sum())} draws "
        "diverged (0)."
    )
    yield Measure("diagnostics", "checks", TITLE, rhat, reading, reference=1.0, better="lower",
                  verdict=diagnosis.verdict, detail=detail, notes=diagnosis.reasons, restricted=False)  # fmt: skip
