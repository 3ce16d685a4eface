"""Membership by a ratio of densities (DOMIAS): where the copies are denser than the population.

A record that is near a synthetic one says little if the population is dense there. The attack takes part of the
holdout for the population and ranks records by the ratio of the two densities at them. Densities are those of the
nearest neighbour, which finds what a classifier of the two tables smooths away: a generator that repeats records.

References
----------
van Breugel, Sun, Qian & van der Schaar (2023), Membership inference attacks against synthetic data through
overfitting detection, AISTATS 2023.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bayessynth.evaluation.disclosure._attack import WORST, Scores, membership, without
from bayessynth.evaluation.disclosure._members import control, nearness
from bayessynth.evaluation.disclosure._nearest import Index, index, nearest
from bayessynth.evaluation.disclosure._records import Records, space
from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables

NAME, TITLE = "membership_density", "Membership by a ratio of densities (DOMIAS)"
# Added to both distances, in columns, so that the ratio of a record that occurs in both tables is one.
SMALL = 0.01
LEAST = 20


@measure(NAME, "disclosure")
def membership_density(tables: Tables) -> Iterator[Measure]:
    """Yield how well the ratio of the copies' density to the population's tells training records from others.

    Each half of the holdout in turn stands for the population, and the other half is attacked beside training
    records.

    Parameters
    ----------
    tables : Tables

    Yields
    ------
    Measure
        The AUC; 0.5 is guessing. ``detail`` lists the training records with the highest ratios.

    Examples
    --------
    >>> from bayessynth.evaluation.tables import read_tables
    >>> rng = np.random.default_rng(1)
    >>> original, holdout = (pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc")) for _ in range(2))
    >>> next(membership_density(read_tables(original, [original], holdout))).verdict
    'fail'
    """
    if tables.holdout is None:
        yield without(NAME, TITLE)
        return
    if tables.holdout.n < LEAST:
        yield without(NAME, TITLE, f"Needs a holdout of at least {LEAST} records; this one has {tables.holdout.n}.")
        return
    near, records = nearness(tables), space(tables)
    assert records.holdout is not None
    # Which half of the holdout stands for the population when a record is attacked: never its own.
    half = tables.rng(NAME, "halves").permutation(len(near.others)) % 2
    population = [index(records.holdout.take(near.others[half == side])) for side in (0, 1)]
    of_member = tables.rng(NAME, "members").integers(0, 2, len(near.members))
    apart = Scores(
        _distances(records.original.take(near.members), population, of_member),
        _distances(records.holdout.take(near.others), population, 1 - half),
    )
    attack = Scores(
        _ratio(apart.members, near.to_members.min(axis=0)), _ratio(apart.others, near.to_others.min(axis=0))
    )
    members, others = control(tables)
    made = Scores(_ratio(apart.members, members), _ratio(apart.others, others))
    worst = pd.DataFrame(
        {"row": near.members, "log_ratio": attack.members,
         "distance_copies": near.to_members.min(axis=0) / records.width,
         "distance_population": apart.members / records.width}
    )  # fmt: skip
    worst = worst.iloc[np.argsort(-attack.members, kind="stable")[:WORST]].reset_index(drop=True)
    yield membership(
        NAME, TITLE, "how much nearer the copies come to them than an independent sample of the population", attack,
        made, tables.rng(NAME), worst, near.notes,
    )  # fmt: skip


def _distances(attacked: Records, population: list[Index], side: np.ndarray) -> np.ndarray:
    found = np.empty(attacked.n, dtype=np.float32)
    for number, reference in enumerate(population):
        found[side == number] = nearest(attacked.take(np.flatnonzero(side == number)), reference)[0]
    return found


def _ratio(population: np.ndarray, copies: np.ndarray) -> np.ndarray:
    """Return the logarithm of the ratio of nearest-neighbour densities, up to a factor and a constant."""
    return np.log(population + SMALL) - np.log(copies + SMALL)
