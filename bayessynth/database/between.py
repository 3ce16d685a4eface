"""Orders of a table's columns and those of rows above, between which a copy always leaves a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bayessynth.database.covariates import Covariate, FromAbove
from bayessynth.rules import Inequality, Rule
from bayessynth.schema import Schema

Edge = tuple[str, str, bool]


def between(
    rules: Sequence[Rule], given: Sequence[Covariate], schema: Schema, stated: Mapping[str, Sequence[Edge]]
) -> list[Rule]:
    """Return rules without the lower ends that may lie above upper ends, where both are of rows above.

    That a visit is before the end of a study, and after its beginning, leaves no day where a copy's study ends before
    it begins: of an owner without rows, that may be so in the original too. Ends stay that the owner's own rules keep
    apart; of others the upper ones do.

    Parameters
    ----------
    rules : sequence of Rule
    given : sequence of Covariate
        Columns beside the table's own.
    schema : Schema
        Of all these columns.
    stated : mapping of str to sequence of tuple
        By table above: the inequalities that its rules state, as smaller and greater column and whether they differ.
    """
    above = {own.name: own for own in given if isinstance(own, FromAbove)}
    edges = [edge for rule in rules for edge in rule.orders]
    taken = {
        path[0]
        for low in above
        for path in _paths(low, edges)
        if path[-1][1] in above and not _apart(path, above, schema, stated)
    }
    kept: list[Rule] = []
    for rule in rules:
        if taken.isdisjoint(rule.orders):
            kept.append(rule)
        else:
            kept += [Inequality(low, high, strict=strict) for low, high, strict in rule.orders
                     if (low, high, strict) not in taken and {low, high} - above.keys()]  # fmt: skip
    return kept


def _paths(low: str, edges: Sequence[Edge]) -> Iterator[tuple[Edge, ...]]:
    """Yield the ways up from a column."""
    left: list[tuple[Edge, ...]] = [(edge,) for edge in edges if edge[0] == low]
    while left:
        path = left.pop()
        yield path
        left += [(*path, edge) for edge in edges if edge[0] == path[-1][1]]


def _apart(
    path: Sequence[Edge], above: Mapping[str, FromAbove], schema: Schema, stated: Mapping[str, Sequence[Edge]]
) -> bool:
    """Tell whether the rules of the table above leave room for what lies between two of its columns."""
    low, high = above[path[0][0]], above[path[-1][1]]
    if (low.table, low.path) != (high.table, high.path):
        return False
    steps = {(schema[name].unit, schema[name].decimals) for edge in path for name in edge[:2]}
    wanted = sum(strict for *_, strict in path)
    return len(steps) == 1 and any(
        way[-1][1] == high.source and sum(strict for *_, strict in way) >= wanted
        for way in _paths(low.source, stated.get(low.table, ()))
    )
