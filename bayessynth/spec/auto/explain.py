"""What was chosen for every column, and why, in sentences."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from bayessynth.schema import Column
from bayessynth.spec.auto.dependence import Dependence
from bayessynth.spec.auto.groups import GroupFinding, levels_of
from bayessynth.spec.auto.order import MANY_LEVELS
from bayessynth.spec.equation import Equation

# Columns that a sentence or a cell names.
NAMED = 3
# Shares of entropy below this are not named.
LITTLE = 0.005


@dataclass(frozen=True)
class Choice:
    """What was chosen for one column.

    Attributes
    ----------
    column : str
    kind : str
    family : str or None
        None for a grouping factor and for what is derived by a rule.
    predictors : tuple of str
    level : str
        The factor within whose groups it is constant, or ``"row"``.
    reason : str
        A sentence.
    equation : Equation, optional
        Where it is not the usual one of the family.
    """

    column: str
    kind: str
    family: str | None
    predictors: tuple[str, ...]
    level: str
    reason: str
    equation: Equation | None = None


def choices(
    dependence: Dependence,
    schema: Mapping[str, Column],
    predictors: Mapping[str, Sequence[str]],
    groups: Sequence[GroupFinding] = (),
    strata: Collection[str] = (),
    family: str = "tree",
) -> tuple[Choice, ...]:
    """Say what was chosen for every column: grouping factors first, then columns in the order in which they are drawn.

    Parameters
    ----------
    dependence : Dependence
    schema : mapping of str to Column
    predictors : mapping of str to sequence of str
        What :func:`screen` returned.
    groups : sequence of GroupFinding
    strata : collection of str
    family : str
        Of the columns' equations.

    Returns
    -------
    tuple of Choice
    """
    levels = levels_of(list(predictors), groups)
    found = [
        Choice(g.factor, schema[g.factor].kind, None, (), g.within[0] if g.within else "row", g.reason) for g in groups
    ]
    known, place = dependence.known, {name: j for j, name in enumerate(dependence.names)}
    for before, (name, read) in enumerate(predictors.items()):
        told = dict(zip(read, known[place[name], [place[other] for other in read]].tolist(), strict=True))
        reason = _reason(schema[name], before, told, levels[name], name in strata)
        used = "point" if schema[name].kind == "constant" else family
        found.append(Choice(name, schema[name].kind, used, tuple(read), levels[name], reason))
    return tuple(found)


def explain(found: Sequence[Choice]) -> pd.DataFrame:
    """Return choices as a table.

    Parameters
    ----------
    found : sequence of Choice

    Returns
    -------
    DataFrame
        ``column``, ``kind``, ``family``, ``predictors``, ``level``, ``why``.

    Examples
    --------
    >>> choice = Choice("age", "count", "tree", ("sex",), "row", "It depends most on sex.")
    >>> explain([choice]).iloc[0].tolist()
    ['age', 'count', 'tree', 'sex', 'row', 'It depends most on sex.']
    """
    rows = [(c.column, c.kind, c.family or "", _few(c.predictors), c.level, c.reason) for c in found]
    return pd.DataFrame(rows, columns=["column", "kind", "family", "predictors", "level", "why"])


def _few(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _reason(column: Column, before: int, told: Mapping[str, float], level: str, stratum: bool) -> str:
    """Say where a column stands, and what share of its entropy each of the columns that it reads takes away."""
    if column.kind == "constant":
        return f"All its cells are {column.value!r}."
    parts = []
    if stratum:
        parts.append("declared a stratum: comes first, and every later column reads it")
    if level != "row":
        parts.append(f"constant within {level}, so drawn once a group")
    if column.kind == "categorical" and len(column.levels) > MANY_LEVELS and before:
        parts.append(f"{len(column.levels)} levels")
    if told and len(told) < before:
        parts.append(f"{len(told)} of the {before} columns before it are read")
    parts.append(_source(before, told, level))
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def _source(before: int, told: Mapping[str, float], level: str) -> str:
    if not before:
        return "no column comes before it"
    if not told:
        return "no column before it tells anything of it" if level == "row" else "it reads no column before it"
    most = sorted((name for name in told if told[name] >= LITTLE), key=lambda name: -told[name])[:NAMED]
    if not most:
        return "none of the columns before it alone tells much of it"
    return f"of its entropy most is known from {', '.join(f'{name} ({told[name]:.0%})' for name in most)}"
