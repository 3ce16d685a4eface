"""What copies with formal privacy can be expected to keep, told by the copies alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from bayessynth.evaluation.measure import Measure, over_copies
from bayessynth.evaluation.registry import entries
from bayessynth.evaluation.tables import read_tables

# Distances of which that between two copies bounds that from the original.
MEASURES = ("univariate", "pairs", "correlations")
PAIRS = 5


def expected_utility(copies: Sequence[pd.DataFrame], groups: Sequence[str] = ()) -> list[Measure]:
    """Return what copies score against each other: no original record is used, so that it may be published.

    Given what was released, and where the model holds, the original is distributed as a copy is, and closer to the
    copies than they are to each other: a copy's posterior draw has the noise of the release, and the sampling error of
    an original that it does not know. So the distance between two copies is what to expect of copy and original at
    most, noise included. It says nothing of what the model leaves out.

    Parameters
    ----------
    copies : sequence of DataFrame
        Each from its own posterior draw; up to ten are read, two by two.
    groups : sequence of str
        Columns that name a row's group, which are no distribution to compare.

    Returns
    -------
    list of Measure
        None restricted. Average, lowest and highest pair; empty for a single copy.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> copies = [pd.DataFrame({"s": rng.choice(["a", "b"], 500)}) for _ in range(4)]
    >>> [(m.name, m.restricted, m.value < 0.1) for m in expected_utility(copies)]
    [('expected_univariate_levels', False, True)]
    """
    found: dict[str, list[Measure]] = {}
    for first, second in zip(copies[0 : 2 * PAIRS : 2], copies[1 : 2 * PAIRS : 2], strict=False):
        tables = read_tables(first, [second], groups=groups)
        for entry in entries("utility"):
            for one in entry.compute(tables) if entry.name in MEASURES else ():
                found.setdefault(one.name, []).append(one)
    return [_between(name, each) for name, each in found.items()]


def _between(name: str, each: Sequence[Measure]) -> Measure:
    value, interval = over_copies([m.value for m in each])
    return replace(
        each[0], name=f"expected_{name}", title=f"Expected: {each[0].title}", value=value, interval=interval,
        reference=None, reference_interval=None, verdict="info", detail=None, notes=(), restricted=False,
        reading="Between two copies, noise of formal privacy included: where the model holds, copy and original agree "
        "at least as well. Computed from the copies alone.",
    )  # fmt: skip
