"""The order of equations: every column after those it depends on."""

from __future__ import annotations

import graphlib
from collections.abc import Collection, Mapping

from bayessynth.errors import SpecError
from bayessynth.rules import Rule, after
from bayessynth.spec.equation import Equation
from bayessynth.spec.sequence import same_row
from bayessynth.spec.shared import check_shared
from bayessynth.spec.survival import Survival

Declared = Equation | Survival


def as_declared(item: str | Declared) -> Declared:
    """Return what a spec is handed as an equation or a survival time.

    >>> as_declared("age ~ 1")
    Equation('age ~ 1')
    """
    if isinstance(item, Equation | Survival):
        return item
    if isinstance(item, str):
        return Equation(item)
    raise SpecError(f"A spec takes formulas, bs.Equation(...) and bs.Survival(...), not {item!r}.")


def in_order(
    equations: tuple[Declared, ...], rules: tuple[Rule, ...], time: str | None = None
) -> tuple[Declared, ...]:  # fmt: skip
    """Sort so that every column follows those it depends on, keeping the declared order where free.

    A column depends on its predictors, on those that a rule says come first, and, where one of these is computed by a
    rule, on what it is computed from. In sequences, which have a time, it does not depend on columns of rows before;
    one whose residuals follow each other depends on the time that elapses.
    """
    check_shared([own for e in equations for own in ([e] if isinstance(e, Equation) else e.equations)])
    waits = after(rules)
    by_column: dict[str, Declared] = {}
    for equation in equations:
        for column in equation.declares:
            if column in by_column:
                raise SpecError(f"Column {column!r} has two equations; keep one, or use spec.replace(...).")
            by_column[column] = equation

    def read(e: Declared) -> list[str]:
        if time is None:
            return list(e.columns)
        return [c for own in e.equations for c in [*same_row(own), *([time] if own.ar else [])]]

    needs = {
        e.declares[0]: [
            by_column[c].declares[0]
            for c in _traced([*read(e), *(w for c in e.declares for w in waits.get(c, ()))], waits, by_column)
        ]
        for e in equations
    }
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
    sorter: graphlib.TopologicalSorter[str], equations: tuple[Declared, ...], by_column: Mapping[str, Declared]
) -> tuple[Declared, ...]:
    rank = {e.declares[0]: i for i, e in enumerate(equations)}
    order: list[str] = []
    ready = sorted(sorter.get_ready(), key=rank.__getitem__)
    while ready:
        order.append(ready.pop(0))
        sorter.done(order[-1])
        ready = sorted([*ready, *sorter.get_ready()], key=rank.__getitem__)
    return tuple(by_column[column] for column in order)


def with_dots(equations: tuple[Declared, ...]) -> tuple[Declared, ...]:
    """Let ``.`` stand for the columns declared before.

    >>> [str(e.formula) for e in with_dots((Equation("age ~ 1"), Equation("income ~ .")))]
    ['age ~ 1', 'income ~ age']
    """
    return tuple(
        e.with_dot(tuple(c for before in equations[:i] for c in before.declares)) if e.uses_dot and i else e
        for i, e in enumerate(equations)
    )
