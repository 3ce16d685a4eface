"""The RAND Health Insurance Experiment: 1,000 persons followed for three or five years at six sites.

Families in six places of the United States were given, by lot, one of several health insurance plans, and
what medical care they then used was recorded (1974 to 1982). One row is one person in one study year:
3,459 rows, 1,000 persons, 6 sites. The rows are grouped (years in persons in sites), the counts hold many
zeros (31 % of the rows without a visit), spending is zero or heavily skewed, and cells are missing.

Columns
-------
person : int
    Number of the person, 1 to 1,000; given anew here, it says nothing about the source's number.
site : str
    Where the person was enrolled: Dayton (Ohio), Seattle (Washington), Fitchburg and Franklin County
    (Massachusetts), Charleston and Georgetown County (South Carolina).
plan : category
    Kind of plan: ``free``; ``25%``, ``50%`` and ``95%``, the share that the family pays itself up to a yearly
    maximum; ``individual deductible``, about 95 % of outpatient care up to a maximum per person.
coinsurance : int
    Coinsurance rate in percent as the source codes it: 0, 25, 50, 95 or 100.
year : int
    Study year, 1 to 5. Most persons were enrolled for three years, the rest for five.
female : bool
    Whether the person is female.
black : boolean
    Whether the head of the household is Black; missing in 1 % of the rows.
age : float
    Age in years in that study year, one decimal, 0 to 64.
education : float
    Schooling of the household's decision maker, years, some halves; missing in 1 % of the rows.
family_size : int
    Number of persons in the family.
income : int
    Family income, whole dollars a year, the same in every year of a person.
health : float
    General health index before the study, 0 (worst) to 100 (best); missing in 26 % of the rows.
diseases : float
    Index of chronic diseases before the study, 0 to 100: the percentage of the listed conditions that the
    person had. Missing in 41 % of the rows, nearly all of them children under 14, who were not asked.
limited : boolean
    Whether the person was physically limited before the study; missing in 5 % of the rows.
visits : int
    Face-to-face visits to a physician during the year, 0 to 77.
admissions : int
    Hospital admissions during the year, 0 to 6.
expenditure : float
    Medical expenditure during the year, dollars and cents, without outpatient psychotherapy.

Known oddities
--------------
- The source fills missing answers with means. Where a mean shows, the cell is missing here: a fraction in the
  0/1 columns ``black`` and ``limited``, schooling that is no multiple of half a year, and more than one
  decimal in ``diseases``.
- ``coinsurance`` is 0 for the individual deductible, though such a person pays most of the first bills;
  ``plan`` tells it from free care. A rate of 100, which only Dayton has, counts as ``95%``.
- ``income`` is 0 in some rows, and the year of its dollars is not stated in the source.
- A few rows cover less than a full year (0.2 % of the source), and a few hospital stays lack some of their
  charges (0.4 % of the source's rows), so their expenditure is too low.
- Some persons enter after the first year, as newborn children do.
- The source numbers its sites 1 to 6 and names none. The names assume the order in which the experiment's
  reports list them; no code book was at hand to confirm it. The shares of Black households agree: 0.5 in the
  two South Carolina sites, under 0.04 in Seattle and Massachusetts.
- What the individual deductible covers is told here from the literature, not from the file.

Source
------
The experiment is described by Newhouse and the Insurance Experiment Group (1993). The person-year file was
prepared for Deb and Trivedi (2002), and is used in Cameron and Trivedi (2005), chapters 16 and 20.
statsmodels ships it, and states: "This is in the public domain". ``scripts/make_rand_hie.py`` chooses 1,000
of the 5,912 persons with a fixed seed, renames and rounds the columns, and writes the file bundled here.

References
----------
.. [1] Newhouse, J. P. and the Insurance Experiment Group (1993). Free for All? Lessons from the RAND Health
   Insurance Experiment. Harvard University Press.
.. [2] Deb, P. and Trivedi, P. K. (2002). The structure of demand for health care: latent class versus
   two-part models. Journal of Health Economics 21, 601-625.
.. [3] Cameron, A. C. and Trivedi, P. K. (2005). Microeconometrics: Methods and Applications. Cambridge
   University Press.
"""

from __future__ import annotations

from importlib.resources import files

import pandas as pd

PLANS = ("free", "25%", "50%", "95%", "individual deductible")
DTYPES = {
    "site": str,
    "plan": pd.CategoricalDtype(PLANS),
    "female": "bool",
    "black": "boolean",
    "limited": "boolean",
    **dict.fromkeys(("age", "education", "health", "diseases", "expenditure"), "float64"),
    **dict.fromkeys(("person", "coinsurance", "year", "family_size", "income", "visits", "admissions"), "int64"),
}


def load() -> pd.DataFrame:
    """Read the bundled table.

    Returns
    -------
    pandas.DataFrame
        3,459 rows, one for each person and year, sorted by person and year; the module's docstring describes
        the columns.

    Examples
    --------
    >>> from bayessynth.datasets import rand_hie
    >>> df = rand_hie.load()
    >>> df["site"].nunique(), df["person"].nunique(), int(df["visits"].max())
    (6, 1000, 77)
    """
    with files("bayessynth.datasets").joinpath("rand_hie.csv").open("rb") as file:
        return pd.read_csv(file, dtype=DTYPES)
