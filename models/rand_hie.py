"""What people spend on medical care, by lot: the RAND Health Insurance Experiment.

Data
----
``bs.datasets.load("rand_hie")`` (bundled, public domain): 3,459 person-years of 1,000 persons at six sites.
Taken here are 300 persons, drawn with a fixed seed from those whose family has an income of 1,000 dollars or
more (95 %) and of whom no cell used here is missing (98 %), so that everything takes seconds. ``age``
becomes four bands of the age at entry, ``education`` five bands of years of schooling (two in five persons
have exactly 12), ``income`` thousands of dollars.

Graph
-----
Persons are nested in sites; a person's rows are years. Columns with one value a person live at the person's
level::

    person:  plan, female, age, black, education, income
    row:     visits (negative binomial), expenditure (zero, or log-normal)

Sites differ in who lives there and in how much care is used: ``(1 | site)``. Persons differ in how often they
see a doctor for reasons that no column tells: ``(1 | person)``. Expenditure follows from visits, so that both
agree in a copy: its amount by ``mu``, whether there is any by ``psi``.

Priors
------
Six sites tell little about how much sites differ, and new sites are drawn from what they tell. The priors on
the site standard deviations are therefore stated, log-normal: a site standard deviation of 0.2 on the scale
of logarithms says that two sites rarely differ by more than a factor of two. Log-normal priors keep away from
zero, where six groups cannot rule a value out and the sampler would get stuck. Nor do six sites tell where
the average site lies: the intercept of ``black`` rests on the census of 1970, 11 % of the population. Every
year with a visit has an expenditure above zero, so the data set no upper end to the slope of ``psi``; its
prior does: around 7, one year in a hundred with one visit is free.

Caveats
-------
- The plan is a column and no grouping factor: copies have new sites and new persons, and the same five plans,
  which chance gave to the families.
- Years within a person are exchangeable, and families are not modelled: copies have no trend over years and
  no kinship.
- Log-normal amounts and gamma incomes are approximations: copies have somewhat fewer medium and more high
  incomes, and their largest expenditures can exceed the original's.
- A person's tendency to see a doctor is normal on the scale of logarithms; the few with most visits make
  copies' standard deviation of visits vary much.
"""

from __future__ import annotations

import math

import pandas as pd

import bayessynth as bs

PERSONS = 300
AGES = {"0-13": 14, "14-24": 25, "25-44": 45, "45-64": 65}
SCHOOLING = {"0-8": 9, "9-11": 12, "12": 13, "13-15": 16, "16+": 99}


def load() -> pd.DataFrame:
    """Return the rows of some persons, age and education in bands, income in thousands of dollars."""
    table = bs.datasets.load("rand_hie").query("income >= 1000").dropna(subset=["black", "education"])
    chosen = pd.Series(table["person"].unique()).sample(PERSONS, random_state=1)
    table = table[table["person"].isin(chosen)].reset_index(drop=True)
    entry = table.groupby("person")["age"].transform("first")
    table["age"] = pd.cut(entry, [0, *AGES.values()], right=False, labels=list(AGES))
    table["education"] = pd.cut(table["education"], [0, *SCHOOLING.values()], right=False, labels=list(SCHOOLING))
    table["income"] = table["income"] / 1000
    table["black"] = table["black"].astype(bool)
    columns = "site person plan female age black education income visits expenditure"
    return table[columns.split()]


def site_sd(median: float) -> dict[str, bs.Prior]:
    """Return a prior on how much sites differ: 95 % within a factor of 2.7 of the median."""
    return {"1|site_sd": bs.Prior("LogNormal", mu=round(math.log(median), 2), sigma=0.5)}


spec = bs.Spec(
    "plan ~ 1",
    "female ~ 1",
    "age ~ 1",
    bs.Equation("black ~ (1 | site)", priors=site_sd(1.5) | {"Intercept": bs.Prior("Normal", mu=-2, sigma=0.5)}),
    bs.Equation("education ~ black + (1 | site)", priors=site_sd(0.6)),
    bs.Equation("income ~ education + black", family="gamma"),
    bs.Equation(
        "visits ~ plan + female + age + black + log(income) + (1 | site) + (1 | person)",
        family="negative_binomial",
        priors=site_sd(0.2),
    ),
    bs.Equation(
        "expenditure ~ log1p(visits) + plan + age + (1 | site)",
        "psi ~ log1p(visits) + plan",
        family="semicontinuous",
        priors=site_sd(0.2) | {"psi_log1p(visits)": bs.Prior("Normal", mu=7, sigma=0.5)},
    ),
)
