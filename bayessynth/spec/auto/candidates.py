"""Columns whose values repeat as the labels of groups do, and what speaks for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayessynth.errors import SpecError, suggest
from bayessynth.schema import Column, Columns
from bayessynth.spec.auto.units import name_says, natural, written_as_labels
from bayessynth.spec.auto.within import Common

# Fewest groups, fewest rows a group on average, largest share of one group.
GROUPS, ROWS, SHARE = 5, 2.0, 0.35
# Without a name: fewest groups, and how many times larger than the mean the largest may be.
NAMELESS, LARGER = 20, 15.0
# Without a column that is constant within them: fewest groups, and intraclass correlations of which two count, or one.
MANY, CORRELATED, STRONGLY = 10, 0.05, 0.4
# A column that follows the order of the labels less than this speaks for labels; more than that, for a quantity.
ARBITRARY, ORDERED = 0.3, 0.5
# A quantity that bears the name of a unit, as years of school do, has fewer values than this.
UNORDERED = 30


@dataclass(frozen=True, eq=False)
class Candidate:
    """A column whose values repeat.

    Attributes
    ----------
    name : str
    says : str or None
        What its name says, or ``"group"`` if it was declared so.
    codes : ndarray of int64, shape (n,)
        Group of every row: 0, 1, … in the order of the labels.
    sizes : ndarray of int64
    labels : bool
        Whether its values are written as labels are, or are whole numbers; not words.
    """

    name: str
    says: str | None
    codes: np.ndarray
    sizes: np.ndarray
    labels: bool


def candidates(
    frame: pd.DataFrame, columns: Columns, schema: Mapping[str, Column], only: Sequence[str] | None = None
) -> list[Candidate]:
    """Return the columns whose values repeat as the labels of groups do.

    Parameters
    ----------
    frame : DataFrame
    columns : Columns
    schema : mapping of str to Column
    only : sequence of str, optional
        Columns that are declared to be factors, so that no other is one.

    Raises
    ------
    SpecError
        If a declared factor does not exist, or some of its cells are missing.
    """
    declared = [name for name in schema if schema[name].kind == "group"] if only is None else list(only)
    for name in declared:
        if name not in schema:
            raise SpecError(f"groups={name!r}: there is no such column.{suggest(name, schema)}")
    found = []
    for name in schema if only is None else declared:
        says = "group" if name in declared else name_says(name)
        if says != "group" and not _may_be(schema[name], says):
            continue
        codes, shown = _labels(name, frame, columns)
        gaps = int((codes < 0).sum())
        if gaps and says == "group":
            raise SpecError(
                f"Grouping factor {name!r}: {gaps} of {len(codes)} cells are missing, but every row needs a group. "
                "Leave these rows out, or give them groups of their own."
            )
        if not gaps and (candidate := _candidate(name, says, codes, shown)) is not None:
            found.append(candidate)
    return found


def _labels(name: str, frame: pd.DataFrame, columns: Columns) -> tuple[np.ndarray, list[Any]]:
    """Return the distinct values of a column and which of them each row has, -1 where it is missing."""
    if name in columns.levels:
        codes, used = pd.factorize(np.where(columns.missing(name), np.nan, columns[name]))
        return codes, [columns.levels[name][int(code)] for code in used]
    codes, values = pd.factorize(columns[name] if name in columns.arrays else frame[name].to_numpy())
    return codes, values.tolist()


def _may_be(column: Column, says: str | None) -> bool:
    """Tell whether a column's kind and name allow that it labels groups."""
    whole = column.kind in ("count", "continuous") and column.decimals == 0
    return says != "quantity" and (whole or column.kind in ("categorical", "identifier"))


def _candidate(name: str, says: str | None, codes: np.ndarray, shown: list[Any]) -> Candidate | None:
    """Return a candidate if it has enough groups that are not too unequal."""
    if not len(codes):
        return None
    frequency = np.bincount(codes)
    few = len(frequency) < GROUPS or len(codes) < ROWS * len(frequency) or frequency.max() > SHARE * len(codes)
    if few and says != "group":
        return None
    numbers = all(isinstance(value, int | float) for value in shown)
    labels = numbers or written_as_labels(shown)
    uneven = len(frequency) < NAMELESS or frequency.max() > LARGER * frequency.mean()
    if says in (None, "number") and (uneven or not labels):
        return None
    place = np.empty(len(shown), dtype=np.int64)
    order = np.argsort(shown) if numbers else sorted(range(len(shown)), key=lambda i: natural(shown[i]))
    place[order] = np.arange(len(shown))
    return Candidate(name, says, place[codes], np.bincount(place[codes]), labels)


def convincing(candidate: Candidate, common: Common, named: Collection[str]) -> bool:
    """Tell whether a column tells sampled units apart.

    Parameters
    ----------
    candidate : Candidate
    common : Common
        What the rows of its groups have in common.
    named : collection of str
        Columns that may be groups themselves, whose likeness within groups says nothing.
    """
    groups = len(candidate.sizes)
    arbitrary = sum(smooth <= ARBITRARY for smooth in common.telling.values())
    correlations = [icc for name, icc in common.alike.items() if name not in named]
    strength = sum((icc >= CORRELATED) + (icc >= STRONGLY) for icc in correlations)
    alike = groups >= MANY and strength >= 2
    likely = candidate.labels and alike and common.smooth <= ORDERED
    even = candidate.sizes.min() == candidate.sizes.max()
    told = bool(common.telling) and (
        groups >= UNORDERED or min(common.telling.values()) <= ORDERED or not candidate.labels
    )
    return {
        "group": True,
        "identifier": True,
        "unit": told or even or likely,
        "place": (groups >= MANY and (told if candidate.labels else len(common.telling) >= 2)) or likely,
        "number": arbitrary >= 1,
        None: arbitrary >= 2 or (arbitrary == 1 and alike and common.smooth <= ARBITRARY),
    }[candidate.says]
