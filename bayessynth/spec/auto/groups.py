"""Columns that tell sampled units apart: persons, schools, accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bayessynth.schema import Column, Columns
from bayessynth.spec.auto.candidates import MANY, Candidate, candidates, convincing
from bayessynth.spec.auto.within import Common, common, one_of_each, table_of

# What names may say, the most telling first.
NAMED = ("group", "identifier", "unit", "place")
# Names that a sentence lists.
SHOWN = 6


@dataclass(frozen=True)
class GroupFinding:
    """A grouping factor that was found.

    Attributes
    ----------
    factor : str
        The column.
    groups : int
        How many.
    sizes : tuple of int
        Rows of the smallest and of the largest.
    constant_columns : tuple of str
        Columns that have one value a group.
    within : tuple of str
        Factors in whose groups these groups lie, the smallest first.
    reason : str
        Why it was found, as a sentence.
    """

    factor: str
    groups: int
    sizes: tuple[int, int]
    constant_columns: tuple[str, ...]
    within: tuple[str, ...]
    reason: str


def find_groups(
    frame: pd.DataFrame, columns: Columns, schema: Mapping[str, Column], only: Sequence[str] | None = None
) -> tuple[GroupFinding, ...]:
    """Find the columns of a table that tell sampled units apart.

    A column of labels or whole numbers is one if its values repeat (at least ``GROUPS`` of them, in ``ROWS`` rows on
    average, none missing) and if its name says that it is an identifier; or if its name is that of what is often
    sampled and other columns are constant, or more alike than by chance, within its groups; or, whatever its name, if
    several columns are constant within many groups and follow no order of its values. Columns declared as groups
    always are.

    Parameters
    ----------
    frame : DataFrame
        The original.
    columns : Columns
        Its columns, encoded, missing cells kept.
    schema : mapping of str to Column
    only : sequence of str, optional
        Columns that are declared to be factors, so that no other is one.

    Returns
    -------
    tuple of GroupFinding
        Factors that hold others before those they hold.

    Raises
    ------
    SpecError
        If a declared factor does not exist, or some of its cells are missing.

    Examples
    --------
    >>> import bayessynth as bs
    >>> rng = np.random.default_rng(1)
    >>> school = np.repeat(np.arange(40), 10)
    >>> table = pd.DataFrame({"school": school, "sector": rng.integers(0, 2, 40)[school], "iq": rng.normal(size=400)})
    >>> schema = bs.Schema.detect(table)
    >>> [found.reason for found in find_groups(table, schema.encode(table), schema)]
    ['school: 40 groups of 10 rows; sector is constant within them.']
    """
    repeating = candidates(frame, columns, schema, only)
    if not repeating:
        return ()
    table = table_of(columns, schema)
    shared = {c.name: common(table, c.codes, c.name) for c in repeating}
    named = {c.name for c in repeating if c.says in NAMED}
    chosen = [c for c in repeating if convincing(c, shared[c.name], named)]
    chosen = _without_twins(chosen)
    chosen += [c for c in repeating if c not in chosen and _holds(c, shared[c.name], chosen)]
    chosen = [c for c in chosen if c.says in NAMED or not _above(c, chosen)]
    return tuple(_finding(c, shared[c.name], chosen) for c in sorted(chosen, key=lambda c: len(c.sizes)))


def levels_of(names: Sequence[str], groups: Sequence[GroupFinding]) -> dict[str, str]:
    """Return the level of every column: the factor of the fewest groups within which it is constant, or ``"row"``.

    Parameters
    ----------
    names : sequence of str
    groups : sequence of GroupFinding

    Examples
    --------
    >>> found = GroupFinding("school", 40, (10, 10), ("sector",), (), "…")
    >>> levels_of(["sector", "iq"], [found])
    {'sector': 'school', 'iq': 'row'}
    """
    level = dict.fromkeys(names, "row")
    for finding in sorted(groups, key=lambda found: -found.groups):
        level |= {name: finding.factor for name in finding.constant_columns if name in level}
    return level


def _nested(fine: Candidate, coarse: Candidate) -> bool:
    """Tell whether the groups of one factor lie within those of another."""
    return np.array_equal(coarse.codes, coarse.codes[one_of_each(fine.codes)][fine.codes])


def _above(candidate: Candidate, chosen: Sequence[Candidate]) -> list[Candidate]:
    """Return the chosen factors whose groups lie within those of a candidate."""
    return [c for c in chosen if len(c.sizes) > len(candidate.sizes) and _nested(c, candidate)]


def _without_twins(chosen: Sequence[Candidate]) -> list[Candidate]:
    """Return one factor of those that part the rows alike: the one with the most telling name, else the first."""
    kept: list[Candidate] = []
    for candidate in sorted(chosen, key=lambda c: NAMED.index(c.says) if c.says in NAMED else len(NAMED)):
        if not any(len(c.sizes) == len(candidate.sizes) and _nested(c, candidate) for c in kept):
            kept.append(candidate)
    return kept


def _holds(candidate: Candidate, shared: Common, chosen: Sequence[Candidate]) -> bool:
    """Tell whether a unit or place that did not convince by itself does so since groups lie within it."""
    apart = candidate.says in ("unit", "place") and candidate.labels and len(candidate.sizes) >= MANY
    return apart and bool(shared.alike) and bool(_above(candidate, chosen))


def _finding(candidate: Candidate, shared: Common, chosen: Sequence[Candidate]) -> GroupFinding:
    around = [c for c in chosen if len(c.sizes) < len(candidate.sizes) and _nested(candidate, c)]
    within = tuple(c.name for c in sorted(around, key=lambda c: -len(c.sizes)))
    factors = {c.name for c in chosen}
    constant = tuple(name for name in shared.constant if name not in factors)
    low, high = int(candidate.sizes.min()), int(candidate.sizes.max())
    parts = [f"{candidate.name}: {len(candidate.sizes)} groups of {_span(low, high)} rows"]
    alike = {name: icc for name, icc in shared.alike.items() if name not in factors}
    parts += [_because(candidate, constant, alike)]
    parts += [f"they lie within those of {within[0]}"] if within else []
    return GroupFinding(candidate.name, len(candidate.sizes), (low, high), constant, within, "; ".join(parts) + ".")


def _span(low: int, high: int) -> str:
    return f"{low}" if low == high else f"{low}–{high}"


def _because(candidate: Candidate, constant: Sequence[str], alike: Mapping[str, float]) -> str:
    """Return why the groups are groups."""
    if constant:
        return f"{_listed(constant)} {'is' if len(constant) == 1 else 'are'} constant within them"
    if alike:
        most = sorted(alike, key=lambda name: (-alike[name], name))[:SHOWN]
        correlations = ", ".join(f"{name} ({alike[name]:.2f})" for name in most)
        return f"rows of a group are alike (intraclass correlation: {correlations})"
    if candidate.says == "group":
        return "they were declared"
    if candidate.says == "identifier":
        return "the name says that it is an identifier"
    even = "all are of one size and " if candidate.sizes.min() == candidate.sizes.max() else ""
    return f"{even}the name is that of what is often sampled"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
