"""Labels of new groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import pandas as pd

from bayessynth.design import GroupPlan
from bayessynth.errors import SynthesisError
from bayessynth.schema import Schema
from bayessynth.synthesis.groups import Groups

# Dtypes that depend on all labels of a column, not on those of some rows: integers that may outgrow theirs.
NARROW = ("int8", "uint8", "int16", "uint16")


@dataclass(frozen=True)
class Numbered(Sequence[str]):
    """The labels ``site_001``, ``site_002``, …, written when they are asked for.

    >>> Numbered("site", 120)[8:10]
    ['site_009', 'site_010']
    """

    name: str
    size: int

    def __len__(self) -> int:
        return self.size

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> list[str]: ...
    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            return [self._written(i) for i in range(self.size)[place]]
        return self._written(range(self.size)[place])

    def _written(self, i: int) -> str:
        return f"{self.name}_{i + 1:0{len(str(self.size))}d}"


@dataclass(frozen=True)
class Labels:
    """The labels of one group column.

    Attributes
    ----------
    factor : str
        The factor whose groups they are of.
    values : sequence
        The labels.
    places : ndarray or None
        Which of them each group has; None if group i has label i.
    """

    factor: str
    values: Sequence[Any]
    places: np.ndarray | None = None

    def on(self, groups: Groups, rows: slice) -> np.ndarray:
        """Return which of the labels each of some rows has."""
        codes = groups.codes("row", self.factor, rows)
        return codes if self.places is None else self.places[codes]


def owners(plan: GroupPlan) -> dict[str, str]:
    """Return the factor whose groups give each group column its labels."""
    found: dict[str, str] = {}
    for factor, columns in sorted(plan.columns.items(), key=lambda item: len(item[1])):
        found.setdefault(columns[-1], factor)
    return found


def label(column: str, schema: Schema, plan: GroupPlan, groups: Groups) -> Labels:
    """Return the labels of a group column.

    New groups get labels of their own, numbers where the original's are numbers: ``1, 2, …`` or ``site_001, …``.
    Labels that began anew within each group above do so here.
    """
    factor = owners(plan)[column]
    if factor in groups.labels:
        labels = groups.labels[factor]
        if isinstance(labels[0], tuple):
            position = plan.columns[factor].index(column)
            distinct, inverse = np.unique(
                np.asarray([lab[position] for lab in labels], dtype=object), return_inverse=True
            )
            return Labels(factor, list(distinct), inverse)
        return Labels(factor, labels)
    if factor in plan.reused:
        above = plan.columns[factor][:-1]
        upper = next((f for f, columns in plan.columns.items() if columns == above), None)
        if upper is not None and upper in groups.chain and factor in groups.chain:
            numbers = _within(groups.codes(factor, upper))
            return Labels(factor, _written(column, schema, int(numbers.max()) + 1), numbers)
    return Labels(factor, _written(column, schema, groups.sizes[factor]))


def _within(parents: np.ndarray) -> np.ndarray:
    """Number units from zero within each parent; units are sorted by parent."""
    starts = np.r_[0, np.flatnonzero(np.diff(parents)) + 1]
    return np.arange(len(parents)) - np.repeat(starts, np.diff(np.r_[starts, len(parents)]))


def _written(column: str, schema: Schema, count: int) -> Sequence[Any]:
    dtype = pd.api.types.pandas_dtype(schema[column].dtype)
    truth = pd.api.types.is_bool_dtype(dtype)
    if truth or pd.api.types.is_datetime64_any_dtype(dtype):
        raise SynthesisError(
            f"Grouping column {column!r} is of dtype {dtype}, in which new groups have no labels of their own. Fit it "
            f"as text, df[{column!r}].astype(str), or as a category."
        )
    if schema[column].labels == "int" or pd.api.types.is_numeric_dtype(dtype):
        return range(1, count + 1)
    return Numbered(column, count)
