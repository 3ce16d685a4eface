"""Membership by the nearest synthetic record: the simple attack.

Whose nearest synthetic record is near was perhaps in the training data. Ranked by Gower's distance to the nearest
record of any copy, training records are told from records that no fit has seen as well as the AUC says. A fixed split
can be off one half by chance, so the attack is set against the same attack on tables whose columns were drawn from
the original's one by one.

References
----------
Hilprecht, Härterich & Bernau (2019), Monte Carlo and reconstruction membership inference attacks against generative
models, PoPETs 2019(4), 232-249. Gower (1971), Biometrics 27, 857-871.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayessynth.evaluation.disclosure._attack import WORST, Scores, auc, membership, without
from bayessynth.evaluation.disclosure._members import Nearness, control, nearness
from bayessynth.evaluation.disclosure._nearest import index, nearest
from bayessynth.evaluation.disclosure._records import Space, space
from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables

# Added to both distances, in columns, when records are ranked by their ratio.
SMALL = 0.01
NAME, TITLE = "membership_nearest", "Membership by the nearest synthetic record"


@measure(NAME, "disclosure")
def membership_nearest(tables: Tables) -> Iterator[Measure]:
    """Yield how well the distance to the nearest synthetic record tells training records from others.

    Parameters
    ----------
    tables : Tables

    Yields
    ------
    Measure
        The AUC; 0.5 is guessing. ``detail`` lists the training records to which a copy comes nearest compared with
        the nearest other training record.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> rng = np.random.default_rng(1)
    >>> original, holdout = (pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc")) for _ in range(2))
    >>> next(membership_nearest(read_tables(original, [original], holdout))).value
    1.0
    """
    if tables.holdout is None:
        yield without(NAME, TITLE)
        return
    near = nearness(tables)
    attack = Scores(-near.to_members.min(axis=0), -near.to_others.min(axis=0))
    members, others = control(tables)
    yield membership(
        NAME, TITLE, "their distance to the nearest synthetic record of any copy", attack, Scores(-members, -others),
        tables.rng(NAME), _worst(near, space(tables)), (*near.notes, *_by_copy(near)),
    )  # fmt: skip


def _by_copy(near: Nearness) -> tuple[str, ...]:
    if len(near.to_members) == 1:
        return ()
    single = [auc(Scores(-a, -b))[0] for a, b in zip(near.to_members, near.to_others, strict=True)]
    return (f"Copy by copy the AUC lies between {min(single):.3f} and {max(single):.3f}.",)


def _worst(near: Nearness, records: Space) -> pd.DataFrame:
    copy = near.to_members.argmin(axis=0)
    at = np.arange(len(near.members))
    distance = near.to_members[copy, at]
    among, _ = nearest(records.original.take(near.members), index(records.original), near.members)
    as_near = np.searchsorted(np.sort(near.to_others.min(axis=0)), distance, side="right") / len(near.others)
    found = pd.DataFrame(
        {"row": near.members, "distance": distance / records.width, "nearest_original": among / records.width,
         "holdout_as_near": as_near, "copy": copy, "copy_row": near.rows[copy, at]}
    )  # fmt: skip
    order = np.argsort(np.log(distance + SMALL) - np.log(among + SMALL), kind="stable")
    return found.iloc[order[:WORST]].reset_index(drop=True)
