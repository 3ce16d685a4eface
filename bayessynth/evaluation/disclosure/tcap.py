"""TCAP: how often an intruder is right where a copy leaves no doubt.

TCAP = share right among the originals whose key stands in the copy with one target value (within-equivalence-class
attribution probability, WEAP, of 1), averaged over copies.

References
----------
Taub, Elliot, Pampaka & Smith (2018), Differential correct attribution probability for synthetic data, PSD 2018.
"""

from __future__ import annotations

from collections.abc import Iterator

from bayessynth.evaluation.disclosure._attack import without
from bayessynth.evaluation.disclosure._keys import keyed, known
from bayessynth.evaluation.disclosure._shares import share
from bayessynth.evaluation.disclosure.disco import NEEDS, disclosed
from bayessynth.evaluation.measure import Measure
from bayessynth.evaluation.registry import measure
from bayessynth.evaluation.tables import Tables

NAME, TITLE = "tcap", "Attribution where a copy is certain (TCAP, %)"


@measure(NAME, "disclosure")
def tcap(tables: Tables) -> Iterator[Measure]:
    """Yield the percentage of right guesses among records whose key has one target value in a copy.

    Parameters
    ----------
    tables : Tables

    Yields
    ------
    Measure
        In percent. To be read beside the same figure of holdout records, and beside the share of the most frequent
        target value, which needs no copy.

    Examples
    --------
    >>> import pandas as pd
    >>> from bayessynth.evaluation.tables import read_tables
    >>> original = pd.DataFrame({"age": [30, 31, 31, 40], "ill": ["no", "no", "yes", "yes"]})
    >>> copy = pd.DataFrame({"age": [30, 31, 40, 40], "ill": ["no", "no", "yes", "yes"]})
    >>> next(tcap(read_tables(original, [copy], keys=["age"], target="ill"))).value
    75.0
    """
    chosen = known(tables)
    if not chosen.keys or chosen.target is None:
        yield without(NAME, TITLE, NEEDS)
        return
    original, copies, holdout = keyed(tables, chosen.keys, chosen.target)
    ours = disclosed(original, copies)
    if not ours.among.any():
        yield without(NAME, TITLE, "In no copy does the key of an original record have one target value.")
        return
    most = 100 * max((original.target == v).mean() for v in set(original.target.tolist()))
    reading = (
        f"Where a copy has one value of {chosen.target!r} with a record's key, that value is right for {{value:.1f}} % "
        f"of the records; naming the most frequent value is right for {most:.1f} % of all."
    )
    theirs = None if holdout is None else disclosed(holdout, copies)
    yield share(NAME, TITLE, reading, ours, theirs, chosen.notes)
