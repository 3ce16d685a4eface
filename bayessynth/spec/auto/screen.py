"""Which of the columns before it a column is drawn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayessynth.spec.auto.dependence import Dependence
from bayessynth.spec.auto.groups import GroupFinding, levels_of

# Predictors up to which a column has all that come before it.
MOST = 25


def screen(
    dependence: Dependence,
    order: Sequence[str],
    most: int = MOST,
    always: Sequence[str] = (),
    groups: Sequence[GroupFinding] = (),
) -> dict[str, tuple[str, ...]]:
    """Choose the predictors of every column among those before it.

    All of them, where they are few. Else one after the other is chosen: the column that tells most of the target, times
    the share of its own entropy that none of those chosen takes away. Copies of a chosen column and columns that tell
    nothing are left out, so that the cost of all fits grows about linearly with the number of columns.

    Parameters
    ----------
    dependence : Dependence
    order : sequence of str
        What :func:`visiting_order` returned.
    most : int
        Most predictors of a column.
    always : sequence of str
        Columns that every later one is drawn from.
    groups : sequence of GroupFinding
        A column that is constant within groups is only drawn from columns that are constant there too.

    Returns
    -------
    dict of str to tuple of str
        In the given order.

    Examples
    --------
    >>> known = np.array([[1, 0.9, 0.5], [0.9, 1, 0.6], [0.5, 0.6, 1]], dtype=np.float32)
    >>> screen(Dependence(("a", "b", "c"), known, known), ["a", "b", "c"], most=1)
    {'a': (), 'b': ('a',), 'c': ('b',)}
    """
    place = {name: j for j, name in enumerate(dependence.names)}
    at = np.array([place[name] for name in order], dtype=np.int64)
    information, known = dependence.information[np.ix_(at, at)], dependence.known[np.ix_(at, at)]
    levels = levels_of(order, groups)
    above = {finding.factor: {finding.factor, *finding.within} for finding in groups}
    found = {}
    for j, name in enumerate(order):
        level = levels[name]
        allowed = [i for i in range(j) if level == "row" or levels[order[i]] in above[level]]
        fixed = [i for i in allowed if order[i] in always]
        if len(allowed) > most:
            allowed = sorted(_chosen(information[j], known, np.array(allowed), fixed, most))
        found[name] = tuple(order[i] for i in allowed)
    return found


def _chosen(told: np.ndarray, known: np.ndarray, allowed: np.ndarray, fixed: list[int], most: int) -> list[int]:
    """Return which columns are chosen, one by one, by what each tells that none chosen tells."""
    chosen = list(fixed)
    new = 1 - known[np.ix_(allowed, chosen)].max(axis=1, initial=0)
    while len(chosen) < most:
        gain = told[allowed] * new
        best = int(np.argmax(gain))
        if gain[best] <= 0:
            break
        chosen.append(int(allowed[best]))
        new = np.minimum(new, 1 - known[allowed, allowed[best]])
    return chosen
