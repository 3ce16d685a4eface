"""DiSCO: disclosive in synthetic, correct in original.

DiSCO = 100 · #{originals whose key stands in the copy with one target value, and it is right} / n, averaged over
copies.

References
----------
Raab, Nowok & Dibben (2024), Practical privacy metrics for synthetic data, arXiv:2406.16826.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayessynth.evaluation.disclosure._attack import without
from bayessynth.evaluation.disclosure._keys import Keyed, keyed, known, single_target
from bayessynth.evaluation.disclosure._shares import Told, share
from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables

NAME, TITLE = "disco", "Attribute disclosure by keys (DiSCO, % of records)"
NEEDS = "Needs a target and at least one key that all copies have; name them, keys= and target=."


@measure(NAME, "disclosure")
def disco(tables: Tables) -> Iterator[Measure]:
    """Yield the percentage of records whose key has one target value in a copy, and the right one.

    Parameters
    ----------
    tables : Tables

    Yields
    ------
    Measure
        In percent. Much of it is true of anybody in the population, which the same figure of holdout records says.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayessynth.evaluation.tables import read_tables
    >>> original = pd.DataFrame({"age": [30, 31, 31, 40], "ill": ["no", "no", "yes", "yes"]})
    >>> copy = pd.DataFrame({"age": [30, 31, 40, 40], "ill": ["no", "no", "yes", "yes"]})
    >>> next(disco(read_tables(original, [copy], keys=["age"], target="ill"))).value
    75.0
    """
    chosen = known(tables)
    if not chosen.keys or chosen.target is None:
        yield without(NAME, TITLE, NEEDS)
        return
    original, copies, holdout = keyed(tables, chosen.keys, chosen.target)
    reading = (
        f"For {{value:.1f}} % of the records the copy has one value of {chosen.target!r} with their key, and it is "
        "theirs."
    )
    theirs = None if holdout is None else _of_all(holdout, copies)
    yield share(NAME, TITLE, reading, _of_all(original, copies), theirs, chosen.notes)


def _of_all(records: Keyed, copies: tuple[Keyed, ...]) -> Told:
    found = disclosed(records, copies)
    return Told(found.told, np.ones_like(found.told), found.key)


def disclosed(records: Keyed, copies: tuple[Keyed, ...]) -> Told:
    """Return which records' key has one target value in each copy that is theirs, among those that have one at all."""
    size = 1 + max(int(t.key.max()) for t in (records, *copies))
    guessed = np.stack([single_target(copy, size)[records.key] for copy in copies])
    return Told(guessed == records.target, guessed >= 0, records.key)
