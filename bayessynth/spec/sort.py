"""The order of equations: every column after those it depends on."""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Mapping

from bayessynth.errors import SpecError
from bayessynth.rules import Rule, after
from bayessynth.spec.equation import Equation
from bayessynth.spec.sequence import same_row


def in_order(
    equations: tuple[Equation, ...], rules: tuple[Rule, ...], sequences: bool = False
) -> tuple[Equation, ...]:  # fmt: skip
    """Sort so that every column follows those it depends on, keeping the declared order where free.

    A column depends on its predictors, on those that a rule says come first, and, where one of these is computed by a
    rule, on what it is computed from. In sequences it does not depend on columns of rows before.
    """
    waits = after(rules)
    by_column: dict[str, Equation] = {}
    for equation in equations:
        if equation.response in by_column:
            raise SpecError(f"Column {equation.response!r} has two equations; keep one, or use spec.replace(...).")
        by_column[equation.response] = equation
    needs = {e.response: _traced([*(same_row(e) if sequences else e.columns), *waits.get(e.response, ())], waits,
                                 by_column) for e in equations}  # fmt: skip
    sorter = graphlib.TopologicalSorter(needs)
    try:
        sorter.prepare()
    except graphlib.CycleError as error:
        cycle = " <- ".join(reversed(error.args[1]))
        raise SpecError(
            f"The equations form a cycle: {cycle}. Each column may depend only on columns that come before it; "
            "remove one of these predictors."
        ) from None
    return _ordered(sorter, equations, by_column)


def _traced(columns: list[str], waits: Mapping[str, set[str]], drawn: Collection[str]) -> list[str]:
    """Return the drawn columns among some, with those that the computed ones among them are computed from."""
    found: dict[str, None] = {}
    seen: set[str] = set()
    while columns:
        column = columns.pop(0)
        if column in drawn:
            found[column] = None
        elif column not in seen:
            seen.add(column)
            columns.extend(waits.get(column, ()))
    return list(found)


def _ordered(
    sorter: graphlib.TopologicalSorter[str], equations: tuple[Equation, ...], by_column: Mapping[str, Equation]
) -> tuple[Equation, ...]:
    rank = {e.response: i for i, e in enumerate(equations)}
    order: list[str] = []
    ready = sorted(sorter.get_ready(), key=rank.__getitem__)
    while ready:
        order.append(ready.pop(0))
        sorter.done(order[-1])
        ready = sorted([*ready, *sorter.get_ready()], key=rank.__getitem__)
    return tuple(by_column[column] for column in order)


def with_dots(equations: tuple[Equation, ...]) -> tuple[Equation, ...]:
    """Let ``.`` stand for the columns declared before.

    >>> [str(e.formula) for e in with_dots((Equation("age ~ 1"), Equation("income ~ .")))]
    ['age ~ 1', 'income ~ age']
    """
    return tuple(
        e.with_dot(tuple(before.response for before in equations[:i])) if e.uses_dot and i else e
        for i, e in enumerate(equations)
    )
