"""Replicated uniques (repU): who is alone with a key in the original and stands alone with it in a copy.

repU = 100 · #{keys unique in the original and in the copy} / n, averaged over copies.

References
----------
Raab, Nowok & Dibben (2024), Practical privacy metrics for synthetic data, arXiv:2406.16826.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayessynth.evaluation.disclosure._attack import without
from bayessynth.evaluation.disclosure._keys import Keyed, counts, keyed, known
from bayessynth.evaluation.disclosure._shares import Told, share
from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables

NAME, TITLE = "unique_replicated", "Replicated uniques (repU, % of records)"


@measure(NAME, "disclosure")
def unique_replicated(tables: Tables) -> Iterator[Measure]:
    """Yield the percentage of records whose key is unique in the original and in a copy.

    Its counterpart for records that no fit has seen: their key is not in the original, so that they would be unique
    there, and is unique in the copy.

    Parameters
    ----------
    tables : Tables

    Yields
    ------
    Measure
        In percent; 0 if no unique record is replicated.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayessynth.evaluation.tables import read_tables
    >>> original = pd.DataFrame({"age": [30, 31, 31, 40], "ill": ["no", "no", "yes", "yes"]})
    >>> copy = pd.DataFrame({"age": [30, 31, 40, 40], "ill": ["no", "no", "yes", "yes"]})
    >>> next(unique_replicated(read_tables(original, [copy], keys=["age"], target="ill"))).value
    25.0
    """
    chosen = known(tables)
    if not chosen.keys:
        yield without(NAME, TITLE, "No column can serve as a key; name some, keys=.")
        return
    original, copies, holdout = keyed(tables, chosen.keys, None)
    size = 1 + max(int(t.key.max()) for t in (original, *copies, *([holdout] if holdout else [])))
    here = counts(original.key, size)
    alone = [counts(copy.key, size) == 1 for copy in copies]

    def told(records: Keyed, times: int) -> Told:
        found = np.stack([(here == times)[records.key] & once[records.key] for once in alone])
        return Told(found, np.ones_like(found), records.key)

    unique = 100 * float((here == 1)[original.key].mean())
    reading = (
        f"By the keys {unique:.1f} % of the records are unique in the original, and {{value:.1f}} % are unique there "
        "and in a copy, so that an intruder who finds the one may take it for the other."
    )
    theirs = None if holdout is None else told(holdout, 0)
    yield share(NAME, TITLE, reading, told(original, 1), theirs, chosen.notes)
