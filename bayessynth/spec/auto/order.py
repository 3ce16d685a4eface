"""In which order columns are drawn."""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from bayessynth.errors import SpecError, suggest
from bayessynth.schema import Column
from bayessynth.spec.auto.dependence import Dependence
from bayessynth.spec.auto.groups import GroupFinding, levels_of

# A categorical column with more levels than this comes late: few columns after it could use it.
MANY_LEVELS = 15


def visiting_order(
    dependence: Dependence,
    schema: Mapping[str, Column],
    fixed_first: Sequence[str] = (),
    after: Mapping[str, AbstractSet[str]] | None = None,
    groups: Sequence[GroupFinding] = (),
) -> list[str]:
    """Order columns so that each follows one on which it depends.

    The first column is the one that depends most on all others; then always the one that depends most on a single
    column before it: the order in which Prim's algorithm grows a maximum spanning tree of the dependence (Chow and Liu
    1968). Columns that depend on each other thus follow one another. Columns that are constant within groups come
    before all others, those of the larger groups first; categorical columns of more than ``MANY_LEVELS`` levels come
    last.

    Parameters
    ----------
    dependence : Dependence
    schema : mapping of str to Column
    fixed_first : sequence of str
        Columns that come first, in this order.
    after : mapping of str to set of str, optional
        For some columns, those that must precede them; this goes before all else.
    groups : sequence of GroupFinding
        Their factors have no place in the order, for they are drawn before all columns.

    Returns
    -------
    list of str

    Raises
    ------
    SpecError
        If a column does not exist, or the constraints contradict each other.

    Examples
    --------
    >>> import bayessynth as bs
    >>> names, schema = ("a", "b", "c"), bs.Schema(**dict.fromkeys("abc", bs.Count(bounds=(0, 9))))
    >>> known = np.array([[1, 0.4, 0], [0.4, 1, 0.5], [0, 0.5, 1]], dtype=np.float32)
    >>> visiting_order(Dependence(names, known, known), schema)
    ['b', 'c', 'a']
    >>> visiting_order(Dependence(names, known, known), schema, after={"c": {"a"}})
    ['b', 'a', 'c']
    """
    factors = {finding.factor for finding in groups}
    names = [name for name in dependence.names if name not in factors]
    before = _constraints(names, fixed_first, after or {}, factors)
    keep = [j for j, name in enumerate(dependence.names) if name not in factors]
    matrix = dependence.matrix[np.ix_(keep, keep)]
    weight = matrix.sum(axis=1)
    rank = _ranks(names, schema, fixed_first, groups)
    place = {name: j for j, name in enumerate(names)}
    waits = {place[name]: [place[c] for c in earlier] for name, earlier in before.items() if earlier}
    nearest, left, order = np.zeros(len(names)), np.ones(len(names), dtype=bool), []
    while left.any():
        blocked = [j for j, earlier in waits.items() if left[earlier].any()]
        ready = np.setdiff1d(np.flatnonzero(left), blocked)
        first = ready[rank[ready] == rank[ready].min()]
        chosen = first[np.lexsort((-weight[first].round(4), -nearest[first]))[0]]
        order.append(names[chosen])
        left[chosen] = False
        nearest = np.maximum(nearest, matrix[:, chosen])
    return order


def _constraints(
    names: Sequence[str], fixed_first: Sequence[str], after: Mapping[str, AbstractSet[str]], factors: Collection[str]
) -> dict[str, set[str]]:
    """Return the columns that must precede each, once it is sure that all can be had."""
    for name in [*fixed_first, *after, *(c for earlier in after.values() for c in earlier)]:
        if name not in names and name not in factors:
            raise SpecError(
                f"No column {name!r} can be put in order.{suggest(name, names)} There are: {', '.join(names)}."
            )
    before = {name: {c for c in after.get(name, ()) if c not in factors} for name in names}
    wanted = [name for name in fixed_first if name not in factors]
    for i, name in enumerate(wanted):
        before[name] |= set(wanted[:i])
    try:
        sequence = list(graphlib.TopologicalSorter(before).static_order())
    except graphlib.CycleError as error:
        cycle = " after ".join(map(repr, reversed(error.args[1])))
        raise SpecError(
            f"Columns wait for each other: {cycle}. Take away a rule or a column that is to come first."
        ) from None
    return {name: before[name] for name in sequence}


def _ranks(
    names: Sequence[str], schema: Mapping[str, Column], fixed_first: Sequence[str], groups: Sequence[GroupFinding]
) -> np.ndarray:
    """Rank columns by what goes before dependence: given ones, then levels from the top down, then many levels."""
    levels = levels_of(names, groups)
    outer_first = sorted(groups, key=lambda finding: (len(finding.within), finding.groups))
    depth = {finding.factor: i for i, finding in enumerate(outer_first)}
    given = {name: i for i, name in enumerate(fixed_first)}
    ranks = []
    for name in names:
        many = len(schema[name].levels) if schema[name].kind == "categorical" else 0
        late = many if many > MANY_LEVELS else 0
        ranks.append((given.get(name, len(given)), depth.get(levels[name], len(depth)), late))
    return np.unique(np.array(ranks).reshape(-1, 3), axis=0, return_inverse=True)[1].ravel()
