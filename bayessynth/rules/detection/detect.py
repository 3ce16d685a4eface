"""Detection of the rules that a table obeys on every row."""

from __future__ import annotations

import pandas as pd

from bayessynth.rules.detection.arithmetic import derivations
from bayessynth.rules.detection.choose import acyclic
from bayessynth.rules.detection.finding import Finding
from bayessynth.rules.detection.gaps import skips
from bayessynth.rules.detection.grouped import aggregates, running_numbers
from bayessynth.rules.detection.keys import constants, keys
from bayessynth.rules.detection.recoded import recodes
from bayessynth.rules.detection.running import running_sums
from bayessynth.rules.detection.sums import indicators
from bayessynth.rules.detection.table import prepare
from bayessynth.rules.detection.unequal import inequalities
from bayessynth.schema import Schema


def detect(frame: pd.DataFrame, schema: Schema, *, groups: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    """Find the rules that a table obeys on every row and that would not hold by chance.

    Looked for are constants and keys; running numbers, running sums and statistics of the groups; columns calculated
    from others (a unit converted, a logarithm, a square, sums and differences, products of powers such as a body mass
    index, parts of times, the years, months or weeks between two); columns that are a function of another one's levels,
    or a banding of a number; cells that are missing where another one says so; columns of which exactly one is 1; and
    inequalities.

    A rule that computes a column may lack a cell in up to 1 % of the rows, and says so. No number is written into a
    rule that fewer than five rows share, but for the cuts of bands, which are rounded between two values.

    Candidates are screened on a sample of at most 1,000 rows and then verified on all. The work is capped: sums,
    products and indicators are looked for among at most 300 columns, inequalities and functions of one column
    among all; combinations of levels other than indicators are not looked for.

    Parameters
    ----------
    frame : DataFrame
    schema : Schema
    groups : tuple of str
        Grouping factors. They are made anew, so they determine nothing; their rows may be counted and summarised.

    Returns
    -------
    tuple of Finding
        No column is determined twice, none in a circle.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> frame = pd.DataFrame({"height": rng.integers(150, 200, 300), "weight": rng.integers(50, 110, 300)})
    >>> frame["bmi"] = (frame["weight"] / (frame["height"] / 100) ** 2).round(1)
    >>> [finding.rule for finding in detect(frame, Schema.detect(frame))]
    [Derived('bmi', '10000 * weight / height**2'), Range('height', 1, None)]
    """
    table = prepare(frame, schema, groups)
    naming = tuple(keys(table))
    exact = (*constants(table), *naming, *running_numbers(table), *aggregates(table),
             *running_sums(table))  # fmt: skip
    calculated = derivations(table, {finding.rule.columns[0] for finding in exact})
    recoded = recodes(table, {finding.rule.columns[0] for finding in naming})
    determining = acyclic((*exact, *calculated, *recoded))
    computed = {target for finding in determining if (target := finding.rule.determines) is not None}
    found = acyclic((*determining, *skips(table), *indicators(table, computed), *inequalities(table, computed)))
    return tuple(f for f in found if f.rule.determines is not None or f.rule.columns[0] not in computed)
