"""One equation declared, the rest of the table left to trees: visits to a doctor in the first year of the RAND study.

Data
----
``bs.datasets.load("rand_hie")`` (bundled, public domain): the first year of each of 951 persons at six sites, with all
columns as they are. Cells are missing in ``black``, ``education``, ``diseases``, ``limited`` and ``health``, which
nobody in Dayton was asked for, and all others told.

Graph
-----
The equation that matters is declared, and has a meaning that can be reported::

    visits ~ plan + age + female + (1 | site)

All other columns are drawn by family ``tree``, each from those before it, missing cells included; those that come after
``visits`` in the table (``admissions``, ``expenditure``) are drawn given the visits too.

Priors
------
Six sites tell little about how much sites differ: a log-normal prior on their standard deviation says that two sites
rarely differ by more than a factor of two. Trees have no priors; their draws are the Bayesian bootstrap's.

Caveats
-------
- ``fit(missing="model")``: cells are missing at random given the columns before them.
- Trees are drawn at fit: as many copies as ``copies=`` says.
- Copies have new sites. That ``health`` is missing for one whole site is lost: as many cells are missing, in all sites.
- What is not in the declared equation does not reach visits: education and income have no relation with them in the
  copies beyond the one that plan, age and sex carry.
- A column with missing cells that the declared equation reads needs an equation with a density too, such as
  ``"limited ~ age + female"``: its cells are then drawn with the parameters, which takes minutes instead of seconds.
"""

from __future__ import annotations

import pandas as pd

import bayessynth as bs


def load() -> pd.DataFrame:
    """Return the persons' first year."""
    table = bs.datasets.load("rand_hie").query("year == 1")
    return table.drop(columns=["person", "year"]).reset_index(drop=True)


spec = bs.Spec(
    bs.Equation(
        "visits ~ plan + age + female + (1 | site)",
        family="negative_binomial",
        priors={"1|site_sd": bs.Prior("LogNormal", mu=-1.6, sigma=0.5)},
    ),
    rest="tree",
)
