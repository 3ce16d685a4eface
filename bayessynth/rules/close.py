"""Rules made ready: checked against a schema and each other, with what follows from them added."""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Iterable, Sequence

import numpy as np

from bayessynth.errors import SpecError
from bayessynth.rules.grid import at_least, at_most, natural
from bayessynth.rules.ordered import Ordered
from bayessynth.rules.range import Range
from bayessynth.rules.rule import Rule
from bayessynth.schema import Schema

Edge = tuple[str, str, bool]


def closed(rules: Iterable[Rule], schema: Schema) -> tuple[Rule, ...]:
    """Return rules with those that follow from them, so that no order of drawing ends where nothing is left.

    From ``a <= b`` and ``b <= c`` follows ``a <= c``, which must hold when ``b`` is drawn last; and what ends a range,
    or the kind of a column, ends those of the columns that are smaller or greater.

    Raises
    ------
    SpecError, SchemaError
        If a rule does not fit the schema, a column is determined twice, rules determine columns in a circle, or a rule
        narrows a column that another one determines.

    Examples
    --------
    >>> import bayessynth as bs
    >>> from bayessynth.rules import Inequality
    >>> schema = bs.Schema(a=bs.Count(scale=9), b=bs.Count(scale=9), c=bs.Count(scale=9))
    >>> closed([Inequality("a", "b"), Inequality("b", "c")], schema)[-1]
    Ordered('a', 'b', 'c')
    """
    given = tuple(dict.fromkeys(rules))
    for rule in given:
        rule.check_schema(schema)
    _check_determined(given)
    after(given)
    edges = list(dict.fromkeys(edge for rule in given for edge in rule.orders))
    return (*given, *_ranges(given, edges, schema), *_chains(given, edges))


def checked(rules: Iterable[Rule], columns: Collection[str]) -> tuple[Rule, ...]:
    """Return rules, each once, after a look at what can be known without a schema.

    Parameters
    ----------
    rules : iterable of Rule
    columns : collection of str
        Those with an equation.

    Raises
    ------
    SpecError
        If something is no rule, rules compute columns in a circle, or one computes a column that has an equation.

    Examples
    --------
    >>> from bayessynth.rules import Derived
    >>> checked([Derived("b", "2 * a")], ["b"])
    Traceback (most recent call last):
    ...
    bayessynth.errors.SpecError: Column 'b' has an equation, and the rule Derived('b', '2 * a') computes it: drop one \
of the two.
    """
    given = tuple(dict.fromkeys(rules))
    for rule in given:
        if not isinstance(rule, Rule):
            raise SpecError(f"rules= takes rules, such as bs.Range('age', 0, 110), not {rule!r}.")
    for column, rule in determined(given).items():
        if column in columns:
            raise SpecError(
                f"Column {column!r} has an equation, and the rule {rule!r} computes it: drop one of the two."
            )
    after(given)
    return given


def after(rules: Iterable[Rule]) -> dict[str, set[str]]:
    """Return for every column that must be drawn after others: which.

    Raises
    ------
    SpecError
        If they wait for each other in a circle.

    Examples
    --------
    >>> from bayessynth.rules import Derived
    >>> sorted(after([Derived("bmi", "weight / height**2")])["bmi"])
    ['height', 'weight']
    """
    waits: dict[str, set[str]] = {}
    for rule in rules:
        for column, earlier in rule.after.items():
            waits.setdefault(column, set()).update(earlier)
    try:
        graphlib.TopologicalSorter(waits).prepare()
    except graphlib.CycleError as error:
        circle = " <- ".join(reversed(error.args[1]))
        raise SpecError(f"Rules wait for each other in a circle: {circle}. Drop one of them.") from None
    return waits


def determined(rules: Iterable[Rule]) -> dict[str, Rule]:
    """Return the rule that computes each of the columns that are not modelled.

    >>> from bayessynth.rules import Constant
    >>> determined([Constant("country", "PL")])
    {'country': Constant('country', 'PL')}
    """
    return {rule.determines: rule for rule in rules if rule.determines is not None}


def _check_determined(rules: Sequence[Rule]) -> None:
    owner: dict[str, Rule] = {}
    for rule in rules:
        if rule.determines is None:
            continue
        if rule.determines in owner:
            raise SpecError(f"Column {rule.determines!r} is determined by {owner[rule.determines]!r} and by {rule!r}; "
                            "keep one of them.")  # fmt: skip
        owner[rule.determines] = rule
    for rule in rules:
        if rule.determines is not None:
            continue
        for column in rule.columns:
            if column in owner and rule.restricts(column, set(rule.columns) - {column}):
                raise SpecError(
                    f"{rule!r} narrows column {column!r}, which {owner[column]!r} computes; narrow the columns that it "
                    "is computed from, or drop one of the two rules."
                )


def _ranges(rules: Sequence[Rule], edges: Sequence[Edge], schema: Schema) -> list[Rule]:
    """Return the ranges that ends of some columns put on those that are smaller or greater."""
    order = _sorted(edges)
    ends = {name: list(natural(schema[name])) for name in order}
    for rule in rules:
        for name in (name for name in rule.columns if name in ends and rule.restricts(name, set())):
            low, high = rule.limits(name, {}, schema, 1)
            ends[name] = [max(ends[name][0], float(low[0])), min(ends[name][1], float(high[0]))]
    before = {name: tuple(pair) for name, pair in ends.items()}
    for name in order:
        for smaller, greater, strict in edges:
            if greater == name:
                end = at_least(np.array([ends[smaller][0]]), schema[name], strict)
                ends[name][0] = max(ends[name][0], float(end[0]))
    for name in reversed(order):
        for smaller, greater, strict in edges:
            if smaller == name:
                end = at_most(np.array([ends[greater][1]]), schema[name], strict)
                ends[name][1] = min(ends[name][1], float(end[0]))
    for name, (least, most) in ends.items():
        if least > most:
            raise SpecError(f"Inequalities and ranges leave column {name!r} no value; drop or widen one of them.")
    changed = [name for name in order if tuple(ends[name]) != before[name]]
    return [Range(name, *(end if np.isfinite(end) else None for end in ends[name])) for name in changed]


def _sorted(edges: Sequence[Edge]) -> list[str]:
    """Return the columns of inequalities, smaller ones first."""
    sorter: graphlib.TopologicalSorter[str] = graphlib.TopologicalSorter()
    for low, high, _ in edges:
        sorter.add(high, low)
    try:
        return list(sorter.static_order())
    except graphlib.CycleError as error:
        circle = " <= ".join(error.args[1])
        raise SpecError(
            f"Inequalities form a circle: {circle}. Columns that are always equal are one: use Derived for the others."
        ) from None


def _chains(rules: Sequence[Rule], edges: Sequence[Edge]) -> list[Rule]:
    """Return an order for every longest path of inequalities that no single rule states.

    It leaves room for what lies between two columns that are drawn before it.
    """
    following: dict[str, list[Edge]] = {}
    for edge in edges:
        following.setdefault(edge[0], []).append(edge)
    stated = {rule.orders for rule in rules}
    paths: list[tuple[Edge, ...]] = [(edge,) for edge in edges if edge[0] not in {high for _, high, _ in edges}]
    added: list[Rule] = []
    while paths:
        path = paths.pop(0)
        longer = [(*path, edge) for edge in following.get(path[-1][1], ())]
        paths += longer
        if not longer and path not in stated:
            strict = tuple(edge[2] for edge in path)
            told = strict[0] if len(set(strict)) == 1 else strict
            added.append(Ordered(path[0][0], *(edge[1] for edge in path), strict=told))
    return added
